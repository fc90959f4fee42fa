//! The published schema says what the parser does: of every configuration that a test here loads, and of the documents.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use super::judge::{as_json, objections};
use super::{documentation, load};
use crate::config::{Code, ConfigError, Loaded, document_schema, load_user, user_schema};
use crate::env::{self, Env};

static SCHEMA: LazyLock<Value> = LazyLock::new(document_schema);

/// Faults that every schema can see, for they are in one key or one value.
const SEEN: &[Code] = &[Code::UnknownKey, Code::WrongType, Code::OutOfRange, Code::UnknownValue, Code::TwoActions];

/// What is loaded fits the schema; what has a fault that a schema can see does not.
#[track_caller]
pub(super) fn assert_agrees(files: &[(&str, &str)], loaded: &Result<Loaded, ConfigError>) {
    // Of the files that test how much can be taken, a judgement would take minutes and say no more.
    if files.iter().any(|(_, text)| text.len() > 100_000) {
        return;
    }
    let texts: Option<Vec<Value>> = files.iter().map(|(_, text)| as_json(text)).collect();
    // What is no TOML has no value to judge.
    let Some(texts) = texts else { return };
    let objections: Vec<String> = texts.iter().flat_map(|text| objections(&SCHEMA, text)).collect();
    match loaded {
        Ok(_) => assert!(objections.is_empty(), "{files:#?}\n{}", objections.join("\n")),
        Err(error) => {
            let seen = error.list().iter().find(|fault| SEEN.contains(&fault.code()));
            if let Some(fault) = seen {
                assert!(!objections.is_empty(), "the schema has nothing against {files:#?}\n{}", fault.message());
            }
        }
    }
}

/// The files of the examples, and this project's own.
#[test]
fn configurations_of_this_repository_fit() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = std::fs::read_dir(top.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let files = examples.chain([top.to_owned()]).map(|dir| dir.join("local-ci.toml"));
    let files: Vec<_> = files.filter(|file| file.exists()).collect();
    assert!(files.len() > 1);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(objections(&SCHEMA, &as_json(&text).unwrap()), [""; 0], "{}", file.display());
        load(&[("local-ci.toml", &text)]).unwrap();
    }
    for document in ["README.md", "docs/config.md", "examples/quickstart/README.md"] {
        let text = std::fs::read_to_string(top.join(document)).unwrap();
        for example in text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            assert_eq!(objections(&SCHEMA, &as_json(example).unwrap()), [""; 0], "{document}: {example}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (text, rule) in [
        ("[stages.a]\nrnu = \"x\"", "additionalProperties"),
        ("[stage.a]\nrun = \"x\"", "additionalProperties"),
        ("[stages.a]\nrun = 1", "anyOf"),
        ("[stages.a]\nrun = \"x\"\nuses = \"y\"", "not"),
        ("[stages.a]\nrun = \" \"", "anyOf"),
        ("[stages.a]\nrun = []", "anyOf"),
        ("[stages.a]\nrun = \"x\"\ntimeout = 5", "anyOf"),
        ("[stages.a]\nrun = \"x\"\ntimeout = \"0s\"", "anyOf"),
        ("[stages.a]\nrun = \"x\"\ngrace = \"30m1h\"", "pattern"),
        ("[stages.a]\nrun = \"x\"\ngrace = \"\"", "allOf"),
        ("[stages.a]\nrun = \"x\"\nlog-max = \"64\"", "anyOf"),
        ("[stages.a]\nrun = \"x\"\nthreads = 0", "minimum"),
        ("[stages.a]\nrun = \"x\"\nretries = -1", "minimum"),
        ("[stages.a]\nrun = \"x\"\nretries = 99999999999", "maximum"),
        ("[stages.a]\nrun = \"x\"\nleak = \"keep\"", "oneOf"),
        ("[stages.a]\nrun = \"x\"\nshell = \"fish\"", "anyOf"),
        ("[stages.a]\nrun = \"x\"\nneeds = \"b\"", "type"),
        ("[stages.a]\nrun = \"x\"\nenv = { A = 1.5 }", "type"),
        ("[stages.a]\nrun = \"x\"\nwhen = { os = \"darwin\" }", "anyOf"),
        ("[stages.a]\nrun = \"x\"\nmatrix = { rust = \"1.80\" }", "type"),
        ("[stages.\"a b\"]\nrun = \"x\"", "propertyNames"),
        ("[run]\noutput = \"loud\"", "enum"),
        ("[profiles.p]\nstage = [\"a\"]", "additionalProperties"),
        ("[plugins.p]\nsource = \"path:p\"\ngrants = { net = true }", "additionalProperties"),
        ("[plugins.p]\nsource = \"path:p\"\nconfig = []", "type"),
        ("[plugins.p]\nsource = \"path:p\"\nlimits = { time = 5 }", "type"),
        ("[reporters]\np = { on = true }", "anyOf"),
        ("[expand]\nuses = \"p\"", "type"),
    ] {
        let found = objections(&SCHEMA, &as_json(text).unwrap());
        assert!(found.iter().any(|objection| objection.contains(&format!("keep to {rule:?}"))), "{text}: {found:?}");
        assert!(load(&[("local-ci.toml", text)]).is_err(), "{text}");
    }
}

