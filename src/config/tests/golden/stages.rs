//! Stages that cannot be, alone or together.

use crate::config::tests::faults;

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

#[test]
fn stage_names_are_checked() {
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

#[test]
fn a_stage_does_one_thing() {
    let text = r#"[stages.none]
needs = []
[stages.both]
run = "true"
uses = "hygiene"
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
     6 │ [plugins.hygiene]
       ╰────
      help: keep one of them

    2 faults in the configuration
    "#);
}

#[test]
fn empty_commands() {
    let text = r#"[stages.blank]
run = "  \n"
[stages.argv]
run = []
fix = [""]
with = { a = 1 }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0404

      × `run` is empty
       ╭─[local-ci.toml:2:7]
     1 │ [stages.blank]
     2 │ run = "  \n"
       ·       ───┬──
       ·          ╰── no command
     3 │ [stages.argv]
       ╰────
      help: for example: run = "cargo test"; for a stage that does nothing: run = "true"

    LC0404

      × `run` is empty
       ╭─[local-ci.toml:4:7]
     3 │ [stages.argv]
     4 │ run = []
       ·       ─┬
       ·        ╰── no command
     5 │ fix = [""]
       ╰────
      help: for example: run = "cargo test"; for a stage that does nothing: run = "true"

    LC0404

      × `fix` is empty
       ╭─[local-ci.toml:5:7]
     4 │ run = []
     5 │ fix = [""]
       ·       ──┬─
       ·         ╰── no command
     6 │ with = { a = 1 }
       ╰────
      help: for example: fix = "cargo test"; for a stage that does nothing: fix = "true"

    LC0420

      × `with` is only for a stage with `uses`
       ╭─[local-ci.toml:6:8]
     5 │ fix = [""]
     6 │ with = { a = 1 }
       ·        ────┬────
       ·            ╰── here
       ╰────
      help: take it away, or say which plugin it is for with `uses`

    4 faults in the configuration
    "#);
}

#[test]
fn nul_characters() {
    let text = r#"[stages.nul]
run = "a\u0000b"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0421

      × `run` has a NUL character in it
       ╭─[local-ci.toml:2:7]
     1 │ [stages.nul]
     2 │ run = "a\u0000b"
       ·       ─────┬────
       ·            ╰── here
       ╰────
      help: take the \u0000 out

    1 fault in the configuration
    "#);
}

#[test]
fn remotes_and_plugins_are_checked() {
    let text = r#"[stages.a]
run = "true"
on = "build-bx"
[stages.b]
uses = "hygene"
[remotes.build-box]
host = "build.example.invalid"
[plugins.hygiene]
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

    LC0423

      × plugin `hygiene` does not say where it comes from
       ╭─[local-ci.toml:8:10]
     7 │ host = "build.example.invalid"
     8 │ [plugins.hygiene]
       ·          ───┬───
       ·             ╰── here
       ╰────
      help: for example: source = "path:plugins/hygiene"

    3 faults in the configuration
    "#);
}

#[test]
fn profiles_are_checked() {
    let text = r#"[stages.a]
run = "true"
[stages.b]
run = "true"
[profiles.quick]
stages = ["a", "bb", "x*", "[z"]
skip = ["b*"]
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0410

      × there is no stage `bb`
       ╭─[local-ci.toml:6:16]
     5 │ [profiles.quick]
     6 │ stages = ["a", "bb", "x*", "[z"]
       ·                ──┬─
       ·                  ╰── matches no stage
     7 │ skip = ["b*"]
       ╰────
      help: did you mean `b`?

    LC0410

      × no stage matches `x*`
       ╭─[local-ci.toml:6:22]
     5 │ [profiles.quick]
     6 │ stages = ["a", "bb", "x*", "[z"]
       ·                      ──┬─
       ·                        ╰── matches no stage
     7 │ skip = ["b*"]
       ╰────
      help: the stages are: a, b

    LC0411

      × `[z` is not a glob: unclosed character class; missing ']'
       ╭─[local-ci.toml:6:28]
     5 │ [profiles.quick]
     6 │ stages = ["a", "bb", "x*", "[z"]
       ·                            ──┬─
       ·                              ╰── here
     7 │ skip = ["b*"]
       ╰────
      help: put [brackets] around a special character to mean itself

    3 faults in the configuration
    "#);
}
