//! Settings that plugins do not take, each at its place.

use crate::config::tests::faults;

#[test]
fn settings_are_what_json_has_as_well() {
    let text = r#"[plugins.four]
source = "path:four.wasm"
config = { since = 2026-01-01, most = inf }
"#;
    insta::assert_snapshot!(faults(text), @r#"
    LC0426

      × `since` cannot be a date or a time: plugins get JSON, which has none
       ╭─[local-ci.toml:3:20]
     2 │ source = "path:four.wasm"
     3 │ config = { since = 2026-01-01, most = inf }
       ·                    ─────┬────
       ·                         ╰── here
       ╰────
      help: write it in quotes

    LC0426

      × `most` cannot be infinite or no number: plugins get JSON, which has neither
       ╭─[local-ci.toml:3:39]
     2 │ source = "path:four.wasm"
     3 │ config = { since = 2026-01-01, most = inf }
       ·                                       ─┬─
       ·                                        ╰── here
       ╰────
      help: write it in quotes, if the plugin knows what to do with it

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
[plugins.hygiene]
source = "path:plugins/hygiene"
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
     13 │ [plugins.hygiene]
        ╰────
      help: there are others

    5 faults in the configuration
    "#);
}

#[test]
fn settings_of_cells_are_held_against_it_once_they_are_filled_in() {
    let text = r#"[stages.c]
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

      × `with.max-file-kib` must be of type "integer", not "1"
       ╭─[local-ci.toml:3:21]
     2 │ uses = "hygiene"
     3 │ with.max-file-kib = "${matrix.size}"
       ·                     ────────┬───────
       ·                             ╰── settings of plugin hygiene
     4 │ matrix = { size = [1, 2] }
       ╰────

    LC0414

      × `with` uses the unknown ${matrix.rule}
       ╭─[local-ci.toml:7:19]
     6 │ uses = "hygiene"
     7 │ with = { rules = ["${matrix.rule}"] }
       ·                   ────────┬───────
       ·                           ╰── here
     8 │ [reporters]
       ╰────
      help: this stage has no matrix; to write these characters themselves, begin with $$

    LC0426

      × `config` lacks `url`
        ╭─[local-ci.toml:14:10]
     13 │ source = "path:plugins/webhook"
     14 │ config = { uri = "x" }
        ·          ──────┬──────
        ·                ╰── settings of plugin webhook
        ╰────

    LC0426

      × `config.uri` is no setting of it
        ╭─[local-ci.toml:14:12]
     13 │ source = "path:plugins/webhook"
     14 │ config = { uri = "x" }
        ·            ─┬─
        ·             ╰── settings of plugin webhook
        ╰────
      help: there are others

    4 faults in the configuration
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
