//! Keys and values that do not fit.

use crate::config::tests::faults;

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
      help: the keys here are jobs, fail-fast, flaky, output, timeout; this is local-ci 0.1.0, a newer
            one may have more

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

/// H123: a command of the wrong type.
#[test]
fn h123_a_command_of_the_wrong_type() {
    let text = r#"[stages.test]
run = 5
needs = "fmt"
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
       ╰────
      help: for example: needs = ["fmt"]

    2 faults in the configuration
    "#);
}

/// H123: numbers out of range.
#[test]
fn h123_numbers_out_of_range() {
    let text = r#"[stages.a]
run = "x"
retries = -1
threads = 0
[run]
jobs = 5000000000
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0305

      × `retries` cannot be the number -1
       ╭─[local-ci.toml:3:11]
     2 │ run = "x"
     3 │ retries = -1
       ·           ─┬
       ·            ╰── expected a whole number from 0 up
     4 │ threads = 0
       ╰────
      help: for example: retries = 1

    LC0305

      × `threads` cannot be the number 0
       ╭─[local-ci.toml:4:11]
     3 │ retries = -1
     4 │ threads = 0
       ·           ┬
       ·           ╰── expected a whole number from 1 up
     5 │ [run]
       ╰────
      help: for example: threads = 2

    LC0305

      × `jobs` cannot be the number 5000000000
       ╭─[local-ci.toml:6:8]
     5 │ [run]
     6 │ jobs = 5000000000
       ·        ─────┬────
       ·             ╰── expected a whole number from 1 up
       ╰────
      help: for example: jobs = 4

    3 faults in the configuration
    "#);
}

/// H123: words and switches.
#[test]
fn h123_words_and_switches() {
    let text = r#"[stages.a]
run = "x"
allow-failure = "yes"
tags = ["a", 3]
leak = "kil"
[run]
output = "json5"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0302

      × `allow-failure` must be true or false, not the string "yes"
       ╭─[local-ci.toml:3:17]
     2 │ run = "x"
     3 │ allow-failure = "yes"
       ·                 ──┬──
       ·                   ╰── expected true or false
     4 │ tags = ["a", 3]
       ╰────
      help: for example: allow-failure = true

    LC0302

      × a value in `tags` must be a string, not the number 3
       ╭─[local-ci.toml:4:14]
     3 │ allow-failure = "yes"
     4 │ tags = ["a", 3]
       ·              ┬
       ·              ╰── expected a string
     5 │ leak = "kil"
       ╰────
      help: for example: tags = ["slow"]

    LC0306

      × `leak` cannot be "kil"
       ╭─[local-ci.toml:5:8]
     4 │ tags = ["a", 3]
     5 │ leak = "kil"
       ·        ──┬──
       ·          ╰── one of kill, warn, fail, allow
     6 │ [run]
       ╰────
      help: did you mean "kill"?

    LC0306

      × `output` cannot be "json5"
       ╭─[local-ci.toml:7:10]
     6 │ [run]
     7 │ output = "json5"
       ·          ───┬───
       ·             ╰── one of auto, live, grouped, lines, quiet, json
       ╰────
      help: did you mean "json"?

    4 faults in the configuration
    "#);
}

/// H123: numbers with a point need quotes.
#[test]
fn h123_numbers_with_a_point_need_quotes() {
    let text = r#"[stages.a]
run = "x"
matrix = { rust = [1.80] }
env = { A = [1], B = 1.5 }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0302

      × `rust` cannot be a number with a point, whose last digits could be lost
       ╭─[local-ci.toml:3:20]
     2 │ run = "x"
     3 │ matrix = { rust = [1.80] }
       ·                    ──┬─
       ·                      ╰── here
     4 │ env = { A = [1], B = 1.5 }
       ╰────
      help: write it in quotes, such as "1.80"

    LC0302

      × `A` must be a string, a whole number or a boolean, not an array
       ╭─[local-ci.toml:4:13]
     3 │ matrix = { rust = [1.80] }
     4 │ env = { A = [1], B = 1.5 }
       ·             ─┬─
       ·              ╰── expected a string, a whole number or a boolean
       ╰────

    LC0302

      × `B` cannot be a number with a point, whose last digits could be lost
       ╭─[local-ci.toml:4:22]
     3 │ matrix = { rust = [1.80] }
     4 │ env = { A = [1], B = 1.5 }
       ·                      ─┬─
       ·                       ╰── here
       ╰────
      help: write it in quotes, such as "1.80"

    3 faults in the configuration
    "#);
}

