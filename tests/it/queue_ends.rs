//! The ends of runs that wait for their turn: stopped, killed, lost, in vain; and what can be waited for at all.

use std::fs;

use rustix::process::Signal;

use crate::queue::{GATED, Line};
use crate::storage::run_dir;
use crate::support::{Project, assert_transcript, wait_until};

/// Ctrl+C, SIGTERM, `stop` and `stop -f` end a wait in order; nothing was started, and who is behind has its turn.
#[test]
fn a_wait_can_be_ended() {
    let line = Line::new();
    let project = &line.project;
    let first = line.first();
    let mut terminal = project.local_ci(&["--queue", "test"]).env("SIDE", project.side_dir()).on_terminal(24, 100);
    terminal.wait_for_screen("run 2 waits for run 1 (running for ");
    project.supervisor(2);
    let third = line.queued(3, &["--queue", "test"]);
    terminal.type_keys("\x03");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&terminal.wait().status), Some(Signal::INT.as_raw()));
    assert_eq!(project.verdict(2), ("cancelled".into(), "interrupt".into(), 130));
    third.kill(Signal::TERM);
    third.wait().assert_signal(Signal::TERM);
    assert_eq!(project.verdict(3), ("cancelled".into(), "terminate".into(), 143));
    for (number, args) in [(4, &["stop", "4"][..]), (5, &["stop", "-f", "5"])] {
        let queued = line.queued(number, &["--queue", "test"]);
        project.local_ci(args).output().assert_code(0);
        let said = queued.wait().assert_code(143).stdout();
        assert!(said.contains("(cancelled: stopped)"), "{said}");
        assert_eq!(project.verdict(number), ("cancelled".into(), "stopped".into(), 143));
        let kinds: Vec<_> = project.events(number).iter().map(|event| event["event"].clone()).collect();
        assert_eq!(kinds, ["run_started", "cancelling", "stage_finished", "run_finished"]);
    }
    let last = line.queued(6, &["--queue", "test"]);
    line.end(1, 0);
    line.end(6, 0);
    first.wait().assert_code(0);
    last.wait().assert_code(0);
    assert_eq!(line.marks(), "begin 1\nend 1\nbegin 6\nend 6\n");
    project.assert_nothing_left();
}

