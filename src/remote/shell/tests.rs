//! A shell of this machine, and what can stand in its place.

use super::*;
use crate::env::Env;
use crate::process::tool::Tools;
use crate::remote::here::Here;

const LIMIT: Duration = Duration::from_mins(1);

fn here(variables: &[(&str, &str)]) -> Here {
    let usual = [("PATH", "/usr/bin:/bin"), ("HOME", "/nonexistent")];
    Here::new(Tools::plain(&Env::from_pairs(usual.into_iter().chain(variables.iter().copied()))))
}

fn shell() -> Shell {
    Shell::open(&here(&[]), Login::No, LIMIT).unwrap()
}

fn call(shell: &Shell, script: &str) -> (i32, String) {
    let answer = shell.call(script, LIMIT, &|| false).unwrap();
    (answer.code, answer.text())
}

#[test]
fn a_script_is_answered_with_its_code_and_all_that_it_printed() {
    let shell = shell();
    assert_eq!(call(&shell, "echo one; printf two; exit 3"), (3, "one\ntwo".into()));
    assert_eq!(call(&shell, "printf '%s' 'it'\\''s'"), (0, "it's".into()));
    assert_eq!(call(&shell, ""), (0, String::new()));
    let bytes = shell.call("printf 'a\\000\\n\\377\\n\\n'", LIMIT, &|| false).unwrap().output;
    assert_eq!(bytes, b"a\0\n\xff\n\n");
}

/// H139: what a script does to its shell, it does to itself.
#[test]
fn h139_no_script_ends_the_shell() {
    let shell = shell();
    for (script, code) in [
        ("exit 7", 7),
        ("kill -9 $(sh -c 'echo $PPID')", 137),
        ("exec false", 1),
        ("set -e; false; echo not reached", 1),
        ("exec >&-; echo x", 1),
    ] {
        assert_eq!(call(&shell, script), (code, String::new()), "{script}");
    }
    let (code, printed) = call(&shell, "if then fi ) ' \"");
    assert!(code != 0 && printed.is_empty(), "{code} {printed}");
    assert_eq!(call(&shell, "cat; read x || echo 'nothing to read'"), (0, "nothing to read\n".into()));
    assert_eq!(call(&shell, "a=1"), (0, String::new()));
    assert_eq!(call(&shell, "echo ${a-unset}; echo oops >&2"), (0, "unset\n".into()));
}

/// More than any argument may have, with every byte that a script can hold.
#[test]
fn a_script_of_three_megabytes_passes() {
    let line: String = ('\u{1}'..='\u{ff}').filter(|c| *c != '\n').collect();
    let text = (line.clone() + "\n").repeat(3_000_000 / line.len());
    let quoted = text.replace('\'', r"'\''");
    let shell = shell();
    let answer = shell.call(&format!("printf '%s' '{quoted}'"), LIMIT, &|| false).unwrap();
    assert!(answer.code == 0 && answer.output == text.as_bytes(), "{} bytes came back", answer.output.len());
}

#[test]
fn what_is_printed_late_is_no_answer() {
    let shell = shell();
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("mark").display().to_string();
    let script = format!("(while [ ! -e {mark} ]; do sleep 0.01; done; echo late; touch {mark}.done) & echo now");
    assert_eq!(call(&shell, &script), (0, "now\n".into()));
    assert_eq!(call(&shell, &format!("touch {mark}")).0, 0);
    // Between two requests, that is: what comes within another's answer is taken for its own.
    let done = dir.path().join("mark.done");
    while !done.exists() {
        std::thread::yield_now();
    }
    assert_eq!(call(&shell, "echo next"), (0, "next\n".into()));
}

/// A request does not wait for the answer to the one before to come back, nor for its sender.
#[test]
fn many_ask_at_once_and_each_gets_its_own_answer() {
    let shell = shell();
    std::thread::scope(|scope| {
        for n in 0..20 {
            let shell = &shell;
            scope.spawn(move || {
                for round in 0..10 {
                    assert_eq!(call(shell, &format!("echo {n} {round}")), (0, format!("{n} {round}\n")));
                }
            });
        }
    });
    assert!(shell.round_trip().is_some_and(|median| median < LIMIT));
}

#[test]
fn who_cancels_does_not_wait_and_the_next_is_answered() {
    let shell = shell();
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo").display().to_string();
    assert_eq!(call(&shell, &format!("mkfifo {fifo}")).0, 0);
    let fault = shell.call(&format!("read x <{fifo}; echo $x"), LIMIT, &|| true).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Cancelled);
    std::fs::write(&fifo, "x\n").unwrap();
    assert_eq!(call(&shell, "echo next"), (0, "next\n".into()));
}

#[test]
fn a_shell_that_takes_too_long_is_given_up_for_all() {
    let shell = shell();
    let fault = shell.call("sleep 1000", Duration::from_millis(50), &|| false).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::TimedOut, "this machine has not answered for 0.05 s"));
    assert_eq!(shell.call("echo", LIMIT, &|| false).unwrap_err(), fault);
}

