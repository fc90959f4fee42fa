//! Options that are wrong, that are not there yet, or that are set as variables.

use std::fs;

use serde_json::Value;

use crate::support::{Project, assert_transcript};

fn project() -> Project {
    let project = Project::new();
    project.config(
        r#"
        [stages.fmt]
        run = "echo formatted"
        fix = "echo fixed"
        [stages.cells]
        run = "echo ${matrix.v}"
        matrix = { v = ["a", "b"] }
        needs = ["fmt"]
        [profiles.quick]
        stages = ["fmt"]
        "#,
    );
    project
}

#[test]
fn wrong_options_are_answered() {
    let project = project();
    assert_transcript!(project.local_ci(&["--bogus"]).output(), @"
    $ local-ci --bogus
    --- stderr
    error: unexpected argument '--bogus' found

    Usage: local-ci run [OPTIONS] [STAGE]... [-- <ARGS>...]

    For more information, try '--help'.
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["--fial-fast"]).output(), @"
    $ local-ci --fial-fast
    --- stderr
    error: unexpected argument '--fial-fast' found

      tip: a similar argument exists: '--fail-fast'

    Usage: local-ci run --fail-fast [STAGE]... [-- <ARGS>...]

    For more information, try '--help'.
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["-j", "0"]).output(), @"
    $ local-ci -j 0
    --- stderr
    error: invalid value '0' for '--jobs <N>': expected a whole number from 1 on, such as 4

    For more information, try '--help'.
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["--timeout", "5"]).output(), @r#"
    $ local-ci --timeout 5
    --- stderr
    error: invalid value '5' for '--timeout <DUR>': it has no unit: "5"; say which unit: "[TIME]" for seconds, "5m" for minutes

    For more information, try '--help'.
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["--json", "-q"]).output(), @"
    $ local-ci --json -q
    --- stderr
    error: the argument '--json' cannot be used with '--quiet'

    Usage: local-ci run --json [STAGE]... [-- <ARGS>...]

    For more information, try '--help'.
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["--output", "loud"]).output(), @r#"
    $ local-ci --output loud
    --- stderr
    error: there is no output mode "loud"
      hint: use auto, live, grouped, lines, quiet or json
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["-C", "nowhere"]).output(), @"
    $ local-ci -C nowhere
    --- stderr
    error: there is no directory nowhere
      hint: -C takes an existing directory
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["-c", "nowhere.toml"]).output(), @"
    $ local-ci -c nowhere.toml
    --- stderr
    error: there is no file [PROJECT]/nowhere.toml
      hint: --config takes a file, relative to the directory that the command works in
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["list", "fmt"]).output(), @"
    $ local-ci list fmt
    --- stderr
    error: unexpected argument 'fmt' found

    Usage: local-ci list [OPTIONS]

    For more information, try '--help'.
    --- exit 2
    ");
    assert!(!project.state_dir().exists());
}

