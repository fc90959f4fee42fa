//! Every end that a stage may come to, and what it is given to come to it.

use serde_json::{Value, json};

use crate::support::{Project, assert_transcript};

fn project(config: &str) -> Project {
    let project = Project::new();
    project.config(config);
    project
}

#[test]
fn retries_flaky_stages_and_allowed_failures() {
    let project = project(
        r#"
        [stages.flaky]
        run = 'echo try $LOCAL_CI_ATTEMPT; [ "$LOCAL_CI_ATTEMPT" = 3 ]'
        retries = 5
        retry-delay = "10ms"
        [stages.may]
        run = "echo no; exit 9"
        allow-failure = true
        needs = ["flaky"]
        [stages.after]
        run = "echo still here"
        needs = ["may"]
        "#,
    );
    assert_transcript!(project.local_ci(&[]).output(), @r#"
    $ local-ci
    🚀 Running local CI pipeline...

    ::group::flaky
    $ echo try $LOCAL_CI_ATTEMPT; [ "$LOCAL_CI_ATTEMPT" = 3 ]
    try 1
    … attempt 1 did not pass: exit code 1 ([TIME]); trying again after [TIME]
    try 2
    … attempt 2 did not pass: exit code 1 ([TIME]); trying again after [TIME]
    try 3
    ::endgroup::
    ✓ flaky ([TIME]) passed on attempt 3 (flaky)

    ::group::may
    $ echo no; exit 9
    no
    ::endgroup::
    ✗ may ([TIME]) allowed to fail
      Error: exit code 9
      | no

    ::group::after
    $ echo still here
    still here
    ::endgroup::
    ✓ after ([TIME])

    📊 Summary:
      Total stages: 3
      Passed: 2
      Failed: 1
      Total time: [TIME]

    Allowed to fail: may.
    Passed only after another attempt (flaky): flaky (attempt 3).

    Run 1 is kept: local-ci show 1
    --- exit 0
    "#);
    let report: Value = serde_json::from_slice(&project.local_ci(&["--json"]).output().assert_code(0).stdout).unwrap();
    assert_eq!((&report["results"][0]["attempt"], &report["results"][0]["status"]), (&json!(3), &json!("pass")));
    assert_eq!((&report["results"][1]["exit_code"], &report["failed"]), (&json!(9), &json!(1)));
    project.assert_nothing_left();
}

#[test]
fn time_limits_of_a_stage_and_of_the_run() {
    let project = project(
        r#"
        [stages.slow]
        run = "echo begun; chaos sleep 600"
        timeout = "300ms"
        [stages.after]
        run = "echo never"
        needs = ["slow"]
        "#,
    );
    assert_transcript!(project.local_ci(&[]).output(), @"
    $ local-ci
    🚀 Running local CI pipeline...

    ::group::slow
    $ echo begun; chaos sleep 600
    begun
    ::endgroup::
    ✗ slow ([TIME]) timed out
      Error: timed out (limit [TIME])
      | begun

    - after (skipped: needs slow, which did not pass)

    📊 Summary:
      Total stages: 2
      Failed: 1
      Skipped: 1
      Total time: [TIME]

    Failed:
      ✗ slow: timed out (limit [TIME])
        log: [STATE]/projects/[HASH]/runs/1/logs/slow.log
        rerun: local-ci slow

    Run 1 is kept: local-ci show 1
    --- exit 1
    ");
    assert_transcript!(project.local_ci(&["--timeout", "200ms", "-q"]).output(), @"
    $ local-ci --timeout [TIME] -q
    ✗ slow ([TIME]) timed out
      Error: timed out (limit [TIME])
      | begun

    📊 Summary:
      Total stages: 2
      Failed: 1
      Skipped: 1
      Total time: [TIME]

    Failed:
      ✗ slow: timed out (limit [TIME])
        log: [STATE]/projects/[HASH]/runs/2/logs/slow.log
        rerun: local-ci slow

    Run 2 is kept: local-ci show 2
    --- exit 1
    ");
    project.assert_nothing_left();
}

#[test]
fn what_cannot_be_started_is_a_failed_stage() {
    let project = project(
        r#"
        [stages.missing]
        run = ["no-such-program-anywhere"]
        [stages.data]
        run = ["./data"]
        needs = []
        [stages.nowhere]
        run = "true"
        dir = "not/here"
        "#,
    );
    project.write("data", "no program\n");
    let session = project.local_ci(&["-j", "1"]).output().redact("PATH: [^\n]*", "PATH: …");
    assert_transcript!(session, @"
    $ local-ci -j 1
    🚀 Running local CI pipeline...

    ::group::missing
    $ no-such-program-anywhere
    ::endgroup::
    ✗ missing ([TIME])
      Error: command not found: no-such-program-anywhere
      | looked in PATH: …

    ::group::data
    $ ./data
    ::endgroup::
    ✗ data ([TIME])
      Error: cannot execute [PROJECT]/data: permission denied; try: chmod +x [PROJECT]/data

    ::group::nowhere
    $ true
    ::endgroup::
    ✗ nowhere ([TIME])
      Error: the working directory [PROJECT]/not/here is not there

    📊 Summary:
      Total stages: 3
      Failed: 3
      Total time: [TIME]

    Failed:
      ✗ missing: command not found: no-such-program-anywhere
        rerun: local-ci missing
      ✗ data: cannot execute [PROJECT]/data: permission denied; try: chmod +x [PROJECT]/data
        rerun: local-ci data
      ✗ nowhere: the working directory [PROJECT]/not/here is not there
        rerun: local-ci nowhere

    Run 1 is kept: local-ci show 1
    --- exit 1
    ");
    let report: Value = serde_json::from_slice(&project.local_ci(&["--json"]).output().assert_code(1).stdout).unwrap();
    let code = |n: usize| report["results"][n]["exit_code"].clone();
    assert_eq!((code(0), code(1)), (json!(127), json!(126)));
    project.assert_nothing_left();
}

#[test]
fn fail_fast_ends_what_runs_and_keep_going_does_not() {
    let config = r#"
        [run]
        fail-fast = true
        [stages.bad]
        run = "chaos wait-for $SIDE/up; exit 1"
        [stages.long]
        run = "chaos touch $SIDE/up; chaos sleep ${SECONDS_TO_SLEEP}"
        [stages.next]
        run = "true"
        needs = ["long"]
    "#;
    let project = project(config);
    let run = |args: &[&str], seconds: &str| {
        let side = project.root().join("side");
        project.local_ci(args).env("SIDE", side).env("SECONDS_TO_SLEEP", seconds).output()
    };
    let counts = |finished: crate::support::Finished| {
        let report: Value = serde_json::from_slice(&finished.assert_code(1).stdout).unwrap();
        let status = |n: usize| report["results"][n]["status"].as_str().unwrap().to_owned();
        [status(0), status(1), status(2)]
    };
    assert_eq!(counts(run(&["--json", "-j", "2"], "600")), ["fail", "cancelled", "cancelled"]);
    assert_eq!(counts(run(&["--json", "-j", "2", "-k"], "0")), ["fail", "pass", "pass"]);
    let plan = |args: &[&str]| -> Value {
        let args: Vec<&str> = ["plan", "--json"].into_iter().chain(args.iter().copied()).collect();
        let plan = project.local_ci(&args).env("LOCAL_CI_FAIL_FAST", "no").output().assert_code(0);
        serde_json::from_slice::<Value>(&plan.stdout).unwrap()["fail_fast"].clone()
    };
    assert_eq!((plan(&[]), plan(&["--fail-fast"])), (json!(false), json!(true)), "option, variable, config");
    project.assert_nothing_left();
}

#[test]
fn stages_have_their_directory_variables_and_arguments() {
    let project = project(
        r#"
        [env]
        WHO = "all"
        LEVEL = "all"
        [stages.tell]
        run = 'echo "$(basename "$PWD") $WHO $LEVEL $FROM_FILE $LOCAL_CI $LOCAL_CI_RUN $LOCAL_CI_STAGE [$@]"'
        dir = "sub"
        env = { LEVEL = "own" }
        env-file = "x.env"
        [stages.argv]
        run = ["chaos", "echo-env", "WHO"]
        "#,
    );
    project.write("x.env", "FROM_FILE='a file'\nLEVEL=file\n").write("sub/keep", "");
    assert_transcript!(project.local_ci(&["tell", "--", "a b", "--bogus"]).output(), @r#"
    $ local-ci tell -- 'a b' --bogus
    🚀 Running local CI pipeline...

    ::group::tell
    $ echo "$(basename "$PWD") $WHO $LEVEL $FROM_FILE $LOCAL_CI $LOCAL_CI_RUN $LOCAL_CI_STAGE [$@]" -- 'a b' --bogus
    sub all own a file 1 1 tell [a b --bogus]
    ::endgroup::
    ✓ tell ([TIME])

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    --- exit 0
    "#);
    let both = project.local_ci(&["run", "tell", "argv", "-q", "--", "a"]).output();
    assert_transcript!(both, @"
    $ local-ci run tell argv -q -- a
    --- stderr
    error: arguments after -- go to exactly one stage, and tell and argv are selected: name one stage
    --- exit 2
    ");
    let argv = project.local_ci(&["argv", "--", "LOCAL_CI_STAGE"]).output().assert_code(0).stdout();
    assert!(argv.contains("WHO=all\nLOCAL_CI_STAGE=argv\n"), "{argv}");
    project.assert_nothing_left();
}

#[test]
fn everything_skipped_by_condition_is_no_failure() {
    let project = project(
        "[stages.one]\nrun = 'true'\nwhen = { os = 'windows' }\n[stages.two]\nrun = 'true'\nwhen = { ci = true }\n",
    );
    assert_transcript!(project.local_ci(&[]).output(), @"
    $ local-ci
    🚀 Running local CI pipeline...

    - one (skipped: runs on windows only)
    - two (skipped: CI is not set)

    📊 Summary:
      Total stages: 2
      Skipped: 2
      Total time: [TIME]

    Run 1 is kept: local-ci show 1
    --- exit 0
    ");
    project.assert_nothing_left();
}
