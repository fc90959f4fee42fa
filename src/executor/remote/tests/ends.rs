//! How attempts end: with what, and what is told of those that cannot run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::harness::{Machine, environment};
use crate::executor::{ExecError, Executor, Streams};
use crate::outcome::Exit;
use crate::pipeline::Command;

/// H130: ssh's own 255 has no part in it.
#[test]
fn h130_a_code_is_the_stages_own_and_a_signal_is_no_code() {
    for (script, exit) in [
        ("true", Exit::Code(0)),
        ("exit 1", Exit::Code(1)),
        ("exit 3", Exit::Code(3)),
        ("exit 127", Exit::Code(127)),
        ("exit 137", Exit::Code(137)),
        ("exit 255", Exit::Code(255)),
        ("kill -9 $$", Exit::Signal(9)),
        ("kill -15 $$", Exit::Signal(15)),
        ("kill -6 $$", Exit::Signal(6)),
        ("exit 143", Exit::Code(143)),
    ] {
        let machine = Machine::new();
        let (result, printed) = machine.run(&format!("echo out; echo err >&2; {script}"));
        let ended = result.unwrap();
        assert_eq!((ended.exit, printed.as_str()), (exit, "out\nerr\n"), "{script}");
        assert!(ended.took.unwrap() < Duration::from_secs(30));
    }
}

