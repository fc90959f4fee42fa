//! Runs as a person or a wrapper sees them, through every face.

use serde_json::{Value, json};

use crate::support::{Project, assert_transcript};

const PIPELINE: &str = r#"
[stages.fmt]
run = "echo formatted"
fix = "echo fixed"
[stages.test]
run = "echo testing >&2; exit 3"
needs = ["fmt"]
[stages.pack]
run = "echo packed"
needs = ["test"]
[stages.lint]
run = ["echo", "linted", "a b"]
needs = ["fmt"]
[stages.elsewhere]
run = "true"
when = { os = "windows" }
"#;

fn project(config: &str) -> Project {
    let project = Project::new();
    project.config(config);
    project
}

#[test]
fn a_run_reads_like_this() {
    let project = project(PIPELINE);
    assert_transcript!(project.local_ci(&["-j", "1"]).output(), @"
    $ local-ci -j 1
    🚀 Running local CI pipeline...

    - elsewhere (skipped: runs on windows only)

    ::group::fmt
    $ echo formatted
    formatted
    ::endgroup::
    ✓ fmt ([TIME])

    ::group::test
    $ echo testing >&2; exit 3
    testing
    ::endgroup::
    ✗ test ([TIME])
      Error: exit code 3
      | testing

    - pack (skipped: needs test, which did not pass)

    ::group::lint
    $ echo linted 'a b'
    linted a b
    ::endgroup::
    ✓ lint ([TIME])

    📊 Summary:
      Total stages: 5
      Passed: 2
      Failed: 1
      Skipped: 2
      Total time: [TIME]

    Failed:
      ✗ test: exit code 3
        log: [STATE]/projects/[HASH]/runs/1/logs/test.log
        rerun: local-ci test

    Run 1 is kept: local-ci show 1
    --- exit 1
    ");
    assert_transcript!(project.local_ci(&["-j1", "-q"]).output(), @"
    $ local-ci -j1 -q
    ✗ test ([TIME])
      Error: exit code 3
      | testing

    📊 Summary:
      Total stages: 5
      Passed: 2
      Failed: 1
      Skipped: 2
      Total time: [TIME]

    Failed:
      ✗ test: exit code 3
        log: [STATE]/projects/[HASH]/runs/2/logs/test.log
        rerun: local-ci test

    Run 2 is kept: local-ci show 2
    --- exit 1
    ");
    assert_transcript!(project.local_ci(&["lint"]).output(), @"
    $ local-ci lint
    🚀 Running local CI pipeline...

    ::group::fmt
    $ echo formatted
    formatted
    ::endgroup::
    ✓ fmt ([TIME])

    ::group::lint
    $ echo linted 'a b'
    linted a b
    ::endgroup::
    ✓ lint ([TIME])

    📊 Summary:
      Total stages: 2
      Passed: 2
      Total time: [TIME]

    Run 3 is kept: local-ci show 3
    --- exit 0
    ");
    project.assert_nothing_left();
}

#[test]
fn the_report_is_one_object() {
    let project = project(PIPELINE);
    let finished = project.local_ci(&["--json", "-j", "1"]).output();
    assert_transcript!(finished, @r#"
    $ local-ci --json -j 1
    {"schema_version":1,"run":{"id":"[RUN-ID]","number":1},"verdict":"failed","exit_code":1,"results":[{"name":"fmt","command":"echo formatted","status":"pass","exit_code":0,"duration_ms":[TIME],"expected_ms":null,"cache_hit":false,"attempt":1,"log":"[STATE]/projects/[HASH]/runs/1/logs/fmt.log","annotations":[]},{"name":"test","command":"echo testing >&2; exit 3","status":"fail","exit_code":3,"duration_ms":[TIME],"expected_ms":null,"cache_hit":false,"attempt":1,"log":"[STATE]/projects/[HASH]/runs/1/logs/test.log","annotations":[],"error":"exit code 3"},{"name":"pack","command":"echo packed","status":"skip","exit_code":null,"duration_ms":[TIME],"expected_ms":null,"cache_hit":false,"attempt":0,"log":null,"annotations":[],"error":"needs test, which did not pass"},{"name":"lint","command":"echo linted 'a b'","status":"pass","exit_code":0,"duration_ms":[TIME],"expected_ms":null,"cache_hit":false,"attempt":1,"log":"[STATE]/projects/[HASH]/runs/1/logs/lint.log","annotations":[]},{"name":"elsewhere","command":"true","status":"skip","exit_code":null,"duration_ms":[TIME],"expected_ms":null,"cache_hit":false,"attempt":0,"log":null,"annotations":[],"error":"runs on windows only"}],"passed":2,"failed":1,"skipped":2,"cached":0,"duration_ms":[TIME],"warnings":[]}
    --- exit 1
    "#);
    let shown = project.local_ci(&["show", "--json"]).output().assert_code(1);
    assert_eq!(shown.stdout(), finished.stdout(), "it can be had again");
    project.assert_nothing_left();
}

/// Every line is an event, they count up from zero without a gap, and the last one ends the run.
#[test]
fn the_event_stream_is_whole() {
    let project = project(PIPELINE);
    let finished = project.local_ci(&["--output", "json"]).output().assert_code(1);
    assert_eq!(finished.stderr(), "");
    let stdout = finished.stdout();
    let events: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (seq, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], seq);
        assert!(event["unix_ms"].is_i64() && event["mono_us"].is_u64(), "{event}");
    }
    assert_eq!(events[0]["event"], "run_started");
    let names: Vec<&Value> = events[0]["stages"].as_array().unwrap().iter().map(|stage| &stage["name"]).collect();
    assert_eq!(names, ["fmt", "test", "pack", "lint", "elsewhere"]);
    let ended = |stage: usize| events.iter().filter(|e| e["event"] == "stage_finished" && e["stage"] == stage).count();
    assert_eq!([0, 1, 2, 3, 4].map(ended), [1; 5]);
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&json!("run_finished"), &json!(1)));
    project.assert_nothing_left();
}

