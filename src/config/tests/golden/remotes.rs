//! What is wrong in `[remotes]`.

use super::super::faults;

#[test]
fn h143_hosts_are_checked_where_they_are_written() {
    let text = r#"[stages.a]
run = "true"
on = "box"
[remotes.box]
host = "-oProxyCommand=id"
user = "$USER"
session = "a.b"
dir = "src/x"
timeout = "0s"
env = { "A=B" = 1 }
sync = { mode = "git", include = ["a[-"] }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0422

      × `host` has a host that begins with `-`, which ssh would take for an option
       ╭─[local-ci.toml:5:8]
     4 │ [remotes.box]
     5 │ host = "-oProxyCommand=id"
       ·        ─────────┬─────────
       ·                 ╰── here
     6 │ user = "$USER"
       ╰────
      help: a host is written as [user@]host[:port], such as host = "build.example.invalid:2222"

    LC0422

      × `user` has '$' in its user; a user has letters, digits and `.`, `_`, `-`, `+`, `@`
       ╭─[local-ci.toml:6:8]
     5 │ host = "-oProxyCommand=id"
     6 │ user = "$USER"
       ·        ───┬───
       ·           ╰── here
     7 │ session = "a.b"
       ╰────

    LC0422

      × `session` has `.` in it, which tmux turns into `_`; a name has letters, digits, `_` and `-`,
      │ such as onion
       ╭─[local-ci.toml:7:11]
     6 │ user = "$USER"
     7 │ session = "a.b"
       ·           ──┬──
       ·             ╰── here
     8 │ dir = "src/x"
       ╰────

    LC0422

      × `dir` of a remote is neither an absolute path nor one from the home directory there, such as /
      │ srv/project or ~/src/project
       ╭─[local-ci.toml:8:7]
     7 │ session = "a.b"
     8 │ dir = "src/x"
       ·       ───┬───
       ·          ╰── here
     9 │ timeout = "0s"
       ╰────

    LC0303

      × `timeout` leaves no time at all: it is zero
        ╭─[local-ci.toml:9:11]
      8 │ dir = "src/x"
      9 │ timeout = "0s"
        ·           ──┬─
        ·             ╰── here
     10 │ env = { "A=B" = 1 }
        ╰────
      help: for example: timeout = "30s"

    LC0416

      × `A=B` cannot be a variable's name
        ╭─[local-ci.toml:10:9]
      9 │ timeout = "0s"
     10 │ env = { "A=B" = 1 }
        ·         ──┬──
        ·           ╰── here
     11 │ sync = { mode = "git", include = ["a[-"] }
        ╰────
      help: a name is not empty and has no `=` in it

    LC0411

      × `a[-` is not a glob: unclosed character class; missing ']'
        ╭─[local-ci.toml:11:35]
     10 │ env = { "A=B" = 1 }
     11 │ sync = { mode = "git", include = ["a[-"] }
        ·                                   ──┬──
        ·                                     ╰── here
        ╰────
      help: put [brackets] around a special character to mean itself

    7 faults in the configuration
    "#);
}

#[test]
fn keys_and_values_of_remotes_are_checked() {
    let text = r#"[remotes.local]
hots = "build.example.invalid"
port = 65536
slots = 0
sync = "gti"
give-up = 5
[remotes.b]
host = 1
[remotes.c]
host = "c.example.invalid"
sync = { mod = "git" }
[stages.a]
run = "true"
on = "b"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0422

      × the name of a remote stands for this machine: `local`
       ╭─[local-ci.toml:1:10]
     1 │ [remotes.local]
       ·          ──┬──
       ·            ╰── here
     2 │ hots = "build.example.invalid"
       ╰────

    LC0301

      × there is no key `hots` here
       ╭─[local-ci.toml:2:1]
     1 │ [remotes.local]
     2 │ hots = "build.example.invalid"
       · ──┬─
       ·   ╰── unknown key
     3 │ port = 65536
       ╰────
      help: did you mean `host`?

    LC0305

      × `port` cannot be the number 65536
       ╭─[local-ci.toml:3:8]
     2 │ hots = "build.example.invalid"
     3 │ port = 65536
       ·        ──┬──
       ·          ╰── expected a whole number from 1 to 65535
     4 │ slots = 0
       ╰────
      help: for example: port = 2222

    LC0305

      × `slots` cannot be the number 0
       ╭─[local-ci.toml:4:9]
     3 │ port = 65536
     4 │ slots = 0
       ·         ┬
       ·         ╰── expected a whole number from 1 up
     5 │ sync = "gti"
       ╰────
      help: for example: slots = 8

    LC0306

      × `sync` cannot be "gti"
       ╭─[local-ci.toml:5:8]
     4 │ slots = 0
     5 │ sync = "gti"
       ·        ──┬──
       ·          ╰── one of git, rsync, none
     6 │ give-up = 5
       ╰────
      help: did you mean "git"?

    LC0303

      × `give-up` has no unit: 5
       ╭─[local-ci.toml:6:11]
     5 │ sync = "gti"
     6 │ give-up = 5
       ·           ┬
       ·           ╰── here
     7 │ [remotes.b]
       ╰────
      help: write it in quotes with its unit: "5s" for seconds, "5m" for minutes

    LC0302

      × `host` must be a string, not the number 1
       ╭─[local-ci.toml:8:8]
     7 │ [remotes.b]
     8 │ host = 1
       ·        ┬
       ·        ╰── expected a string
     9 │ [remotes.c]
       ╰────
      help: for example: host = "build.example.invalid"

    LC0301

      × there is no key `mod` here
        ╭─[local-ci.toml:11:10]
     10 │ host = "c.example.invalid"
     11 │ sync = { mod = "git" }
        ·          ─┬─
        ·           ╰── unknown key
     12 │ [stages.a]
        ╰────
      help: did you mean `mode`?

    8 faults in the configuration
    "#);
}
