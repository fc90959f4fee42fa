//! What is wrong in `[secrets]`, and with who names some of it.

use super::super::faults;

#[test]
fn each_secret_says_in_one_way_where_it_comes_from() {
    let text = r#"[stages.a]
run = "true"
[secrets]
A-B = true
NONE = {}
BOTH = { env = "X", file = "x" }
EMPTY = { command = [] }
NOT = false
ODD = { env = 1 }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0442

      × `A-B` cannot be a secret's name
       ╭─[local-ci.toml:4:1]
     3 │ [secrets]
     4 │ A-B = true
       · ─┬─
       ·  ╰── here
     5 │ NONE = {}
       ╰────
      help: stages get it as a variable: letters, digits and `_`, no digit first, and no shell's own

    LC0442

      × secret `NONE` does not say where it comes from
       ╭─[local-ci.toml:5:8]
     4 │ A-B = true
     5 │ NONE = {}
       ·        ─┬
       ·         ╰── here
     6 │ BOTH = { env = "X", file = "x" }
       ╰────
      help: give it one of `env`, `file` and `command`, or `true` for the variable of its name

    LC0442

      × secret `BOTH` says more than one place where it comes from
       ╭─[local-ci.toml:6:8]
     5 │ NONE = {}
     6 │ BOTH = { env = "X", file = "x" }
       ·        ────────────┬────────────
       ·                    ╰── here
     7 │ EMPTY = { command = [] }
       ╰────
      help: keep one of `env`, `file` and `command`

    LC0442

      × `command` of secret `EMPTY` has no program, or a NUL character
       ╭─[local-ci.toml:7:21]
     6 │ BOTH = { env = "X", file = "x" }
     7 │ EMPTY = { command = [] }
       ·                     ─┬
       ·                      ╰── here
     8 │ NOT = false
       ╰────
      help: for example: { command = ["pass", "show", "npm/token"] }

    LC0305

      × `NOT` cannot be false
       ╭─[local-ci.toml:8:7]
     7 │ EMPTY = { command = [] }
     8 │ NOT = false
       ·       ──┬──
       ·         ╰── expected true, or a table with `env`, `file` or `command`
     9 │ ODD = { env = 1 }
       ╰────

    LC0302

      × `env` must be a string, not the number 1
       ╭─[local-ci.toml:9:15]
     8 │ NOT = false
     9 │ ODD = { env = 1 }
       ·               ┬
       ·               ╰── expected a string
       ╰────
      help: for example: env = { RUST_LOG = "debug" }

    6 faults in the configuration
    "#);
}

#[test]
fn stages_name_secrets_that_are_there() {
    let text = r#"[defaults]
secrets = ["NPM_TOKN"]
[stages.a]
run = "true"
secrets = ["OTHER", "BROKEN"]
[run]
mask = ["a[-"]
[secrets]
NPM_TOKEN = true
BROKEN = { env = 1 }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0443

      × there is no secret `NPM_TOKN`
       ╭─[local-ci.toml:2:12]
     1 │ [defaults]
     2 │ secrets = ["NPM_TOKN"]
       ·            ─────┬────
       ·                 ╰── not in [secrets]
     3 │ [stages.a]
       ╰────
      help: did you mean `NPM_TOKEN`?

    LC0443

      × there is no secret `OTHER`
       ╭─[local-ci.toml:5:12]
     4 │ run = "true"
     5 │ secrets = ["OTHER", "BROKEN"]
       ·            ───┬───
       ·               ╰── not in [secrets]
     6 │ [run]
       ╰────
      help: define it in [secrets], such as OTHER = true for the variable of that name

    LC0411

      × `a[-` is not a glob: unclosed character class; missing ']'
       ╭─[local-ci.toml:7:9]
     6 │ [run]
     7 │ mask = ["a[-"]
       ·         ──┬──
       ·           ╰── here
     8 │ [secrets]
       ╰────
      help: put [brackets] around a special character to mean itself

    LC0302

      × `env` must be a string, not the number 1
        ╭─[local-ci.toml:10:18]
      9 │ NPM_TOKEN = true
     10 │ BROKEN = { env = 1 }
        ·                  ┬
        ·                  ╰── expected a string
        ╰────
      help: for example: env = { RUST_LOG = "debug" }

    4 faults in the configuration
    "#);
}
