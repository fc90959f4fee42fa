//! Each role is called as the contract says, and its answers arrive whole.

use super::forge::{About, Forge, import};
use super::witness::Said;
use super::{context, load, run};
use crate::event::{Severity, Spot};
use crate::pipeline::plugin::{GENERATED_MAX, Generated};
use crate::plugin::info::{Need, Notification, Role, Verdict};
use crate::plugin::services::Printed;

/// Imports `output.log` as `$log`.
fn logging(forge: &mut Forge) {
    forge.imports.push_str(&import("output", "log", "log", "(param i32 i32 i32)"));
}

#[test]
fn a_stage_passes_fails_or_is_skipped_and_says_so_in_a_line() {
    for (verdict, expected) in [(0, Verdict::Passed), (1, Verdict::Failed), (2, Verdict::Skipped)] {
        let mut forge = Forge::default();
        let end = forge.outcome_with(verdict, Some("3 files"), &[("a", "1"), ("b", "2")]);
        forge.run = format!("(i32.const {end})");
        let end = run(&forge).unwrap();
        assert_eq!((end.verdict, end.summary.as_deref()), (expected, Some("3 files")));
        assert_eq!(end.outputs, ["a", "b"]);
    }
}

#[test]
fn a_stage_is_told_what_it_is_about_and_what_it_says_arrives() {
    let mut forge = Forge::default();
    logging(&mut forge);
    let end = forge.outcome(0, None);
    forge.run = format!(
        "(call $log (i32.const 2) (local.get $name) (local.get $name-len))
         (call $log (i32.const 3) (local.get $stage) (local.get $stage-len))
         (call $log (i32.const 4) (local.get $params) (local.get $params-len))
         (call $log (i32.const 0) (i32.load (local.get $extra)) (i32.load offset=4 (local.get $extra)))
         (i32.const {end})"
    );
    let said = Said::default();
    load(&forge).run_stage(said.call(), "kind-of-stage", &context()).unwrap();
    assert_eq!(said.log(), ["Info: kind-of-stage", "Warn: lint", r#"Error: {"x":true}"#, "Trace: dir"]);
}

#[test]
fn a_problem_is_a_fault_in_the_plugins_words() {
    let mut forge = Forge::default();
    let problem = forge.problem("E7", "the tool is not there");
    forge.run = format!("(i32.const {problem})");
    assert_eq!(run(&forge).unwrap_err().to_string(), "plugin sample says: the tool is not there (E7)");
}

#[test]
fn a_parser_is_one_session_over_many_lines() {
    let mut forge = Forge::default();
    let (first, second) = (forge.annotation("first", "src/a.rs", 7), forge.annotation("last", "", 0));
    let (found, last) = (forge.annotations(&[first]), forge.annotations(&[second]));
    forge.more = "(global $lines (mut i32) (i32.const 0))".to_owned();
    // What it was made with comes back at each call; it finds something once it has three lines.
    forge.feed = format!(
        "(if (i32.ne (local.get $session) (i32.const 7)) (then unreachable))
         (global.set $lines (i32.add (global.get $lines) (local.get $count)))
         (if (result i32) (i32.eq (global.get $lines) (i32.const 3)) (then (i32.const {found})) (else (i32.const {empty})))",
        empty = forge.annotations(&[]),
    );
    forge.finish = format!("(if (i32.ne (local.get $code) (i32.const 101)) (then unreachable)) (i32.const {last})");
    let mut parser = load(&forge).parser(Said::default().call(), "rustc", &context()).unwrap();
    let line = |text| Printed { is_err: false, text };
    assert!(parser.feed(&[line("one"), line("two")]).unwrap().is_empty());
    let found = parser.feed(&[line("three")]).unwrap();
    let spot = Spot { path: "src/a.rs".to_owned(), line: Some(7), column: None, end_line: None, end_column: None };
    assert_eq!((found[0].severity, found[0].message.as_str()), (Severity::Warning, "first"));
    assert_eq!((found[0].at.as_ref(), found[0].source.as_str()), (Some(&spot), "sample:rustc"));
    let last = parser.finish(Some(101)).unwrap();
    assert_eq!((last[0].message.as_str(), &last[0].at), ("last", &None));
}

#[test]
fn an_expander_makes_stages_and_not_more_than_it_may() {
    let mut forge = Forge::default();
    let specs = forge.specs(&[("test-a", r#"{"run":"true"}"#), ("test-b", "{}")]);
    forge.expand = format!("(i32.const {specs})");
    let made = load(&forge).expand(Said::default().call(), "members", &context()).unwrap();
    let stage = |name: &str, body: &str| Generated { name: name.to_owned(), body: body.to_owned() };
    assert_eq!(made, [stage("test-a", r#"{"run":"true"}"#), stage("test-b", "{}")]);

    let specs = forge.specs(&vec![("a", "{}"); GENERATED_MAX + 1]);
    forge.expand = format!("(i32.const {specs})");
    let fault = load(&forge).expand(Said::default().call(), "members", &context()).unwrap_err();
    assert_eq!(fault.to_string(), "plugin sample makes 1001 stages, and 1000 are the most");
}

#[test]
fn a_reporter_is_told_in_batches_and_survives_its_own_problems() {
    let mut forge = Forge::default();
    logging(&mut forge);
    let problem = forge.problem("offline", "nobody listens");
    let well = forge.words(&[0; 8]);
    // An event has 48 bytes: number, time, kind, stage, data.
    forge.notify = format!(
        "(call $log (i32.const 2) (i32.load offset=16 (local.get $events)) (i32.load offset=20 (local.get $events)))
         (if (result i32) (i32.eq (local.get $count) (i32.const 2))
           (then (i32.const {problem})) (else (i32.const {well})))"
    );
    let said = Said::default();
    let mut reporter = load(&forge).reporter(said.call()).unwrap();
    let event =
        |kind: &str| Notification { seq: 1, at_ms: 2, kind: kind.to_owned(), stage: None, data: "{}".to_owned() };
    let fault = reporter.notify(&[event("run_started"), event("stage_started")]).unwrap_err();
    assert_eq!(fault.to_string(), "plugin sample says: nobody listens (offline)");
    reporter.notify(&[event("run_finished")]).unwrap();
    assert_eq!(said.log(), ["Info: run_started", "Info: run_finished"]);
}

#[test]
fn what_a_plugin_says_of_itself_arrives_whole() {
    let mut forge = Forge::default();
    let about = About {
        name: "hygiene",
        stages: vec![("hygiene", Some(r#"{"type":"object"}"#)), ("other", None)],
        parsers: vec!["reads"],
        expanders: Vec::new(),
        config: Some("{}"),
        needs: vec![("files-read", "**"), ("clock", "true")],
        examples: "",
        ..About::default()
    };
    forge.describe = Some(format!("(i32.const {})", forge.info(&about)));
    let component = load(&forge);
    let info = component.describe().unwrap();
    assert_eq!((info.name.as_str(), info.version.as_str(), info.examples.as_str()), ("hygiene", "1.2.3", "[]"));
    let kinds: Vec<_> = info.stages.iter().map(|kind| (kind.name.as_str(), kind.params.as_deref())).collect();
    assert_eq!(info.parsers.iter().map(|kind| kind.name.as_str()).collect::<Vec<_>>(), ["reads"]);
    assert_eq!(kinds, [("hygiene", Some(r#"{"type":"object"}"#)), ("other", None)]);
    let need = Need { kind: "clock".to_owned(), value: "true".to_owned(), reason: "because".to_owned() };
    assert_eq!(info.needs[1], need);
    assert_eq!(component.roles(), [Role::Stage, Role::Parser, Role::Expander, Role::Reporter]);
}

#[test]
fn what_a_plugin_says_of_itself_must_make_sense() {
    let wrong = [
        About { stages: vec![("no name", None)], ..About::default() },
        About { stages: vec![("a", None), ("a", None)], ..About::default() },
        About { stages: vec![("a", Some("{"))], ..About::default() },
        About { config: Some("nonsense"), ..About::default() },
        About { examples: "[", ..About::default() },
        About { version: "1\n<<<<<<< x\n2", ..About::default() },
        About { name: "a\u{202e}b", ..About::default() },
        About { stages: vec![("no name", None); 1001], ..About::default() },
        About { needs: vec![("clock", "true"); 1001], ..About::default() },
    ];
    let faults = wrong.map(|about| {
        let mut forge = Forge { pages: 12, ..Forge::default() };
        forge.describe = Some(format!("(i32.const {})", forge.info(&about)));
        load(&forge).describe().unwrap_err().to_string()
    });
    insta::assert_snapshot!(faults.join("\n"), @r"
    plugin sample has a stage kind `no name`, which is no name: letters, digits and `_-.+`, 100 at most
    plugin sample has two of the stage kind `a`
    plugin sample says something that makes no sense: the schema of its stage kind `a` is no JSON: EOF while parsing an object at line 1 column 1
    plugin sample says something that makes no sense: the schema of its settings is no JSON: expected ident at line 1 column 2
    plugin sample says something that makes no sense: what it has of examples is no JSON: EOF while parsing a list at line 1 column 1
    plugin sample says that its version is `1 <<<<<<< x 2`: 100 printable characters are the most
    plugin sample says that its name is `a\u{202e}b`: 100 printable characters are the most
    plugin sample has 1001 stage kinds, and 1000 are the most
    plugin sample has 1001 needs, and 1000 are the most
    ");
}

#[test]
fn a_role_that_a_component_does_not_have_is_a_sentence() {
    let forge = Forge { world: "parser-plugin", ..Forge::default() };
    let component = load(&forge);
    assert_eq!(component.roles(), [Role::Parser]);
    let fault = component.run_stage(Said::default().call(), "sample", &context()).unwrap_err();
    assert_eq!(fault.to_string(), "plugin sample has no stages");
    assert!(component.parser(Said::default().call(), "sample", &context()).is_ok());
}

#[test]
fn a_guest_is_new_at_each_call() {
    let mut forge = Forge { more: "(global $calls (mut i32) (i32.const 0))".to_owned(), ..Forge::default() };
    let end = forge.outcome(0, None);
    forge.run = format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (if (i32.gt_s (global.get $calls) (i32.const 1)) (then unreachable)) (i32.const {end})"
    );
    let component = load(&forge);
    for _ in 0..2 {
        component.run_stage(Said::default().call(), "sample", &context()).unwrap();
    }
}

#[test]
fn a_command_is_started_read_and_ended_with_its_guest() {
    let mut forge = Forge::default();
    logging(&mut forge);
    let request = "(param i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32)";
    forge.imports.push_str(&import("commands", "spawn", "spawn", request));
    forge.imports.push_str(&import("commands", "[method]process.next-lines", "next", "(param i32 i32 i32)"));
    forge.imports.push_str(&import("commands", "[method]process.wait", "wait", "(param i32 i32)"));
    let [program, len] = forge.text("git");
    let argv = forge.words(&[program, len]);
    let end = forge.outcome(0, None);
    // Results of the host's are written below the data, at 512.
    forge.run = format!(
        "(local $process i32)
         (call $spawn (i32.const {argv}) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
           (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
         (if (i32.load8_u (i32.const 512)) (then unreachable))
         (local.set $process (i32.load (i32.const 516)))
         (call $next (local.get $process) (i32.const 10) (i32.const 512))
         (if (i32.ne (i32.load (i32.const 520)) (i32.const 1)) (then unreachable))
         (call $log (i32.const 2) (i32.load offset=4 (i32.load (i32.const 516)))
           (i32.load offset=8 (i32.load (i32.const 516))))
         (call $wait (local.get $process) (i32.const 512))
         (if (i32.ne (i32.load (i32.const 524)) (i32.const 3)) (then unreachable))
         (i32.const {end})"
    );
    let said = Said::default();
    load(&forge).run_stage(said.call(), "sample", &context()).unwrap();
    assert_eq!(said.log(), ["Info: spawn git", "Info: printed", "Info: dropped"]);
}
