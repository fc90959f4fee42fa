//! Tools of a process without a reaper: one would take away what other tests of this process wait for.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

const LIMIT: Duration = Duration::from_mins(1);

fn tools() -> Tools {
    Tools::plain(&Env::from_pairs([("PATH", "/usr/bin:/bin"), ("SHOWN", "inherited"), ("GIT_DIR", "elsewhere")]))
}

fn sh(script: &str) -> Tool {
    Tool::new(["sh", "-c", script])
}

#[test]
fn what_is_given_and_what_is_printed_may_both_be_large() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let ran = tools().run(&Tool::new(["cat"]).stdin(bytes.clone()), LIMIT, &|| false).unwrap();
    assert_eq!((ran.exit, ran.stdout == bytes, ran.said().as_str()), (Exit::Code(0), true, ""));
}

#[test]
fn a_tool_has_its_variables_and_directory_and_no_repository() {
    let dir = tempfile::tempdir().unwrap();
    let tool = sh("echo \"$SHOWN ${GIT_DIR-none} $OWN\"; pwd; read x || echo nothing; echo oops >&2; exit 3");
    let ran = tools().run(&tool.env("OWN", "1").env("OWN", "2").dir(dir.path()), LIMIT, &|| false).unwrap();
    let expected = format!("inherited none 2\n{}\nnothing\n", dir.path().canonicalize().unwrap().display());
    assert_eq!((ran.exit, String::from_utf8(ran.stdout).unwrap()), (Exit::Code(3), expected));
    assert_eq!(ran.stderr, b"oops\n");
}

#[test]
fn who_reads_nothing_is_not_waited_for() {
    let ran = tools().run(&sh("exit 0").stdin(vec![b'x'; 1_000_000]), LIMIT, &|| false).unwrap();
    assert_eq!(ran.exit, Exit::Code(0));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = tools().run(&Tool::new(["no-such-tool"]), LIMIT, &|| false).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("command not found: no-such-tool"), "{error}");
    assert!(tools().find("sh").is_ok() && tools().find("no-such-tool").is_err());
}

/// The group goes with it: what it started itself does not live on.
#[test]
fn at_the_limit_the_whole_group_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let script = format!("sleep 1000 & echo $! >{}; wait", file.display());
    let error = tools().run(&sh(&script), Duration::from_millis(700), &|| false).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let pid = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let began = crate::clock::SystemClock;
    let start = crate::clock::Clock::now(&began);
    while crate::process::table::read_entry(pid).is_some_and(|entry| !entry.is_dead()) {
        assert!(crate::clock::Clock::now(&began).since(start) < LIMIT, "{pid} lives on");
        std::thread::yield_now();
    }
}

#[test]
fn who_ignores_the_first_signal_is_killed() {
    let cancelled = AtomicBool::new(false);
    let asked = || cancelled.swap(true, Ordering::SeqCst);
    let error = tools().run(&sh("trap '' TERM; while :; do sleep 1; done"), LIMIT, &asked).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Interrupted);
}

/// A daemon that keeps its output open costs a moment.
#[test]
fn what_a_tool_leaves_behind_is_not_waited_for() {
    let ran = tools().run(&sh("setsid sleep 3 & echo done"), Duration::from_secs(2), &|| false).unwrap();
    assert_eq!((ran.exit, ran.stdout.as_slice()), (Exit::Code(0), b"done\n".as_slice()));
}

#[test]
fn a_tool_that_is_let_go_of_is_killed() {
    let (started, mut streams) = tools().start(&sh("echo up; cat; sleep 1000"), true).unwrap();
    let mut up = [0; 3];
    io::Read::read_exact(&mut streams.stdout, &mut up).unwrap();
    assert_eq!(started.exit(), None);
    drop(started);
    let mut rest = Vec::new();
    io::Read::read_to_end(&mut streams.stdout, &mut rest).unwrap();
    assert!(rest.is_empty());
}