#[test]
fn the_users_schema_is_that_of_the_users_config() {
    let schema = user_schema();
    for (text, fits) in [
        (
            "colour = \"never\"\noutput = \"quiet\"\njobs = 2\n[retention]\nruns = 5\nage = \"30d\"\nsize = \"1GiB\"",
            true,
        ),
        ("[remotes.box]\nhost = \"ci@build.example.invalid\"", true),
        ("[remotes.box]\nhost = \"box.example.invalid\"\nsync = { mode = \"none\" }", true),
        ("[remotes.box]\nhost = \"box.example.invalid\"\nslots = 0", false),
        ("[remotes.box]\nhosts = \"box.example.invalid\"", false),
        ("color = \"blue\"", false),
        ("[retention]\nage = 30", false),
        ("[plugin-policy]\nhttp = []\nclock = false", true),
        ("[plugin-policy]\nnet = true", false),
        ("[stages.a]\nrun = \"x\"", false),
    ] {
        assert_eq!(objections(&schema, &as_json(text).unwrap()).is_empty(), fits, "{text}");
        assert_eq!(load_user_text(text), fits, "{text}");
    }
}

fn load_user_text(text: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("local-ci")).unwrap();
    std::fs::write(dir.path().join("local-ci/config.toml"), text).unwrap();
    load_user(&Env::from_pairs([(env::XDG_CONFIG_HOME, dir.path().to_str().unwrap())])).is_ok()
}

/// The names of the properties of a table.
fn keys(schema: &Value, place: &str) -> BTreeSet<String> {
    schema.pointer(&format!("{place}/properties")).unwrap().as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_reference_and_the_schema_have_the_same_keys() {
    for (heading, place) in [
        ("## `[run]`", "/$defs/Run"),
        ("## `[stages.NAME]`", "/$defs/Stage"),
        ("### `when`", "/$defs/When"),
        ("## `[profiles.NAME]`", "/$defs/Profile"),
        ("## `[remotes.NAME]`", "/$defs/Remote"),
        ("## `[plugins.NAME]`", "/$defs/Plugin"),
        ("### `grants`", "/$defs/Grants"),
        ("## `[[expand]]`", "/$defs/Expand"),
    ] {
        assert_eq!(documentation::table(heading), keys(&SCHEMA, place), "{heading}");
    }
    let mut user = keys(&user_schema(), "");
    assert!(user.remove("colour"), "another spelling of `color`");
    assert_eq!(documentation::table("## User configuration"), user);
}

/// The schema's tables are those that the parser lists where a key is unknown.
#[test]
fn the_parser_and_the_schema_have_the_same_keys() {
    for (header, place) in [
        ("", ""),
        ("[run]", "/$defs/Run"),
        ("[defaults]", "/$defs/Defaults"),
        ("[stages.a]", "/$defs/Stage"),
        ("[stages.a.when]", "/$defs/When"),
        ("[profiles.a]", "/$defs/Profile"),
        ("[remotes.a]", "/$defs/Remote"),
        ("[plugins.a]", "/$defs/Plugin"),
        ("[plugins.a.grants]", "/$defs/Grants"),
        ("[plugins.a.limits]", "/$defs/Limits"),
        ("[[expand]]", "/$defs/Expand"),
    ] {
        let parser: BTreeSet<String> = documentation::keys(header).into_iter().collect();
        assert_eq!(parser, keys(&SCHEMA, place), "{header}");
    }
}

#[test]
fn every_key_has_something_to_say_in_an_editor() {
    for schema in [&*SCHEMA, &user_schema()] {
        for table in schema["$defs"].as_object().unwrap().values().chain([schema]) {
            for (key, value) in table.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let text = value["description"].as_str().unwrap_or_default();
                assert!(text.ends_with('.') && !text.contains('\n'), "{key}: {text:?}");
            }
        }
    }
}

#[test]
fn the_committed_schema_is_current() {
    let committed: Value = serde_json::from_str(include_str!("../../../docs/local-ci.schema.json")).unwrap();
    assert!(committed == *SCHEMA, "out of date; write the output of `local-ci schema` to docs/local-ci.schema.json");
}
