//! Plugins that cannot be used, or not for what they are asked for.

use crate::config::tests::faults;

#[test]
fn entries_are_checked_though_nothing_uses_them() {
    let text = r#"[plugins.one]
source = "plugins/one"
[plugins."two words"]
source = "path:x.wasm"
limits = { memory = 0, time = "5" }
[plugins.three]
[plugins.four]
source = "oci:example.invalid/four"
[plugins.five]
source = 5
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0423

      × the source of plugin `one` cannot be used
       ╭─[local-ci.toml:2:10]
     1 │ [plugins.one]
     2 │ source = "plugins/one"
       ·          ──────┬──────
       ·                ╰── here
     3 │ [plugins."two words"]
       ╰────
      help: it does not say of what kind it is; is `path:plugins/one` meant? there are
            `path:FILE.wasm`, `path:DIR` and `https://…/FILE.wasm`

    LC0423

      × `two words` cannot be a plugin's name
       ╭─[local-ci.toml:3:10]
     2 │ source = "plugins/one"
     3 │ [plugins."two words"]
       ·          ─────┬─────
       ·               ╰── here
     4 │ source = "path:x.wasm"
       ╰────
      help: it has letters, digits, `.`, `_` and `-`, and begins with a letter or a digit

    LC0305

      × `memory` leaves the plugin nothing: it is zero
       ╭─[local-ci.toml:5:21]
     4 │ source = "path:x.wasm"
     5 │ limits = { memory = 0, time = "5" }
       ·                     ┬
       ·                     ╰── here
     6 │ [plugins.three]
       ╰────
      help: take it away for what is usual

    LC0303

      × `time` has no unit: "5"
       ╭─[local-ci.toml:5:31]
     4 │ source = "path:x.wasm"
     5 │ limits = { memory = 0, time = "5" }
       ·                               ─┬─
       ·                                ╰── here
     6 │ [plugins.three]
       ╰────
      help: say which unit: "5s" for seconds, "5m" for minutes

    LC0423

      × plugin `three` does not say where it comes from
       ╭─[local-ci.toml:6:10]
     5 │ limits = { memory = 0, time = "5" }
     6 │ [plugins.three]
       ·          ──┬──
       ·            ╰── here
     7 │ [plugins.four]
       ╰────
      help: for example: source = "path:plugins/three"

    LC0423

      × the source of plugin `four` cannot be used
       ╭─[local-ci.toml:8:10]
     7 │ [plugins.four]
     8 │ source = "oci:example.invalid/four"
       ·          ─────────────┬────────────
       ·                       ╰── here
     9 │ [plugins.five]
       ╰────
      help: plugins cannot be had from OCI registries yet; there are `path:FILE.wasm`, `path:DIR` and
            `https://…/FILE.wasm`

    LC0302

      × `source` must be a string, not the number 5
        ╭─[local-ci.toml:10:10]
      9 │ [plugins.five]
     10 │ source = 5
        ·          ┬
        ·          ╰── expected a string
        ╰────
      help: for example: source = "path:plugins/hygiene"

    7 faults in the configuration
    "#);
}

