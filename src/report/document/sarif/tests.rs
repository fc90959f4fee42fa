//! What comes out is held against what the standard asks of the parts that are used.

use serde_json::Value;

use crate::event::{Annotation, Severity, Spot};
use crate::report::document::Kind;
use crate::report::document::tests::{document, find, finding};
use crate::report::tests::{failing, flaky};
use crate::view::recorded::Recorded;

fn sarif(run: &Recorded) -> Value {
    let document: Value = serde_json::from_str(&document(Kind::Sarif, run)).unwrap();
    check(&document);
    document
}

/// Sections of the standard in brackets.
fn check(document: &Value) {
    assert_eq!(document["version"], "2.1.0");
    for run in document["runs"].as_array().unwrap() {
        let driver = &run["tool"]["driver"];
        assert!(!driver["name"].as_str().unwrap().is_empty());
        let rules = driver["rules"].as_array().unwrap();
        let mut ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "rules are unique (3.19.23)");
        assert!(run["invocations"][0]["executionSuccessful"].is_boolean(), "(3.20.14)");
        for result in run["results"].as_array().unwrap() {
            assert!(!result["message"]["text"].as_str().unwrap().trim().is_empty(), "(3.11)");
            assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()), "(3.27.10)");
            if let Some(index) = result["ruleIndex"].as_u64() {
                assert_eq!(rules[usize::try_from(index).unwrap()]["id"], result["ruleId"], "(3.27.6)");
            }
            for location in result["locations"].as_array().into_iter().flatten() {
                let place = &location["physicalLocation"];
                let uri = place["artifactLocation"]["uri"].as_str().unwrap();
                assert!(uri.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&b)), "{uri}");
                if let Some(base) = place["artifactLocation"].get("uriBaseId") {
                    assert!(run["originalUriBaseIds"].get(base.as_str().unwrap()).is_some(), "(3.4.4)");
                    assert!(!uri.starts_with('/'), "relative to its base: {uri}");
                }
                if let Some(region) = place.get("region") {
                    let number = |name: &str| region.get(name).map(|number| number.as_u64().unwrap());
                    let line = number("startLine").unwrap();
                    assert!(line > 0 && number("endLine").is_none_or(|end| end >= line), "(3.30)");
                    assert!(number("startColumn") != Some(0) && number("endColumn") != Some(0), "(3.30)");
                }
            }
        }
    }
}

/// The results of a run in which this was found.
fn results(items: Vec<Annotation>) -> Vec<Value> {
    let mut run = failing();
    find(&mut run, 1, items);
    let runs = sarif(&run)["runs"].take();
    runs.as_array().unwrap().iter().flat_map(|run| run["results"].as_array().unwrap().clone()).collect()
}

fn at(spot: Spot) -> Value {
    let annotation = Annotation { at: Some(spot), ..finding(Severity::Note, None, "x") };
    results(vec![annotation])[0]["locations"][0]["physicalLocation"].clone()
}

fn spot(path: &str) -> Spot {
    Spot { path: path.into(), line: None, column: None, end_line: None, end_column: None }
}

#[test]
fn what_was_found_is_told_by_tool_and_rule() {
    let mut run = failing();
    let mut other = finding(Severity::Warning, None, "unused");
    (other.source, other.code) = ("eslint".into(), None);
    let place = Some(("src/main.rs", 2, 5));
    let items = vec![finding(Severity::Error, place, "mismatched types"), other, finding(Severity::Note, place, "so")];
    find(&mut run, 1, items);
    let document = sarif(&run);
    let runs = document["runs"].as_array().unwrap();
    let names: Vec<&Value> = runs.iter().map(|run| &run["tool"]["driver"]["name"]).collect();
    assert_eq!(names, ["rustc", "eslint"]);
    assert_eq!(runs[0]["tool"]["driver"]["rules"], serde_json::json!([{ "id": "E0308" }]));
    assert_eq!(runs[0]["results"].as_array().unwrap().len(), 2);
    let first = &runs[0]["results"][0];
    assert_eq!((&first["level"], &first["message"]["text"]), (&"error".into(), &"mismatched types".into()));
    assert_eq!(
        first["locations"][0]["physicalLocation"],
        serde_json::json!({
            "artifactLocation": { "uri": "src/main.rs", "uriBaseId": "SRCROOT" },
            "region": { "startLine": 2, "startColumn": 5 },
        })
    );
    assert_eq!(first["properties"]["stage"], "clippy");
    assert_eq!(runs[0]["properties"]["commit"], "0123456789abcdef0123456789abcdef01234567");
    assert!(!document.to_string().contains("/home/user"), "no path of this machine");
}

#[test]
fn a_run_that_found_nothing_says_so() {
    let document = sarif(&flaky());
    assert_eq!(document["runs"][0]["tool"]["driver"]["name"], "local-ci");
    assert_eq!(document["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn places_that_cannot_be_are_told_as_far_as_they_can() {
    let region = |line, column, end_line, end_column| {
        at(Spot { line, column, end_line, end_column, ..spot("a") }).get("region").map(Value::to_string)
    };
    assert_eq!(region(None, Some(3), None, None), None);
    assert_eq!(region(Some(0), None, None, None), None);
    assert_eq!(region(Some(4), Some(0), Some(3), Some(9)).unwrap(), r#"{"endColumn":9,"startLine":4}"#);
    assert_eq!(region(Some(4), Some(5), None, Some(2)).unwrap(), r#"{"startColumn":5,"startLine":4}"#);
}

#[test]
fn paths_are_uris() {
    let uri = |path: &str| at(spot(path))["artifactLocation"]["uri"].as_str().unwrap().to_owned();
    assert_eq!(uri("./src/a b#?%.rs"), "src/a%20b%23%3F%25.rs");
    assert_eq!(uri("größe.rs"), "gr%C3%B6%C3%9Fe.rs");
    assert_eq!(uri("c:x/a:b"), "./c:x/a:b");
    let outside = at(spot("/usr/include/stdio.h"));
    assert_eq!(outside["artifactLocation"], serde_json::json!({ "uri": "file:///usr/include/stdio.h" }));
}

#[test]
fn a_finding_is_known_again_on_another_line() {
    let print = |place, message: &str| {
        results(vec![finding(Severity::Error, place, message)])[0]["partialFingerprints"]["localCi/v1"].clone()
    };
    assert_eq!(print(Some(("a", 1, 1)), "x"), print(Some(("a", 90, 3)), "x"));
    assert_ne!(print(Some(("a", 1, 1)), "x"), print(Some(("b", 1, 1)), "x"));
    assert_ne!(print(Some(("a", 1, 1)), "x"), print(Some(("a", 1, 1)), "y"));
}

#[test]
fn a_message_is_never_empty() {
    assert_eq!(results(vec![finding(Severity::Note, None, " \n")])[0]["message"]["text"], "(no message)");
}
