//! What the program says of itself: schema, manual page, explanations; and plans as graphs.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Project, assert_transcript, skip};

/// They need no project, no state and no sound config: they say what they have to say anywhere.
#[test]
fn what_is_about_the_program_needs_no_project() {
    let project = Project::new();
    project.config("[stages.a\n");
    project.write("user/local-ci/config.toml", "color = 1\n");
    let user = project.dir().join("user");
    project.local_ci(&["list"]).env("XDG_CONFIG_HOME", &user).output().assert_code(2);
    for args in [
        &["schema"][..],
        &["schema", "--user"],
        &["man"],
        &["explain"],
        &["explain", "LC0101"],
        &["completions", "zsh"],
    ] {
        let finished = project.local_ci(args).env("XDG_CONFIG_HOME", &user).output().assert_code(0);
        assert_eq!(finished.stderr(), "", "{args:?}");
        assert!(!finished.stdout().is_empty(), "{args:?}");
    }
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

#[test]
fn the_schema_is_the_committed_one() {
    let project = Project::new();
    let printed = project.local_ci(&["schema"]).output().assert_code(0).stdout();
    assert_eq!(printed, include_str!("../../docs/local-ci.schema.json"));
    let schema: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn codes_are_explained_however_they_are_written() {
    let project = Project::new();
    let expected = project.local_ci(&["explain", "LC0303"]).output().assert_code(0).stdout();
    for code in ["lc0303", "LC303", "303"] {
        assert_eq!(project.local_ci(&["explain", code]).output().assert_code(0).stdout(), expected);
    }
    assert_transcript!(project.local_ci(&["explain", "LC0303"]).output(), @r#"
    $ local-ci explain LC0303
    LC0303: not a duration

    A duration is a text of numbers with units, the largest first: "[TIME]", "[TIME]",
    "20m", "[TIME]", "7d". A number without a unit is refused, since nobody can tell
    seconds from minutes. `timeout` also takes "none".

    Wrong:

      [stages.test]
      run = "cargo test"
      timeout = "30"

    Right:

      [stages.test]
      run = "cargo test"
      timeout = "[TIME]"
    --- exit 0
    "#);
    assert_transcript!(project.local_ci(&["explain", "LC9303"]).output(), @r#"
    $ local-ci explain LC9303
    --- stderr
    error: there is no code "LC9303"; did you mean LC0303?
      hint: `local-ci explain` lists all codes
    --- exit 2
    "#);
    let list = project.local_ci(&["explain"]).output().assert_code(0).stdout();
    assert!(list.starts_with("LC0101  no configuration was found\n"), "{list}");
    assert!(list.lines().count() > 35, "{list}");
}

/// What a fault names, there is.
#[test]
fn a_fault_leads_to_its_explanation() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"true\"\nneeds = [\"b\"]\n");
    let said = project.local_ci(&[]).output().assert_code(2).stderr();
    let (_, call) = said.split_once("hint: `local-ci ").unwrap();
    let call: Vec<&str> = call.split('`').next().unwrap().split(' ').collect();
    assert_eq!(call, ["explain", "LC0405"]);
    assert!(
        project.local_ci(&call).output().assert_code(0).stdout().starts_with("LC0405: a need that is not a stage\n")
    );
}

/// groff has nothing against the page, and shows it.
#[test]
fn groff_takes_the_manual_page_without_a_warning() {
    let trial = Command::new("groff").arg("--version").stdout(Stdio::null()).status();
    if !trial.is_ok_and(|status| status.success()) {
        skip("skipped: groff is not installed; apt-get install groff-base");
        return;
    }
    let project = Project::new();
    let page = project
        .sh("local-ci man | groff -man -Tutf8 -ww | sed 's/\\x1b\\[[0-9;]*m//g; s/.\\x08//g'")
        .output()
        .assert_code(0);
    assert_eq!(page.stderr(), "");
    let text = page.stdout();
    for line in ["NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "   local-ci run"] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("--fail-fast") && text.contains("LOCAL_CI_STATE_DIR"), "{text}");
}

const PIPELINE: &str = r##"
[stages.fmt]
run = "true"
[stages.test]
run = "echo \"${matrix.v}\" # -> \\"
matrix = { v = ["a", "b"] }
needs = ["fmt"]
locks = ["a \"lock\""]
[stages.other]
run = "true"
when = { env = { NEVER = "<b>\"#;%%{" } }
[stages.last]
run = "true"
needs = ["test", "other"]
allow-failure = true
"##;

#[test]
fn a_plan_is_drawn() {
    let project = Project::new();
    project.config(PIPELINE);
    assert_transcript!(project.local_ci(&["plan", "--graph", "dot"]).output(), @r#"
    $ local-ci plan --graph dot
    digraph plan {
      rankdir=LR
      node [shape=box, style=rounded]
      "fmt" [label="fmt", tooltip="true"]
      "other" [label="other\nskipped: NEVER is not set", tooltip="true", style="rounded,dashed"]
      "last" [label="last\nmay fail", tooltip="true"]
      subgraph cluster_0 {
        label="test"
        "test:a" [label="test:a\nlock: a \"lock\"", tooltip="echo \"a\" # -> \\"]
        "test:b" [label="test:b\nlock: a \"lock\"", tooltip="echo \"b\" # -> \\"]
      }
      "fmt" -> "test:a"
      "fmt" -> "test:b"
      "test:a" -> "last"
      "test:b" -> "last"
      "other" -> "last"
    }
    --- exit 0
    "#);
    assert_transcript!(project.local_ci(&["plan", "--graph", "mermaid", "test"]).output(), @r#"
    $ local-ci plan --graph mermaid test
    flowchart LR
      stage0["fmt"]
      subgraph matrix0["test"]
        stage1["test:a<br/>lock: a #34;lock#34;"]
        stage2["test:b<br/>lock: a #34;lock#34;"]
      end
      stage0 --> stage1
      stage0 --> stage2
    --- exit 0
    "#);
    assert_transcript!(project.local_ci(&["plan", "--graph", "svg"]).output(), @"
    $ local-ci plan --graph svg
    --- stderr
    error: invalid value 'svg' for '--graph <FORMAT>'
      [possible values: dot, mermaid]

    For more information, try '--help'.
    --- exit 2
    ");
    project.local_ci(&["plan", "--graph", "dot", "--json"]).output().assert_code(2);
    let mistyped = project.local_ci(&["plan", "--grpah", "dot"]).output().assert_code(2).stderr();
    assert!(mistyped.contains("a similar argument exists: '--graph'"), "{mistyped}");
    project.local_ci(&["plan", "--graph", "dot", "nothing"]).output().assert_code(2);
    assert!(!project.state_dir().exists());
    if Command::new("dot").arg("-V").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        let drawn = project.sh("local-ci plan --graph dot | dot -Tplain").output().assert_code(0);
        assert_eq!(drawn.stderr(), "");
    } else {
        skip("skipped: dot is not installed; apt-get install graphviz");
    }
    project.assert_nothing_left();
}

/// At eighty columns no line of any help is broken by hand and then by width once more.
#[test]
fn every_help_fits_eighty_columns() {
    let project = Project::new();
    let main = project.local_ci(&["--help"]).output().assert_code(0).stdout();
    let (_, commands) = main.split_once("Commands:\n").unwrap();
    let commands: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands.iter().copied().chain([""]).filter(|command| *command != "help") {
        let words: Vec<&str> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        for columns in ["80", "200"] {
            let help = project.local_ci(&words).env("COLUMNS", columns).output().assert_code(0).stdout();
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
            // The short form, with an option and what it does side by side.
            assert!(!help.contains("Possible values:"), "{help}");
        }
    }
}