#[test]
fn grants_name_what_there_can_be() {
    let text = r#"[plugins.three]
source = "path:three.wasm"
[plugins.three.grants]
files-read = ["src/[a"]
env = ["A=B"]
commands = [" "]
http = ["https://example.invalid/x", "*"]
clok = true
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0411

      × `src/[a` is not a glob: unclosed character class; missing ']'
       ╭─[local-ci.toml:4:15]
     3 │ [plugins.three.grants]
     4 │ files-read = ["src/[a"]
       ·               ────┬───
       ·                   ╰── here
     5 │ env = ["A=B"]
       ╰────
      help: put [brackets] around a special character to mean itself

    LC0416

      × `A=B` cannot be a variable's name
       ╭─[local-ci.toml:5:8]
     4 │ files-read = ["src/[a"]
     5 │ env = ["A=B"]
       ·        ──┬──
       ·          ╰── here
     6 │ commands = [" "]
       ╰────
      help: a name is not empty and has no `=` in it

    LC0423

      × this command has no words
       ╭─[local-ci.toml:6:13]
     5 │ env = ["A=B"]
     6 │ commands = [" "]
       ·             ─┬─
       ·              ╰── here
     7 │ http = ["https://example.invalid/x", "*"]
       ╰────
      help: for example: commands = ["git diff --name-only --end-of-options *"]

    LC0423

      × `https://example.invalid/x` is no host
       ╭─[local-ci.toml:7:9]
     6 │ commands = [" "]
     7 │ http = ["https://example.invalid/x", "*"]
       ·         ─────────────┬─────────────
       ·                      ╰── here
     8 │ clok = true
       ╰────
      help: a host is written without a scheme or a path: http = ["hooks.example.invalid"]

    LC0423

      × `*` is no host
       ╭─[local-ci.toml:7:38]
     6 │ commands = [" "]
     7 │ http = ["https://example.invalid/x", "*"]
       ·                                      ─┬─
       ·                                       ╰── here
     8 │ clok = true
       ╰────
      help: a host is written without a scheme or a path: http = ["hooks.example.invalid"]

    LC0301

      × there is no key `clok` here
       ╭─[local-ci.toml:8:1]
     7 │ http = ["https://example.invalid/x", "*"]
     8 │ clok = true
       · ──┬─
       ·   ╰── unknown key
       ╰────
      help: did you mean `clock`?

    6 faults in the configuration
    "#);
}

#[test]
fn what_is_used_has_to_be_there() {
    let text = r#"[stages.a]
uses = "hygeine"
[stages.b]
uses = "nothing-like-it:kind"
[stages.c]
uses = "many"
[stages.d]
uses = "many:space"
[stages.e]
uses = "many:tabs"
[stages.f]
uses = "test-report"
[plugins.hygiene]
source = "path:plugins/hygiene"
[plugins.many]
source = "path:plugins/many"
[plugins.test-report]
source = "path:plugins/test-report"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0409

      × there is no plugin `hygeine`
       ╭─[local-ci.toml:2:8]
     1 │ [stages.a]
     2 │ uses = "hygeine"
       ·        ────┬────
       ·            ╰── not in [plugins]
     3 │ [stages.b]
       ╰────
      help: did you mean `hygiene`?

    LC0409

      × there is no plugin `nothing-like-it`
       ╭─[local-ci.toml:4:8]
     3 │ [stages.b]
     4 │ uses = "nothing-like-it:kind"
       ·        ───────────┬──────────
       ·                   ╰── not in [plugins]
     5 │ [stages.c]
       ╰────
      help: define it as [plugins.nothing-like-it], with its source

    LC0425

      × plugin `many` has several stage kinds, and none of its own name: large-files, spaces
       ╭─[local-ci.toml:6:8]
     5 │ [stages.c]
     6 │ uses = "many"
       ·        ───┬──
       ·           ╰── which of them?
     7 │ [stages.d]
       ╰────
      help: say which: "many:large-files"

    LC0425

      × plugin `many` has no stage kind `space`
       ╭─[local-ci.toml:8:8]
     7 │ [stages.d]
     8 │ uses = "many:space"
       ·        ──────┬─────
       ·              ╰── no stage kind
     9 │ [stages.e]
       ╰────
      help: did you mean "many:spaces"?

    LC0425

      × plugin `many` has no stage kind `tabs`
        ╭─[local-ci.toml:10:8]
      9 │ [stages.e]
     10 │ uses = "many:tabs"
        ·        ─────┬─────
        ·             ╰── no stage kind
     11 │ [stages.f]
        ╰────
      help: what it has: large-files, spaces

    LC0425

      × plugin `test-report` has no stage kind
        ╭─[local-ci.toml:12:8]
     11 │ [stages.f]
     12 │ uses = "test-report"
        ·        ──────┬──────
        ·              ╰── no stage kind
     13 │ [plugins.hygiene]
        ╰────
      help: it has parsers, for `annotate`

    6 faults in the configuration
    "#);
}

