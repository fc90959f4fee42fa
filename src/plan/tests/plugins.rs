//! Plugins in a plan: those that something of it uses, and no others.

use super::*;
use crate::pipeline::matcher::{Annotate, BuiltIn};
use crate::pipeline::plugin::{Excerpt, Grants, Limits, ParserUse, Plugin, Ready, Source, Use};

fn used(plugin: &str, kind: &str, fix: bool) -> Use {
    Use { plugin: plugin.into(), kind: kind.into(), params: r#"{"max":1}"#.into(), fix }
}

fn ready(name: &str) -> (String, Ready) {
    let plugin = Plugin {
        name: name.into(),
        source: Source::File(format!("{name}.wasm").into()),
        grants: Grants::default(),
        limits: Limits::default(),
        config: "{}".into(),
        files: Vec::new(),
    };
    let (component, hash) = (format!("/project/{name}.wasm").into(), "0".repeat(64));
    let ready = Ready { plugin, component, hash, needs: Grants::default(), policy: None, events: Vec::new() };
    (name.into(), ready)
}

/// `lint` uses one plugin and has its fix, `test` is read by another, and a third is told of what happens.
fn declared() -> Declared {
    usual()
        .change("lint", |stage| {
            stage.action = Action::Use(used("hygiene", "hygiene", false));
            stage.fix = Some(Command::Plugin(used("hygiene", "hygiene", true)));
        })
        .change("test", |stage| {
            let parser = ParserUse { plugin: "report".into(), parser: "junit".into(), excerpt: Excerpt::default() };
            stage.annotate = vec![Annotate::BuiltIn(BuiltIn::Rustc), Annotate::Parser(parser)];
        })
}

fn plan(declared: &Declared, reporters: &[&str], request: &Request) -> Result<Plan, PlanError> {
    let ready = ["hygiene", "report", "webhook"].map(ready).into();
    let pipeline = declared.pipeline().with_plugins(ready, words(reporters));
    let env = Env::default();
    let facts = Facts {
        os: "linux".into(),
        ci: false,
        branch: None,
        env: &env,
        cores: 4,
        hook: None,
        changed: Changed::Unasked,
    };
    build(&pipeline, request, &facts)
}

fn plugins(plan: &Plan) -> Vec<&str> {
    plan.plugins.keys().map(String::as_str).collect()
}

#[test]
fn a_plan_has_the_plugins_of_what_runs_and_its_reporters() {
    let declared = declared();
    let all = plan(&declared, &[], &Request::default()).unwrap();
    assert_eq!(plugins(&all), ["hygiene", "report"]);
    assert_eq!(planned(&all, "lint").command_text(), r#"hygiene {"max":1}"#);
    assert_eq!(planned(&all, "test").annotate[0], Annotate::BuiltIn(BuiltIn::Rustc));
    assert_eq!(planned(&all, "test").annotate[1].parser().unwrap().parser, "junit");
    let some = plan(&declared, &[], &skip(&["test"])).unwrap();
    assert_eq!(plugins(&some), ["hygiene"]);
    let none = plan(&declared, &[], &ask(&["build"])).unwrap();
    assert_eq!((plugins(&none).len(), none.reporters.len()), (0, 0));
    let told = plan(&declared, &["webhook"], &ask(&["build"])).unwrap();
    assert_eq!((plugins(&told), told.reporters.as_slice()), (vec!["webhook"], words(&["webhook"]).as_slice()));
    let skipped = declared.change("lint", on_macos);
    let skipped = plan(&skipped, &[], &ask(&["lint"])).unwrap();
    assert_eq!(plugins(&skipped), [""; 0], "what does not run needs none");
    assert_eq!(planned(&skipped, "lint").command_text(), r#"hygiene {"max":1}"#, "and is shown all the same");
}

#[test]
fn a_plugin_mends_where_it_can_and_a_command_where_that_is_the_fix() {
    let fix = |request: Request| Request { fix: true, ..request };
    let mends = plan(&declared(), &[], &fix(ask(&["lint"]))).unwrap();
    let stage = planned(&mends, "lint");
    assert_eq!(stage.command, Command::Plugin(used("hygiene", "hygiene", true)));
    assert!(stage.is_fix && stage.has_fix && stage.reasons.contains(&Reason::Fix));
    let looks = plan(&declared(), &[], &ask(&["lint"])).unwrap();
    assert_ne!(stage.signature, planned(&looks, "lint").signature);
    let by_command = declared().change("lint", |stage| stage.fix = Some(script("make fix-lint")));
    let by_command = plan(&by_command, &[], &fix(ask(&["lint"]))).unwrap();
    assert_eq!(planned(&by_command, "lint").command_text(), "make fix-lint");
    assert_eq!(plugins(&by_command), [""; 0]);
}

#[test]
fn a_stage_of_a_plugin_takes_no_arguments() {
    let args = |request: Request| Request { args: words(&["-k"]), ..request };
    let error = plan(&declared(), &[], &args(ask(&["lint"]))).unwrap_err();
    assert!(!error.selects_nothing());
    insta::assert_snapshot!(error, @"stage lint uses plugin hygiene, which takes no arguments after --: give it settings as `with` in the config");
    let named = declared().change("lint", |stage| stage.action = Action::Use(used("hygiene", "large-files", false)));
    insta::assert_snapshot!(plan(&named, &[], &args(ask(&["lint"]))).unwrap_err(), @"stage lint uses plugin hygiene:large-files, which takes no arguments after --: give it settings as `with` in the config");
    let by_command = named.change("lint", |stage| stage.fix = Some(script("make \"$@\"")));
    let given = plan(&by_command, &[], &args(Request { fix: true, ..ask(&["lint"]) })).unwrap();
    assert_eq!(planned(&given, "lint").command_text(), "make \"$@\" -- -k");
}

/// What a parser says of a stage's output is not what the stage does.
#[test]
fn annotating_changes_no_signature() {
    let with = plan(&declared(), &[], &ask(&["test"])).unwrap();
    let without = plan(&usual(), &[], &ask(&["test"])).unwrap();
    assert_eq!(planned(&with, "test").signature, planned(&without, "test").signature);
}
