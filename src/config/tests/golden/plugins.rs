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
grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
[plugins.four]
source = "oci:example.invalid/four"
config = { since = 2026-01-01, most = inf }
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
     7 │ grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
       ╰────
      help: for example: source = "path:plugins/three"

    LC0411

      × `src/[a` is not a glob: unclosed character class; missing ']'
       ╭─[local-ci.toml:7:26]
     6 │ [plugins.three]
     7 │ grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
       ·                          ────┬───
       ·                              ╰── here
     8 │ [plugins.four]
       ╰────
      help: put [brackets] around a special character to mean itself

    LC0416

      × `A=B` cannot be a variable's name
       ╭─[local-ci.toml:7:44]
     6 │ [plugins.three]
     7 │ grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
       ·                                            ──┬──
       ·                                              ╰── here
     8 │ [plugins.four]
       ╰────
      help: a name is not empty and has no `=` in it

    LC0423

      × this command has no words
       ╭─[local-ci.toml:7:64]
     6 │ [plugins.three]
     7 │ grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
       ·                                                                ─┬─
       ·                                                                 ╰── here
     8 │ [plugins.four]
       ╰────
      help: for example: commands = ["git log **"]

    LC0423

      × `https://example.invalid/x` is no host
       ╭─[local-ci.toml:7:78]
     6 │ [plugins.three]
     7 │ grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
       ·                                                                              ─────────────┬─────────────
       ·                                                                                           ╰── here
     8 │ [plugins.four]
       ╰────
      help: a host is written without a scheme or a path: http = ["hooks.example.invalid"]

    LC0423

      × `*` is no host
       ╭─[local-ci.toml:7:107]
     6 │ [plugins.three]
     7 │ grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
       ·                                                                                                           ─┬─
       ·                                                                                                            ╰── here
     8 │ [plugins.four]
       ╰────
      help: a host is written without a scheme or a path: http = ["hooks.example.invalid"]

    LC0301

      × there is no key `clok` here
       ╭─[local-ci.toml:7:113]
     6 │ [plugins.three]
     7 │ grants = { files-read = ["src/[a"], env = ["A=B"], commands = [" "], http = ["https://example.invalid/x", "*"], clok = true }
       ·                                                                                                                 ──┬─
       ·                                                                                                                   ╰── unknown key
     8 │ [plugins.four]
       ╰────
      help: did you mean `clock`?

    LC0423

      × the source of plugin `four` cannot be used
        ╭─[local-ci.toml:9:10]
      8 │ [plugins.four]
      9 │ source = "oci:example.invalid/four"
        ·          ─────────────┬────────────
        ·                       ╰── here
     10 │ config = { since = 2026-01-01, most = inf }
        ╰────
      help: plugins cannot be had from OCI registries yet; there are `path:FILE.wasm`, `path:DIR` and
            `https://…/FILE.wasm`

    LC0302

      × `since` cannot be a date or a time: plugins get JSON, which has none
        ╭─[local-ci.toml:10:20]
      9 │ source = "oci:example.invalid/four"
     10 │ config = { since = 2026-01-01, most = inf }
        ·                    ─────┬────
        ·                         ╰── here
     11 │ [plugins.five]
        ╰────
      help: write it in quotes

    LC0302

      × `most` cannot be infinite or no number: plugins get JSON, which has neither
        ╭─[local-ci.toml:10:39]
      9 │ source = "oci:example.invalid/four"
     10 │ config = { since = 2026-01-01, most = inf }
        ·                                       ─┬─
        ·                                        ╰── here
     11 │ [plugins.five]
        ╰────
      help: write it in quotes, if the plugin knows what to do with it

    LC0302

      × `source` must be a string, not the number 5
        ╭─[local-ci.toml:12:10]
     11 │ [plugins.five]
     12 │ source = 5
        ·          ┬
        ·          ╰── expected a string
        ╰────
      help: for example: source = "path:plugins/hygiene"

    15 faults in the configuration
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
[reporters]
hygiene = true
web-hook = true
[plugins.hygiene]
source = "path:plugins/hygiene"
[plugins.many]
source = "path:plugins/many"
[plugins.test-report]
source = "path:plugins/test-report"
[plugins.webhook]
source = "path:plugins/webhook"
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
     13 │ [reporters]
        ╰────
      help: it has parsers, for `annotate`

    LC0425

      × plugin `hygiene` is no reporter
        ╭─[local-ci.toml:14:1]
     13 │ [reporters]
     14 │ hygiene = true
        · ───┬───
        ·    ╰── takes no events
     15 │ web-hook = true
        ╰────
      help: it has stage kinds, for `uses`

    LC0409

      × there is no plugin `web-hook`
        ╭─[local-ci.toml:15:1]
     14 │ hygiene = true
     15 │ web-hook = true
        · ────┬───
        ·     ╰── not in [plugins]
     16 │ [plugins.hygiene]
        ╰────
      help: did you mean `webhook`?

    8 faults in the configuration
    "#);
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
fn settings_are_held_against_the_schema_at_the_very_key() {
    let text = r#"[stages.a]
uses = "hygiene"
with = { max-file-kib = "512", maxx = 1, deep = { on = "yes" } }
[stages.b]
uses = "hygiene"
[stages.b.with]
rules = [
    "spaces",
    7,
]
[stages.b.with.deep]
off = true
[stages.c]
uses = "hygiene"
with.max-file-kib = "${matrix.size}"
matrix = { size = [1, 2] }
[stages.d]
uses = "hygiene"
with = { rules = ["${matrix.rule}"] }
[reporters]
webhook = {}
[plugins.hygiene]
source = "path:plugins/hygiene"
[plugins.webhook]
source = "path:plugins/webhook"
config = { uri = "x" }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0426

      × `with.max-file-kib` must be of type "integer", not "512"
       ╭─[local-ci.toml:3:25]
     2 │ uses = "hygiene"
     3 │ with = { max-file-kib = "512", maxx = 1, deep = { on = "yes" } }
       ·                         ──┬──
       ·                           ╰── settings of plugin hygiene
     4 │ [stages.b]
       ╰────

    LC0426

      × `with.maxx` is no setting of it
       ╭─[local-ci.toml:3:32]
     2 │ uses = "hygiene"
     3 │ with = { max-file-kib = "512", maxx = 1, deep = { on = "yes" } }
       ·                                ──┬─
       ·                                  ╰── settings of plugin hygiene
     4 │ [stages.b]
       ╰────
      help: there are others

    LC0426

      × `with.deep.on` must be of type "boolean", not "yes"
       ╭─[local-ci.toml:3:56]
     2 │ uses = "hygiene"
     3 │ with = { max-file-kib = "512", maxx = 1, deep = { on = "yes" } }
       ·                                                        ──┬──
       ·                                                          ╰── settings of plugin hygiene
     4 │ [stages.b]
       ╰────

    LC0426

      × `with.rules[1]` must be of type "string", not 7
        ╭─[local-ci.toml:9:5]
      8 │     "spaces",
      9 │     7,
        ·     ┬
        ·     ╰── settings of plugin hygiene
     10 │ ]
        ╰────

    LC0426

      × `with.deep.off` is no setting of it
        ╭─[local-ci.toml:12:1]
     11 │ [stages.b.with.deep]
     12 │ off = true
        · ─┬─
        ·  ╰── settings of plugin hygiene
     13 │ [stages.c]
        ╰────
      help: there are others

    LC0426

      × `with.max-file-kib` must be of type "integer", not "1"
        ╭─[local-ci.toml:15:21]
     14 │ uses = "hygiene"
     15 │ with.max-file-kib = "${matrix.size}"
        ·                     ────────┬───────
        ·                             ╰── settings of plugin hygiene
     16 │ matrix = { size = [1, 2] }
        ╰────

    LC0414

      × `with` uses the unknown ${matrix.rule}
        ╭─[local-ci.toml:19:19]
     18 │ uses = "hygiene"
     19 │ with = { rules = ["${matrix.rule}"] }
        ·                   ────────┬───────
        ·                           ╰── here
     20 │ [reporters]
        ╰────
      help: this stage has no matrix; to write these characters themselves, begin with $$

    LC0426

      × `config` lacks `url`
        ╭─[local-ci.toml:26:10]
     25 │ source = "path:plugins/webhook"
     26 │ config = { uri = "x" }
        ·          ──────┬──────
        ·                ╰── settings of plugin webhook
        ╰────

    LC0426

      × `config.uri` is no setting of it
        ╭─[local-ci.toml:26:12]
     25 │ source = "path:plugins/webhook"
     26 │ config = { uri = "x" }
        ·            ─┬─
        ·             ╰── settings of plugin webhook
        ╰────
      help: there are others

    9 faults in the configuration
    "#);
}

