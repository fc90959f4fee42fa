//! `stdout JOB`, `stderr JOB`: the bytes of one stream, as they were written, now or then.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::support::{Project, assert_transcript, wait_until, watches};

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// What a command prints on stdout.
fn printed(project: &Project, args: &[&str]) -> Vec<u8> {
    project.local_ci(args).output().assert_code(0).stdout
}

/// runs.txt, `stdout abc` and `stderr abc`: what the current or latest run of the job wrote there, byte for byte.
#[test]
fn runs_txt_stdout_and_stderr_are_the_bytes_of_the_latest_run() {
    let project = Project::new();
    project.config(
        "[stages.mixed]\nrun = 'chaos interleave 2000; printf \"\\033[31mno end\"; printf \"\\377\\000\\r\" >&2'\n\
         [stages.quiet]\nrun = 'true'\n",
    );
    project.local_ci(&["-q", "-j1"]).output().assert_code(0);
    let of = |name: &str, end: &[u8]| {
        let lines = (1..=2000).map(|n| format!("{name} {n}\n")).collect::<Vec<_>>().concat();
        [lines.as_bytes(), end].concat()
    };
    let (out, err) = (of("out", b"\x1b[31mno end"), of("err", b"\xff\0\r"));
    for target in ["mixed", "1/mixed", "latest/mixed"] {
        assert_eq!(hash(&printed(&project, &["stdout", target])), hash(&out), "{target}");
        assert_eq!(hash(&printed(&project, &["stderr", target])), hash(&err), "{target}");
        assert_eq!(hash(&printed(&project, &["stdout", target, "-f"])), hash(&out), "{target}");
    }
    assert_eq!(printed(&project, &["stdout", "mixed", "--tail", "2"]), b"out 2000\n\x1b[31mno end");
    assert_eq!(printed(&project, &["stderr", "mixed", "--tail", "3"]), b"err 1999\nerr 2000\n\xff\0\r");
    assert_eq!(printed(&project, &["stderr", "mixed", "--tail", "0"]), b"");
    assert_eq!(hash(&printed(&project, &["stderr", "mixed", "--tail", "9999"])), hash(&err));
    assert_transcript!(project.local_ci(&["stderr", "quiet"]).output(), @"
    $ local-ci stderr quiet
    --- stderr
    quiet wrote nothing to its standard error in run 1
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["stdout", "1"]).output(), @"
    $ local-ci stdout 1
    --- stderr
    error: stdout is of one job, and these are 2: mixed, quiet
      hint: name one, such as `local-ci stdout 1/mixed`; `local-ci logs` shows them all
    --- exit 2
    ");
    // A run of one job is that job.
    project.local_ci(&["-q", "mixed"]).output().assert_code(0);
    assert_eq!(hash(&printed(&project, &["stderr", "2"])), hash(&err));
    // What a terminal shows is made fit for it.
    let mut terminal = project.local_ci(&["stderr", "mixed", "--tail", "1"]).on_terminal(10, 40);
    terminal.wait_for_screen("␀");
    assert_eq!(terminal.wait().bytes, "\u{fffd}␀\r\n".as_bytes());
    project.assert_nothing_left();
}