/// H145: by the clock there.
#[test]
fn h145_it_took_as_long_as_it_ran() {
    let (result, _) = Machine::new().run("sleep 0.3");
    let took = result.unwrap().took.unwrap();
    assert!(took >= Duration::from_millis(280) && took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn what_a_stage_inherits_is_a_login_and_what_is_declared() {
    let machine = Machine::new();
    let mut job = machine.job(Command::Argv(vec!["env".into(), "-0".into()]));
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    job.env =
        vec![set("A", "1"), set("A", "it's\n\"two\" $HOME `id`"), set("odd.name", "x y"), set("WHOSE", "the stage's")];
    job.env.push(set("LOCAL_CI_STAGE", "another"));
    let (result, log) = machine.execute(&job);
    assert_eq!(result.unwrap().exit, Exit::Code(0));
    let found = environment(&log.bytes);
    for (name, value) in [
        ("A", "it's\n\"two\" $HOME `id`"),
        ("odd.name", "x y"),
        ("WHOSE", "the stage's"),
        ("LOCAL_CI", "1"),
        ("LOCAL_CI_STAGE", "s"),
        ("LOCAL_CI_ATTEMPT", "1"),
        ("LOCAL_CI_RUN", "42"),
        ("HOME", machine.path("home").to_str().unwrap()),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!found.contains_key("SSH_TTY") && !found.contains_key("OLDPWD"), "{found:?}");
    let ours: Vec<&String> = found.keys().filter(|name| name.starts_with("__")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

/// Dispositions, the mask of modes and the session are what they are for a stage here.
#[test]
fn a_stage_leads_a_session_and_ignores_nothing() {
    let machine = Machine::new();
    let script = "grep -E 'SigIgn|SigBlk' /proc/self/status; umask; cat /proc/self/stat; ls -l /proc/self/fd | wc -l; \
                  exec 2>/dev/null; (: </dev/tty) && echo 'a terminal' || echo none";
    let (result, printed) = machine.run(&format!("umask; {script}"));
    assert_eq!(result.unwrap().exit, Exit::Code(0), "{printed}");
    let mask = rustix::process::umask(rustix::fs::Mode::RWXO);
    rustix::process::umask(mask);
    // Of the 31 that have names: the C library keeps two for itself.
    let masks: Vec<u64> = printed
        .lines()
        .filter_map(|line| u64::from_str_radix(line.strip_prefix("Sig")?.get(4..)?.trim(), 16).ok())
        .map(|mask| mask & 0x7fff_ffff)
        .collect();
    assert_eq!(masks, [0, 0], "{printed}");
    assert!(printed.starts_with(&format!("{:04o}\n", mask.bits())), "{printed}");
    assert!(printed.contains("\nnone\n"), "{printed}");
}

#[test]
fn arguments_and_directories_come_as_they_are() {
    let machine = Machine::new();
    let odd = "a b'c\"d$e\nf é%s";
    fs::create_dir(machine.path("work").join(odd)).unwrap();
    let mut job = machine.job(Command::Argv(["printf", "%s|", "", "-n", "*", odd].map(str::to_owned).to_vec()));
    job.dir = format!("/project/{odd}").into();
    let (result, log) = machine.execute(&job);
    assert_eq!((result.unwrap().exit, String::from_utf8(log.bytes).unwrap()), (Exit::Code(0), format!("|-n|*|{odd}|")));
    let shell = ["sh", "-c"].map(str::to_owned).to_vec();
    let mut job = machine.job(Command::Shell { shell, script: "pwd; echo \"$0 $@\"".into(), args: vec!["a b".into()] });
    job.dir = format!("/project/{odd}").into();
    job.attempt = 2;
    let (_, log) = machine.execute(&job);
    let wanted = format!("{}/{odd}\nsh a b\n", machine.path("work").display());
    assert_eq!(String::from_utf8(log.bytes).unwrap(), wanted);
}

fn refused(machine: &Machine, argv: &[&str], dir: &str) -> (i32, String) {
    let mut job = machine.job(Command::Argv(argv.iter().map(|word| (*word).to_owned()).collect()));
    job.dir = dir.into();
    job.env = vec![("PATH".into(), "/usr/bin:/bin".into())];
    // Each in a directory of its own.
    job.attempt = u32::try_from(fs::read_dir(machine.run_dir()).map_or(0, Iterator::count)).unwrap() + 1;
    match machine.execute(&job) {
        (Err(ExecError::NotStarted { code, message }), log) => {
            assert!(log.bytes.is_empty());
            (code, message.replace(machine.path("").to_str().unwrap(), "/"))
        }
        other => panic!("{argv:?}: {:?}", other.0),
    }
}

/// H103–H106: in the words that are used here.
#[test]
fn h103_what_cannot_be_started_is_told_as_it_is_here() {
    let machine = Machine::new();
    let file = |name: &str, text: &str, mode: u32| {
        let path = machine.path("work").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    file("plain", "", 0o644);
    file("crlf", "#!/bin/sh\r\necho\r\n", 0o755);
    file("bare", "echo\n", 0o755);
    file("good", "#! /bin/sh -e\necho\n", 0o755);
    let told = |argv: &[&str]| refused(&machine, argv, "/project");
    assert_eq!(
        told(&["no-such-tool"]),
        (127, "command not found: no-such-tool\nlooked in PATH on box: /usr/bin:/bin".into())
    );
    assert_eq!(told(&["./none"]), (127, "command not found: ./none (no such file in /work)".into()));
    assert_eq!(told(&[""]), (127, "the command's name is empty".into()));
    assert_eq!(told(&["./sub"]), (126, "cannot execute ./sub: it is a directory".into()));
    assert_eq!(told(&["./plain"]), (126, "cannot execute ./plain: permission denied; try: chmod +x ./plain".into()));
    let (code, message) = told(&["./crlf"]);
    assert!(code == 127 && message.contains(r"'/bin/sh\r' is not there (the file has CRLF"), "{message}");
    let (code, message) = told(&["./bare"]);
    assert!(code == 126 && message.starts_with("cannot execute ./bare: not an executable format"), "{message}");
    let dir = |dir| refused(&machine, &["true"], dir);
    assert_eq!(dir("/project/none"), (126, "the working directory /work/none is not there on box".into()));
    assert_eq!(dir("/project/plain"), (126, "the working directory /work/plain is not a directory on box".into()));
    let mut job = machine.job(Command::Argv(vec!["./good".into()]));
    job.attempt = 100;
    assert_eq!(machine.execute(&job).0.unwrap().exit, Exit::Code(0));
}

#[test]
fn a_stage_with_a_terminal_has_one_and_its_code_is_its_own() {
    let machine = Machine::new();
    let mut job = machine.sh("test -t 1; printf 'a\\nb\\n'; echo \"it's $SHELL\"; exit 7");
    job.streams = Streams::Pty;
    job.env = vec![("SHELL".into(), "/bin/none of those".into())];
    let (result, log) = machine.execute(&job);
    assert_eq!(result.unwrap().exit, Exit::Code(7));
    assert_eq!(String::from_utf8(log.bytes).unwrap(), "a\nb\nit's /bin/none of those\n");
}

#[test]
fn a_stage_that_a_person_types_at_is_refused() {
    let machine = Machine::new();
    let mut job = machine.sh("true");
    job.streams = Streams::Console;
    let (result, _) = machine.execute(&job);
    assert!(matches!(result, Err(ExecError::Infrastructure { message }) if message.contains("interactive = true")));
    assert_eq!(machine.executor.name(), "box");
}

/// The shell that follows reads no profile, and has to find what the one that starts has made.
#[test]
fn a_profile_may_say_where_state_is_kept() {
    let machine = Machine::at_home("export XDG_STATE_HOME=\"$HOME/kept here\"");
    let (result, printed) = machine.run("echo x; exit 3");
    assert_eq!((result.unwrap().exit, printed.as_str()), (Exit::Code(3), "x\n"));
    assert!(machine.path("home/kept here/local-ci/p-12345678/runs").is_dir());
}
