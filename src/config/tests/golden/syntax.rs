//! What breaks TOML itself.

use crate::config::tests::{drawn, faults, load};

/// H118: a key given twice.
#[test]
fn h118_a_key_given_twice() {
    let text = r#"[stages.fmt]
run = "cargo fmt"
timeout = "5m"

timeout = "6m"
env = { A = "1", A = "2" }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0202

      × `stages.fmt.timeout` is defined twice
       ╭─[local-ci.toml:5:1]
     2 │ run = "cargo fmt"
     3 │ timeout = "5m"
       · ───┬───
       ·    ╰── first here
     4 │ 
     5 │ timeout = "6m"
       · ───┬───
       ·    ╰── again here
     6 │ env = { A = "1", A = "2" }
       ╰────
      help: keep one of them

    LC0202

      × `stages.fmt.env.A` is defined twice
       ╭─[local-ci.toml:6:18]
     5 │ timeout = "6m"
     6 │ env = { A = "1", A = "2" }
       ·         ┬        ┬
       ·         │        ╰── again here
       ·         ╰── first here
       ╰────
      help: keep one of them

    2 faults in the configuration
    "#);
}

/// H118: a table opened twice.
#[test]
fn h118_a_table_opened_twice() {
    let text = r#"[stages.fmt]
run = "cargo fmt"

[stages.test]
run = "cargo test"

[stages.fmt]
run = "cargo fmt --all"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0202

      × `stages.fmt` is defined twice
       ╭─[local-ci.toml:1:9]
     1 │ [stages.fmt]
       ·         ─┬─
       ·          ╰── first here
     2 │ run = "cargo fmt"
       ╰────
       ╭─[local-ci.toml:7:9]
     6 │ 
     7 │ [stages.fmt]
       ·         ─┬─
       ·          ╰── again here
     8 │ run = "cargo fmt --all"
       ╰────
      help: keep one of them

    1 fault in the configuration
    "#);
}

/// H118: a table that was a key.
#[test]
fn h118_a_table_that_was_a_key() {
    let text = r#"[stages.test]
run = "cargo test"
env = { A = "1" }

[stages.test.env]
B = "1"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0202

      × `stages.test.env` is defined twice
       ╭─[local-ci.toml:5:14]
     2 │ run = "cargo test"
     3 │ env = { A = "1" }
       · ─┬─
       ·  ╰── first here
     4 │ 
     5 │ [stages.test.env]
       ·              ─┬─
       ·               ╰── again here
     6 │ B = "1"
       ╰────
      help: keep one of them

    1 fault in the configuration
    "#);
}

/// H118: a name with dots.
#[test]
fn h118_a_name_with_dots() {
    let text = r"run.jobs = 2
run.jobs = 3
";
    insta::assert_snapshot!(faults(text), @r#"
    LC0202

      × `run.jobs` is defined twice
       ╭─[local-ci.toml:2:5]
     1 │ run.jobs = 2
       ·     ──┬─
       ·       ╰── first here
     2 │ run.jobs = 3
       ·     ──┬─
       ·       ╰── again here
       ╰────
      help: keep one of them

    1 fault in the configuration
    "#);
}

#[test]
fn a_header_that_is_not_closed() {
    let text = r#"[stages.fmt
run = "cargo fmt"
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

    1 fault in the configuration
    "#);
}

#[test]
fn a_text_without_quotes_and_a_missing_one() {
    let text = r#"[stages.test]
run = cargo test
needs = ["fmt", "clippy"]
timeout =
retries = "two"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0201

      × this is not TOML: string values must be quoted
       ╭─[local-ci.toml:2:7]
     1 │ [stages.test]
     2 │ run = cargo test
       ·       ─────┬────
       ·            ╰── here
     3 │ needs = ["fmt", "clippy"]
       ╰────
      help: put the text into quotes: key = "text"

    LC0201

      × this is not TOML: missing value
       ╭─[local-ci.toml:4:10]
     3 │ needs = ["fmt", "clippy"]
     4 │ timeout =
       ·          ▲
       ·          ╰── here
     5 │ retries = "two"
       ╰────
      help: write a value behind the `=`, or take the line out

    LC0302

      × `retries` must be a whole number from 0 up, not the string "two"
       ╭─[local-ci.toml:5:11]
     4 │ timeout =
     5 │ retries = "two"
       ·           ──┬──
       ·             ╰── expected a whole number from 0 up
       ╰────
      help: for example: retries = 1

    3 faults in the configuration
    "#);
}

/// H119: nesting has a limit.
#[test]
fn h119_nesting_has_a_limit() {
    let deep = format!("[stages.a]\nrun = {}\n", "[".repeat(100_000));
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
}

/// H119: so have names with dots.
#[test]
fn h119_so_have_names_with_dots() {
    let dotted = format!("{}a = 1\n", "a.".repeat(100_000));
    assert!(faults(&dotted).contains("LC0203"));
    let header = format!("[{}a]\nb = 1\n", "a.".repeat(100_000));
    assert!(faults(&header).contains("LC0203"));
}

/// H61: what the file says does nothing to a terminal.
#[test]
fn h61_what_the_file_says_does_nothing_to_a_terminal() {
    let text = "[stages.a]\nrun = \"true\"\n# \u{1b}]0;owned\u{7}\nneeds = [\"\u{202e}abc\"]\n\"k\\u001b]52;c;aGk=\\u0007\" = 1\n";
    insta::assert_snapshot!(faults(text), @r#"
    LC0201

      × this is not TOML: invalid comment character
       ╭─[local-ci.toml:3:3]
     2 │ run = "true"
     3 │ # ␛]0;owned␇
       ·   ▲
       ·   ╰── here
     4 │ needs = ["�abc"]
       ╰────
      help: expected printable characters

    LC0201

      × this is not TOML: invalid comment character
       ╭─[local-ci.toml:3:12]
     2 │ run = "true"
     3 │ # ␛]0;owned␇
       ·            ▲
       ·            ╰── here
     4 │ needs = ["�abc"]
       ╰────
      help: expected printable characters

    LC0301

      × there is no key `k␛]52;c;aGk=␇` here
       ╭─[local-ci.toml:5:1]
     4 │ needs = ["�abc"]
     5 │ "k\u001b]52;c;aGk=\u0007" = 1
       · ────────────┬────────────
       ·             ╰── unknown key
       ╰────
      help: the keys here are description, run, uses, with, fix, needs, inputs, outputs, env, env-
            file, secrets, dir, shell, timeout, grace, retries, retry-delay, allow-failure, when,
            matrix, tags, threads, locks, interactive, pty, on, annotate, default, log-max, leak,
            jobserver; this is local-ci 0.1.0, a newer one may have more

    3 faults in the configuration
    "#);
}

#[test]
fn the_file_of_a_fault_is_named() {
    let base = "[stages.a]\nrun = \"a\"\nneeds = [\"b\"]\ntimeout = 5\n[stages.b]\nrun = \"b\"\n";
    let over = "# mine\n[stages.b]\nneeds = [\"a\"]\nretires = 1\n";
    let files = [("local-ci.toml", base), ("local-ci.local.toml", over)];
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
       ╰────
      help: did you mean `retries`?

    3 faults in the configuration
    "#);
}