/// Output is the same by whatever way it comes: in the foreground, attached, as logs, and stream by stream; compared by
/// hash.
#[test]
fn every_way_to_the_output_gives_the_same_bytes() {
    let project = Project::new();
    project.config("[stages.talks]\nrun = 'chaos lines 3000; chaos wait-for $SIDE/go; chaos lines 3000 >&2'\n");
    let foreground = project.local_ci(&[]).env("SIDE", project.side_dir()).spawn();
    foreground.wait_for_stdout("line 3000\n");
    let followers = [&["attach"][..], &["logs", "-f", "1"], &["stdout", "-f", "talks"], &["stderr", "-f", "talks"]];
    let followers = followers.map(|args| project.local_ci(args).spawn());
    for follower in &followers {
        wait_until("the follower to follow", || watches(follower.pid()));
    }
    project.open_gate("go");
    let group = |shown: &str| {
        let (_, rest) = shown.split_once("::group::talks\n$ ").unwrap();
        let (group, _) = rest.split_once("::endgroup::\n").unwrap();
        hash(group.split_once('\n').unwrap().1.as_bytes())
    };
    let lines = (1..=3000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    let (half, whole) = (hash(lines.as_bytes()), hash([lines.as_bytes(), lines.as_bytes()].concat().as_slice()));
    assert_eq!(group(&foreground.wait().assert_code(0).stdout()), whole);
    let [attached, logs, out, err] = followers.map(|follower| follower.wait().assert_code(0));
    assert_eq!(group(&attached.stdout()), whole);
    assert_eq!([&logs, &out, &err].map(|shown| hash(&shown.stdout)), [whole, half, half]);
    assert_eq!(hash(&project.log(1, "talks.log")), whole);
    for (args, expected) in [(["logs", "talks"], whole), (["stdout", "talks"], half), (["stderr", "talks"], half)] {
        assert_eq!(hash(&printed(&project, &args)), expected, "{args:?}");
    }
    project.assert_nothing_left();
}

/// A stream is followed while its job runs, as it is written, and through attempts; then the last one is what there is.
#[test]
fn a_stream_is_followed_through_attempts() {
    let project = Project::new();
    project.config(
        "[stages.flaky]\nretries = 1\nrun = 'echo out $LOCAL_CI_ATTEMPT; echo err $LOCAL_CI_ATTEMPT >&2; chaos wait-for $SIDE/$LOCAL_CI_ATTEMPT; test $LOCAL_CI_ATTEMPT = 2'\n",
    );
    let run = project.local_ci(&["-q"]).env("SIDE", project.side_dir()).spawn();
    project.run_dir(1);
    let follower = project.local_ci(&["stderr", "-f", "flaky"]).spawn();
    follower.wait_for_stdout("err 1\n");
    project.open_gate("1");
    follower.wait_for_stdout("err 1\nerr 2\n");
    project.open_gate("2");
    assert_eq!(follower.wait().assert_code(0).stdout(), "err 1\nerr 2\n");
    run.wait().assert_code(0);
    assert_eq!(printed(&project, &["stderr", "flaky"]), b"err 2\n");
    assert_eq!(printed(&project, &["stdout", "flaky"]), b"out 2\n");
    project.assert_nothing_left();
}

/// H54: of an output that is longer than is kept, each stream has its own head and end, and what is left out is said where
/// it is in nobody's way.
#[test]
fn h54_a_capped_log_has_the_end_of_each_stream() {
    let project = Project::new();
    project.config("[stages.capped]\nlog-max = '1KiB'\nrun = 'chaos lines 1000; echo failed >&2; echo done'\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    let err = project.local_ci(&["stderr", "capped"]).output().assert_code(0);
    assert_eq!(err.stdout(), "failed\n");
    assert!(err.stderr().starts_with('[') && err.stderr().ends_with(" bytes omitted]\n"), "{}", err.stderr());
    let out = printed(&project, &["stdout", "capped"]);
    assert!(out.starts_with(b"line 1\n") && out.ends_with(b"line 1000\ndone\n"));
    assert_eq!(out.len(), 2048 - "failed\n".len());
    assert_eq!(printed(&project, &["stdout", "capped", "--tail", "2"]), b"line 1000\ndone\n");
    project.assert_nothing_left();
}

/// A job on a terminal has one stream, and whoever asks for the other is told so.
#[test]
fn a_terminal_is_one_stream() {
    let project = Project::new();
    project.config("[stages.tty]\npty = true\nrun = 'echo out; echo err >&2'\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    assert_eq!(printed(&project, &["stdout", "tty"]), b"out\nerr\n");
    assert_transcript!(project.local_ci(&["stderr", "tty"]).output(), @"
    $ local-ci stderr tty
    --- stderr
    tty has a terminal, and both of its streams are one: `local-ci stdout tty` has it
    --- exit 0
    ");
    project.assert_nothing_left();
}
