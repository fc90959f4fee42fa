//! Doing a run again: all of it, or what did not pass, with today's config.

use serde_json::Value;

use crate::support::{Project, assert_transcript, wait_until};

/// `one` fails until a file is there; `two` needs it; `three` is by itself.
const PIPELINE: &str = r#"
[stages.one]
run = "test -e $SIDE/good"
[stages.two]
needs = ["one"]
run = "echo two"
[stages.three]
run = "echo three"
[stages.slow]
default = false
tags = ["slow"]
run = 'echo "slow: $*"'
"#;

fn project() -> Project {
    let project = Project::new();
    project.config(PIPELINE);
    project
}

/// The stages of a run, as its header has them.
fn stages(project: &Project, run: u64) -> Vec<String> {
    let stages = header(project, run)["stages"].take();
    stages.as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap().to_owned()).collect()
}

fn header(project: &Project, run: u64) -> Value {
    let text = std::fs::read(project.run_dir(run).join("header.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The command line that a run wrote down for the one after it.
fn equivalent(project: &Project, run: u64) -> String {
    let words = header(project, run)["equivalent"].take();
    words.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_failed_runs_again_with_what_it_needs() {
    let project = project();
    let run = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).output();
    run(&["-q", "-k"]).assert_code(1);
    assert_transcript!(run(&["rerun", "--failed", "-q"]), @"
    $ local-ci rerun --failed -q
    ✗ one ([TIME])
      Error: exit code 1

    📊 Summary:
      Total stages: 2
      Failed: 1
      Skipped: 1
      Total time: [TIME]

    Failed:
      ✗ one: exit code 1
        rerun: local-ci one

    Run 2 is kept: local-ci show 2
    --- stderr
    rerunning run 1: one two
    --- exit 1
    ");
    assert_eq!(stages(&project, 2), ["one", "two"]);
    assert_eq!(equivalent(&project, 2), "local-ci run --keep-going one two");
    project.open_gate("good");
    // Of the rerun, too, and of the first one as it was.
    assert_transcript!(run(&["rerun", "--failed", "-q"]), @"
    $ local-ci rerun --failed -q
    📊 Summary:
      Total stages: 2
      Passed: 2
      Total time: [TIME]

    Run 3 is kept: local-ci show 3
    --- stderr
    rerunning run 2: one two
    --- exit 0
    ");
    assert_transcript!(run(&["rerun", "--failed"]), @"
    $ local-ci rerun --failed
    --- stderr
    nothing failed in run 3
    --- exit 4
    ");
    run(&["rerun", "1", "-q"]).assert_code(0);
    assert_eq!(stages(&project, 4), ["one", "two", "three"]);
    // Programs get their report, and nothing else.
    let report = run(&["rerun", "1", "--failed", "--json"]).assert_code(0);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["results"].as_array().unwrap().len(), 2);
    assert_eq!(project.run_numbers(), [1, 2, 3, 4, 5]);
    project.assert_nothing_left();
}

#[test]
fn a_run_is_done_again_as_it_was_asked_for() {
    let project = project();
    let run = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).output();
    run(&["-q", "-j1", "--timeout", "1m", "--repeat", "2", "slow", "--", "a b", "--fix"]).assert_code(0);
    assert_transcript!(run(&["rerun"]), @r#"
    $ local-ci rerun
    🚀 Running local CI pipeline...

    ::group::slow
    $ echo "slow: $*" -- 'a b' --fix
    slow: a b --fix
    ::endgroup::
    ✓ slow ([TIME])

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: [TIME]

    Run 3 is kept: local-ci show 3
    --- stderr
    rerunning run 2: slow
    --- exit 0
    "#);
    // A rerun of a rerun, of which the second knows nothing but what the first wrote down.
    run(&["rerun", "--quiet"]).assert_code(0);
    assert_eq!(equivalent(&project, 4), "local-ci run --jobs=1 --timeout=60000ms slow -- a b --fix");
    assert_eq!(project.log(4, "slow.log"), b"slow: a b --fix\n");
    assert_eq!(header(&project, 4)["argv"].as_array().unwrap()[1..], ["rerun", "--quiet"]);
    assert_eq!(project.run_numbers(), [1, 2, 3, 4], "one run of a repeated one is one run");
    let planned = run(&["rerun", "--dry-run"]).assert_code(0);
    let line = "\n  run   slow  echo \"slow: $*\" -- 'a b' --fix\n";
    assert!(planned.stdout().contains(line), "{}", planned.transcript());
    assert_eq!(planned.stderr(), "rerunning run 4: slow\n");
    assert_eq!(project.run_numbers(), [1, 2, 3, 4]);
    project.assert_nothing_left();
}

#[test]
fn arguments_go_to_the_stage_that_had_them_or_to_none() {
    let project = Project::new();
    project.config(
        r#"
        [stages.first]
        run = "chaos exit 1"
        allow-failure = true
        [stages.last]
        needs = ["first"]
        run = "echo last"
        "#,
    );
    project.local_ci(&["-q", "last", "--", "x"]).output().assert_code(0);
    project.local_ci(&["rerun", "--failed", "-q"]).output().assert_code(0);
    assert_eq!(equivalent(&project, 2), "local-ci run first");
    project.config("[stages.first]\nrun = 'false'\n[stages.last]\nneeds = ['first']\nrun = 'echo last'\n");
    project.local_ci(&["-q", "last", "--", "x"]).output().assert_code(1);
    project.local_ci(&["rerun", "--failed", "-q"]).output().assert_code(1);
    assert_eq!(equivalent(&project, 4), "local-ci run last -- x");
    project.assert_nothing_left();
}

#[test]
fn a_profile_that_is_cut_down_leaves_out_what_it_left_out() {
    let project = Project::new();
    project.config(
        r#"
        [stages.base]
        run = "chaos exit 9"
        [stages.other]
        run = "true"
        [stages.top]
        needs = ["base"]
        run = "chaos exit 1"
        [profiles.p]
        stages = ["top", "other"]
        skip = ["base"]
        "#,
    );
    project.local_ci(&["-q", "--profile", "p"]).output().assert_code(1);
    assert_eq!(stages(&project, 1), ["other", "top"]);
    project.local_ci(&["rerun", "--failed", "-q"]).output().assert_code(1);
    assert_eq!(stages(&project, 2), ["top"]);
    project.assert_nothing_left();
}

#[test]
fn what_is_no_longer_as_it_was_is_said() {
    let project = project();
    let run = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).output();
    run(&["-q", "-j1"]).assert_code(1);
    run(&["-q", "one", "three"]).assert_code(1);
    project.config("[stages.three]\nrun = 'true'\n[stages.four]\nrun = 'true'\n");
    project.write("local-ci.local.toml", "");
    assert_transcript!(run(&["rerun", "1", "-q"]), @"
    $ local-ci rerun 1 -q
    📊 Summary:
      Total stages: 2
      Passed: 2
      Total time: [TIME]

    Run 3 is kept: local-ci show 3
    --- stderr
    rerunning run 1: three four
    the config differs from that of run 1: local-ci.toml has changed, local-ci.local.toml was not read then
    no longer among its stages: one two
    new among its stages: four
    --- exit 0
    ");
    assert_transcript!(run(&["rerun", "2", "-q"]), @r#"
    $ local-ci rerun 2 -q
    --- stderr
    error: run 2 was asked for stage "one", which is not in the config any more
      hint: `local-ci list` shows the stages
    --- exit 2
    "#);
    assert_transcript!(run(&["rerun", "2", "--failed"]), @"
    $ local-ci rerun 2 --failed
    --- stderr
    error: stage one, which did not pass in run 2, is not in the config any more
      hint: `local-ci list` shows the stages
    --- exit 2
    ");
    assert_transcript!(run(&["rerun", "1", "--failed"]), @"
    $ local-ci rerun 1 --failed
    --- stderr
    error: stages one two, which did not pass in run 1, are not in the config any more
      hint: `local-ci list` shows the stages
    --- exit 2
    ");
    project.assert_nothing_left();
}

/// The config that a run was told to read is read again, also by the rerun of its rerun and from elsewhere.
#[test]
fn a_run_of_another_config_is_done_again_with_that_one() {
    let project = project();
    project.write("other.toml", "[stages.only]\nrun = 'test -e $SIDE/good'\n");
    project.write("below/file", "");
    let run = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).output();
    run(&["-q", "-C", "below", "-c", "../other.toml"]).assert_code(1);
    for round in 2..4 {
        let said = run(&["rerun", "-q"]).assert_code(1).stderr();
        assert_eq!(said, format!("rerunning run {}: only\n", round - 1));
        assert_eq!(stages(&project, round), ["only"]);
    }
    project.open_gate("good");
    run(&["rerun", "--failed", "-q", "-C", "below"]).assert_code(0);
    assert_eq!(stages(&project, 4), ["only"]);
    // What is typed now goes before.
    assert!(run(&["rerun", "1", "-q", "-c", "local-ci.toml"]).stderr().contains("other.toml is not read now"));
    project.assert_nothing_left();
}

#[test]
fn what_cannot_be_run_again_is_refused() {
    let project = project();
    let run = |args: &[&str]| project.local_ci(args).env("SIDE", project.side_dir()).output();
    assert_transcript!(run(&["rerun"]), @"
    $ local-ci rerun
    --- stderr
    error: there are no runs of this project yet
      hint: `local-ci run` starts one, `local-ci add CMD` one of any command
    --- exit 2
    ");
    run(&["-q", "three"]).assert_code(0);
    assert_transcript!(run(&["rerun", "9"]), @"
    $ local-ci rerun 9
    --- stderr
    error: there is no run 9
      hint: this project has run 1 only
    --- exit 2
    ");
    assert_transcript!(run(&["rerun", "three"]), @r#"
    $ local-ci rerun three
    --- stderr
    error: "three" is not a run
      hint: a run is a number, or `latest`; `local-ci run STAGE` runs a stage
    --- exit 2
    "#);
    // What another version, or another program, may have written.
    let path = project.run_dir(1).join("header.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    for words in [r#"["local-ci","run","--bogus"]"#, r#"["local-ci","rerun","7"]"#, r#"["local-ci","-h"]"#, "[]"] {
        let mut header: Value = serde_json::from_str(&whole).unwrap();
        header["argv"] = serde_json::from_str(words).unwrap();
        std::fs::write(&path, header.to_string()).unwrap();
        let said = run(&["rerun", "1"]).assert_code(2).stderr();
        assert!(said.contains("what run 1 was asked to do is not known to this version: "), "{words}: {said}");
    }
    std::fs::write(&path, "{").unwrap();
    assert_transcript!(run(&["rerun", "1"]), @"
    $ local-ci rerun 1
    --- stderr
    error: what run 1 was asked to do cannot be read: EOF while parsing an object at line 1 column 1
    --- exit 3
    ");
    project.assert_nothing_left();
}

#[test]
fn a_run_that_goes_on_has_not_failed_yet() {
    let project = Project::new();
    project.config("[stages.long]\nrun = \"chaos touch $SIDE/begun; chaos wait-for $SIDE/go\"\n");
    let running = project.local_ci(&["-q"]).env("SIDE", project.side_dir()).spawn();
    wait_until("the stage to begin", || project.side("begun").exists());
    assert_transcript!(project.local_ci(&["rerun", "--failed"]).output(), @"
    $ local-ci rerun --failed
    --- stderr
    error: run 1 has not ended yet
      hint: `local-ci attach 1` follows it
    --- exit 2
    ");
    let again = project.local_ci(&["rerun", "-q"]).env("SIDE", project.side_dir()).output();
    assert!(again.assert_code(5).stderr().contains("stage long is running already, in run 1"));
    project.open_gate("go");
    running.wait().assert_code(0);
    project.assert_nothing_left();
}
