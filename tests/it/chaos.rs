//! The helper does what its commands say: a test of the runner is worth no more than the misbehaviour it rests on.

use std::fs;

use rustix::process::Signal;

use crate::support::{Project, assert_transcript};

#[test]
fn flood_writes_exactly_that_much() {
    let project = Project::new();
    let flood = project.chaos(&["flood", "1M"]).output().assert_code(0);
    assert_eq!(flood.stdout.len(), 1 << 20);
    assert!(flood.stdout.chunks(80).all(|line| line.len() < 80 || line.ends_with(b"x\n")));
    let line = project.chaos(&["flood", "100001", "--no-newline", "--stderr"]).output().assert_code(0);
    assert_eq!((line.stdout.len(), line.stderr.len()), (0, 100_001));
    assert!(line.stderr.iter().all(|byte| *byte == b'x'));
}

#[test]
fn output_of_every_kind() {
    let project = Project::new();
    assert_transcript!(project.chaos(&["lines", "3"]).output(), @r"
    $ chaos lines 3
    line 1
    line 2
    line 3
    --- exit 0
    ");
    assert_transcript!(project.sh("chaos interleave 2 2>&1").output(), @r"
    $ sh -c 'chaos interleave 2 2>&1'
    out 1
    err 1
    out 2
    err 2
    --- exit 0
    ");
    assert_eq!(project.chaos(&["progress-cr", "2"]).output().stdout(), "\rstep 0/2\rstep 1/2\rstep 2/2\n");
    assert_eq!(project.chaos(&["print-hex", "1b5b", "00FF"]).output().stdout, [0x1b, 0x5b, 0, 0xff]);
    assert_transcript!(project.chaos(&["exit", "7"]).output(), @r"
    $ chaos exit 7
    --- exit 7
    ");
}

#[test]
fn crash_dies_of_the_signal_itself() {
    let project = Project::new();
    for (name, signal) in
        [("KILL", Signal::KILL), ("SIGSEGV", Signal::SEGV), ("6", Signal::ABORT), ("TERM", Signal::TERM)]
    {
        project.chaos(&["crash", name]).output().assert_signal(signal);
    }
    assert_eq!(fs::read_dir(project.dir()).unwrap().count(), 0, "a core file was left");
}

#[test]
fn alloc_takes_the_memory() {
    let project = Project::new();
    let took = project.chaos(&["alloc", "1M"]).output().assert_code(0);
    assert_eq!(took.stdout(), "took 1048576 bytes\n");
    project.sh("ulimit -v 500000; chaos alloc 2G").output().assert_code(1);
}

#[test]
fn inputs_are_as_given() {
    let project = Project::new();
    assert_eq!(project.chaos(&["read-stdin"]).output().stdout(), "stdin had 0 bytes\n");
    assert_eq!(project.chaos(&["read-stdin"]).stdin("abc\n").output().stdout(), "stdin had 4 bytes\n");
    let env = project.chaos(&["echo-env", "A", "HOME", "B"]).env("A", "1").env("B", "2").env_remove("B").output();
    assert_transcript!(env, @r"
    $ chaos echo-env A HOME B
    A=1
    HOME=[TEMP]/home
    B is not set
    --- exit 0
    ");
    let all = project.chaos(&["echo-env"]).output().stdout();
    let names: Vec<_> = all.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(
        names,
        [
            "HOME",
            "LANG",
            "LOCAL_CI_CACHE_DIR",
            "LOCAL_CI_STATE_DIR",
            "PATH",
            "TMPDIR",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_STATE_HOME"
        ]
    );
}

#[test]
fn descriptors_and_signals_are_seen() {
    let project = Project::new();
    let fds = |script| -> Vec<u32> {
        let text = project.sh(script).output().assert_code(0).stdout();
        text.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
    };
    // Whatever started the tests may have left descriptors open for them to inherit.
    let inherited = fds("exec chaos fds 7<&-");
    assert!(inherited.starts_with(&[0, 1, 2]) && !inherited.contains(&7), "{inherited:?}");
    let with_another = fds("exec chaos fds 7</dev/null");
    assert!(with_another.contains(&7), "{with_another:?}");
    assert_eq!(with_another.into_iter().filter(|fd| *fd != 7).collect::<Vec<_>>(), inherited);
    let masks = |script| -> Vec<u64> {
        let text = project.sh(script).output().assert_code(0).stdout();
        assert!(text.starts_with("SigIgn ") && text.contains("\nSigBlk "), "{text}");
        text.lines().map(|line| u64::from_str_radix(&line[7..], 16).unwrap()).collect()
    };
    // Not SIGINT: a shell has what it starts in the background ignore it, and the tests may be that.
    let inherited = masks("trap - USR1 USR2; exec chaos signals");
    assert_eq!(inherited[0] & 0xa00, 0);
    assert_eq!(masks("trap '' USR1 USR2; exec chaos signals"), [inherited[0] | 0xa00, inherited[1]]);
}

#[test]
fn flags_are_spoilt_for_whoever_shares_the_descriptors() {
    let project = Project::new();
    let blocking = project.sh("chaos flags").output().assert_code(0);
    assert_eq!(blocking.stdout(), "stdin blocks\nstdout blocks\nstderr blocks\n");
    let spoilt = project.sh("chaos spoil-flags; chaos flags").output().assert_code(0);
    assert_eq!(spoilt.stdout(), "stdin does not block\nstdout does not block\nstderr does not block\n");
}

#[test]
fn without_a_terminal_there_is_none_to_read() {
    let project = Project::new();
    // A new session has no terminal, wherever the tests themselves were started.
    let read = project.sh("setsid --wait chaos read-tty").output().assert_code(6);
    assert_eq!(read.stderr(), "chaos: /dev/tty: No such device or address (os error 6)\n");
    let ids = project.sh("setsid --wait chaos ids").output().stdout();
    assert!(ids.ends_with("no controlling terminal\n"), "{ids}");
    let numbers: Vec<_> = ids.split([' ', ',']).filter_map(|word| word.parse::<u32>().ok()).collect();
    assert!(numbers.len() == 3 && numbers.iter().all(|n| *n == numbers[0]), "{ids}");
}

#[test]
fn wait_for_waits_and_touch_ends_it() {
    let project = Project::new();
    let gate = project.side("gate");
    let gate = gate.to_str().unwrap();
    let waiting = project.sh(&format!("echo waiting; chaos wait-for {gate}; echo through")).spawn();
    waiting.wait_for_stdout("waiting");
    project.chaos(&["touch", gate]).output().assert_code(0);
    assert_eq!(waiting.wait().assert_code(0).stdout(), "waiting\nthrough\n");
}

#[test]
fn ignore_term_outlives_all_but_kill() {
    let project = Project::new();
    let (pid, ready) = (project.side("pid"), project.side("ready"));
    let args = ["ignore-term", "--pid-file", pid.to_str().unwrap(), "--ready-file", ready.to_str().unwrap()];
    let stubborn = project.chaos(&args).spawn();
    let identity = project.identity("pid");
    assert_eq!(identity.pid, stubborn.pid(), "exec keeps the process");
    project.sh(&format!("chaos wait-for {}", ready.display())).output().assert_code(0);
    // A pending signal that is not ignored would be delivered before kill returns to us.
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        stubborn.kill(signal);
    }
    let ignored = fs::read_to_string(format!("/proc/{}/status", identity.pid)).unwrap();
    let ignored = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & 0x4007, 0x4007);
    assert!(identity.is_alive());
    stubborn.kill(Signal::KILL);
    stubborn.wait().assert_signal(Signal::KILL);
    identity.assert_gone();
}

#[test]
fn daemons_outlive_their_parent_in_every_way() {
    for (how, new_session) in [("", false), ("--setsid", true), ("--double", true), ("--setsid --scrub-env", true)] {
        let project = Project::new();
        let pid = project.side("pid");
        let script = format!("chaos fork-daemon {how} --close-fds --pid-file {} && chaos ids", pid.display());
        let parent = project.sh(&script).output().assert_code(0);
        let daemon = project.identity("pid");
        let read = |what: &str| {
            let file = format!("/proc/{}/{what}", daemon.pid);
            let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{how}: {file}: {error}; {daemon:?}"));
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (stat, environment) = (read("stat"), read("environ"));
        // Looked at last: what was read before is then the daemon's.
        assert!(daemon.is_alive(), "{how}: {daemon:?} is not alive; its number has {stat:?}");
        let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap();
        let said = parent.stdout();
        let own = said.split(", ").find_map(|part| part.strip_prefix("session ")).unwrap();
        assert_eq!(session != own, new_session, "{how}: the daemon is {stat:?}, the shell {said:?}");
        assert_eq!(environment.is_empty(), how.contains("scrub-env"), "{how}: {stat:?} has {environment:?}");
        daemon.kill(Signal::KILL);
        daemon.assert_gone();
    }
}

#[test]
fn a_daemon_can_hold_the_output_open() {
    let project = Project::new();
    let pid = project.side("pid");
    let running = project.chaos(&["fork-daemon", "--hold-stdout", "--pid-file", pid.to_str().unwrap()]).spawn();
    let daemon = project.identity("pid");
    let held = fs::read_link(format!("/proc/{}/fd/1", daemon.pid)).unwrap();
    assert!(held.to_str().unwrap().starts_with("pipe:"), "{held:?}");
    daemon.kill(Signal::KILL);
    running.wait().assert_code(0);
}