#[test]
fn a_shell_that_is_gone_is_a_line_that_was_cut() {
    let shell = shell();
    let fault = shell.call("kill -9 $$", LIMIT, &|| false).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Cut, "the line to this machine was cut"));
}

/// H139: a profile that prints is passed over and can be looked at; one that exits, that becomes another program, or that
/// wants something to read costs the profile and nothing else.
#[test]
fn h139_whatever_a_profile_does_there_is_a_shell() {
    let home = tempfile::tempdir().unwrap();
    let transport = here(&[("HOME", home.path().to_str().unwrap())]);
    let profile = |text: &str| std::fs::write(home.path().join(".profile"), text).unwrap();
    let open = || Shell::open(&transport, Login::Yes, LIMIT).unwrap();

    profile("echo 'Welcome!'; echo 'no newline' >&2; printf partial; export MADE=here");
    let shell = open();
    assert_eq!((shell.login(), call(&shell, "echo $MADE")), (Login::Yes, (0, "here\n".into())));
    let noise = String::from_utf8_lossy(shell.noise()).into_owned();
    assert!(noise.contains("Welcome!\n") && noise.contains("partial"), "{noise}");

    profile("read answer; cat; export MADE=\"[$answer]\"");
    let shell = open();
    assert_eq!((shell.login(), call(&shell, "echo $MADE")), (Login::Yes, (0, "[]\n".into())));

    for (text, said) in [("echo closed; exit 1", "closed"), ("exec cat", ""), ("if then", "")] {
        profile(text);
        let shell = open();
        assert_eq!((shell.login(), call(&shell, "echo up")), (Login::No, (0, "up\n".into())), "{text}");
        assert!(String::from_utf8_lossy(shell.noise()).contains(said), "{text}");
    }
}

#[test]
fn a_profile_that_floods_or_hangs_is_given_up() {
    let home = tempfile::tempdir().unwrap();
    let transport = here(&[("HOME", home.path().to_str().unwrap())]);
    for text in ["while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", "sleep 1000"] {
        std::fs::write(home.path().join(".profile"), text).unwrap();
        let shell = Shell::open(&transport, Login::Yes, Duration::from_secs(2)).unwrap();
        assert_eq!((shell.login(), shell.noise().len() <= 4096), (Login::No, true), "{text}");
        assert_eq!(call(&shell, "echo up"), (0, "up\n".into()));
    }
}

/// A way to something that is no shell.
struct To(Tools, &'static str);

impl Transport for To {
    fn host(&self) -> &'static str {
        "box"
    }

    fn connect(&self, _: Duration) -> Result<(), Fault> {
        Ok(())
    }

    fn open(&self, _: Login, _: Duration) -> Result<crate::remote::Channel, Fault> {
        let tool = crate::process::tool::Tool::new(["sh", "-c", self.1]);
        let (started, streams) = self.0.start(&tool, true).unwrap();
        let (input, guard) = (streams.stdin.unwrap(), Box::new(started));
        Ok(crate::remote::Channel { input, output: streams.stdout, errors: streams.stderr, guard })
    }

    fn bulk(&self) -> crate::remote::Bulk {
        unreachable!("nothing is sent")
    }

    fn close(&self) {}
}

/// H139: what answers and is no shell is told, with what it says.
#[test]
fn h139_what_is_no_shell_is_told() {
    let tools = Tools::plain(&Env::from_pairs([("PATH", "/usr/bin:/bin")]));
    let open = |script, limit| Shell::open(&To(tools.clone(), script), Login::Yes, limit).unwrap_err();
    let fault = open("echo 'This account is currently not available.'; exit 1", LIMIT);
    insta::assert_snapshot!(fault, @r#"
    box gives no shell to run commands with; it said "This account is currently not available."
      try: `ssh box exec /bin/sh -s` and a line such as `id`: it has to be answered
      try: let the user have a login shell there, without ForceCommand for this key
    "#);
    assert_eq!(fault.kind, FaultKind::Protocol);
    assert!(open("exit 0", LIMIT).message.ends_with("it said nothing"));
    let fault = open("echo 'sh: 1: syntax' >&2", LIMIT);
    assert!(fault.message.ends_with("it said \"sh: 1: syntax\""), "{fault}");
    // What repeats all that it is told has not understood it.
    let fault = open("cat", Duration::from_millis(300));
    assert_eq!(fault.kind, FaultKind::TimedOut);
    assert!(fault.message.starts_with("box gave no shell within 0.3 s; it said \"exec 2>/dev/null"), "{fault}");
    let cure = "`ssh box exec /bin/sh -l </dev/null`: where that does not end, a start file there waits for something";
    assert_eq!(fault.cures, [cure]);
}
