//! Stages that plugins make, and cannot.

use crate::config::tests::{faults, faults_with};

#[test]
fn who_makes_stages_has_to_be_there() {
    let text = r#"[stages.a]
run = "true"
needs = ["made-by-who-knows"]
[[expand]]
with = { kind = "cargo" }
[[expand]]
uses = "members"
with = { kind = 1 }
[[expand]]
uses = "hygiene"
[[expand]]
uses = "mebmers"
[[expand]]
uses = "members"
with = { kind = "trap" }
[plugins.members]
source = "path:plugins/members"
[plugins.hygiene]
source = "path:plugins/hygiene"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0429

      × this does not say what makes its stages
       ╭─[local-ci.toml:4:1]
     3 │ needs = ["made-by-who-knows"]
     4 │ [[expand]]
       · ─────┬────
       ·      ╰── here
     5 │ with = { kind = "cargo" }
       ╰────
      help: say which plugin does: uses = "members"

    LC0426

      × `with.kind` must be of type "string", not 1
       ╭─[local-ci.toml:8:17]
     7 │ uses = "members"
     8 │ with = { kind = 1 }
       ·                 ┬
       ·                 ╰── settings of plugin members
     9 │ [[expand]]
       ╰────

    LC0425

      × plugin `hygiene` has no expander
        ╭─[local-ci.toml:10:8]
      9 │ [[expand]]
     10 │ uses = "hygiene"
        ·        ────┬────
        ·            ╰── no expander
     11 │ [[expand]]
        ╰────
      help: it has stage kinds, for `uses`

    LC0409

      × there is no plugin `mebmers`
        ╭─[local-ci.toml:12:8]
     11 │ [[expand]]
     12 │ uses = "mebmers"
        ·        ────┬────
        ·            ╰── not in [plugins]
     13 │ [[expand]]
        ╰────
      help: did you mean `members`?

    LC0424

      × plugin members gave up: there is no workspace here
        ╭─[local-ci.toml:13:1]
     12 │ uses = "mebmers"
     13 │ [[expand]]
        · ─────┬────
        ·      ╰── to make these stages
     14 │ uses = "members"
        ╰────

    5 faults in the configuration
    "#);
}

const MEMBERS: &str = r#"[stages.build]
run = "make"
[stages.test-core]
run = "make test"
[[expand]]
uses = "members"
[plugins.members]
source = "path:plugins/members"
"#;

