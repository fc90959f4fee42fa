//! Looking at runs, now and then: show, logs, attach, validate.

use std::fs;

use serde_json::Value;

use crate::support::{Project, Running, assert_transcript, wait_until};

const PIPELINE: &str = r#"
[stages.one]
run = "echo first; chaos touch $SIDE/begun; chaos wait-for $SIDE/go; echo last; exit 7"
[stages.two]
needs = ["one"]
run = "echo never"
[stages.long]
run = "printf 'no end'; chaos wait-for $SIDE/end"
"#;

fn project() -> Project {
    let project = Project::new();
    project.config(PIPELINE);
    project
}

/// A run of all stages, of which `one` and `long` have begun.
fn begun(project: &Project) -> Running<'_> {
    let running = project.local_ci(&["-q", "-j", "2"]).env("SIDE", project.root().join("side")).spawn();
    wait_until("the first stage to begin", || project.side("begun").exists());
    wait_until("the log of the other", || !project.local_ci(&["logs", "long"]).output().stdout.is_empty());
    running
}

fn let_go(project: &Project, what: &str) {
    fs::write(project.side(what), "").unwrap();
}

#[test]
fn a_run_that_goes_on_can_be_looked_at() {
    let project = project();
    let running = begun(&project);
    assert_transcript!(project.local_ci(&["list"]).output().redact(r"(?m): .*\[", ": … ["), @"
    $ local-ci list
    one  running: … [AGO]]
    two  waiting: … [AGO]]
    long  running: … [AGO]]
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["show"]).output(), @"
    $ local-ci show
    --- stderr
    run 1 has not ended yet; `local-ci attach 1` follows it
    --- exit 3
    ");
    assert_transcript!(project.local_ci(&["logs"]).output(), @"
    $ local-ci logs
    one  | first
    long | no end
    --- exit 0
    ");
    let report = project.local_ci(&["show", "--json"]).output().assert_code(3);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["verdict"], &report["exit_code"]), (&"running".into(), &Value::Null));
    let status: Vec<&Value> = report["results"].as_array().unwrap().iter().map(|stage| &stage["status"]).collect();
    assert_eq!(status, ["running", "waiting", "running"]);
    assert_eq!(report["failed"], 0);
    let_go(&project, "go");
    let_go(&project, "end");
    running.wait().assert_code(1);
    project.assert_nothing_left();
}

