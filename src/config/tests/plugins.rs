//! What sound uses of plugins come to.

use std::path::Path;

use super::supplier::TableSupplier;
use super::{made, sound};
use crate::config::{Loaded, NoSupplier, parse};
use crate::ids::StageId;
use crate::pipeline::matcher::Annotate;
use crate::pipeline::plugin::{Grants, Limits, Source, Use};
use crate::pipeline::{Action, Command, Stage};

fn stage<'a>(loaded: &'a Loaded, name: &str) -> &'a Stage {
    let id = loaded.pipeline.find(name).unwrap_or_else(|| panic!("no stage {name}"));
    &loaded.pipeline.stages()[id]
}

fn used(plugin: &str, kind: &str, params: &str) -> Use {
    Use { plugin: plugin.into(), kind: kind.into(), params: params.into(), fix: false }
}

fn needs<'a>(loaded: &'a Loaded, name: &str) -> Vec<&'a str> {
    stage(loaded, name).needs.iter().map(|id: &StageId| loaded.pipeline.stages()[*id].name.as_str()).collect()
}

const PLUGINS: &str = r#"
[plugins.hygiene]
source = "path:plugins/hygiene"
grants = { files-read = ["**"], commands = ["git log **"], clock = true }
limits = { memory = "64MiB", time = "5s" }
[plugins.many]
source = "path:many.wasm"
[plugins.test-report]
source = "https://plugins.example.invalid/test-report.wasm"
[plugins.webhook]
source = "path:plugins/webhook"
config = { url = "https://hooks.example.invalid/x", b = [1, 2.5, { z = true, a = "" }] }
[plugins.members]
source = "path:plugins/members"
"#;

fn with_plugins(text: &str) -> String {
    format!("{text}{PLUGINS}")
}

