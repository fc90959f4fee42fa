//! Values that can only be judged with others.

use std::path::Path;

use crate::config::NoSupplier;
use crate::config::tests::{drawn, faults, parse};

#[test]
fn globs_are_checked() {
    let text = r#"[stages.a]
run = "true"
inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
when.branch = "{a"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0411

      × `src/[a` is not a glob: unclosed character class; missing ']'
       ╭─[local-ci.toml:3:26]
     2 │ run = "true"
     3 │ inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
       ·                          ────┬───
       ·                              ╰── here
     4 │ when.branch = "{a"
       ╰────
      help: put [brackets] around a special character to mean itself

    LC0411

      × this glob is empty
       ╭─[local-ci.toml:3:48]
     2 │ run = "true"
     3 │ inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
       ·                                                ─┬
       ·                                                 ╰── here
     4 │ when.branch = "{a"
       ╰────
      help: for example: "src/**/*.rs"

    LC0411

      × `{a` is not a glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
       ╭─[local-ci.toml:4:15]
     3 │ inputs = ["src/**/*.rs", "src/[a", "!docs/**", ""]
     4 │ when.branch = "{a"
       ·               ──┬─
       ·                 ╰── here
       ╰────
      help: put [brackets] around a special character to mean itself

    3 faults in the configuration
    "#);
}

#[test]
fn directories_stay_inside() {
    let text = r#"[stages.a]
run = "true"
dir = "../elsewhere"
[stages.b]
run = "true"
dir = "/tmp"
[stages.c]
run = "true"
dir = "~/src"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0415

      × `dir` is not inside the project: ../elsewhere
       ╭─[local-ci.toml:3:7]
     2 │ run = "true"
     3 │ dir = "../elsewhere"
       ·       ───────┬──────
       ·              ╰── here
     4 │ [stages.b]
       ╰────
      help: give a path relative to the project's directory, such as dir = "crates/core"

    LC0415

      × `dir` is not inside the project: /tmp
       ╭─[local-ci.toml:6:7]
     5 │ run = "true"
     6 │ dir = "/tmp"
       ·       ───┬──
       ·          ╰── here
     7 │ [stages.c]
       ╰────
      help: give a path relative to the project's directory, such as dir = "crates/core"

    LC0415

      × `dir` is not inside the project: ~/src
       ╭─[local-ci.toml:9:7]
     8 │ run = "true"
     9 │ dir = "~/src"
       ·       ───┬───
       ·          ╰── here
       ╰────
      help: give a path relative to the project's directory, such as dir = "crates/core"

    3 faults in the configuration
    "#);
}

/// What is brought to another machine and back is of the project: that is said before anything is connected.
#[test]
fn globs_of_what_is_brought_elsewhere_stay_in_the_project() {
    let text = r#"[stages.a]
run = "true"
inputs = ["../shared/**"]
outputs = ["./dist/", "../outside", "!/abs"]
[remotes.box]
host = "box.example.invalid"
sync = { include = ["a/../../b"] }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0411

      × `../outside` does not name files below the project's directory
       ╭─[local-ci.toml:4:23]
     3 │ inputs = ["../shared/**"]
     4 │ outputs = ["./dist/", "../outside", "!/abs"]
       ·                       ──────┬─────
       ·                             ╰── here
     5 │ [remotes.box]
       ╰────
      help: give a path relative to the project's directory, such as "dist/**"

    LC0411

      × `!/abs` does not name files below the project's directory
       ╭─[local-ci.toml:4:37]
     3 │ inputs = ["../shared/**"]
     4 │ outputs = ["./dist/", "../outside", "!/abs"]
       ·                                     ───┬───
       ·                                        ╰── here
     5 │ [remotes.box]
       ╰────
      help: give a path relative to the project's directory, such as "dist/**"

    LC0411

      × `a/../../b` does not name files below the project's directory
       ╭─[local-ci.toml:7:21]
     6 │ host = "box.example.invalid"
     7 │ sync = { include = ["a/../../b"] }
       ·                     ─────┬─────
       ·                          ╰── here
       ╰────
      help: give a path relative to the project's directory, such as "dist/**"

    3 faults in the configuration
    "#);
}

#[test]
fn shells_are_known_or_spelt_out() {
    let text = r#"[stages.a]
run = "true"
shell = "fish"
[stages.b]
run = "true"
shell = "bash -eu"
[stages.c]
run = "true"
shell = []
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0418

      × `fish` is not a shell that is known to take `-e -c SCRIPT`
       ╭─[local-ci.toml:3:9]
     2 │ run = "true"
     3 │ shell = "fish"
       ·         ───┬──
       ·            ╰── here
     4 │ [stages.b]
       ╰────
      help: write its whole command, the script is appended: shell = ["fish", "-c"]

    LC0418

      × a shell with options is written as an array
       ╭─[local-ci.toml:6:9]
     5 │ run = "true"
     6 │ shell = "bash -eu"
       ·         ─────┬────
       ·              ╰── here
     7 │ [stages.c]
       ╰────
      help: the script is appended to it: shell = ["bash", "-eu", "-c"]

    LC0418

      × `shell` is empty
       ╭─[local-ci.toml:9:9]
     8 │ run = "true"
     9 │ shell = []
       ·         ─┬
       ·          ╰── here
       ╰────
      help: for example: shell = ["bash", "-e", "-c"]

    3 faults in the configuration
    "#);
}

#[test]
fn operating_systems_are_known() {
    let text = r#"[stages.a]
run = "true"
when = { os = ["darwin", "linux"] }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0306

      × `darwin` is not an operating system that is known
       ╭─[local-ci.toml:3:16]
     2 │ run = "true"
     3 │ when = { os = ["darwin", "linux"] }
       ·                ────┬───
       ·                    ╰── one of linux, macos, windows, freebsd, netbsd, openbsd, dragonfly, solaris, illumos, android, ios
       ╰────
      help: did you mean "macos"?

    1 fault in the configuration
    "#);
}

#[test]
fn environment_files_are_checked() {
    let env_files = |path: &Path| (path == Path::new("bad.env")).then(|| "A=1\nsecret\n".to_owned());
    let text = r#"[stages.a]
run = "true"
env-file = ["missing.env", "missing.env?", "bad.env"]
env = { "A=B" = "1" }
"#;
    let loaded = parse(Path::new("/project"), &[("local-ci.toml", text)], &env_files, &NoSupplier);
    insta::assert_snapshot!(drawn(loaded), @r#"
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
