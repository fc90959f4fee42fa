//! `logs -f`: of one run or of all that go on, line by line, whose each is, and what has no end yet.

use std::fs::{self, File};

use crate::support::{Project, Running, assert_transcript, wait_until, watches};

/// A follower, once it follows.
fn following<'p>(project: &'p Project, args: &[&str]) -> Running<'p> {
    let follower = project.local_ci(args).spawn();
    wait_until("the follower to follow", || watches(follower.pid()));
    follower
}

/// A run of these stages, once all have begun.
fn begun<'p>(project: &'p Project, number: u64, stages: &[&str]) -> Running<'p> {
    let args = [&["-q", "-j9"], stages].concat();
    let running = project.local_ci(&args).env("SIDE", project.side_dir()).spawn();
    project.run_dir(number);
    let started = || project.events(number).iter().filter(|event| event["event"] == "stage_started").count();
    wait_until("the stages to begin", || started() == stages.len());
    running
}

/// runs.txt, `logs`: follows the output of all running jobs; also of those that start while it does, prefixed, and it ends
/// with the last of them.
#[test]
fn runs_txt_logs_follows_all_running_jobs() {
    let project = Project::new();
    project.config(
        "[stages.one]\nrun = 'echo one begins; chaos wait-for $SIDE/one; echo one ends'\n\
         [stages.second]\nrun = 'chaos wait-for $SIDE/go; echo hello; chaos wait-for $SIDE/second; exit 3'\n\
         [stages.late]\nrun = 'echo late'\n",
    );
    let one = begun(&project, 1, &["one"]);
    let second = begun(&project, 2, &["second"]);
    let follower = following(&project, &["logs", "-f"]);
    follower.wait_for_stdout("1/one    | one begins\n");
    project.open_gate("go");
    follower.wait_for_stdout("2/second | hello\n");
    project.local_ci(&["-q", "late"]).output().assert_code(0);
    follower.wait_for_stdout("3/late   | late\n");
    project.open_gate("one");
    follower.wait_for_stdout("1/one    | one ends\n");
    project.open_gate("second");
    assert_transcript!(follower.wait(), @"
    $ local-ci logs -f
    1/one    | one begins
    2/second | hello
    3/late   | late
    1/one    | one ends
    --- exit 1
    ");
    one.wait().assert_code(0);
    second.wait().assert_code(1);
    assert_transcript!(project.local_ci(&["logs", "-f"]).output(), @"
    $ local-ci logs -f
    --- stderr
    nothing is running here; `local-ci logs` shows what the latest run printed
    --- exit 0
    ");
    project.assert_nothing_left();
}

/// What came from stderr is told apart, while it runs and after: by the bar in a pipe, by its colour, too, on a terminal.
#[test]
fn what_came_from_stderr_is_told_apart() {
    let project = Project::new();
    project.config(
        "[stages.talks]\nrun = 'echo out; chaos wait-for $SIDE/1; echo err >&2; chaos wait-for $SIDE/2; echo more; chaos wait-for $SIDE/3'\n\
         [stages.x]\nrun = 'true'\n",
    );
    let run = begun(&project, 1, &["talks"]);
    let follower = following(&project, &["logs", "-f"]);
    let mut terminal = project.local_ci(&["logs", "-f"]).env("TERM", "xterm-256color").on_terminal(24, 80);
    let lines = ["1/talks | out\n", "1/talks ! err\n", "1/talks | more\n"];
    for (gate, line) in (1..).zip(lines) {
        follower.wait_for_stdout(line);
        terminal.wait_for_screen(line.trim_end());
        project.open_gate(&gate.to_string());
    }
    assert_eq!(follower.wait().assert_code(0).stdout(), lines.concat());
    let bytes = String::from_utf8(terminal.wait().bytes).unwrap();
    assert!(bytes.contains("\x1b[31m!\x1b[0m err"), "{bytes:?}");
    run.wait().assert_code(0);
    // After the run just the same, where there are several.
    let project = Project::new();
    project.config("[stages.a]\nrun = 'echo oops >&2'\n[stages.bb]\nrun = 'echo fine'\n");
    project.local_ci(&["-q", "-j1"]).output().assert_code(0);
    assert_eq!(project.local_ci(&["logs"]).output().stdout(), "a  ! oops\nbb | fine\n");
    assert_eq!(project.local_ci(&["logs", "a"]).output().stdout(), "oops\n");
}

/// H59: a line without an end is shown when nothing comes of it; its rest goes on in it, or in a line of its own where
/// another came between, and nothing is shown twice.
#[test]
fn h59_a_question_is_seen_before_its_answer() {
    let project = Project::new();
    project.config(
        "[stages.asks]\nrun = 'printf \"Sure? \"; chaos wait-for $SIDE/1; echo yes; printf \"Really? \"; chaos wait-for $SIDE/3; echo no; printf end; chaos wait-for $SIDE/4'\n\
         [stages.other]\nrun = 'chaos wait-for $SIDE/2; echo between; chaos wait-for $SIDE/4'\n",
    );
    let run = begun(&project, 1, &["asks", "other"]);
    let alone = following(&project, &["logs", "-f", "asks"]);
    let among = following(&project, &["logs", "-f", "1"]);
    let mut terminal = project.local_ci(&["logs", "-f"]).on_terminal(24, 80);
    let mut wait = |gate: &str, only: &str, shown: &str, screen: &str| {
        alone.wait_for_stdout(only);
        among.wait_for_stdout(shown);
        terminal.wait_for_screen(screen);
        project.open_gate(gate);
    };
    wait("1", "Sure? ", "asks  | Sure? ", "1/asks  | Sure? ");
    wait("2", "Really? ", "asks  | Really? ", "1/asks  | Really? ");
    wait("3", "Really? ", "other | between\n", "1/other | between");
    wait("4", "no\nend", "asks  | no\nasks  | end", "1/asks  | end");
    assert_eq!(alone.wait().assert_code(0).stdout(), "Sure? yes\nReally? no\nend\n");
    assert_eq!(
        among.wait().assert_code(0).stdout(),
        "asks  | Sure? yes\nasks  | Really? \nother | between\nasks  | no\nasks  | end\n"
    );
    run.wait().assert_code(0);
    let left = terminal.wait();
    assert!(
        left.screen.contains("1/asks  | Really? \n1/other | between\n1/asks  | no\n1/asks  | end"),
        "{}",
        left.screen
    );
    project.assert_nothing_left();
}

/// `--tail` and `--grep` mean with all runs what they mean with one.
#[test]
fn all_runs_are_cut_and_searched() {
    let project = Project::new();
    project.config(
        "[stages.a]\nrun = 'chaos lines 500; chaos wait-for $SIDE/go; echo line end'\n\
         [stages.b]\nrun = 'echo line of b; chaos wait-for $SIDE/go'\n",
    );
    let (a, b) = (begun(&project, 1, &["a"]), begun(&project, 2, &["b"]));
    wait_until("the lines", || {
        let log = |number, name| fs::read(project.run_dir(number).join(name)).unwrap_or_default();
        log(1, "logs/a.log").ends_with(b"line 500\n") && log(2, "logs/b.log") == b"line of b\n"
    });
    let tail = following(&project, &["logs", "-f", "--tail", "1"]);
    let grep = following(&project, &["logs", "-f", "--grep", "e 50?$|[fd]"]);
    tail.wait_for_stdout("line of b\n");
    project.open_gate("go");
    let mut tail: Vec<String> = tail.wait().assert_code(0).stdout().lines().map(str::to_owned).collect();
    tail.sort_unstable();
    assert_eq!(tail, ["1/a | line 500", "1/a | line end", "2/b | line of b"]);
    let mut grep: Vec<String> = grep.wait().assert_code(0).stdout().lines().map(str::to_owned).collect();
    grep.sort_unstable();
    assert_eq!(grep, ["1/a | line 5", "1/a | line 50", "1/a | line end", "2/b | line of b"]);
    for run in [a, b] {
        run.wait().assert_code(0);
    }
    project.assert_nothing_left();
}

/// H71: a log that is cut short, replaced or taken away is said, and followed on.
#[test]
fn h71_a_log_that_somebody_changes_is_followed_on() {
    let project = Project::new();
    project.config(
        "[stages.a]\nrun = 'echo first; chaos wait-for $SIDE/1; echo second; chaos wait-for $SIDE/2; echo third; chaos wait-for $SIDE/3'\n",
    );
    let run = begun(&project, 1, &["a"]);
    let follower = following(&project, &["logs", "-f", "a"]);
    follower.wait_for_stdout("first\n");
    let log = project.run_dir(1).join("logs/a.log");
    File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
    follower.wait_for_stdout("[the log was truncated; what it has now follows]\n");
    project.open_gate("1");
    follower.wait_for_stdout("second\n");
    fs::write(log.with_extension("other"), "another\n").unwrap();
    fs::rename(log.with_extension("other"), &log).unwrap();
    follower.wait_for_stdout("[the log was replaced by another file, which follows]\nanother\n");
    fs::remove_file(&log).unwrap();
    follower.wait_for_stdout("[the log was removed; it is followed for as long as it can be]\n");
    project.open_gate("2");
    project.open_gate("3");
    let shown = follower.wait().assert_code(0).stdout();
    assert!(shown.contains("bytes of it are missing]\n"), "{shown}");
    run.wait().assert_code(0);
}

/// H71: who follows before there is a log sees it from its first byte.
#[test]
fn h71_a_log_that_is_not_there_yet_is_waited_for() {
    let project = Project::new();
    project.config("[stages.a]\nrun = 'chaos wait-for $SIDE/go; echo at last'\n");
    let run = begun(&project, 1, &["a"]);
    let (one, all) = (following(&project, &["logs", "-f", "a"]), following(&project, &["logs", "-f"]));
    project.open_gate("go");
    assert_eq!(one.wait().assert_code(0).stdout(), "at last\n");
    assert_eq!(all.wait().assert_code(0).stdout(), "1/a | at last\n");
    run.wait().assert_code(0);
    project.assert_nothing_left();
}