#[test]
fn reporters_are_plugins_that_take_events() {
    let text = r#"[reporters]
hygiene = true
web-hook = true
others = { on = true }
[plugins.hygiene]
source = "path:plugins/hygiene"
[plugins.webhook]
source = "path:plugins/webhook"
"#;
    insta::assert_snapshot!(faults(text), @r"
    LC0425

      × plugin `hygiene` is no reporter
       ╭─[local-ci.toml:2:1]
     1 │ [reporters]
     2 │ hygiene = true
       · ───┬───
       ·    ╰── takes no events
     3 │ web-hook = true
       ╰────
      help: it has stage kinds, for `uses`

    LC0409

      × there is no plugin `web-hook`
       ╭─[local-ci.toml:3:1]
     2 │ hygiene = true
     3 │ web-hook = true
       · ────┬───
       ·     ╰── not in [plugins]
     4 │ others = { on = true }
       ╰────
      help: did you mean `webhook`?

    LC0409

      × there is no plugin `others`
       ╭─[local-ci.toml:4:1]
     3 │ web-hook = true
     4 │ others = { on = true }
       · ───┬──
       ·    ╰── not in [plugins]
     5 │ [plugins.hygiene]
       ╰────
      help: define it as [plugins.others], with its source

    LC0301

      × there is no key `on` here
       ╭─[local-ci.toml:4:12]
     3 │ web-hook = true
     4 │ others = { on = true }
       ·            ─┬
       ·             ╰── unknown key
     5 │ [plugins.hygiene]
       ╰────
      help: there are no keys here; a newer version may have some

    4 faults in the configuration
    ");
}

/// H161: what cannot be used is told at its own table and once, whoever uses it; and is not asked for twice.
#[test]
fn h161_what_is_wrong_with_a_plugin_is_told_once() {
    let text = r#"[stages.a]
uses = "unbuilt"
[stages.b]
uses = "unbuilt:x"
annotate = ["unbuilt"]
[stages.c]
uses = "broken"
[stages.d]
uses = "broken"
[plugins.unbuilt]
source = "path:plugins/unbuilt"
[plugins.broken]
source = "path:plugins/broken"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0424

      × plugin unbuilt is not built
        ╭─[local-ci.toml:10:10]
      9 │ uses = "broken"
     10 │ [plugins.unbuilt]
        ·          ───┬───
        ·             ╰── this plugin
     11 │ source = "path:plugins/unbuilt"
        ╰────
      help: local-ci plugin build plugins/unbuilt

    LC0424

      × plugin `broken` has a JSON schema for `with` that is no JSON
        ╭─[local-ci.toml:12:10]
     11 │ source = "path:plugins/unbuilt"
     12 │ [plugins.broken]
        ·          ───┬──
        ·             ╰── this plugin
     13 │ source = "path:plugins/broken"
        ╰────
      help: this is for who made it to mend

    2 faults in the configuration
    "#);
}

#[test]
fn who_reads_is_a_matcher_or_a_plugin() {
    let text = r#"[defaults]
annotate = ["rustx", "tset-report:junit"]
[stages.a]
run = "true"
annotate = ["my-own", "eslint", "my-onw", "zzz", "test-report:junti", "hygiene"]
[matchers.my-own]
pattern = "(?<message>x)"
[plugins.test-report]
source = "path:plugins/test-report"
[plugins.hygiene]
source = "path:plugins/hygiene"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0427

      × there is no matcher or parser `rustx`
       ╭─[local-ci.toml:2:13]
     1 │ [defaults]
     2 │ annotate = ["rustx", "tset-report:junit"]
       ·             ───┬───
       ·                ╰── not in [matchers] or [plugins], and not built in
     3 │ [stages.a]
       ╰────
      help: did you mean `rustc`?

    LC0427

      × there is no matcher or parser `tset-report:junit`
       ╭─[local-ci.toml:2:22]
     1 │ [defaults]
     2 │ annotate = ["rustx", "tset-report:junit"]
       ·                      ─────────┬─────────
       ·                               ╰── not in [matchers] or [plugins], and not built in
     3 │ [stages.a]
       ╰────
      help: did you mean `test-report:junit`?

    LC0427

      × there is no matcher or parser `my-onw`
       ╭─[local-ci.toml:5:33]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "my-onw", "zzz", "test-report:junti", "hygiene"]
       ·                                 ────┬───
       ·                                     ╰── not in [matchers] or [plugins], and not built in
     6 │ [matchers.my-own]
       ╰────
      help: did you mean `my-own`?

    LC0427

      × there is no matcher or parser `zzz`
       ╭─[local-ci.toml:5:43]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "my-onw", "zzz", "test-report:junti", "hygiene"]
       ·                                           ──┬──
       ·                                             ╰── not in [matchers] or [plugins], and not built in
     6 │ [matchers.my-own]
       ╰────
      help: built in are cargo-test, clippy, eslint, gcc, go, javac, mypy, prettier, pytest, python,
            ruff, rustc, rustfmt, shellcheck, tsc; your own go into [matchers]

    LC0425

      × plugin `test-report` has no parser `junti`
       ╭─[local-ci.toml:5:50]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "my-onw", "zzz", "test-report:junti", "hygiene"]
       ·                                                  ─────────┬─────────
       ·                                                           ╰── no parser
     6 │ [matchers.my-own]
       ╰────
      help: did you mean "test-report:junit"?

    LC0425

      × plugin `hygiene` has no parser
       ╭─[local-ci.toml:5:71]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "my-onw", "zzz", "test-report:junti", "hygiene"]
       ·                                                                       ────┬────
       ·                                                                           ╰── no parser
     6 │ [matchers.my-own]
       ╰────
      help: it has stage kinds, for `uses`

    6 faults in the configuration
    "#);
}

