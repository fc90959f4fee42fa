//! The parsers, against samples of what tools print.

use local_ci_plugin::mock::{self, Host};
use local_ci_plugin::{Annotation, Line, Severity};
use serde_json::json;

use crate::TestReport;

fn read(parser: &str, text: &str) -> Vec<Annotation> {
    let lines: Vec<_> = text.lines().map(Line::out).collect();
    Host::new().parse::<TestReport>(parser, json!({}), &lines, 7, Some(1)).unwrap()
}

/// Titles and places, a line each.
fn told(found: &[Annotation]) -> Vec<String> {
    let line = |a: &Annotation| {
        let at = a.at.as_ref().map_or_else(String::new, |at| format!("{}:{}", at.path, at.line.unwrap_or(0)));
        format!("{}|{at}|{}", a.title.as_deref().unwrap_or(""), a.message)
    };
    found.iter().map(line).collect()
}

#[test]
fn the_examples_hold() {
    mock::parser_examples::<TestReport>();
}

#[test]
fn output_without_tests_says_nothing() {
    for parser in ["cargo-test", "junit", "pytest", "tap"] {
        assert_eq!(read(parser, "building\n<b>\n 3 in 4\nfailures\n===\n"), [], "{parser}");
    }
}

#[test]
fn a_report_may_stand_in_the_output_between_other_lines() {
    let text = format!("a < b\nnpm test {}\ndone", include_str!("../samples/junit.xml").replace('\n', "\n "));
    let found = read("junit", &text);
    assert_eq!(found.last().unwrap().message, "3 tests: 1 passed, 1 failed, 1 skipped");
}

#[test]
fn a_first_tag_over_several_lines_is_one() {
    let found = read("junit", "<testsuite\n  name='x'>\n<testcase name='a'/>\n</testsuite>");
    assert_eq!(told(&found), ["||1 test: 1 passed"]);
}

#[test]
fn a_report_that_is_cut_off_is_said_to_be() {
    let found = read("junit", "<testsuite><testcase name='a'/><testcase name='b'>");
    assert_eq!(
        told(&found),
        ["||the output ends in the middle of a report: what ran after it is not counted", "||1 test: 1 passed"]
    );
}

#[test]
fn a_report_that_is_not_there_and_one_that_is_not_granted() {
    let host = || Host::new().settings(json!({ "junit": ["out/*.xml"] }));
    let found = host().parse::<TestReport>("junit", json!({}), &[], 1, None).unwrap();
    assert_eq!(found[0].severity, Severity::Warning);
    assert!(found[0].message.contains("out/*.xml"));
    let named =
        Host::new().settings(json!({ "junit": ["r.xml"] })).parse::<TestReport>("junit", json!({}), &[], 1, None);
    assert_eq!(told(&named.unwrap()), ["||there is no report r.xml"]);
    let refused = host().refusing("files-read").parse::<TestReport>("junit", json!({}), &[], 1, None);
    assert_eq!(refused.unwrap_err().code, "denied");
}

#[test]
fn a_large_report_is_read_in_pieces_also_between_the_bytes_of_a_character() {
    let case = "<testcase name='ä'><failure message='€'/></testcase>";
    let xml = format!("<testsuite>{}</testsuite>", case.repeat(20_000));
    let mut host = Host::new().settings(json!({ "junit": ["r.xml"] })).file("r.xml", xml);
    let found = host.parse::<TestReport>("junit", json!({}), &[], 1, None).unwrap();
    assert_eq!(found.last().unwrap().message, "20000 tests: 20000 failed");
    assert!(found.iter().all(|a| !a.message.contains('\u{fffd}')));
}

#[test]
fn a_panic_of_an_older_rust_and_a_test_that_gives_back_an_error() {
    let text = "---- a stdout ----\nthread 'a' panicked at 'oh', src/a.rs:3:1\n\n---- b stdout ----\nError: \"no\"\n\nfailures:\n";
    assert_eq!(told(&read("cargo-test", text)), ["a|src/a.rs:3|oh", "b||\"no\""]);
}