/// They are checked like those of the file, and what is wrong with one is told with its name and what makes it.
#[test]
fn a_stage_that_was_made_has_the_faults_of_any_other() {
    let members = [
        ("test-core", r#"{"run": "make test"}"#),
        ("test-web", r#"{"run": "make test", "needs": ["biuld"]}"#),
        ("test cli", r#"{"run": "make test"}"#),
        ("test-a", r#"{"run": "a", "needs": ["test-b"]}"#),
        ("test-b", r#"{"run": "b", "needs": ["test-a"], "dir": "../x"}"#),
        ("test-c", r#"{"uses": "hygeine"}"#),
    ];
    insta::assert_snapshot!(faults_with(MEMBERS, &members), @r#"
    LC0419

      × stage `test-core`, which `members` makes: two stages have the name `test-core`
       ╭─[local-ci.toml:5:1]
     2 │ run = "make"
     3 │ [stages.test-core]
       ·         ────┬────
       ·             ╰── and of this one
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: rename one of them

    LC0401

      × stage `test cli`, which `members` makes: `test cli` cannot be a stage's name: a stage name
      │ cannot have ' ' here: letters, digits and _ first, then also . : + -
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: for example: fmt, test-unit, lint:web

    LC0405

      × stage `test-web`, which `members` makes: there is no stage `biuld`
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: did you mean `build`?

    LC0407

      × stage `test-a`, which `members` makes: stages need each other: test-a → test-b → test-a
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: take one of these needs away

    LC0415

      × stage `test-b`, which `members` makes: `dir` is not inside the project: ../x
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: give a path relative to the project's directory, such as dir = "crates/core"

    LC0409

      × stage `test-c`, which `members` makes: there is no plugin `hygeine`
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: define it as [plugins.hygeine], with its source

    6 faults in the configuration
    "#);
}

#[test]
fn what_is_no_stage_says_which_it_was_to_be() {
    let members = [
        ("test-web", r#"{"rnu": "make test", "timeout": "5"}"#),
        ("test-d", r#"{"run": "x", "retries": null, "needs": [null]}"#),
        ("test-e", "[]"),
        ("test-f", "{"),
        ("test-g", r#"{"run": "x", "expand": []}"#),
    ];
    insta::assert_snapshot!(faults_with(MEMBERS, &members), @r#"
    LC0301

      × stage `test-web`, which `members` makes: there is no key `rnu` here
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: did you mean `run`?

    LC0303

      × stage `test-web`, which `members` makes: `timeout` has no unit: "5"
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: say which unit: "5s" for seconds, "5m" for minutes

    LC0429

      × stage `test-d`, which `members` makes: it is no stage's table: unsupported unit type
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: this is for who made the plugin to mend

    LC0429

      × stage `test-e`, which `members` makes: it is no stage's table: it is no JSON object
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: this is for who made the plugin to mend

    LC0429

      × stage `test-f`, which `members` makes: it is no stage's table: it is no JSON: EOF while
      │ parsing an object at line 1 column 1
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: this is for who made the plugin to mend

    LC0301

      × stage `test-g`, which `members` makes: there is no key `expand` here
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── made by this
     6 │ uses = "members"
       ╰────
      help: the keys here are description, run, uses, with, fix, needs, inputs, outputs, env, env-
            file, secrets, dir, shell, timeout, grace, retries, retry-delay, allow-failure, when,
            matrix, tags, threads, locks, interactive, pty, on, annotate, default, log-max, leak,
            jobserver; this is local-ci 0.1.0, a newer one may have more

    6 faults in the configuration
    "#);
}

#[test]
fn what_is_wrong_with_all_that_one_table_makes_is_told_once() {
    let members = ["a", "b", "c"].map(|name| (name, r#"{"run": "x", "needs": ["fmt"]}"#));
    let told = faults_with(MEMBERS, &members);
    assert!(told.contains("stage `a` and 2 others, which `members` makes: there is no stage `fmt`"), "{told}");
    assert!(told.contains("1 fault in the configuration"), "{told}");
}

#[test]
fn needs_that_go_both_ways_can_be_a_ring() {
    let text = MEMBERS.replace("run = \"make\"", "run = \"make\"\nneeds = [\"test-web\"]");
    insta::assert_snapshot!(faults_with(&text, &[("test-web", r#"{"run": "x", "needs": ["build"]}"#)]), @r#"
    LC0407

      × stages need each other: build → test-web → build
       ╭─[local-ci.toml:3:10]
     2 │ run = "make"
     3 │ needs = ["test-web"]
       ·          ─────┬────
       ·               ╰── `build` needs `test-web`
     4 │ [stages.test-core]
     5 │ run = "make test"
     6 │ [[expand]]
       · ─────┬────
       ·      ╰── `test-web` needs `build`
     7 │ uses = "members"
       ╰────
      help: take one of these needs away

    1 fault in the configuration
    "#);
}

#[test]
fn no_plugin_makes_more_stages_than_anybody_wants() {
    let names: Vec<String> = (0..1001).map(|i| format!("s{i}")).collect();
    let members: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), r#"{"run": "x"}"#)).collect();
    insta::assert_snapshot!(faults_with(MEMBERS, &members), @r#"
    LC0429

      × `members` makes 1001 stages
       ╭─[local-ci.toml:5:1]
     4 │ run = "make test"
     5 │ [[expand]]
       · ─────┬────
       ·      ╰── by this
     6 │ uses = "members"
       ╰────
      help: there may be 1000: give it less to look at, or split the pipeline

    1 fault in the configuration
    "#);
    assert_eq!(faults_with(MEMBERS, &members[..1000]), "no faults");
    let large = format!(r#"{{"run": "{}"}}"#, "x".repeat(5 << 20));
    assert!(faults_with(MEMBERS, &[("s", &large)]).contains("`members` makes stages of more than 4 MiB"));
}