/// `--after` starts nothing unless that run has passed, whether it goes on or has ended.
#[test]
fn after_a_run_that_does_not_pass_nothing_starts() {
    let line = Line::new();
    let project = &line.project;
    let first = line.first();
    let after = line.queued(2, &["--after", "1", "test"]);
    let behind = line.queued(3, &["--after", "2", "other"]);
    let any = line.queued(4, &["--after-any", "2", "third"]);
    line.end(1, 1);
    first.wait().assert_code(1);
    let after = after.wait().redact(r"running for [0-9a-z.]+", "running for [TIME]");
    assert_transcript!(after, @"
    $ local-ci --after 1 test
    🚀 Running local CI pipeline...

    … cancelling: the run it waited for did not pass
    - test (cancelled: the run it waited for did not pass)

    📊 Summary:
      Total stages: 1
      Cancelled: 1
      Total time: [TIME]

    Cancelled: the run it waited for did not pass.

    Run 2 is kept: local-ci show 2
    --- stderr
    run 2 waits for run 1 (running for [TIME])
    error: nothing was started: run 1 did not pass
    --- exit 3
    ");
    behind.wait().assert_code(3);
    any.wait().assert_code(0);
    assert_eq!(project.verdict(2), ("cancelled".into(), "awaited_not_passed".into(), 3));
    assert_eq!(line.marks(), "begin 1\nend 1\n");
    assert_transcript!(project.local_ci(&["--after", "1", "other"]).output(), @"
    $ local-ci --after 1 other
    --- stderr
    error: nothing was started: run 1 failed, and this was to start only if it passed
      hint: `local-ci show 1` says what came of it; `--after-any 1` runs this all the same
    --- exit 3
    ");
    assert_transcript!(project.local_ci(&["--after", "2", "other"]).output(), @"
    $ local-ci --after 2 other
    --- stderr
    error: nothing was started: run 2 was cancelled, and this was to start only if it passed
      hint: `local-ci show 2` says what came of it; `--after-any 2` runs this all the same
    --- exit 3
    ");
    assert_eq!(project.run_numbers(), [1, 2, 3, 4], "nothing was claimed");
    // Run 4 has passed, and `third` is the job that did.
    for after in ["4", "latest", "third"] {
        project.local_ci(&["-q", "--after", after, "other"]).output().assert_code(0);
    }
    project.local_ci(&["-q", "--after-any", "1", "other"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// What is to be waited for has to be there.
#[test]
fn what_is_not_there_cannot_be_waited_for() {
    let project = Project::new();
    project.config(GATED);
    assert_transcript!(project.local_ci(&["--after", "1", "other"]).output(), @"
    $ local-ci --after 1 other
    --- stderr
    error: there is no run 1
      hint: there are no runs of this project yet
    --- exit 2
    ");
    project.local_ci(&["-q", "other"]).output().assert_code(0);
    assert_transcript!(project.local_ci(&["--after", "2", "other"]).output(), @"
    $ local-ci --after 2 other
    --- stderr
    error: there is no run 2
      hint: this project has run 1 only
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["--after-any", "1/other", "other"]).output(), @r#"
    $ local-ci --after-any 1/other other
    --- stderr
    error: --after-any takes a run, and "1/other" is a stage in one
      hint: a run is a number, `latest`, or a job for its latest run
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["--after", "nobody", "other"]).output(), @r#"
    $ local-ci --after nobody other
    --- stderr
    error: no run has a stage or job "nobody"
      hint: `local-ci list` shows the stages; a run is a number, or `latest`
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["--after", "1", "--after-any", "1"]).output(), @"
    $ local-ci --after 1 --after-any 1
    --- stderr
    error: the argument '--after <RUN>' cannot be used with '--after-any <RUN>'

    Usage: local-ci run --after <RUN> [STAGE]... [-- <ARGS>...]

    For more information, try '--help'.
    --- exit 2
    ");
    assert_eq!(project.run_numbers(), [1]);
    let config = project.root().join("config/local-ci");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "[retention]\nruns = 1\n").unwrap();
    project.local_ci(&["-q", "other"]).output().assert_code(0);
    project.local_ci(&["prune"]).output().assert_code(0);
    assert_transcript!(project.local_ci(&["--after", "1", "other"]).output(), @"
    $ local-ci --after 1 other
    --- stderr
    error: run 1 was pruned [AGO]: what its stages printed is gone
      hint: `local-ci runs` still has what came of it
    --- exit 2
    ");
}

/// H02, H23: a queued run of a person at a terminal survives kill -9 of its command line; that of a script ends with it.
#[test]
fn h23_a_queued_run_survives_its_starter() {
    let line = Line::new();
    let project = &line.project;
    let first = line.first();
    let mut terminal = project.local_ci(&["--queue", "test"]).env("SIDE", project.side_dir()).on_terminal(24, 100);
    terminal.wait_for_screen("run 2 waits for run 1 (running for ");
    project.supervisor(2);
    terminal.kill(Signal::KILL);
    terminal.wait();
    let third = line.queued(3, &["--queue", "test"]);
    third.kill(Signal::KILL);
    third.wait().assert_signal(Signal::KILL);
    assert_eq!(project.verdict(3), ("cancelled".into(), "hangup".into(), 129));
    line.end(1, 0);
    first.wait().assert_code(0);
    line.wait_begun(2);
    line.end(2, 0);
    project.local_ci(&["attach", "2"]).output().assert_code(0);
    assert_eq!(line.marks(), "begin 1\nend 1\nbegin 2\nend 2\n");
    project.assert_nothing_left();
}

/// reboot; those behind it do not wait for it.
#[test]
fn h30_a_queued_run_that_is_lost_never_starts() {
    let line = Line::new();
    let project = &line.project;
    let first = line.first();
    let second = line.queued(2, &["--queue", "test"]);
    let third = line.queued(3, &["--queue", "test"]);
    let after = line.queued(4, &["--after", "2", "other"]);
    project.supervisor(2).kill(Signal::KILL);
    assert_transcript!(second.wait().redact(r"running for [0-9a-z.]+", "running for [TIME]"), @"
    $ local-ci --queue test
    --- stderr
    run 2 waits for run 1 (running for [TIME])
    error: run 2 is lost: it never started, its supervisor died while it waited for its turn
    --- exit 3
    ");
    after.wait().assert_code(3);
    assert_transcript!(project.local_ci(&["show", "2"]).output(), @"
    $ local-ci show 2
    --- stderr
    error: run 2 is lost: it never started, its supervisor died while it waited for its turn
    --- exit 3
    ");
    line.end(1, 0);
    first.wait().assert_code(0);
    line.end(3, 0);
    third.wait().assert_code(0);
    assert_eq!(line.marks(), "begin 1\nend 1\nbegin 3\nend 3\n");
    let runs = project.local_ci(&["runs"]).output().assert_code(0).stdout();
    assert!(runs.lines().any(|line| line.starts_with("2 ") && line.contains("lost")), "{runs}");
    assert!(!run_dir(project, 2).join("events.jsonl").exists());
    project.assert_nothing_left();
}

/// H24: a run that waits for one whose supervisor is killed has its turn when that one's stages are dead.
#[test]
fn h24_the_end_of_a_killed_run_is_heard() {
    let line = Line::new();
    let project = &line.project;
    let first = line.first();
    let [any, passed] = [line.queued(2, &["--queue", "test"]), line.queued(3, &["--after", "1", "other"])];
    project.supervisor(1).kill(Signal::KILL);
    first.wait().assert_code(3);
    line.wait_begun(2);
    line.end(2, 0);
    any.wait().assert_code(0);
    passed.wait().assert_code(3);
    assert_eq!(line.marks(), "begin 1\nbegin 2\nend 2\n");
    project.assert_nothing_left();
}

/// Five of them, each after the one before, begin in order; where one in the middle fails, those after it do not begin.
#[test]
fn chains_hold_and_break_where_a_run_fails() {
    for breaks in [None, Some(3)] {
        let line = Line::new();
        let first = line.first();
        let mut rest = Vec::new();
        for number in 2..=5 {
            let before = (number - 1).to_string();
            rest.push(line.queued(number, &["--after", &before, "test"]));
        }
        for number in 1..=5 {
            line.end(number, i32::from(breaks == Some(number)));
        }
        first.wait().assert_code(0);
        for (number, run) in (2..).zip(rest) {
            let code = match breaks {
                Some(broken) if number == broken => 1,
                Some(broken) if number > broken => 3,
                _ => 0,
            };
            run.wait().assert_code(code);
        }
        let ran = breaks.unwrap_or(5);
        let expected: Vec<String> =
            (1..=ran).flat_map(|number| [format!("begin {number}"), format!("end {number}")]).collect();
        assert_eq!(line.marks().lines().collect::<Vec<_>>(), expected);
        line.project.assert_nothing_left();
    }
}

/// A queued run is never deleted, however far beyond the limits it is.
#[test]
fn a_queued_run_is_never_pruned() {
    let line = Line::new();
    let project = &line.project;
    let config = project.root().join("config/local-ci");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "[retention]\nruns = 1\nage = \"1s\"\n").unwrap();
    let first = line.first();
    let second = line.queued(2, &["--queue", "test"]);
    project.local_ci(&["-q", "other"]).output().assert_code(0);
    project.local_ci(&["-q", "other"]).output().assert_code(0);
    let old = format!("find '{}' -exec touch -d '2 days ago' {{}} +", project.run_dir(2).display());
    project.sh(&old).output().assert_code(0);
    // Its supervisor goes on with it for a moment.
    wait_until("run 3 to be deleted", || {
        project.local_ci(&["prune"]).output().assert_code(0);
        project.run_numbers() == [1, 2, 4]
    });
    line.end(1, 0);
    line.end(2, 0);
    first.wait().assert_code(0);
    second.wait().assert_code(0);
}
