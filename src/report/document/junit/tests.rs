//! What comes out is read by a parser of XML written here, and held against the rules of the schema.

use proptest::prelude::*;

use crate::event::Severity;
use crate::outcome::{CancelReason, Outcome, Verdict};
use crate::report::document::Kind;
use crate::report::document::tests::{document, find, finding};
use crate::report::tests::{assorted, cancelled, failing, flaky};
use crate::view::recorded::{Recorded, failed, stage};

/// An element as a parser reads it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<&Element> {
        self.children.iter().filter(|child| child.name == name).collect()
    }
}

/// The characters that a document may have, by "Char" of XML 1.0.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let (name, after) = rest[at + 1..].split_once(';').expect("a reference ends");
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => char::from_u32(number.strip_prefix('#').unwrap().parse().unwrap()).unwrap(),
        });
        rest = after;
    }
    plain + rest
}

/// Reads a document without comments, CDATA and processing instructions but the first.
fn parse(text: &str) -> Element {
    assert!(text.chars().all(is_char), "{text:?}");
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    let mut open = vec![Element::default()];
    while let Some(at) = rest.find('<') {
        open.last_mut().unwrap().text.push_str(&unescaped(&rest[..at]));
        let (tag, after) = rest[at + 1..].split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let done = open.pop().unwrap();
            assert_eq!(done.name, name);
            open.last_mut().unwrap().children.push(done);
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut said) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut element = Element { name: name.into(), ..Element::default() };
        while let Some((name, after)) = said.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap();
            assert!(!value.contains(['<', '\n', '\t']), "{value:?}");
            element.attributes.push((name.trim().into(), unescaped(value)));
            said = after;
        }
        open.push(element);
        if is_empty {
            let done = open.pop().unwrap();
            open.last_mut().unwrap().children.push(done);
        }
    }
    assert_eq!(open.len(), 1, "everything is closed");
    let mut root = open.pop().unwrap();
    assert_eq!((root.children.len(), root.text.trim()), (1, ""));
    root.children.pop().unwrap()
}

/// An element of the schema: its name, what it must have, what it may have, what may be in it.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// What the schema of Jenkins' xunit plugin says of the elements that are used.
const RULES: &[Rule] = &[
    ("testsuites", &[], &["name", "time", "tests", "failures", "errors"], &["testsuite"]),
    (
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        &["testsuite", "properties", "testcase", "system-out", "system-err"],
    ),
    ("properties", &[], &[], &["property"]),
    ("property", &["name", "value"], &[], &[]),
    (
        "testcase",
        &["name"],
        &["time", "classname", "group"],
        &[
            "skipped",
            "error",
            "failure",
            "rerunFailure",
            "rerunError",
            "flakyFailure",
            "flakyError",
            "system-out",
            "system-err",
        ],
    ),
    ("failure", &[], &["type", "message"], &[]),
    ("error", &[], &["type", "message"], &[]),
    ("skipped", &[], &["type", "message"], &[]),
    ("rerunFailure", &["type"], &["message"], &["stackTrace", "system-out", "system-err"]),
    ("rerunError", &["type"], &["message"], &["stackTrace", "system-out", "system-err"]),
    ("flakyFailure", &["type"], &["message"], &["stackTrace", "system-out", "system-err"]),
    ("flakyError", &["type"], &["message"], &["stackTrace", "system-out", "system-err"]),
    ("system-out", &[], &[], &[]),
    ("system-err", &[], &[], &[]),
];

fn check(element: &Element) {
    let name = element.name.as_str();
    let (_, must, may, inside) = RULES.iter().find(|rule| rule.0 == name).unwrap_or_else(|| panic!("no <{name}>"));
    for attribute in *must {
        assert!(element.attribute(attribute).is_some(), "<{name}> has no {attribute}");
    }
    for (attribute, value) in &element.attributes {
        assert!(must.contains(&attribute.as_str()) || may.contains(&attribute.as_str()), "<{name} {attribute}>");
        if attribute == "time" {
            let (whole, decimals) = value.split_once('.').unwrap();
            assert!(!whole.is_empty() && decimals.len() == 3, "{value}");
            assert!(format!("{whole}{decimals}").bytes().all(|byte| byte.is_ascii_digit()), "{value}");
        }
    }
    for child in &element.children {
        assert!(inside.contains(&child.name.as_str()), "<{name}> has <{}> in it", child.name);
        check(child);
    }
    let is_mixed = inside.is_empty() || name.starts_with("rerun") || name.starts_with("flaky");
    assert!(is_mixed || element.text.trim().is_empty(), "<{name}> has text in it: {:?}", element.text);
}

/// The suite of a run, whose document is valid and counts what is in it.
fn suite(run: &Recorded) -> Element {
    let mut root = parse(&document(Kind::Junit, run));
    check(&root);
    assert_eq!((root.name.as_str(), root.children.len()), ("testsuites", 1));
    let suite = root.children.pop().unwrap();
    let cases = suite.all("testcase");
    assert_eq!(suite.attribute("tests").unwrap(), cases.len().to_string());
    for (attribute, element) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
        let count = cases.iter().filter(|case| !case.all(element).is_empty()).count();
        assert_eq!(suite.attribute(attribute).unwrap(), count.to_string(), "{attribute}");
    }
    for attribute in ["name", "tests", "failures", "errors", "time"] {
        assert_eq!(root.attribute(attribute), suite.attribute(attribute));
    }
    suite
}

