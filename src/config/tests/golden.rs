//! Faults as they are drawn: what is wrong, where, and what to do.

use std::path::Path;

use super::{drawn, faults, load, parse};

/// H122: an unknown key has its nearest and its place.
#[test]
fn h122_an_unknown_key_has_its_nearest_and_its_place() {
    let text = r#"[stages.test]
rnu = "cargo test"
time_out = "5m"
run = "cargo test"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0301

      × there is no key `rnu` here
       ╭─[local-ci.toml:2:1]
     1 │ [stages.test]
     2 │ rnu = "cargo test"
       · ─┬─
       ·  ╰── unknown key
     3 │ time_out = "5m"
       ╰────
      help: did you mean `run`?

    LC0301

      × there is no key `time_out` here
       ╭─[local-ci.toml:3:1]
     2 │ rnu = "cargo test"
     3 │ time_out = "5m"
       · ────┬───
       ·     ╰── unknown key
     4 │ run = "cargo test"
       ╰────
      help: did you mean `timeout`?

    2 faults in the configuration
    "#);
}

/// H122: an unknown key with nothing near lists the keys.
#[test]
fn h122_an_unknown_key_with_nothing_near_lists_the_keys() {
    let text = r#"[run]
workers = 4
[stage.fmt]
run = "x"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0301

      × there is no key `workers` here
       ╭─[local-ci.toml:2:1]
     1 │ [run]
     2 │ workers = 4
       · ───┬───
       ·    ╰── unknown key
     3 │ [stage.fmt]
       ╰────
      help: the keys here are jobs, fail-fast, output, timeout; this is local-ci 0.1.0, a newer one
            may have more

    LC0301

      × there is no key `stage` here
       ╭─[local-ci.toml:3:2]
     2 │ workers = 4
     3 │ [stage.fmt]
       ·  ──┬──
       ·    ╰── unknown key
     4 │ run = "x"
       ╰────
      help: did you mean `stages`?

    2 faults in the configuration
    "#);
}

/// H123: wrong types show what is expected and an example.
#[test]
fn h123_wrong_types_show_what_is_expected_and_an_example() {
    let text = r#"[stages.test]
run = 5
needs = "fmt"
retries = -1
threads = 0
allow-failure = "yes"
tags = ["a", 3]
leak = "kil"
matrix = { rust = [1.80] }
env = { A = [1], B = 1.5 }
when = { os = 3, cli = true }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0302

      × `run` must be a string or an array of strings, not the number 5
       ╭─[local-ci.toml:2:7]
     1 │ [stages.test]
     2 │ run = 5
       ·       ┬
       ·       ╰── expected a string or an array of strings
     3 │ needs = "fmt"
       ╰────
      help: for example: run = "cargo test", or run = ["cargo", "test"]

    LC0302

      × `needs` must be an array, not the string "fmt"
       ╭─[local-ci.toml:3:9]
     2 │ run = 5
     3 │ needs = "fmt"
       ·         ──┬──
       ·           ╰── expected an array
     4 │ retries = -1
       ╰────
      help: for example: needs = ["fmt"]

    LC0305

      × `retries` cannot be the number -1
       ╭─[local-ci.toml:4:11]
     3 │ needs = "fmt"
     4 │ retries = -1
       ·           ─┬
       ·            ╰── expected a whole number from 0 up
     5 │ threads = 0
       ╰────
      help: for example: retries = 1

    LC0305

      × `threads` cannot be the number 0
       ╭─[local-ci.toml:5:11]
     4 │ retries = -1
     5 │ threads = 0
       ·           ┬
       ·           ╰── expected a whole number from 1 up
     6 │ allow-failure = "yes"
       ╰────
      help: for example: threads = 2

    LC0302

      × `allow-failure` must be true or false, not the string "yes"
       ╭─[local-ci.toml:6:17]
     5 │ threads = 0
     6 │ allow-failure = "yes"
       ·                 ──┬──
       ·                   ╰── expected true or false
     7 │ tags = ["a", 3]
       ╰────
      help: for example: allow-failure = true

    LC0302

      × a value in `tags` must be a string, not the number 3
       ╭─[local-ci.toml:7:14]
     6 │ allow-failure = "yes"
     7 │ tags = ["a", 3]
       ·              ┬
       ·              ╰── expected a string
     8 │ leak = "kil"
       ╰────
      help: for example: tags = ["slow"]

    LC0306

      × `leak` cannot be "kil"
       ╭─[local-ci.toml:8:8]
     7 │ tags = ["a", 3]
     8 │ leak = "kil"
       ·        ──┬──
       ·          ╰── one of kill, warn, fail, allow
     9 │ matrix = { rust = [1.80] }
       ╰────
      help: did you mean "kill"?

    LC0302

      × `rust` cannot be a number with a point, whose last digits could be lost
        ╭─[local-ci.toml:9:20]
      8 │ leak = "kil"
      9 │ matrix = { rust = [1.80] }
        ·                    ──┬─
        ·                      ╰── here
     10 │ env = { A = [1], B = 1.5 }
        ╰────
      help: write it in quotes, such as "1.80"

    LC0302

      × `A` must be a string, a whole number or a boolean, not an array
        ╭─[local-ci.toml:10:13]
      9 │ matrix = { rust = [1.80] }
     10 │ env = { A = [1], B = 1.5 }
        ·             ─┬─
        ·              ╰── expected a string, a whole number or a boolean
     11 │ when = { os = 3, cli = true }
        ╰────

    LC0302

      × `B` cannot be a number with a point, whose last digits could be lost
        ╭─[local-ci.toml:10:22]
      9 │ matrix = { rust = [1.80] }
     10 │ env = { A = [1], B = 1.5 }
        ·                      ─┬─
        ·                       ╰── here
     11 │ when = { os = 3, cli = true }
        ╰────
      help: write it in quotes, such as "1.80"

    LC0302

      × `os` must be a string or an array of strings, not the number 3
        ╭─[local-ci.toml:11:15]
     10 │ env = { A = [1], B = 1.5 }
     11 │ when = { os = 3, cli = true }
        ·               ┬
        ·               ╰── expected a string or an array of strings
        ╰────
      help: for example: os = ["linux", "macos"]

    LC0301

      × there is no key `cli` here
        ╭─[local-ci.toml:11:18]
     10 │ env = { A = [1], B = 1.5 }
     11 │ when = { os = 3, cli = true }
        ·                  ─┬─
        ·                   ╰── unknown key
        ╰────
      help: did you mean `ci`?

    12 faults in the configuration
    "#);
}