/// H123: conditions.
#[test]
fn h123_conditions() {
    let text = r#"[stages.a]
run = "x"
when = { os = 3, cli = true }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0302

      × `os` must be a string or an array of strings, not the number 3
       ╭─[local-ci.toml:3:15]
     2 │ run = "x"
     3 │ when = { os = 3, cli = true }
       ·               ┬
       ·               ╰── expected a string or an array of strings
       ╰────
      help: for example: os = ["linux", "macos"]

    LC0301

      × there is no key `cli` here
       ╭─[local-ci.toml:3:18]
     2 │ run = "x"
     3 │ when = { os = 3, cli = true }
       ·                  ─┬─
       ·                   ╰── unknown key
       ╰────
      help: did you mean `ci`?

    2 faults in the configuration
    "#);
}

/// H123: durations without unit.
#[test]
fn h123_durations_without_unit() {
    let text = r#"[stages.a]
run = "x"
timeout = 30
grace = "30"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0303

      × `timeout` has no unit: 30
       ╭─[local-ci.toml:3:11]
     2 │ run = "x"
     3 │ timeout = 30
       ·           ─┬
       ·            ╰── here
     4 │ grace = "30"
       ╰────
      help: write it in quotes with its unit: "30s" for seconds, "30m" for minutes

    LC0303

      × `grace` has no unit: "30"
       ╭─[local-ci.toml:4:9]
     3 │ timeout = 30
     4 │ grace = "30"
       ·         ──┬─
       ·           ╰── here
       ╰────
      help: say which unit: "30s" for seconds, "30m" for minutes

    2 faults in the configuration
    "#);
}

/// H123: durations that cannot be.
#[test]
fn h123_durations_that_cannot_be() {
    let text = r#"[stages.a]
run = "x"
timeout = "0s"
grace = "-5s"
retry-delay = nan
[defaults]
grace = "99999999999999999999h"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0303

      × `timeout` leaves no time at all: it is zero
       ╭─[local-ci.toml:3:11]
     2 │ run = "x"
     3 │ timeout = "0s"
       ·           ──┬─
       ·             ╰── here
     4 │ grace = "-5s"
       ╰────
      help: for no limit, write "none"

    LC0303

      × `grace` cannot be negative: "-5s"
       ╭─[local-ci.toml:4:9]
     3 │ timeout = "0s"
     4 │ grace = "-5s"
       ·         ──┬──
       ·           ╰── here
     5 │ retry-delay = nan
       ╰────
      help: a duration is numbers with units, the largest first: "500ms", "30s", "20m", "1h30m", "7d"

    LC0303

      × `retry-delay` is not a duration: NaN
       ╭─[local-ci.toml:5:15]
     4 │ grace = "-5s"
     5 │ retry-delay = nan
       ·               ─┬─
       ·                ╰── here
     6 │ [defaults]
       ╰────
      help: a duration is numbers with units, the largest first: "500ms", "30s", "20m", "1h30m", "7d"

    LC0303

      × `grace` is too long: "99999999999999999999h"
       ╭─[local-ci.toml:7:9]
     6 │ [defaults]
     7 │ grace = "99999999999999999999h"
       ·         ───────────┬───────────
       ·                    ╰── here
       ╰────
      help: a duration is at most 3650 days

    4 faults in the configuration
    "#);
}

/// H123: sizes that cannot be.
#[test]
fn h123_sizes_that_cannot_be() {
    let text = r#"[stages.a]
run = "x"
log-max = -1
[defaults]
log-max = "64 apples"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0304

      × `log-max` cannot be negative: -1
       ╭─[local-ci.toml:3:11]
     2 │ run = "x"
     3 │ log-max = -1
       ·           ─┬
       ·            ╰── here
     4 │ [defaults]
       ╰────
      help: a size is a number of bytes, or a text with a unit: "512KiB", "64MiB", "1GiB"

    LC0304

      × `log-max` is not a size: "64 apples"
       ╭─[local-ci.toml:5:11]
     4 │ [defaults]
     5 │ log-max = "64 apples"
       ·           ─────┬─────
       ·                ╰── here
       ╰────
      help: a size is a number of bytes, or a text with a unit: "512KiB", "64MiB", "1GiB"

    2 faults in the configuration
    "#);
}

/// H123: stages are tables.
#[test]
fn h123_stages_are_tables() {
    let text = r#"[stages]
fmt = "cargo fmt"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0302

      × stage `fmt` must be a table, not the string "cargo fmt"
       ╭─[local-ci.toml:2:7]
     1 │ [stages]
     2 │ fmt = "cargo fmt"
       ·       ─────┬─────
       ·            ╰── expected a table
       ╰────
      help: for example: [stages.fmt] and below it run = "cargo test"

    1 fault in the configuration
    "#);
}
