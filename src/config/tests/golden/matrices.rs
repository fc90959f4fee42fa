//! Matrices that cannot be.

use crate::config::tests::faults;

#[test]
fn variables_are_those_of_the_matrix() {
    let text = r#"[stages.a]
run = "echo ${matrix.rsut} ${matrix.os}"
matrix = { rust = ["1.80"], os = ["linux"] }
[stages.b]
run = "echo ${matrix.x} $${matrix.y}"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0414

      × `run` uses the unknown ${matrix.rsut}
       ╭─[local-ci.toml:2:7]
     1 │ [stages.a]
     2 │ run = "echo ${matrix.rsut} ${matrix.os}"
       ·       ─────────────────┬────────────────
       ·                        ╰── here
     3 │ matrix = { rust = ["1.80"], os = ["linux"] }
       ╰────
      help: did you mean ${matrix.rust}?

    LC0414

      × `run` uses the unknown ${matrix.x}
       ╭─[local-ci.toml:5:7]
     4 │ [stages.b]
     5 │ run = "echo ${matrix.x} $${matrix.y}"
       ·       ───────────────┬───────────────
       ·                      ╰── here
       ╰────
      help: this stage has no matrix; to write these characters themselves, begin with $$

    2 faults in the configuration
    "#);
}

#[test]
fn values_make_names() {
    let text = r#"[stages.a]
run = "x"
matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0412

      × the axis `os` has no values
       ╭─[local-ci.toml:3:10]
     2 │ run = "x"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·          ─────────────────────────────┬────────────────────────────
       ·                                       ╰── so the stage would not run at all
       ╰────
      help: give it at least one value

    LC0412

      × `a b` cannot be part of a stage's name
       ╭─[local-ci.toml:3:28]
     2 │ run = "x"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·                            ──┬──
       ·                              ╰── here
       ╰────
      help: values of axes have letters, digits and _ . : + - only

    LC0412

      × `1.80` stands twice in its axis
       ╭─[local-ci.toml:3:35]
     2 │ run = "x"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·                    ───┬──         ───┬──
       ·                       │              ╰── again here
       ·                       ╰── first here
       ╰────
      help: keep one of them

    LC0412

      × `x y` cannot be an axis
       ╭─[local-ci.toml:3:53]
     2 │ run = "x"
     3 │ matrix = { rust = ["1.80", "a b", "1.80"], os = [], "x y" = ["1"] }
       ·                                                     ──┬──
       ·                                                       ╰── here
       ╰────
      help: an axis is named with letters, digits, `_` and `-`

    4 faults in the configuration
    "#);
}

#[test]
fn exclude_and_include_are_checked() {
    let text = r#"[stages.a]
run = "x"
matrix = { rust = ["1", "2"], os = ["l"], include = [{ rust = "3" }] }
[stages.b]
run = "x"
matrix = { os = ["l"], exclude = [{ ox = "l" }] }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0412

      × this `include` matches no combination, and is not a whole one itself
       ╭─[local-ci.toml:3:54]
     2 │ run = "x"
     3 │ matrix = { rust = ["1", "2"], os = ["l"], include = [{ rust = "3" }] }
       ·                                                      ───────┬──────
       ·                                                             ╰── without os
     4 │ [stages.b]
       ╰────
      help: give a value for every axis

    LC0412

      × `ox` is not an axis of this matrix
       ╭─[local-ci.toml:6:37]
     5 │ run = "x"
     6 │ matrix = { os = ["l"], exclude = [{ ox = "l" }] }
       ·                                     ─┬
       ·                                      ╰── unknown axis
       ╰────
      help: did you mean `os`?

    2 faults in the configuration
    "#);
}

#[test]
fn something_has_to_be_left() {
    let text = r#"[stages.a]
run = "x"
matrix = { a = ["1"], exclude = [{ a = "1" }] }
[stages.b]
run = "x"
matrix = {}
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0412

      × `exclude` leaves nothing of the matrix
       ╭─[local-ci.toml:3:10]
     2 │ run = "x"
     3 │ matrix = { a = ["1"], exclude = [{ a = "1" }] }
       ·          ───────────────────┬──────────────────
       ·                             ╰── here
     4 │ [stages.b]
       ╰────
      help: take one of its entries away

    LC0412

      × the matrix has no axes
       ╭─[local-ci.toml:6:10]
     5 │ run = "x"
     6 │ matrix = {}
       ·          ─┬
       ·           ╰── here
       ╰────
      help: for example: matrix = { rust = ["1.80", "stable"] }

    2 faults in the configuration
    "#);
}

#[test]
fn cells_have_names_of_their_own() {
    let text = r#"[stages."f:1"]
run = "true"
[stages.f]
run = "true"
matrix = { a = [1, 2] }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0419

      × two stages have the name `f:1`
       ╭─[local-ci.toml:3:9]
     1 │ [stages."f:1"]
       ·         ──┬──
       ·           ╰── and of this one
     2 │ run = "true"
     3 │ [stages.f]
       ·         ┬
       ·         ╰── a cell of this one, or it itself
     4 │ run = "true"
       ╰────
      help: rename one of them

    1 fault in the configuration
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
       ·         ╰── all matrices together may have 10,000, of which 10,000 are left
     4 │ a0 = [1, 2]
       ╰────
      help: take values or axes away, or split the pipeline

    1 fault in the configuration
    "#);
}

/// H121: all matrices count together.
#[test]
fn h121_all_matrices_count_together() {
    let values: Vec<String> = (0..5_001).map(|i| i.to_string()).collect();
    let stage = |name: &str| format!("[stages.{name}]\nrun = \"x\"\nmatrix.n = [{}]\n", values.join(", "));
    insta::assert_snapshot!(faults(&(stage("a") + &stage("b"))), @r#"
    LC0413

      × the matrix of `b` has 5,001 cells
       ╭─[local-ci.toml:6:1]
     5 │ run = "x"
     6 │ matrix.n = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1…
       · ───┬──
       ·    ╰── all matrices together may have 10,000, of which 4,999 are left
       ╰────
      help: take values or axes away, or split the pipeline

    1 fault in the configuration
    "#);
}

/// H121: needs between cells are counted too.
#[test]
fn h121_needs_between_cells_are_counted_too() {
    let values: Vec<String> = (0..5_000).map(|i| i.to_string()).collect();
    let values = values.join(", ");
    let stage = |name: &str| format!("[stages.{name}]\nrun = \"x\"\nmatrix.n = [{values}]\n");
    insta::assert_snapshot!(faults(&(stage("a") + &stage("b") + "needs = [\"a\"]\n")), @r#"
    LC0413

      × the stages of this pipeline have 25,000,000 needs in all
       ╭─[local-ci.toml:7:10]
     6 │ matrix.n = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14…
     7 │ needs = ["a"]
       ·          ─┬─
       ·           ╰── 25,000,000 of them come from here; there may be 1,000,000
       ╰────
      help: put a stage between the two: it needs all cells of the one, and the other needs it alone

    1 fault in the configuration
    "#);
}