/// H123: durations and sizes.
#[test]
fn h123_durations_and_sizes() {
    let text = r#"[run]
timeout = 30
[defaults]
timeout = "30"
grace = "-5s"
retry-delay = nan
log-max = "64 apples"
[stages.a]
run = "true"
timeout = "0s"
grace = "99999999999999999999h"
retry-delay = -3
log-max = -1
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0303

      × `timeout` has no unit: 30
       ╭─[local-ci.toml:2:11]
     1 │ [run]
     2 │ timeout = 30
       ·           ─┬
       ·            ╰── here
     3 │ [defaults]
       ╰────
      help: write it in quotes with its unit: "30s" for seconds, "30m" for minutes

    LC0303

      × `timeout` has no unit: "30"
       ╭─[local-ci.toml:4:11]
     3 │ [defaults]
     4 │ timeout = "30"
       ·           ──┬─
       ·             ╰── here
     5 │ grace = "-5s"
       ╰────
      help: say which unit: "30s" for seconds, "30m" for minutes

    LC0303

      × `grace` cannot be negative: "-5s"
       ╭─[local-ci.toml:5:9]
     4 │ timeout = "30"
     5 │ grace = "-5s"
       ·         ──┬──
       ·           ╰── here
     6 │ retry-delay = nan
       ╰────
      help: a duration is numbers with units, the largest first: "500ms", "30s", "20m", "1h30m", "7d"

    LC0303

      × `retry-delay` is not a duration: NaN
       ╭─[local-ci.toml:6:15]
     5 │ grace = "-5s"
     6 │ retry-delay = nan
       ·               ─┬─
       ·                ╰── here
     7 │ log-max = "64 apples"
       ╰────
      help: a duration is numbers with units, the largest first: "500ms", "30s", "20m", "1h30m", "7d"

    LC0304

      × `log-max` is not a size: "64 apples"
       ╭─[local-ci.toml:7:11]
     6 │ retry-delay = nan
     7 │ log-max = "64 apples"
       ·           ─────┬─────
       ·                ╰── here
     8 │ [stages.a]
       ╰────
      help: a size is a number of bytes, or a text with a unit: "512KiB", "64MiB", "1GiB"

    LC0303

      × `timeout` leaves no time at all: it is zero
        ╭─[local-ci.toml:10:11]
      9 │ run = "true"
     10 │ timeout = "0s"
        ·           ──┬─
        ·             ╰── here
     11 │ grace = "99999999999999999999h"
        ╰────
      help: for no limit, write "none"

    LC0303

      × `grace` is too long: "99999999999999999999h"
        ╭─[local-ci.toml:11:9]
     10 │ timeout = "0s"
     11 │ grace = "99999999999999999999h"
        ·         ───────────┬───────────
        ·                    ╰── here
     12 │ retry-delay = -3
        ╰────
      help: a duration is at most 3650 days

    LC0303

      × `retry-delay` cannot be negative: -3
        ╭─[local-ci.toml:12:15]
     11 │ grace = "99999999999999999999h"
     12 │ retry-delay = -3
        ·               ─┬
        ·                ╰── here
     13 │ log-max = -1
        ╰────
      help: a duration is numbers with units, the largest first: "500ms", "30s", "20m", "1h30m", "7d"

    LC0304

      × `log-max` cannot be negative: -1
        ╭─[local-ci.toml:13:11]
     12 │ retry-delay = -3
     13 │ log-max = -1
        ·           ─┬
        ·            ╰── here
        ╰────
      help: a size is a number of bytes, or a text with a unit: "512KiB", "64MiB", "1GiB"

    9 faults in the configuration
    "#);
}

