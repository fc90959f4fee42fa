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
    insta::assert_snapshot!(faults(text), @"");
}

/// H122: an unknown key with nothing near lists the keys.
#[test]
fn h122_an_unknown_key_with_nothing_near_lists_the_keys() {
    let text = r#"[run]
workers = 4
[stage.fmt]
run = "x"
"#;
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
}

/// H119: nesting has a limit.
#[test]
fn h119_nesting_has_a_limit() {
    let deep = format!("[stages.a]\nrun = {}\n", "[".repeat(100_000));
    let dotted = format!("{}a = 1\n", "a.".repeat(100_000));
    insta::assert_snapshot!(faults(&deep), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
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
    insta::assert_snapshot!(faults(text), @"");
}

/// H121: cells are counted before they are built.
#[test]
fn h121_cells_are_counted_before_they_are_built() {
    let axes: Vec<String> = (0..40).map(|i| format!("a{i} = [1, 2]")).collect();
    let text = format!("[stages.a]\nrun = \"true\"\n[stages.a.matrix]\n{}\n", axes.join("\n"));
    insta::assert_snapshot!(faults(&text), @"");
    let axis: Vec<String> = (0..5_000).map(|i| i.to_string()).collect();
    let axis = axis.join(", ");
    let text = format!(
        "[stages.a]\nrun = \"true\"\nmatrix.n = [{axis}]\n[stages.b]\nrun = \"true\"\nneeds = [\"a\"]\nmatrix.n = [{axis}]\n"
    );
    insta::assert_snapshot!(faults(&text), @"");
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
    insta::assert_snapshot!(drawn(parse(Path::new("/project"), &[("local-ci.toml", text)], &env_files)), @"");
}

/// H61: what the file says does nothing to a terminal.
#[test]
fn h61_what_the_file_says_does_nothing_to_a_terminal() {
    let text = "[stages.a]\n\
run = \"true\"\n\
# \u{1b}]0;owned\u{7}\n\
needs = [\"\\u001b[31mred\", \"\u{202e}abc\"]\n\
\"k\\u001b]52;c;aGk=\\u0007\" = 1\n";
    insta::assert_snapshot!(faults(text), @"");
}

/// The file of a fault is named.
#[test]
fn the_file_of_a_fault_is_named() {
    let files = [
        ("local-ci.toml", "[stages.a]\nrun = \"a\"\nneeds = [\"b\"]\ntimeout = 5\n[stages.b]\nrun = \"b\"\n"),
        ("local-ci.local.toml", "# mine\n[stages.b]\nneeds = [\"a\"]\nretires = 1\ntimeout = \"1m\"\n"),
    ];
    insta::assert_snapshot!(drawn(load(&files)), @"");
}
