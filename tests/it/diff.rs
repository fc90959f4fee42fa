//! `diff`: what changed from one run to another.

use std::fs;

use serde_json::Value;

use crate::support::{Project, assert_transcript};

fn json(project: &Project, args: &[&str]) -> Value {
    let args = [&["diff", "--json"], args].concat();
    serde_json::from_slice(&project.local_ci(&args).output().assert_code(0).stdout).unwrap()
}

/// Two runs, between which most of what can differ does.
fn changed() -> Project {
    let project = Project::new();
    project.config(
        "[stages.same]\nrun = 'echo same; echo err >&2'\n\
         [stages.talks]\nenv = { GONE = '1', KEPT = '1' }\nrun = 'echo one; echo two; chaos lines 5'\n\
         [stages.lint]\nrun = 'true'\n",
    );
    project.local_ci(&["-q", "-j1"]).output().assert_code(0);
    project.config(
        "[stages.same]\nrun = 'echo same; echo err >&2'\n\
         [stages.talks]\nenv = { KEPT = '2', NEW = 'secret' }\nrun = 'echo one; echo zwei; exit 7'\n\
         [stages.doc]\nrun = 'true'\n",
    );
    project.local_ci(&["-q", "-j1"]).output().assert_code(1);
    project
}

#[test]
fn what_changed_is_said_and_is_no_failure() {
    let project = changed();
    // How long things take, and so what took longest, is for the unit's test; columns are as wide as that is.
    let shown = project
        .local_ci(&["diff", "1"])
        .output()
        .redact(r"(?m) {2,}(\[TIME\]|\d+(ms|\.\ds)|Time).*$", "  …")
        .redact(r"(?m)^critical path .*\n", "");
    assert_transcript!(shown, @"
    $ local-ci diff 1
    Run 1 → run 2

    verdict        ✓ passed → ✗ failed (1)
    time  …
    config         local-ci.toml changed

    Stage  Status  …
    same   ✓ passed  …
    talks  ✓ passed → ✗ failed (7)  …
    doc    new: ✓ passed  …
    lint   gone: ✓ passed  …

    talks
      command
        - echo one; echo two; chaos lines 5
        + echo one; echo zwei; exit 7
      environment
        - GONE
        + NEW
      output differs from line 2 on
        - two
        + zwei
    --- exit 0
    ");
    let report = json(&project, &["1", "2"]);
    assert_eq!((&report["from"]["run"], &report["to"]["run"]), (&1.into(), &2.into()));
    assert_eq!((&report["from"]["verdict"], &report["to"]["verdict"]), (&"passed".into(), &"failed".into()));
    let names: Vec<&str> = report["stages"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["same", "talks", "doc", "lint"]);
    let talks = &report["stages"][1];
    assert_eq!(talks["environment_added"], serde_json::json!(["NEW"]));
    assert_eq!(talks["environment_gone"], serde_json::json!(["GONE"]));
    assert_eq!(
        talks["output"],
        serde_json::json!({ "kind": "differs", "stream": "stdout", "line": 2, "from": "two", "to": "zwei" })
    );
    assert_eq!(report["stages"][0]["output"]["kind"], "same");
    assert!(!report.to_string().contains("secret"), "names of variables, no values");
    project.assert_nothing_left();
}

#[test]
fn what_cannot_be_compared_is_said() {
    let project = changed();
    project.local_ci(&["-q", "same"]).output().assert_code(0);
    project.local_ci(&["-q", "same"]).output().assert_code(0);
    let same = project.local_ci(&["diff", "3", "4"]).output().assert_code(0);
    assert_eq!(same.stderr(), "nothing differs but how long it took\n");
    assert_transcript!(project.local_ci(&["diff", "4"]).output(), @"
    $ local-ci diff 4
    --- stderr
    error: run 4 is compared with itself
      hint: name an earlier run; `local-ci runs` lists them
    --- exit 2
    ");
    assert_transcript!(project.local_ci(&["diff", "same", "4"]).output(), @r#"
    $ local-ci diff same 4
    --- stderr
    error: "same" is a job, and runs are compared
      hint: its latest run is 4
    --- exit 2
    "#);
    project.local_ci(&["diff", "9"]).output().assert_code(2);
    fs::remove_file(project.run_dir(2).join("logs/talks.log")).unwrap();
    let gone = json(&project, &["1", "2"]);
    assert_eq!(gone["stages"][1]["output"]["why"], "in run 2 its log is gone, or cut short");
    fs::write(project.run_dir(2).join("header.json"), "{").unwrap();
    let damaged = project.local_ci(&["diff", "1", "2"]).output().redact("cannot be read: .*", "cannot be read: …");
    assert_transcript!(damaged, @"
    $ local-ci diff 1 2
    --- stderr
    error: run 2 is damaged: its header.json cannot be read: …
      hint: `local-ci logs 2` shows what is left of it
    --- exit 3
    ");
    project.assert_nothing_left();
}