#[test]
fn what_is_for_commands_is_for_no_plugin() {
    let text = r#"[stages.a]
uses = "hygiene"
interactive = true
pty = true
shell = "bash"
[stages.b]
uses = "hygiene"
pty = false
shell = "bash"
fix = "make tidy"
[plugins.hygiene]
source = "path:plugins/hygiene"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0428

      × stage `a` has `interactive`, which means nothing to a plugin
       ╭─[local-ci.toml:3:15]
     1 │ [stages.a]
     2 │ uses = "hygiene"
       ·        ────┬────
       ·            ╰── and this is a plugin
     3 │ interactive = true
       ·               ──┬─
       ·                 ╰── for commands alone
     4 │ pty = true
       ╰────
      help: take it away

    LC0428

      × stage `a` has `pty`, which means nothing to a plugin
       ╭─[local-ci.toml:4:7]
     1 │ [stages.a]
     2 │ uses = "hygiene"
       ·        ────┬────
       ·            ╰── and this is a plugin
     3 │ interactive = true
     4 │ pty = true
       ·       ──┬─
       ·         ╰── for commands alone
     5 │ shell = "bash"
       ╰────
      help: take it away

    LC0428

      × stage `a` has `shell`, which means nothing to a plugin
       ╭─[local-ci.toml:5:9]
     1 │ [stages.a]
     2 │ uses = "hygiene"
       ·        ────┬────
       ·            ╰── and this is a plugin
     3 │ interactive = true
     4 │ pty = true
     5 │ shell = "bash"
       ·         ───┬──
       ·            ╰── for commands alone
     6 │ [stages.b]
       ╰────
      help: take it away

    3 faults in the configuration
    "#);
}