#[test]
fn an_error_of_pytest_at_collection_is_told_once() {
    let text = "____ ERROR collecting tests/test_a.py ____\ntests/test_a.py:1: in <module>\nE   ImportError: no b\n\
        === short test summary info ===\nERROR tests/test_a.py\n=== 1 error in 0.10s ===";
    let found = told(&read("pytest", text));
    assert_eq!(found, ["tests/test_a.py|tests/test_a.py:1|ImportError: no b", "||1 test: 1 failed"]);
}

#[test]
fn a_tap_test_that_failed_for_one_within_it_adds_nothing() {
    let text = "    not ok 1 - inner\n      ---\n      location: 'a/b.js:3:1'\n      ...\nnot ok 1 - outer\n1..1\n";
    assert_eq!(told(&read("tap", text)), ["inner|a/b.js:3|the test failed", "||1 test: 1 failed"]);
    assert_eq!(told(&read("tap", "Bail out! no database")), ["Bail out!||no database"]);
}

#[test]
fn lines_of_any_kind_are_passed_over() {
    let odd =
        ["<testsuite ", "not ok", "---- ", "____", "=====", "E ", "::", "&#", "test  ... FAILED", "\u{1f600}:1:1"];
    for parser in ["cargo-test", "junit", "pytest", "tap"] {
        let text: Vec<_> = (0..20_000).map(|n| [odd[n % odd.len()], odd[n / 7 % odd.len()]].concat()).collect();
        read(parser, &text.join("\n"));
    }
}

/// Numbers that look as if nobody had chosen them.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// What a parser asks for has all that it finds something in: with all other lines besides, it finds the same.
#[test]
fn what_is_not_asked_for_makes_no_difference() {
    let samples = [
        include_str!("../samples/cargo-test.txt"),
        include_str!("../samples/pytest.txt"),
        include_str!("../samples/tap.txt"),
        include_str!("../samples/junit.xml"),
    ];
    let odd = [
        "",
        "ok",
        "not ok # TODO",
        "    not ok 3 - inner",
        "1..9",
        "Bail out! why",
        "failures:",
        "---- a stdout ----",
        "thread 'a' panicked at src/a.rs:1:2:",
        "Error: no",
        "test a ... FAILED",
        "test result: ok. 1 passed; 0 failed",
        "____ test_a ____",
        "E   assert 1",
        "a.py:3: in b",
        "FAILED a.py::b - c",
        "ERROR a.py",
        "1 failed, 2 passed in 0.1s",
        "== 1 error in 2s ==",
        "<testsuite>",
        "<testsuite",
        "name='x'>",
        "<testcase name='a'><failure/></testcase>",
        "</testsuite>",
        "# at a.t line 3.",
        "  message: m",
        "  at: a.js:1:1",
        "look: a token",
        "note: this took 3 s",
    ];
    let lines: Vec<&str> = samples.iter().flat_map(|sample| sample.lines()).chain(odd).collect();
    let mut dice = Dice(1);
    let mut seen = 0;
    for round in 0..500 {
        let mut text: Vec<Line> = Vec::new();
        for _ in 0..dice.below(30) {
            match dice.below(6) {
                // A stretch of a sample, in its order.
                0 => {
                    let from = dice.below(lines.len());
                    let to = (from + dice.below(20)).min(lines.len());
                    text.extend(lines[from..to].iter().map(|line| Line::out(*line)));
                }
                1 => text.push(Line::err(lines[dice.below(lines.len())])),
                2 => text.push(Line::out("   Compiling something v0.1.0")),
                _ => text.push(Line::out(lines[dice.below(lines.len())])),
            }
        }
        let batch = 1 + dice.below(9);
        for parser in ["cargo-test", "junit", "pytest", "tap"] {
            let parse = |mut host: Host| host.parse::<TestReport>(parser, json!({}), &text, batch, Some(1)).unwrap();
            let (found, all) = (parse(Host::new()), parse(Host::new().unabridged()));
            seen += found.len();
            assert_eq!(found, all, "{parser}, round {round}: {text:#?}");
        }
    }
    assert!(seen > 2000, "{seen}");
}