/// Every option is a variable; what is typed goes first.
#[test]
fn variables_stand_for_options() {
    let project = project();
    let plan = |args: &[&str], variables: &[(&str, &str)]| -> Value {
        let args: Vec<&str> = ["plan", "--json"].into_iter().chain(args.iter().copied()).collect();
        let invocation = variables.iter().fold(project.local_ci(&args), |i, (name, value)| i.env(name, value));
        serde_json::from_slice(&invocation.output().assert_code(0).stdout).unwrap()
    };
    assert_eq!(plan(&[], &[("LOCAL_CI_JOBS", "7")])["jobs"], 7);
    assert_eq!(plan(&["-j3"], &[("LOCAL_CI_JOBS", "7")])["jobs"], 3);
    assert_eq!(plan(&[], &[("LOCAL_CI_TIMEOUT", "2s")])["timeout_ms"], 2000);
    assert_eq!(plan(&[], &[("LOCAL_CI_PROFILE", "quick")])["stages"].as_array().unwrap().len(), 1);
    assert_eq!(
        plan(&["cells"], &[("LOCAL_CI_ONLY", "1"), ("LOCAL_CI_SKIP", "cells:b")])["stages"].as_array().unwrap().len(),
        1
    );
    assert_eq!(plan(&["fmt"], &[("LOCAL_CI_FIX", "true")])["stages"][0]["command"], "echo fixed");
    let run = |args: &[&str], name: &str, value: &str| project.local_ci(args).env(name, value).output();
    assert!(run(&["fmt"], "LOCAL_CI_JSON", "1").stdout().starts_with("{\"schema_version\""));
    assert!(run(&["fmt"], "LOCAL_CI_QUIET", "1").stdout().starts_with("📊"));
    assert!(run(&["fmt"], "LOCAL_CI_OUTPUT", "json").stdout().starts_with("{\"seq\":0"));
    assert!(run(&["fmt", "--json"], "LOCAL_CI_OUTPUT", "quiet").stdout().starts_with("{\"schema_version\""));
    assert!(run(&[], "LOCAL_CI_DIRECTORY", "nowhere").stderr().contains("there is no directory nowhere"));
    assert_transcript!(run(&["fmt"], "LOCAL_CI_JOBS", "many"), @r#"
    $ local-ci fmt
    --- stderr
    error: the environment variable LOCAL_CI_JOBS is "many": expected a whole number from 1 on, such as 4
    --- exit 2
    "#);
    project.assert_nothing_left();
}

/// The option, the variable, the project's config, the user's: the first that has a say.
#[test]
fn what_stands_nearer_goes_first() {
    let project = project();
    let user = project.root().join("config/local-ci");
    fs::create_dir_all(&user).unwrap();
    fs::write(user.join("config.toml"), "jobs = 3\ncolor = \"always\"\noutput = \"quiet\"\n").unwrap();
    let jobs = |args: &[&str], variables: &[(&str, &str)]| {
        let args: Vec<&str> = ["plan", "--json"].into_iter().chain(args.iter().copied()).collect();
        let invocation = variables.iter().fold(project.local_ci(&args), |i, (name, value)| i.env(name, value));
        let plan: Value = serde_json::from_slice(&invocation.output().assert_code(0).stdout).unwrap();
        plan["jobs"].as_u64().unwrap()
    };
    let shown = |args: &[&str], variables: &[(&str, &str)]| {
        let args: Vec<&str> = ["fmt"].into_iter().chain(args.iter().copied()).collect();
        let invocation = variables.iter().fold(project.local_ci(&args), |i, (name, value)| i.env(name, value));
        let stdout = invocation.output().assert_code(0).stdout();
        (stdout.contains("::group::"), stdout.contains("\x1b[32m"))
    };
    assert_eq!(jobs(&[], &[]), 3);
    assert_eq!(shown(&[], &[]), (false, false), "quiet has nothing green to say");
    assert_eq!(shown(&["--output", "grouped"], &[("NO_COLOR", "1")]), (true, true), "more particular than NO_COLOR");
    assert_eq!(shown(&["--output", "grouped"], &[("LOCAL_CI_COLOR", "never")]), (true, false));
    assert_eq!(shown(&[], &[("LOCAL_CI_OUTPUT", "grouped")]), (true, true));
    let config = fs::read_to_string(project.dir().join("local-ci.toml")).unwrap();
    project.config(&format!("[run]\njobs = 5\noutput = \"grouped\"\n{config}"));
    assert_eq!(jobs(&[], &[]), 5);
    assert_eq!(shown(&[], &[]), (true, true));
    project.write("local-ci.local.toml", "[run]\njobs = 6\n");
    assert_eq!(jobs(&[], &[]), 6);
    assert_eq!(jobs(&[], &[("LOCAL_CI_JOBS", "7")]), 7);
    assert_eq!(jobs(&["-j", "8"], &[("LOCAL_CI_JOBS", "7")]), 8);
}