#[test]
fn rounds_are_counted() {
    let project = project("[stages.one]\nrun = 'echo x >>$SIDE/n; [ $(wc -l <$SIDE/n) != 2 ]'\n");
    let repeat = project.local_ci(&["--repeat", "3", "-q"]).env("SIDE", project.root().join("side"));
    assert_transcript!(repeat.output(), @"
    $ local-ci --repeat 3 -q
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    ✗ one ([TIME])
      Error: exit code 1

    📊 Summary:
      Total stages: 1
      Failed: 1
      Total time: [TIME]

    Failed:
      ✗ one: exit code 1
        rerun: local-ci one

    Run 2 is kept: local-ci show 2
    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 3 is kept: local-ci show 3
    --- stderr
    round 1 of 3
    round 2 of 3
    round 3 of 3
    1 of 3 rounds failed
    --- exit 1
    ");
    project.assert_nothing_left();
}

/// The first that has a say decides; a stage's tools are told only where we show colour ourselves.
#[test]
fn colour_is_as_asked_for() {
    let project = project("[stages.one]\nrun = 'printf \"\\\\033[31mred\\\\033[0m $FORCE_COLOR\\n\"'\n");
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let invocation = project.local_ci(args);
        let set = variables.iter().fold(invocation, |invocation, (name, value)| invocation.env(name, value));
        let stdout = set.output().assert_code(0).stdout();
        (
            stdout.contains("\x1b[32m✓"),
            stdout.contains("\x1b[31mred"),
            stdout.contains("red 1") || stdout.contains("[0m 1"),
        )
    };
    assert_eq!(run(&[], &[]), (false, false, false), "no terminal");
    assert_eq!(run(&["--color", "always"], &[("NO_COLOR", "1")]), (true, true, true));
    assert_eq!(run(&[], &[("LOCAL_CI_COLOR", "always"), ("NO_COLOR", "1")]), (true, true, true));
    assert_eq!(run(&[], &[("CLICOLOR_FORCE", "1")]), (true, true, true));
    assert_eq!(run(&[], &[("GITHUB_ACTIONS", "true")]), (true, true, true));
    assert_eq!(run(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]), (false, false, false));
    assert_eq!(run(&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), (false, false, false));
    project.assert_nothing_left();
}