/// A follower ends by itself, with everything down to what has no newline, and with the code of what it followed.
#[test]
fn logs_are_followed_to_their_end() {
    let project = project();
    let running = begun(&project);
    let all = project.local_ci(&["logs", "-f", "latest"]).spawn();
    let one = project.local_ci(&["logs", "-f", "one"]).spawn();
    let long = project.local_ci(&["logs", "-f", "1/long"]).spawn();
    let grep = project.local_ci(&["logs", "-f", "1", "--grep", "^last$"]).spawn();
    for follower in [&all, &one] {
        follower.wait_for_stdout("first");
    }
    // A line without an end is shown, too.
    all.wait_for_stdout("long | no end");
    let_go(&project, "go");
    // Its stage ends, and with it the follower, while the run goes on.
    assert_transcript!(one.wait(), @"
    $ local-ci logs -f one
    first
    last
    --- exit 1
    ");
    let_go(&project, "end");
    assert_transcript!(long.wait(), @"
    $ local-ci logs -f 1/long
    no end
    --- exit 0
    ");
    assert_transcript!(all.wait(), @"
    $ local-ci logs -f latest
    one  | first
    long | no end
    one  | last
    --- exit 1
    ");
    assert_transcript!(grep.wait(), @"
    $ local-ci logs -f 1 --grep '^last$'
    one  | last
    --- exit 1
    ");
    running.wait().assert_code(1);
    // And after the run just the same.
    assert_transcript!(project.local_ci(&["logs", "-f", "one"]).output(), @"
    $ local-ci logs -f one
    first
    last
    --- exit 1
    ");
    project.local_ci(&["logs", "-f", "1"]).output().assert_code(1);
    project.local_ci(&["logs", "-f", "long"]).output().assert_code(0);
    project.local_ci(&["logs", "-f", "two"]).output().assert_code(1);
    project.assert_nothing_left();
}

#[test]
fn logs_are_cut_and_searched() {
    let project = Project::new();
    project.config(
        r#"
        [stages.count]
        run = "chaos lines 50000"
        [stages.capped]
        run = "chaos lines 3000"
        log-max = "1KiB"
        [stages.ragged]
        run = "printf 'a\nb\nc'"
        [stages.colour]
        run = 'printf "\033[31mred\033[0m \033]0;title\007 \000 ok\n"'
        "#,
    );
    project.local_ci(&["-q", "-j1"]).output().assert_code(0);
    let logs = |args: &[&str]| {
        let args: Vec<&str> = ["logs"].into_iter().chain(args.iter().copied()).collect();
        project.local_ci(&args).output().assert_code(0).stdout()
    };
    let all = (1..=50_000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    assert_eq!(logs(&["count"]), all);
    assert_eq!(logs(&["1/count", "--tail", "2"]), "line 49999\nline 50000\n");
    assert_eq!(logs(&["count", "--tail", "99999"]), all);
    assert_eq!(logs(&["count", "--tail", "0"]), "");
    assert_eq!(logs(&["count", "--grep", "^line 4999[89]$"]), "line 49998\nline 49999\n");
    assert_eq!(logs(&["count", "--tail", "10", "--grep", "[05]$"]), "line 49995\nline 50000\n");
    assert_eq!(logs(&["ragged"]), "a\nb\nc\n");
    assert_eq!(logs(&["ragged", "--tail", "1"]), "c\n");
    assert_eq!(logs(&["ragged", "--tail", "2"]), "b\nc\n");
    assert_eq!(logs(&["ragged", "--tail", "0"]), "");
    assert_eq!(logs(&["colour"]), "red  ␀ ok\n");
    assert_eq!(logs(&["colour", "--color", "always"]), "\x1b[31mred\x1b[0m  ␀ ok\n");
    let capped = logs(&["capped"]);
    assert!(capped.starts_with("line 1\n") && capped.ends_with("line 3000\n"), "{capped}");
    assert!(capped.contains(" bytes omitted]\n"), "{capped}");
    assert_eq!(logs(&["capped", "--tail", "2"]), "line 2999\nline 3000\n");
    let several = logs(&["--tail", "1"]);
    assert_eq!(several, "count  | line 50000\ncapped | line 3000\nragged | c\ncolour | red  ␀ ok\n");
    project.assert_nothing_left();
}

#[test]
fn what_is_not_there_is_said() {
    let project = project();
    assert_transcript!(project.local_ci(&["show"]).output(), @"
    $ local-ci show
    --- stderr
    error: there are no runs of this project yet
      hint: `local-ci run` starts one, `local-ci add CMD` one of any command
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["logs", "one"]).output(), @r#"
    $ local-ci logs one
    --- stderr
    error: no run has a stage or job "one"
      hint: `local-ci list` shows the stages; a run is a number, or `latest`
    --- exit 2
    "#);
    project.config("[stages.one]\nrun = 'echo hello'\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    assert_transcript!(project.local_ci(&["show", "7"]).output(), @"
    $ local-ci show 7
    --- stderr
    error: there is no run 7
      hint: this project has run 1 only
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["show", "nope"]).output(), @r#"
    $ local-ci show nope
    --- stderr
    error: no run has a stage or job "nope"; did you mean one?
      hint: `local-ci list` shows the stages; a run is a number, or `latest`
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["logs", "1/nope"]).output(), @r#"
    $ local-ci logs 1/nope
    --- stderr
    error: run 1 has no stage "nope"; did you mean one?
      hint: `local-ci show 1` shows its stages
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["logs", "x/one"]).output(), @r#"
    $ local-ci logs x/one
    --- stderr
    error: "x" is not a run
      hint: a run is a number, or `latest`
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["logs", "--grep", "a(b"]).output(), @r#"
    $ local-ci logs --grep 'a(b'
    --- stderr
    error: --grep: "a(b" is not a regular expression: unclosed group
      hint: to look for the characters themselves, write a backslash before each of . * + ? ( ) [ ] { } | ^ $ \
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["logs", "--tail", "all"]).output(), @"
    $ local-ci logs --tail all
    --- stderr
    error: invalid value 'all' for '--tail <N>': expected how many lines, such as 20

    For more information, try '--help'.
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["stop"]).output(), @"
    $ local-ci stop
    --- stderr
    error: nothing is running here
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["stop", "1"]).output(), @"
    $ local-ci stop 1
    --- stderr
    run 1 has ended already
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["attach", "--output", "quiet"]).output(), @"
    $ local-ci attach --output quiet
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    --- exit 0
    ");
    project.assert_nothing_left();
}