#[test]
fn a_use_is_a_plugin_its_kind_and_canonical_settings() {
    let loaded = sound(&with_plugins(
        r#"
[stages.a]
uses = "hygiene"
with = { rules = ["b", "a"], max-file-kib = 512, deep = { on = true } }
[stages.b]
uses = "many:spaces"
with.z = 1
with.a = "x"
[stages.c]
uses = "hygiene:hygiene"
fix = "make tidy"
shell = "bash"
[defaults]
pty = true
"#,
    ));
    let params = r#"{"deep":{"on":true},"max-file-kib":512,"rules":["b","a"]}"#;
    assert_eq!(stage(&loaded, "a").action, Action::Use(used("hygiene", "hygiene", params)));
    let mends = Use { fix: true, ..used("hygiene", "hygiene", params) };
    assert_eq!(stage(&loaded, "a").fix, Some(Command::Plugin(mends)), "it says that it can mend");
    assert_eq!(stage(&loaded, "b").action, Action::Use(used("many", "spaces", r#"{"a":"x","z":1}"#)));
    assert_eq!(stage(&loaded, "b").fix, None);
    assert!(matches!(&stage(&loaded, "c").fix, Some(Command::Shell { shell, .. }) if shell[0] == "bash"));
    assert!(!stage(&loaded, "a").policy.pty, "what holds for all commands holds for no plugin");
}

#[test]
fn a_plugin_has_what_its_table_says() {
    let loaded = sound(&with_plugins(
        "[stages.a]\nuses = \"hygiene\"\n[stages.b]\nuses = \"many:spaces\"\n[reporters]\nwebhook = true\n",
    ));
    let plugins = loaded.pipeline.plugins();
    assert_eq!(plugins.keys().collect::<Vec<_>>(), ["hygiene", "many", "webhook"]);
    let hygiene = &plugins["hygiene"].plugin;
    assert_eq!(hygiene.source, Source::Project("plugins/hygiene".into()));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let grants =
        Grants { files_read: words(&["**"]), commands: words(&["git log **"]), clock: true, ..Grants::default() };
    assert_eq!(hygiene.grants, grants);
    let limits = Limits { memory: Some(64 << 20), time: Some(std::time::Duration::from_secs(5)) };
    assert_eq!((hygiene.limits, hygiene.config.as_str()), (limits, "{}"));
    let config = r#"{"b":[1,2.5,{"a":"","z":true}],"url":"https://hooks.example.invalid/x"}"#;
    assert_eq!(plugins["webhook"].plugin.config, config);
    assert_eq!(plugins["many"].plugin.source, Source::File("many.wasm".into()));
}

#[test]
fn values_of_a_matrix_are_filled_into_texts() {
    let loaded = sound(&with_plugins(
        "[stages.a]\nuses = \"hygiene\"\nwith = { rules = [\"no-${matrix.what}\", \"$${matrix.what}\"] }\nmatrix = { what = [\"tabs\", \"crlf\"] }\n",
    ));
    let params = r#"{"rules":["no-crlf","${matrix.what}"]}"#;
    assert_eq!(stage(&loaded, "a:crlf").action, Action::Use(used("hygiene", "hygiene", params)));
    let Some(Command::Plugin(mends)) = &stage(&loaded, "a:crlf").fix else { panic!("it mends") };
    assert_eq!((mends.params.as_str(), mends.fix), (params, true));
}

#[test]
fn parsers_are_those_of_all_stages_or_of_one() {
    let loaded = sound(&with_plugins(
        "[defaults]\nannotate = [\"test-report\"]\n[stages.a]\nrun = \"x\"\n[stages.b]\nrun = \"x\"\nannotate = [\"test-report:junit\", \"test-report:junit\"]\n[stages.c]\nrun = \"x\"\nannotate = []\n",
    ));
    let parsers = |name: &str| {
        let parsers = stage(&loaded, name).annotate.iter().filter_map(Annotate::parser);
        parsers.map(|parser| format!("{}:{}", parser.plugin, parser.parser)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!([parsers("a"), parsers("b"), parsers("c")], ["test-report:test-report", "test-report:junit", ""]);
    assert_eq!(loaded.warnings, [""; 0]);
}

/// Where nothing uses a plugin nobody is asked, and for one that is used once.
#[test]
fn who_answers_for_plugins_is_asked_no_more_than_needed() {
    let asked = |text: &str| {
        let supplier = TableSupplier::default();
        parse(Path::new("/project"), &[("local-ci.toml", &with_plugins(text))], &|_| None, &supplier).unwrap();
        supplier.asked.into_inner()
    };
    assert_eq!(asked("[stages.a]\nrun = \"x\"\n[reporters]\nwebhook = false\n"), [""; 0]);
    let used = "[stages.a]\nuses = \"hygiene\"\nmatrix = { n = [1, 2, 3] }\n[stages.b]\nuses = \"hygiene\"\n";
    assert_eq!(asked(used), ["hygiene"]);
}

/// A typo in its settings may be why: what it was to make is not run, and nothing else says so.
#[test]
fn a_table_that_makes_no_stages_is_a_warning() {
    let text = "[stages.a]\nrun = \"x\"\n[[expand]]\nuses = \"members\"\nwith = { kind = \"crago\" }\n\
                [plugins.members]\nsource = \"path:plugins/members\"\n";
    let supplier = TableSupplier::default();
    let loaded = parse(Path::new("/project"), &[("local-ci.toml", text)], &|_| None, &supplier).unwrap();
    assert_eq!(loaded.warnings, [r#"the `[[expand]]` that uses `members` with {"kind":"crago"} makes no stages"#]);
}

/// A key of a plugin's table that cannot be read may be one of its grants: what it lacks for that is no fault of its own.
#[test]
fn a_plugin_whose_table_has_a_fault_is_not_asked_for() {
    let text = "[stages.a]\nuses = \"unbuilt\"\n[plugins.unbuilt]\nsource = \"path:plugins/unbuilt\"\n\
                grants = { files_read = [\"**\"] }\n";
    let supplier = TableSupplier::default();
    let error = parse(Path::new("/project"), &[("local-ci.toml", text)], &|_| None, &supplier).unwrap_err();
    let told = error.render(false, 100);
    assert!(told.contains("files_read") && !told.contains("not built") && told.contains("1 fault in"), "{told}");
    assert_eq!(supplier.asked.into_inner(), [""; 0]);
}

#[test]
fn an_override_can_silence_a_reporter_and_change_a_setting() {
    let base =
        with_plugins("[stages.a]\nuses = \"hygiene\"\nwith = { max-file-kib = 1 }\n[reporters]\nwebhook = true\n");
    let over = "[stages.a]\nwith.max-file-kib = 2\n[reporters]\nwebhook = false\n";
    let loaded = super::load(&[("local-ci.toml", &base), ("local-ci.local.toml", over)]).unwrap();
    assert_eq!(stage(&loaded, "a").action, Action::Use(used("hygiene", "hygiene", r#"{"max-file-kib":2}"#)));
    assert!(loaded.pipeline.reporters().is_empty());
}

#[test]
fn stages_that_are_made_stand_with_those_of_the_file() {
    let text = with_plugins(
        r#"
[defaults]
timeout = "5m"
[stages.fmt]
run = "fmt"
[stages.all]
run = "true"
needs = ["test-core", "test-web"]
[profiles.tests]
stages = ["test-core"]
[[expand]]
uses = "members"
with = { kind = "cargo" }
"#,
    );
    let members = [
        ("test-core", r#"{"run": ["cargo", "test", "-p", "core"], "needs": ["fmt"], "description": null}"#),
        ("test-web", r#"{"run": "x ${matrix.n}", "matrix": {"n": [1, 2]}, "needs": ["test-core"]}"#),
        ("tidy", r#"{"uses": "hygiene", "with": {"max-file-kib": 3}}"#),
    ];
    let loaded = made(&text, &members).unwrap_or_else(|error| panic!("{}", error.render(false, 100)));
    let names: Vec<&str> = loaded.pipeline.stages().values().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["fmt", "all", "test-core", "test-web:1", "test-web:2", "tidy"]);
    assert_eq!(needs(&loaded, "test-core"), ["fmt"]);
    assert_eq!(needs(&loaded, "test-web:1"), ["test-core"]);
    assert_eq!(needs(&loaded, "all"), ["test-core", "test-web:1", "test-web:2"]);
    assert_eq!(stage(&loaded, "test-core").policy.timeout, Some(std::time::Duration::from_mins(5)));
    assert_eq!(stage(&loaded, "tidy").action, Action::Use(used("hygiene", "hygiene", r#"{"max-file-kib":3}"#)));
    assert!(loaded.pipeline.plugins().contains_key("hygiene"), "which nothing of the file uses");
}

#[test]
fn a_build_without_plugins_says_so_where_one_is_used() {
    let text = with_plugins("[stages.a]\nuses = \"hygiene\"\n");
    let load = |text: &str| parse(Path::new("/project"), &[("local-ci.toml", text)], &|_| None, &NoSupplier);
    insta::assert_snapshot!(super::drawn(load(&text)), @r#"
    LC0424

      × plugin hygiene cannot be used: this build of local-ci cannot run plugins
       ╭─[local-ci.toml:4:10]
     3 │ 
     4 │ [plugins.hygiene]
       ·          ───┬───
       ·             ╰── this plugin
     5 │ source = "path:plugins/hygiene"
       ╰────
      help: install one that was built with the feature `plugins`, or take away what uses it

    1 fault in the configuration
    "#);
    assert!(load(&with_plugins("[stages.a]\nrun = \"x\"\n")).is_ok());
}