/// H118: duplicates show both places.
#[test]
fn h118_duplicates_show_both_places() {
    let text = r#"[stages.fmt]
run = "cargo fmt"
timeout = "5m"
timeout = "6m"

[stages.test]
run = "cargo test"
env = { A = "1", A = "2" }

[stages.fmt]
run = "cargo fmt --all"

[stages.test.env]
B = "1"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0202

      × `stages.fmt.timeout` is defined twice
       ╭─[local-ci.toml:4:1]
     2 │ run = "cargo fmt"
     3 │ timeout = "5m"
       · ───┬───
       ·    ╰── first here
     4 │ timeout = "6m"
       · ───┬───
       ·    ╰── again here
     5 │ 
       ╰────
      help: keep one of them

    LC0202

      × `stages.test.env.A` is defined twice
       ╭─[local-ci.toml:8:18]
     7 │ run = "cargo test"
     8 │ env = { A = "1", A = "2" }
       ·         ┬        ┬
       ·         │        ╰── again here
       ·         ╰── first here
     9 │ 
       ╰────
      help: keep one of them

    LC0202

      × `stages.fmt` is defined twice
       ╭─[local-ci.toml:1:9]
     1 │ [stages.fmt]
       ·         ─┬─
       ·          ╰── first here
     2 │ run = "cargo fmt"
       ╰────
        ╭─[local-ci.toml:10:9]
      9 │ 
     10 │ [stages.fmt]
        ·         ─┬─
        ·          ╰── again here
     11 │ run = "cargo fmt --all"
        ╰────
      help: keep one of them

    LC0202

      × `stages.test.env` is defined twice
       ╭─[local-ci.toml:8:1]
     7 │ run = "cargo test"
     8 │ env = { A = "1", A = "2" }
       · ─┬─
       ·  ╰── first here
     9 │ 
       ╰────
        ╭─[local-ci.toml:13:14]
     12 │ 
     13 │ [stages.test.env]
        ·              ─┬─
        ·               ╰── again here
     14 │ B = "1"
        ╰────
      help: keep one of them

    4 faults in the configuration
    "#);
}