/// What is in a stage's case: each element with its message.
fn case(suite: &Element, name: &str) -> Vec<String> {
    let cases = suite.all("testcase");
    let case = cases.iter().find(|case| case.attribute("name") == Some(name)).unwrap();
    let said = |child: &Element| match child.attribute("message") {
        Some(message) => format!("{}: {message}", child.name),
        None => format!("{} {:?}", child.name, child.text),
    };
    case.children.iter().map(said).collect()
}

#[test]
fn a_run_is_a_suite_and_a_stage_a_case() {
    let mut run = failing();
    find(&mut run, 1, vec![finding(Severity::Error, Some(("src/main.rs", 2, 5)), "mismatched types")]);
    let suite = suite(&run);
    assert_eq!(suite.attribute("name"), Some("project run 42"));
    assert_eq!(suite.attribute("timestamp"), Some("2023-11-14T22:13:20"));
    assert_eq!((suite.attribute("time"), suite.attribute("hostname")), (Some("2.590"), Some("box")));
    assert_eq!(case(&suite, "fmt"), [""; 0]);
    let clippy = case(&suite, "clippy");
    assert_eq!(clippy[0], "failure: exit code 101");
    assert!(clippy[1].starts_with("system-out") && clippy[1].contains("error[E0308]: mismatched types"), "{clippy:?}");
    let cases = suite.all("testcase");
    assert_eq!(cases[1].children[0].text, "src/main.rs:2:5: error: mismatched types (E0308)");
    assert_eq!((cases[0].attribute("classname"), cases[0].attribute("time")), (Some("project"), Some("0.245")));
    let properties: Vec<_> = suite.all("properties")[0].children.iter().map(|p| p.attribute("name").unwrap()).collect();
    assert_eq!(properties, ["local-ci.version", "run", "verdict", "commit", "branch"]);
}

#[test]
fn every_way_to_end_is_what_the_verdict_counts_it_as() {
    let suite = suite(&assorted());
    assert_eq!(case(&suite, "slow")[0], "error: timed out (limit 2.0s)");
    assert_eq!(case(&suite, "lint")[0], "skipped: allowed to fail: exit code 2");
    assert!(case(&suite, "ghost")[0].starts_with("error: no-such-program: not found in PATH"));
    assert_eq!(case(&suite, "deploy")[0], "skipped: needs ghost, which did not pass");
    assert_eq!(case(&suite, "windows")[0], "skipped: os is windows");
    assert_eq!(case(&suite, "doctor")[0], "error: the log could not be made:\nno space left on device");
    assert_eq!(case(&suite, "kept"), [""; 0]);
    let cached = suite.all("properties")[0].children.iter().any(|p| p.attribute("value") == Some("kept"));
    assert!(cached, "what did not have to run is told of");
}

#[test]
fn attempts_are_flaky_where_one_passed_and_repeated_where_none_did() {
    let flaky = suite(&flaky());
    assert_eq!(case(&flaky, "test"), ["flakyFailure: exit code 101"]);
    assert_eq!(flaky.all("testcase")[0].children[0].children[0].text, "connection refused");
    let mut run = Recorded::of(vec![stage("test", "cargo test")]);
    run.start(0).print(0, "one").wait(800).retry(0, Outcome::TimedOut { limit_ms: 800 }, 0);
    run.start(0).print(0, "two").wait(800).finish(0, failed(1)).end(Verdict::Failed);
    assert_eq!(
        case(&suite(&run), "test"),
        ["failure: exit code 1", "rerunError: timed out (limit 800ms)", "system-out \"two\""]
    );
}

#[test]
fn what_was_cut_short_is_an_error_and_what_never_began_is_skipped() {
    let suite = suite(&cancelled());
    assert_eq!(case(&suite, "test")[0], "error: cancelled: interrupted");
    assert_eq!(case(&suite, "doc")[0], "skipped: cancelled: interrupted");
    let mut run = Recorded::of(vec![stage("test", "cargo test"), stage("doc", "cargo doc")]);
    run.start(0).print(0, "so far").wait(500).end(Verdict::Cancelled { reason: CancelReason::Stopped });
    let suite = super::tests::suite(&run);
    assert_eq!(case(&suite, "test"), ["error: lost: the run's supervisor died meanwhile", "system-out \"so far\""]);
    assert_eq!(case(&suite, "doc"), ["skipped: the run ended before it started"]);
}

/// H54: however much was printed, a bounded part of it is in the document.
#[test]
fn h54_output_is_bounded() {
    let mut run = Recorded::of(vec![stage("test", "yes")]);
    run.start(0).print(0, "0123456789\n".repeat(100_000)).wait(10).finish(0, failed(1)).end(Verdict::Failed);
    let text = document(Kind::Junit, &run);
    assert!(text.len() < 70_000 && text.contains("[the beginning is left out]\n0123456789\n"), "{}", text.len());
}

proptest! {
    #[test]
    fn whatever_is_printed_the_document_is_valid(
        output in prop::collection::vec(any::<u8>(), 0..300),
        message in any::<String>(),
        path in any::<String>(),
    ) {
        let mut run = Recorded::of(vec![stage("test", "cargo test")]);
        run.start(0).print(0, &output).wait(10);
        find(&mut run, 0, vec![finding(Severity::Error, Some((&path, 1, 1)), &message)]);
        run.finish(0, Outcome::Errored { message: message.clone() }).end(Verdict::Errored);
        let suite = suite(&run);
        let told: String = message.chars().filter(|c| is_char(*c)).collect();
        prop_assert_eq!(&case(&suite, "test")[0], &format!("error: {told}"));
    }
}