#[test]
fn settings_that_are_missing_are_missing_where_they_would_stand() {
    let text = r#"[reporters]
webhook = true
[plugins.webhook]
source = "path:plugins/webhook"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0426

      × `config` lacks `url`
       ╭─[local-ci.toml:3:10]
     2 │ webhook = true
     3 │ [plugins.webhook]
       ·          ───┬───
       ·             ╰── settings of plugin webhook
     4 │ source = "path:plugins/webhook"
       ╰────

    1 fault in the configuration
    "#);
}

#[test]
fn parsers_are_plugins() {
    let text = r#"[defaults]
annotate = ["rustc", "tset-report:junit"]
[stages.a]
run = "true"
annotate = ["my-own", "eslint", "test-report:junti", "hygiene"]
[matchers.my-own]
pattern = "x"
[plugins.test-report]
source = "path:plugins/test-report"
[plugins.hygiene]
source = "path:plugins/hygiene"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0427

      × there is no parser `rustc`
       ╭─[local-ci.toml:2:13]
     1 │ [defaults]
     2 │ annotate = ["rustc", "tset-report:junit"]
       ·             ───┬───
       ·                ╰── not a plugin in [plugins]
     3 │ [stages.a]
       ╰────
      help: matchers come with a later version; for now `annotate` takes parsers of plugins

    LC0427

      × there is no parser `tset-report:junit`
       ╭─[local-ci.toml:2:22]
     1 │ [defaults]
     2 │ annotate = ["rustc", "tset-report:junit"]
       ·                      ─────────┬─────────
       ·                               ╰── not a plugin in [plugins]
     3 │ [stages.a]
       ╰────
      help: did you mean `test-report:junit`?

    LC0427

      × there is no parser `my-own`
       ╭─[local-ci.toml:5:13]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "test-report:junti", "hygiene"]
       ·             ────┬───
       ·                 ╰── not a plugin in [plugins]
     6 │ [matchers.my-own]
       ╰────
      help: matchers come with a later version; for now `annotate` takes parsers of plugins

    LC0427

      × there is no parser `eslint`
       ╭─[local-ci.toml:5:23]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "test-report:junti", "hygiene"]
       ·                       ────┬───
       ·                           ╰── not a plugin in [plugins]
     6 │ [matchers.my-own]
       ╰────
      help: `annotate` takes parsers of plugins: NAME or NAME:PARSER, with NAME an entry of [plugins]

    LC0425

      × plugin `test-report` has no parser `junti`
       ╭─[local-ci.toml:5:33]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "test-report:junti", "hygiene"]
       ·                                 ─────────┬─────────
       ·                                          ╰── no parser
     6 │ [matchers.my-own]
       ╰────
      help: did you mean "test-report:junit"?

    LC0425

      × plugin `hygiene` has no parser
       ╭─[local-ci.toml:5:54]
     4 │ run = "true"
     5 │ annotate = ["my-own", "eslint", "test-report:junti", "hygiene"]
       ·                                                      ────┬────
       ·                                                          ╰── no parser
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
