//! Faults in matchers.

use crate::config::tests::faults;

#[test]
#[expect(clippy::too_many_lines, reason = "each fault as it is drawn")]
fn matchers_are_expressions_or_files() {
    let text = r#"[stages.a]
run = "true"
annotate = ["clash", "one"]
[matchers.one]
pattern = '^(?<file>.+):(?<line>\d+: (?<message>.+)$'
[matchers.two]
patterns = ['^(?<fle>.+)$', '^(?<message>a{1000}{1000}{1000})$']
loop = true
[matchers.three]
pattern = "x"
loop = true
[matchers.four]
severity = "warning"
[matchers.five]
file = "matchers/gone.json"
pattern = "x"
[matchers.six]
file = "matchers/gone.json"
[matchers."se:ven"]
pattern = "(?<message>x)"
[matchers.clash]
pattern = "(?<message>x)"
[plugins.clash]
source = "path:plugins/hygiene"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0430

      × this is no regular expression: unclosed group
       ╭─[local-ci.toml:5:11]
     4 │ [matchers.one]
     5 │ pattern = '^(?<file>.+):(?<line>\d+: (?<message>.+)$'
       ·           ─────────────────────┬─────────────────────
       ·                                ╰── here
     6 │ [matchers.two]
       ╰────
      help: what there is, the page of the crate regex lists; in 'single quotes', a backslash is
            itself

    LC0430

      × a group cannot be called `fle`
       ╭─[local-ci.toml:7:13]
     6 │ [matchers.two]
     7 │ patterns = ['^(?<fle>.+)$', '^(?<message>a{1000}{1000}{1000})$']
       ·             ───────┬──────
       ·                    ╰── here
     8 │ loop = true
       ╰────
      help: groups are called file, fromPath, location, line, column, endLine, endColumn, severity,
            code, message; one without a meaning needs no name

    LC0430

      × this is no regular expression: it is too large: compiled, it has more than 1048576 bytes
       ╭─[local-ci.toml:7:29]
     6 │ [matchers.two]
     7 │ patterns = ['^(?<fle>.+)$', '^(?<message>a{1000}{1000}{1000})$']
       ·                             ─────────────────┬─────────────────
       ·                                              ╰── here
     8 │ loop = true
       ╰────
      help: what there is, the page of the crate regex lists; in 'single quotes', a backslash is
            itself

    LC0430

      × no group says what was found
        ╭─[local-ci.toml:10:11]
      9 │ [matchers.three]
     10 │ pattern = "x"
        ·           ─┬─
        ·            ╰── here
     11 │ loop = true
        ╰────
      help: call one `message`, for example (?<message>.+)

    LC0430

      × `loop` has nothing to come after: there is one pattern
        ╭─[local-ci.toml:11:8]
     10 │ pattern = "x"
     11 │ loop = true
        ·        ──┬─
        ·          ╰── here
     12 │ [matchers.four]
        ╰────
      help: every line that matches is found already; `loop` is for the last of several `patterns`

    LC0430

      × matcher `four` does not say what it looks for
        ╭─[local-ci.toml:12:11]
     11 │ loop = true
     12 │ [matchers.four]
        ·           ──┬─
        ·             ╰── here
     13 │ severity = "warning"
        ╰────
      help: give one of `pattern`, `patterns` and `file`; for example: pattern = '^(?<file>.+):(?
            <line>\d+): (?<message>.+)$'

    LC0430

      × matcher `five` is written in more than one way
        ╭─[local-ci.toml:14:11]
     13 │ severity = "warning"
     14 │ [matchers.five]
        ·           ──┬─
        ·             ╰── here
     15 │ file = "matchers/gone.json"
        ╰────
      help: give one of `pattern`, `patterns` and `file`; for example: pattern = '^(?<file>.+):(?
            <line>\d+): (?<message>.+)$'

    LC0430

      × there is no file `matchers/gone.json`
        ╭─[local-ci.toml:18:8]
     17 │ [matchers.six]
     18 │ file = "matchers/gone.json"
        ·        ──────────┬─────────
        ·                  ╰── here
     19 │ [matchers."se:ven"]
        ╰────
      help: its path is relative to the project

    LC0430

      × `se:ven` cannot be a matcher's name
        ╭─[local-ci.toml:19:11]
     18 │ file = "matchers/gone.json"
     19 │ [matchers."se:ven"]
        ·           ────┬───
        ·               ╰── here
     20 │ pattern = "(?<message>x)"
        ╰────
      help: it has up to 100 characters, and no `:`, which stands before the parsers of plugins

    LC0430

      × `clash` is the name of a plugin and of a matcher
        ╭─[local-ci.toml:21:11]
     20 │ pattern = "(?<message>x)"
     21 │ [matchers.clash]
        ·           ──┬──
        ·             ╰── also in [plugins]
     22 │ pattern = "(?<message>x)"
        ╰────
      help: `annotate` could mean either: call one of them something else

    10 faults in the configuration
    "#);
}