#[test]
fn an_old_run_is_shown_again() {
    let project = Project::new();
    project.config(
        r#"
        [stages.good]
        run = "echo good"
        [stages.bad]
        run = "echo bad; exit 2"
        retries = 1
        "#,
    );
    let first = project.local_ci(&["-j1"]).output().assert_code(1);
    let _ = project.local_ci(&["-q", "good"]).output().assert_code(0);
    assert_transcript!(project.local_ci(&["show", "1"]).output(), @"
    $ local-ci show 1
    ✓ good ([TIME])
    ✗ bad ([TIME]) after 2 attempts
      Error: exit code 2
      | bad

    📊 Summary:
      Total stages: 2
      Passed: 1
      Failed: 1
      Total time: [TIME]

    Failed:
      ✗ bad: exit code 2
        log: [STATE]/projects/[HASH]/runs/1/logs/bad@2.log
        rerun: local-ci bad

    Run 1 is kept: local-ci show 1
    --- exit 1
    ");
    let attached = project.local_ci(&["attach", "1"]).output().assert_code(1);
    assert_eq!(attached.stdout(), first.stdout(), "the attached view is the foreground view");
    project.local_ci(&["attach", "latest"]).output().assert_code(0);
    // A stage names the latest run that has it.
    assert!(project.local_ci(&["show", "bad"]).output().assert_code(1).stdout().contains("Run 1 is kept"));
    project.assert_nothing_left();
}

#[test]
fn a_config_is_validated() {
    let project = project();
    assert_transcript!(project.local_ci(&["validate"]).output(), @"
    $ local-ci validate
    --- stderr
    [PROJECT]/local-ci.toml: 3 stages, no faults
    --- exit 0
    ");
    project.write("local-ci.local.toml", "[stages.one]\ntimeout = '1s'\n");
    assert_transcript!(project.local_ci(&["validate"]).output(), @"
    $ local-ci validate
    --- stderr
    [PROJECT]/local-ci.toml with [PROJECT]/local-ci.local.toml: 3 stages, no faults
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["validate", "--json"]).output(), @r#"
    $ local-ci validate --json
    {
      "faults": [],
      "valid": true,
      "warnings": []
    }
    --- exit 0
    "#);
    project.write("local-ci.local.toml", "[stages.one]\ntimeout = '1'\n");
    assert_transcript!(project.local_ci(&["validate"]).output(), @r#"
    $ local-ci validate
    --- stderr
    LC0303

      × `timeout` has no unit: "1"
       ╭─[local-ci.local.toml:2:11]
     1 │ [stages.one]
     2 │ timeout = '1'
       ·           ─┬─
       ·            ╰── here
       ╰────
      help: say which unit: "[TIME]" for seconds, "1m" for minutes

    1 fault in the configuration
      hint: `local-ci explain LC0303` says more about it
    --- exit 2
    "#);
    let empty = Project::new();
    empty.local_ci(&["validate"]).output().assert_code(4);
    project.assert_nothing_left();
}