/// Syntax faults are all shown and hide what they may cause.
#[test]
fn syntax_faults_are_all_shown_and_hide_what_they_may_cause() {
    let text = r#"[stages.fmt
run = "cargo fmt"

[stages.test]
run = cargo test
needs = ["fmt", "clippy"]
timeout =
retries = "two"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0201

      × this is not TOML: unclosed table
       ╭─[local-ci.toml:1:12]
     1 │ [stages.fmt
       ·            ▲
       ·            ╰── here
     2 │ run = "cargo fmt"
       ╰────
      help: expected `]`

    LC0201

      × this is not TOML: string values must be quoted
       ╭─[local-ci.toml:5:7]
     4 │ [stages.test]
     5 │ run = cargo test
       ·       ─────┬────
       ·            ╰── here
     6 │ needs = ["fmt", "clippy"]
       ╰────
      help: put the text into quotes: key = "text"

    LC0201

      × this is not TOML: missing value
       ╭─[local-ci.toml:7:10]
     6 │ needs = ["fmt", "clippy"]
     7 │ timeout =
       ·          ▲
       ·          ╰── here
     8 │ retries = "two"
       ╰────
      help: write a value behind the `=`, or take the line out

    LC0302

      × `retries` must be a whole number from 0 up, not the string "two"
       ╭─[local-ci.toml:8:11]
     7 │ timeout =
     8 │ retries = "two"
       ·           ──┬──
       ·             ╰── expected a whole number from 0 up
       ╰────
      help: for example: retries = 1

    4 faults in the configuration
    "#);
}

/// H119: nesting has a limit.
#[test]
fn h119_nesting_has_a_limit() {
    let deep = format!("[stages.a]\nrun = {}\n", "[".repeat(100_000));
    let dotted = format!("{}a = 1\n", "a.".repeat(100_000));
    insta::assert_snapshot!(faults(&deep), @r#"
    LC0203

      × this is nested more than 80 deep
       ╭─[local-ci.toml:2:87]
     1 │ [stages.a]
     2 │ run = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
       ·                                                                                       ┬
       ·                                                                                       ╰── here
       ╰────
      help: nothing in a pipeline needs more than a few levels: look for a stray bracket

    1 fault in the configuration
    "#);
    assert!(faults(&dotted).contains("LC0203"));
}

/// H100: an unknown need has its nearest.
#[test]
fn h100_an_unknown_need_has_its_nearest() {
    let text = r#"[stages.fmt]
run = "cargo fmt"
[stages.test]
run = "cargo test"
needs = ["ftm", "lint", "fmt*"]
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0405

      × there is no stage `ftm`
       ╭─[local-ci.toml:5:10]
     4 │ run = "cargo test"
     5 │ needs = ["ftm", "lint", "fmt*"]
       ·          ──┬──
       ·            ╰── unknown stage
       ╰────
      help: did you mean `fmt`?

    LC0405

      × there is no stage `lint`
       ╭─[local-ci.toml:5:17]
     4 │ run = "cargo test"
     5 │ needs = ["ftm", "lint", "fmt*"]
       ·                 ───┬──
       ·                    ╰── unknown stage
       ╰────
      help: the stages are: fmt, test

    LC0405

      × there is no stage `fmt*`
       ╭─[local-ci.toml:5:25]
     4 │ run = "cargo test"
     5 │ needs = ["ftm", "lint", "fmt*"]
       ·                         ───┬──
       ·                            ╰── unknown stage
       ╰────
      help: `needs` takes names, not globs; a stage with a matrix can be named as a whole

    3 faults in the configuration
    "#);
}

/// H100: a stage cannot need itself.
#[test]
fn h100_a_stage_cannot_need_itself() {
    let text = r#"[stages.test]
run = "cargo test"
needs = ["test"]
[stages.cells]
run = "true"
matrix = { n = [1, 2] }
needs = ["cells:1"]
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0406

      × stage `test` needs itself
       ╭─[local-ci.toml:3:10]
     2 │ run = "cargo test"
     3 │ needs = ["test"]
       ·          ───┬──
       ·             ╰── here
     4 │ [stages.cells]
       ╰────
      help: take this need away

    LC0406

      × stage `cells` needs itself
       ╭─[local-ci.toml:7:10]
     6 │ matrix = { n = [1, 2] }
     7 │ needs = ["cells:1"]
       ·          ────┬────
       ·              ╰── here
       ╰────
      help: take this need away

    2 faults in the configuration
    "#);
}

/// H100: the shortest ring is drawn with each need.
#[test]
fn h100_the_shortest_ring_is_drawn_with_each_need() {
    let text = r#"[stages.a]
run = "a"
needs = ["b"]
[stages.b]
run = "b"
needs = ["c"]
[stages.c]
run = "c"
needs = ["d", "a2"]
[stages.d]
run = "d"
needs = ["a"]
[stages.a2]
run = "a2"
needs = ["b"]
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0407

      × stages need each other: b → c → a2 → b
        ╭─[local-ci.toml:6:10]
      5 │ run = "b"
      6 │ needs = ["c"]
        ·          ─┬─
        ·           ╰── `b` needs `c`
      7 │ [stages.c]
      8 │ run = "c"
      9 │ needs = ["d", "a2"]
        ·               ──┬─
        ·                 ╰── `c` needs `a2`
     10 │ [stages.d]
        ╰────
        ╭─[local-ci.toml:15:10]
     14 │ run = "a2"
     15 │ needs = ["b"]
        ·          ─┬─
        ·           ╰── `a2` needs `b`
        ╰────
      help: take one of these needs away

    1 fault in the configuration
    "#);
}

/// H100: stage names are checked.
#[test]
fn h100_stage_names_are_checked() {
    let text = r#"[stages."a b"]
run = "true"
[stages.""]
run = "true"
[stages.ok]
run = "true"
needs = ["a b"]
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0401

      × `a b` cannot be a stage's name: a stage name cannot have ' ' here: letters, digits and _
      │ first, then also . : + -
       ╭─[local-ci.toml:1:9]
     1 │ [stages."a b"]
       ·         ──┬──
       ·           ╰── here
     2 │ run = "true"
       ╰────
      help: for example: fmt, test-unit, lint:web

    LC0401

      × `` cannot be a stage's name: a stage name cannot be empty
       ╭─[local-ci.toml:3:9]
     2 │ run = "true"
     3 │ [stages.""]
       ·         ─┬
       ·          ╰── here
     4 │ run = "true"
       ╰────
      help: for example: fmt, test-unit, lint:web

    2 faults in the configuration
    "#);
}

/// Actions are checked.
#[test]
fn actions_are_checked() {
    let text = r#"[stages.none]
needs = []
[stages.both]
run = "true"
uses = "hygiene"
[stages.blank]
run = "  \n"
[stages.argv]
run = []
fix = [""]
with = { a = 1 }
[stages.nul]
run = "a\u0000b"
[plugins.hygiene]
source = "path:x"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0402

      × stage `none` has neither `run` nor `uses`
       ╭─[local-ci.toml:1:9]
     1 │ [stages.none]
       ·         ──┬─
       ·           ╰── nothing to do
     2 │ needs = []
       ╰────
      help: say what it does: run = "cargo test"

    LC0403

      × stage `both` has both `run` and `uses`
       ╭─[local-ci.toml:4:7]
     3 │ [stages.both]
     4 │ run = "true"
       ·       ───┬──
       ·          ╰── a command
     5 │ uses = "hygiene"
       ·        ────┬────
       ·            ╰── and a plugin
     6 │ [stages.blank]
       ╰────
      help: keep one of them

    LC0404

      × `run` is empty
       ╭─[local-ci.toml:7:7]
     6 │ [stages.blank]
     7 │ run = "  \n"
       ·       ───┬──
       ·          ╰── no command
     8 │ [stages.argv]
       ╰────
      help: for example: run = "cargo test"; for a stage that does nothing: run = "true"

    LC0404

      × `run` is empty
        ╭─[local-ci.toml:9:7]
      8 │ [stages.argv]
      9 │ run = []
        ·       ─┬
        ·        ╰── no command
     10 │ fix = [""]
        ╰────
      help: for example: run = "cargo test"; for a stage that does nothing: run = "true"

    LC0404

      × `fix` is empty
        ╭─[local-ci.toml:10:7]
      9 │ run = []
     10 │ fix = [""]
        ·       ──┬─
        ·         ╰── no command
     11 │ with = { a = 1 }
        ╰────
      help: for example: fix = "cargo test"; for a stage that does nothing: fix = "true"

    LC0420

      × `with` is only for a stage with `uses`
        ╭─[local-ci.toml:11:8]
     10 │ fix = [""]
     11 │ with = { a = 1 }
        ·        ────┬────
        ·            ╰── here
     12 │ [stages.nul]
        ╰────
      help: take it away, or say which plugin it is for with `uses`

    LC0421

      × `run` has a NUL character in it
        ╭─[local-ci.toml:13:7]
     12 │ [stages.nul]
     13 │ run = "a\u0000b"
        ·       ─────┬────
        ·            ╰── here
     14 │ [plugins.hygiene]
        ╰────
      help: take the \u0000 out

    7 faults in the configuration
    "#);
}

/// References are checked.
#[test]
fn references_are_checked() {
    let text = r#"[stages.a]
run = "true"
on = "build-bx"
[stages.b]
uses = "hygene"
[remotes.build-box]
host = "ci@build.example.invalid"
[plugins.hygiene]
source = "path:plugins/hygiene"
[profiles.quick]
stages = ["a", "bb", "x*", "[z"]
skip = ["b*"]
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0408

      × there is no remote `build-bx`
       ╭─[local-ci.toml:3:6]
     2 │ run = "true"
     3 │ on = "build-bx"
       ·      ─────┬────
       ·           ╰── not in [remotes]
     4 │ [stages.b]
       ╰────
      help: did you mean `build-box`?

    LC0409

      × there is no plugin `hygene`
       ╭─[local-ci.toml:5:8]
     4 │ [stages.b]
     5 │ uses = "hygene"
       ·        ────┬───
       ·            ╰── not in [plugins]
     6 │ [remotes.build-box]
       ╰────
      help: did you mean `hygiene`?

    LC0410

      × there is no stage `bb`
        ╭─[local-ci.toml:11:16]
     10 │ [profiles.quick]
     11 │ stages = ["a", "bb", "x*", "[z"]
        ·                ──┬─
        ·                  ╰── matches no stage
     12 │ skip = ["b*"]
        ╰────
      help: did you mean `b`?

    LC0410

      × no stage matches `x*`
        ╭─[local-ci.toml:11:22]
     10 │ [profiles.quick]
     11 │ stages = ["a", "bb", "x*", "[z"]
        ·                      ──┬─
        ·                        ╰── matches no stage
     12 │ skip = ["b*"]
        ╰────
      help: the stages are: a, b

    LC0411

      × `[z` is not a glob: unclosed character class; missing ']'
        ╭─[local-ci.toml:11:28]
     10 │ [profiles.quick]
     11 │ stages = ["a", "bb", "x*", "[z"]
        ·                            ──┬─
        ·                              ╰── here
     12 │ skip = ["b*"]
        ╰────
      help: put [brackets] around a special character to mean itself

    5 faults in the configuration
    "#);
}

/// Globs and directories are checked.
#[test]
fn globs_and_directories_are_checked() {
    let text = r#"[stages.a]
run = "true"
inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
outputs = ["{a"]
dir = "../elsewhere"
[stages.b]
run = "true"
dir = "/tmp"
shell = "fish"
[stages.c]
run = "true"
dir = "~/src"
shell = "bash -eu"
when = { os = ["darwin", "linux"], branch = "[" }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0411

      × `src/[a` is not a glob: unclosed character class; missing ']'
       ╭─[local-ci.toml:3:26]
     2 │ run = "true"
     3 │ inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
       ·                          ────┬───
       ·                              ╰── here
     4 │ outputs = ["{a"]
       ╰────
      help: put [brackets] around a special character to mean itself

    LC0411

      × this glob is empty
       ╭─[local-ci.toml:3:48]
     2 │ run = "true"
     3 │ inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
       ·                                                ─┬
       ·                                                 ╰── here
     4 │ outputs = ["{a"]
       ╰────
      help: for example: "src/**/*.rs"

    LC0411

      × `{a` is not a glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
       ╭─[local-ci.toml:4:12]
     3 │ inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
     4 │ outputs = ["{a"]
       ·            ──┬─
       ·              ╰── here
     5 │ dir = "../elsewhere"
       ╰────
      help: put [brackets] around a special character to mean itself

    LC0415

      × `dir` is not inside the project: ../elsewhere
       ╭─[local-ci.toml:5:7]
     4 │ outputs = ["{a"]
     5 │ dir = "../elsewhere"
       ·       ───────┬──────
       ·              ╰── here
     6 │ [stages.b]
       ╰────
      help: give a path relative to the project's directory, such as dir = "crates/core"

    LC0415

      × `dir` is not inside the project: /tmp
       ╭─[local-ci.toml:8:7]
     7 │ run = "true"
     8 │ dir = "/tmp"
       ·       ───┬──
       ·          ╰── here
     9 │ shell = "fish"
       ╰────
      help: give a path relative to the project's directory, such as dir = "crates/core"

    LC0418

      × `fish` is not a shell that is known to take `-e -c SCRIPT`
        ╭─[local-ci.toml:9:9]
      8 │ dir = "/tmp"
      9 │ shell = "fish"
        ·         ───┬──
        ·            ╰── here
     10 │ [stages.c]
        ╰────
      help: write its whole command, the script is appended: shell = ["fish", "-c"]

    LC0415

      × `dir` is not inside the project: ~/src
        ╭─[local-ci.toml:12:7]
     11 │ run = "true"
     12 │ dir = "~/src"
        ·       ───┬───
        ·          ╰── here
     13 │ shell = "bash -eu"
        ╰────
      help: give a path relative to the project's directory, such as dir = "crates/core"

    LC0418

      × a shell with options is written as an array
        ╭─[local-ci.toml:13:9]
     12 │ dir = "~/src"
     13 │ shell = "bash -eu"
        ·         ─────┬────
        ·              ╰── here
     14 │ when = { os = ["darwin", "linux"], branch = "[" }
        ╰────
      help: the script is appended to it: shell = ["bash", "-eu", "-c"]

    LC0306

      × `darwin` is not an operating system that is known
        ╭─[local-ci.toml:14:16]
     13 │ shell = "bash -eu"
     14 │ when = { os = ["darwin", "linux"], branch = "[" }
        ·                ────┬───
        ·                    ╰── one of linux, macos, windows, freebsd, netbsd, openbsd, dragonfly, solaris, illumos, android, ios
        ╰────
      help: did you mean "macos"?

    LC0411

      × `[` is not a glob: unclosed character class; missing ']'
        ╭─[local-ci.toml:14:45]
     13 │ shell = "bash -eu"
     14 │ when = { os = ["darwin", "linux"], branch = "[" }
        ·                                             ─┬─
        ·                                              ╰── here
        ╰────
      help: put [brackets] around a special character to mean itself

    10 faults in the configuration
    "#);
}

/// Matrices are checked.
#[test]
fn matrices_are_checked() {
    let text = r#"[stages.a]
run = "echo ${matrix.rsut} ${matrix.os}"
matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
[stages.b]
run = "echo ${matrix.x} $${matrix.y}"
[stages.c]
run = "true"
matrix = { rust = ["1", "2"], os = ["l"], include = [{ rust = "3" }], exclude = [{ ox = "l" }] }
[stages.d]
run = "true"
needs = ["a", "a:1.80", "c:1:l"]
matrix = { include = [{ rust = "3" }, { os = "l" }] }
[stages.e]
run = "true"
matrix = { a = ["1"], exclude = [{ a = "1" }] }
[stages."f:1"]
run = "true"
[stages.f]
run = "true"
matrix = { a = [1, 2] }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0414

      × `run` uses the unknown ${matrix.rsut}
       ╭─[local-ci.toml:2:7]
     1 │ [stages.a]
     2 │ run = "echo ${matrix.rsut} ${matrix.os}"
       ·       ─────────────────┬────────────────
       ·                        ╰── here
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ╰────
      help: did you mean ${matrix.rust}?

    LC0412

      × the axis `os` has no values
       ╭─[local-ci.toml:3:10]
     2 │ run = "echo ${matrix.rsut} ${matrix.os}"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·          ─────────────────────────────┬────────────────────────────
       ·                                       ╰── so the stage would not run at all
     4 │ [stages.b]
       ╰────
      help: give it at least one value

    LC0412

      × `a b` cannot be part of a stage's name
       ╭─[local-ci.toml:3:28]
     2 │ run = "echo ${matrix.rsut} ${matrix.os}"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·                            ──┬──
       ·                              ╰── here
     4 │ [stages.b]
       ╰────
      help: values of axes have letters, digits and _ . : + - only

    LC0412

      × `1.80` stands twice in its axis
       ╭─[local-ci.toml:3:35]
     2 │ run = "echo ${matrix.rsut} ${matrix.os}"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·                    ───┬──         ───┬──
       ·                       │              ╰── again here
       ·                       ╰── first here
     4 │ [stages.b]
       ╰────
      help: keep one of them

    LC0412

      × `x y` cannot be an axis
       ╭─[local-ci.toml:3:53]
     2 │ run = "echo ${matrix.rsut} ${matrix.os}"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·                                                     ──┬──
       ·                                                       ╰── here
     4 │ [stages.b]
       ╰────
      help: an axis is named with letters, digits, `_` and `-`

    LC0414

      × `run` uses the unknown ${matrix.x}
       ╭─[local-ci.toml:5:7]
     4 │ [stages.b]
     5 │ run = "echo ${matrix.x} $${matrix.y}"
       ·       ───────────────┬───────────────
       ·                      ╰── here
     6 │ [stages.c]
       ╰────
      help: this stage has no matrix; to write these characters themselves, begin with $$

    LC0412

      × `ox` is not an axis of this matrix
       ╭─[local-ci.toml:8:84]
     7 │ run = "true"
     8 │ matrix = { rust = ["1", "2"], os = ["l"], include = [{ rust = "3" }], exclude = [{ ox = "l" }] }
       ·                                                                                    ─┬
       ·                                                                                     ╰── unknown axis
     9 │ [stages.d]
       ╰────
      help: did you mean `os`?

    LC0412

      × this `include` matches no combination, and is not a whole one itself
        ╭─[local-ci.toml:12:39]
     11 │ needs = ["a", "a:1.80", "c:1:l"]
     12 │ matrix = { include = [{ rust = "3" }, { os = "l" }] }
        ·                                       ──────┬─────
        ·                                             ╰── without rust
     13 │ [stages.e]
        ╰────
      help: give a value for every axis

    LC0412

      × `exclude` leaves nothing of the matrix
        ╭─[local-ci.toml:15:10]
     14 │ run = "true"
     15 │ matrix = { a = ["1"], exclude = [{ a = "1" }] }
        ·          ───────────────────┬──────────────────
        ·                             ╰── here
     16 │ [stages."f:1"]
        ╰────
      help: take one of its entries away

    LC0419

      × two stages have the name `f:1`
        ╭─[local-ci.toml:18:9]
     15 │ matrix = { a = ["1"], exclude = [{ a = "1" }] }
     16 │ [stages."f:1"]
        ·         ──┬──
        ·           ╰── and of this one
     17 │ run = "true"
     18 │ [stages.f]
        ·         ┬
        ·         ╰── a cell of this one, or it itself
     19 │ run = "true"
        ╰────
      help: rename one of them

    10 faults in the configuration
    "#);
}

/// H121: cells are counted before they are built.
#[test]
fn h121_cells_are_counted_before_they_are_built() {
    let axes: Vec<String> = (0..40).map(|i| format!("a{i} = [1, 2]")).collect();
    let text = format!("[stages.a]\nrun = \"true\"\n[stages.a.matrix]\n{}\n", axes.join("\n"));
    insta::assert_snapshot!(faults(&text), @r#"
    LC0413

      × the matrix of `a` has 1,099,511,627,776 cells
       ╭─[local-ci.toml:3:1]
     2 │ run = "true"
     3 │ [stages.a.matrix]
       · ────────┬────────
       ·         ╰── all matrices together may have 10,000
     4 │ a0 = [1, 2]
       ╰────
      help: take values or axes away, or split the pipeline

    1 fault in the configuration
    "#);
    let axis: Vec<String> = (0..5_000).map(|i| i.to_string()).collect();
    let axis = axis.join(", ");
    let text = format!(
        "[stages.a]\nrun = \"true\"\nmatrix.n = [{axis}]\n[stages.b]\nrun = \"true\"\nneeds = [\"a\"]\nmatrix.n = [{axis}]\n"
    );
    insta::assert_snapshot!(faults(&text), @r#"
    LC0413

      × the stages of this pipeline have 25,000,000 needs in all
       ╭─[local-ci.toml:6:10]
     5 │ run = "true"
     6 │ needs = ["a"]
       ·          ─┬─
       ·           ╰── 25,000,000 of them come from here; there may be 1,000,000
     7 │ matrix.n = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14…
       ╰────
      help: put a stage between the two: it needs all cells of the one, and the other needs it alone

    1 fault in the configuration
    "#);
}

/// Environment files are checked.
#[test]
fn environment_files_are_checked() {
    let env_files = |path: &Path| (path == Path::new("bad.env")).then(|| "A=1\nsecret\n".to_owned());
    let text = r#"[stages.a]
run = "true"
env-file = ["missing.env", "missing.env?", "bad.env"]
env = { "A=B" = "1" }
"#;
    insta::assert_snapshot!(drawn(parse(Path::new("/project"), &[("local-ci.toml", text)], &env_files)), @r#"
    LC0417

      × there is no file `missing.env`
       ╭─[local-ci.toml:3:13]
     2 │ run = "true"
     3 │ env-file = ["missing.env", "missing.env?", "bad.env"]
       ·             ──────┬──────
       ·                   ╰── here
     4 │ env = { "A=B" = "1" }
       ╰────
      help: if it may be missing, end its path with a question mark: "missing.env?"

    LC0417

      × line 2 of `bad.env` has no `=`
       ╭─[local-ci.toml:3:44]
     2 │ run = "true"
     3 │ env-file = ["missing.env", "missing.env?", "bad.env"]
       ·                                            ────┬────
       ·                                                ╰── here
     4 │ env = { "A=B" = "1" }
       ╰────
      help: its lines are NAME=value, or comments with #

    LC0416

      × `A=B` cannot be a variable's name
       ╭─[local-ci.toml:4:9]
     3 │ env-file = ["missing.env", "missing.env?", "bad.env"]
     4 │ env = { "A=B" = "1" }
       ·         ──┬──
       ·           ╰── here
       ╰────
      help: a name is not empty and has no `=` in it

    3 faults in the configuration
    "#);
}

/// H61: what the file says does nothing to a terminal.
#[test]
fn h61_what_the_file_says_does_nothing_to_a_terminal() {
    let text = "[stages.a]\n\
run = \"true\"\n\
# \u{1b}]0;owned\u{7}\n\
needs = [\"\\u001b[31mred\", \"\u{202e}abc\"]\n\
\"k\\u001b]52;c;aGk=\\u0007\" = 1\n";
    insta::assert_snapshot!(faults(text), @r#"
    LC0201

      × this is not TOML: invalid comment character
       ╭─[local-ci.toml:3:3]
     2 │ run = "true"
     3 │ # ␛]0;owned␇
       ·   ▲
       ·   ╰── here
     4 │ needs = ["\u001b[31mred", "�abc"]
       ╰────
      help: expected printable characters

    LC0201

      × this is not TOML: invalid comment character
       ╭─[local-ci.toml:3:12]
     2 │ run = "true"
     3 │ # ␛]0;owned␇
       ·            ▲
       ·            ╰── here
     4 │ needs = ["\u001b[31mred", "�abc"]
       ╰────
      help: expected printable characters

    LC0301

      × there is no key `k␛]52;c;aGk=␇` here
       ╭─[local-ci.toml:5:1]
     4 │ needs = ["\u001b[31mred", "�abc"]
     5 │ "k\u001b]52;c;aGk=\u0007" = 1
       · ────────────┬────────────
       ·             ╰── unknown key
       ╰────
      help: the keys here are description, run, uses, with, fix, needs, inputs, outputs, env, env-
            file, secrets, dir, shell, timeout, grace, retries, retry-delay, allow-failure, when,
            matrix, tags, threads, locks, interactive, pty, on, annotate, default, log-max, leak; this
            is local-ci 0.1.0, a newer one may have more

    3 faults in the configuration
    "#);
}

/// The file of a fault is named.
#[test]
fn the_file_of_a_fault_is_named() {
    let files = [
        ("local-ci.toml", "[stages.a]\nrun = \"a\"\nneeds = [\"b\"]\ntimeout = 5\n[stages.b]\nrun = \"b\"\n"),
        ("local-ci.local.toml", "# mine\n[stages.b]\nneeds = [\"a\"]\nretires = 1\ntimeout = \"1m\"\n"),
    ];
    insta::assert_snapshot!(drawn(load(&files)), @r#"
    LC0407

      × stages need each other: a → b → a
       ╭─[local-ci.toml:3:10]
     2 │ run = "a"
     3 │ needs = ["b"]
       ·          ─┬─
       ·           ╰── `a` needs `b`
     4 │ timeout = 5
       ╰────
      help: take one of these needs away

    Advice: 
      ☞ and in local-ci.local.toml
       ╭─[local-ci.local.toml:3:10]
     2 │ [stages.b]
     3 │ needs = ["a"]
       ·          ─┬─
       ·           ╰── `b` needs `a`
     4 │ retires = 1
       ╰────

    LC0303

      × `timeout` has no unit: 5
       ╭─[local-ci.toml:4:11]
     3 │ needs = ["b"]
     4 │ timeout = 5
       ·           ┬
       ·           ╰── here
     5 │ [stages.b]
       ╰────
      help: write it in quotes with its unit: "5s" for seconds, "5m" for minutes

    LC0301

      × there is no key `retires` here
       ╭─[local-ci.local.toml:4:1]
     3 │ needs = ["a"]
     4 │ retires = 1
       · ───┬───
       ·    ╰── unknown key
     5 │ timeout = "1m"
       ╰────
      help: did you mean `retries`?

    3 faults in the configuration
    "#);
}
