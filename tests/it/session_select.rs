//! What is selected, and what is said of it before anything runs: the bare form, names, tags, profiles, plans.

use serde_json::{Value, json};

use crate::support::{Project, assert_transcript};

fn project() -> Project {
    let project = Project::new();
    project.config(
        r#"
[stages.fmt]
description = "formatting"
run = "echo formatted"
fix = "echo fixed"
tags = ["quick"]

[stages.list]
run = "echo I am list"
needs = ["fmt"]
default = false

[stages.cells]
run = "echo ${matrix.v} $MATRIX_V"
matrix = { v = ["a", "b"] }
needs = ["fmt"]
timeout = "5m"
retries = 1
tags = ["slow"]

[stages.mac]
run = "true"
when = { os = "windows" }

[stages.last]
run = """
echo several
echo lines"""
needs = ["cells", "mac"]
allow-failure = true
threads = 2
locks = ["db"]

[profiles.quick]
tags = ["quick"]
[profiles.most]
skip = ["mac"]
"#,
    );
    project
}

/// What would run, in order.
fn planned(project: &Project, args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["plan", "--json"].into_iter().chain(args.iter().copied()).collect();
    let plan = project.local_ci(&args).output().assert_code(0);
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let stages = plan["stages"].as_array().unwrap().iter().filter(|stage| stage["decision"] == "run");
    stages.map(|stage| stage["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_plan_says_what_and_why() {
    let project = project();
    assert_transcript!(project.local_ci(&["plan", "-j", "4"]).output(), @"
    $ local-ci plan -j 4
    4 of 5 stages would run, 4 at a time
      run   fmt      echo formatted
                     in the default set
      run   cells:a  echo a $MATRIX_V
                     after fmt
                     in the default set
      run   cells:b  echo b $MATRIX_V
                     after fmt
                     in the default set
      skip  mac      runs on windows only
                     in the default set
      run   last     echo several …
                     after cells:a, cells:b, mac
                     in the default set
                     needs mac, which is skipped
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["run", "list", "--dry-run", "-j4", "--fix"]).output(), @"
    $ local-ci run list --dry-run -j4 --fix
    2 of 2 stages would run, 4 at a time
      run   fmt   echo fixed
                  needed by list
                  --fix runs its fix command
      run   list  echo I am list
                  after fmt
                  asked for
                  bears a command's name: local-ci run list
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["plan", "-j4", "last", "--skip", "cells:a"]).output(), @"
    $ local-ci plan -j4 last --skip cells:a
    3 of 4 stages would run, 4 at a time
      run   fmt      echo formatted
                     needed by cells:b
      run   cells:b  echo b $MATRIX_V
                     after fmt
                     needed by last
      skip  mac      runs on windows only
                     needed by last
      run   last     echo several …
                     after fmt, cells:b, mac
                     asked for
                     needs cells:a, which --skip leaves out
                     needs mac, which is skipped
    left out: cells:a
    --- exit 0
    ");
    project.assert_nothing_left();
}

#[test]
fn a_plan_is_one_object() {
    let project = project();
    assert_transcript!(project.local_ci(&["plan", "--json", "-j", "4", "last", "--only"]).output(), @r#"
    $ local-ci plan --json -j 4 last --only
    {
      "schema_version": 1,
      "project": "[PROJECT]",
      "jobs": 4,
      "fail_fast": false,
      "stages": [
        {
          "name": "last",
          "decision": "run",
          "reasons": [
            {
              "why": "asked",
              "by": "last"
            },
            {
              "why": "need_left_out",
              "stage": "cells:a",
              "by": "--only"
            },
            {
              "why": "need_left_out",
              "stage": "cells:b",
              "by": "--only"
            },
            {
              "why": "need_left_out",
              "stage": "mac",
              "by": "--only"
            }
          ],
          "command": "echo several\necho lines",
          "needs": [],
          "env": [],
          "dir": "",
          "executor": "local",
          "signature": "[SIGNATURE]",
          "threads": 2,
          "locks": [
            "db"
          ],
          "retries": 0,
          "hidden_by_command": false,
          "allow_failure": true
        }
      ],
      "remotes": [],
      "left_out": [
        "cells:a",
        "cells:b",
        "mac"
      ],
      "warnings": []
    }
    --- exit 0
    "#);
    project.assert_nothing_left();
}

#[test]
fn a_list_says_what_there_is() {
    let project = project();
    assert_transcript!(project.local_ci(&["list"]).output(), @"
    $ local-ci list
    fmt  never run: echo formatted  # formatting
    list  never run: echo I am list  [not in the default set]  [local-ci run list]
    cells:a  never run: echo a $MATRIX_V
    cells:b  never run: echo b $MATRIX_V
    mac  never run: true
    last  never run: echo several …
    --- exit 0
    ");
    project.local_ci(&["-q", "cells:a"]).output().assert_code(0);
    assert_transcript!(project.local_ci(&["--list"]).output(), @"
    $ local-ci --list
    fmt  stopped (0): echo formatted  [passed, run 1, [AGO]]  # formatting
    list  never run: echo I am list  [not in the default set]  [local-ci run list]
    cells:a  stopped (0): echo a $MATRIX_V  [passed, run 1, [AGO]]
    cells:b  never run: echo b $MATRIX_V
    mac  never run: true
    last  never run: echo several …
    --- exit 0
    ");
    let list: Value = serde_json::from_slice(&project.local_ci(&["list", "--json"]).output().stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 6);
    let mut first = list[0].clone();
    assert!(first["age_ms"].take().is_u64());
    assert!(first["expected_ms"].take().is_u64());
    assert!(first["duration_ms"].take().is_u64());
    let expected = json!({
        "name": "fmt", "kind": "stage", "state": "stopped", "duration_ms": null, "exit_code": 0, "status": "pass", "run": 1, "age_ms": null,
        "expected_ms": null, "command": "echo formatted", "description": "formatting", "default": true, "needs": [],
        "hidden_by_command": false,
    });
    assert_eq!(first, expected);
    assert_eq!((&list[1]["hidden_by_command"], &list[1]["state"]), (&json!(true), &json!("never run")));
    project.assert_nothing_left();
}

#[test]
fn names_tags_globs_and_profiles_select() {
    let project = project();
    let all = ["fmt", "cells:a", "cells:b", "last"];
    assert_eq!(planned(&project, &[]), all);
    assert_eq!(planned(&project, &["cells"]), ["fmt", "cells:a", "cells:b"]);
    assert_eq!(planned(&project, &["cells:b"]), ["fmt", "cells:b"]);
    assert_eq!(planned(&project, &["c*:?", "--only"]), ["cells:a", "cells:b"]);
    assert_eq!(planned(&project, &["--tag", "quick"]), ["fmt"]);
    assert_eq!(planned(&project, &["--tag", "quick", "list"]), ["fmt", "list"]);
    assert_eq!(planned(&project, &["--profile", "quick"]), ["fmt"]);
    assert_eq!(planned(&project, &["--profile", "most"]), all);
    assert_eq!(planned(&project, &["--skip", "fmt", "--skip", "last"]), ["cells:a", "cells:b"]);
}

/// A stage that bears a command's name is reached after another stage, and by `run`.
#[test]
fn the_bare_form_reaches_every_stage() {
    let project = project();
    let ran = |args: &[&str]| {
        let report = project.local_ci(args).output().assert_code(0);
        let report: Value = serde_json::from_slice(&report.stdout).unwrap();
        let names: Vec<String> = report["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| stage["name"].as_str().unwrap().to_owned())
            .collect();
        names.join(" ")
    };
    assert_eq!(ran(&["--json", "fmt", "list"]), "fmt list");
    assert_eq!(ran(&["run", "list", "--json"]), "fmt list");
    assert_eq!(ran(&["run", "--json", "list", "--only"]), "list");
    assert_eq!(ran(&["-j", "1", "--json"]), "fmt cells:a cells:b mac last");
    // Options may stand twice, as those of an alias and those that are typed: the last one holds.
    assert_eq!(ran(&["-j", "1", "--json", "fmt", "-j2", "--json"]), "fmt");
    project.write("list/local-ci.toml", "[stages.inner]\nrun = 'true'\n");
    assert_eq!(ran(&["-C", "list", "--json"]), "inner");
    // What is said to be typed next works where it was typed.
    let next = project.local_ci(&["-C", "list", "-c", "local-ci.toml", "-q"]).output().assert_code(0).stdout();
    assert!(next.contains("local-ci -C list -c local-ci.toml show 2\n"), "{next}");
    assert_eq!(ran(&["--config", "list/local-ci.toml", "--json", "inner"]), "inner");
    assert!(project.local_ci(&["list"]).output().assert_code(0).stdout().contains("fmt  stopped"));
    project.assert_nothing_left();
}

/// A stage or a command may have been meant, where both can stand.
#[test]
fn a_word_that_is_nothing_is_near_to_a_stage_or_a_command() {
    let project = project();
    assert_transcript!(project.local_ci(&["lst", "--only"]).output(), @r#"
    $ local-ci lst --only
    --- stderr
    error: there is no stage "lst"; did you mean last or list or the command list?
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["plan", "stat"]).output(), @r#"
    $ local-ci plan stat
    --- stderr
    error: there is no stage "stat"; did you mean the command start or the command stats or the command stdout?
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["--skip", "lst"]).output(), @r#"
    $ local-ci --skip lst
    --- stderr
    error: there is no stage "lst"; did you mean last or list?
    --- exit 2
    "#);
    let empty = Project::new();
    assert_transcript!(empty.local_ci(&["-c", "none.toml", "valdate"]).output(), @"
    $ local-ci -c none.toml valdate
    --- stderr
    error: there is no file [PROJECT]/none.toml
      hint: --config takes a file, relative to the directory that the command works in
    --- exit 2
    ");
    assert!(
        empty.local_ci(&["valdate"]).output().assert_code(4).stderr().contains("did you mean `local-ci validate`?")
    );
}

/// Exit 4 is never green; exit 2 is a wrong name. Both say what there is instead, and nothing has run.
#[test]
fn what_selects_nothing_says_so() {
    let project = project();
    assert_transcript!(project.local_ci(&["ftm"]).output(), @r#"
    $ local-ci ftm
    --- stderr
    error: there is no stage "ftm"; did you mean fmt?
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["watch"]).output(), @r#"
    $ local-ci watch
    --- stderr
    error: there is no stage "watch"
      hint: nor is there a command `watch` in this version; `local-ci --help` shows the commands
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["zzz"]).output(), @r#"
    $ local-ci zzz
    --- stderr
    error: there is no stage "zzz"
      hint: `local-ci list` shows the stages
    --- exit 2
    "#);
    assert_transcript!(project.local_ci(&["z*"]).output(), @r#"
    $ local-ci 'z*'
    --- stderr
    error: no stage matches "z*"
      hint: `local-ci list` shows the stages
    --- exit 4
    "#);
    assert_transcript!(project.local_ci(&["--tag", "quik"]).output(), @r#"
    $ local-ci --tag quik
    --- stderr
    error: no stage has the tag "quik"; did you mean quick?
    --- exit 4
    "#);
    assert_transcript!(project.local_ci(&["--tag", "zzz"]).output(), @r#"
    $ local-ci --tag zzz
    --- stderr
    error: no stage has the tag "zzz"; the config has quick and slow
    --- exit 4
    "#);
    assert_transcript!(project.local_ci(&["--profile", "zzz"]).output(), @r#"
    $ local-ci --profile zzz
    --- stderr
    error: there is no profile "zzz"; the config has most and quick
    --- exit 4
    "#);
    assert_transcript!(project.local_ci(&["--skip", "*"]).output(), @"
    $ local-ci --skip '*'
    --- stderr
    error: nothing is left to run: fmt, cells:a, cells:b, mac and last are left out by --skip
      hint: `local-ci list` shows the stages
    --- exit 4
    ");
    assert_transcript!(project.local_ci(&["--", "a"]).output(), @"
    $ local-ci -- a
    --- stderr
    error: arguments after -- go to exactly one stage, and fmt, cells:a, cells:b, mac and last are selected: name one stage
    --- exit 2
    ");
    assert!(!project.state_dir().exists());
    let empty = Project::new();
    let session = empty.local_ci(&[]).output().redact(r"found in .*", "found in …");
    assert_transcript!(session, @r#"
    $ local-ci
    --- stderr
    error: no local-ci.toml in [PROJECT] or above it: the search ended at /tmp, right below the top of the file system
      hint: nor does a file say what to run: looked for Cargo.toml, package.json, go.mod, pyproject.toml, deno.json, pom.xml, build.gradle, justfile, Makefile and their kin; `local-ci init` writes a first config, and the smallest one is:

      [stages.test]
      run = "echo hello"
    --- exit 4
    "#);
    empty.config("");
    assert_transcript!(empty.local_ci(&[]).output(), @r#"
    $ local-ci
    --- stderr
    error: the pipeline has no stages
      hint: write one into the config; the smallest one is:

      [stages.test]
      run = "echo hello"
    --- exit 4
    "#);
    assert_transcript!(empty.local_ci(&["list"]).output(), @"
    $ local-ci list
    --- stderr
    the pipeline has no stages
    --- exit 4
    ");
    empty.config("[stages.one]\nrun = 'true'\ndefault = false\n");
    assert_transcript!(empty.local_ci(&[]).output(), @"
    $ local-ci
    --- stderr
    error: no stage is in the default set: name one, or take `default = false` off one
      hint: `local-ci list` shows the stages
    --- exit 4
    ");
    empty.assert_nothing_left();
}
