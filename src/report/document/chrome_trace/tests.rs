//! What comes out is held against "Trace Event Format", as far as viewers insist on it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::outcome::{Outcome, Verdict};
use crate::report::document::Kind;
use crate::report::document::tests::document;
use crate::report::tests::{assorted, cancelled, failing, flaky, parallel};
use crate::view::recorded::{Recorded, after, on, remote, stage};

fn trace(run: &Recorded) -> Vec<Value> {
    let document: Value = serde_json::from_str(&document(Kind::ChromeTrace, run)).unwrap();
    let events = document["traceEvents"].as_array().unwrap().clone();
    check(&events);
    events
}

fn check(events: &[Value]) {
    let mut threads: BTreeMap<(u64, u64), Vec<(u64, u64)>> = BTreeMap::new();
    let mut flows: BTreeMap<u64, Vec<(String, u64)>> = BTreeMap::new();
    let number = |event: &Value, name: &str| event[name].as_u64().unwrap_or_else(|| panic!("no {name}: {event}"));
    for event in events {
        let thread = (number(event, "pid"), number(event, "tid"));
        let at = number(event, "ts");
        assert!(event["name"].is_string(), "{event}");
        match event["ph"].as_str().unwrap() {
            "X" => threads.entry(thread).or_default().push((at, at + number(event, "dur"))),
            "M" => {
                let known = ["process_name", "thread_name", "thread_sort_index"];
                assert!(known.contains(&event["name"].as_str().unwrap()), "{event}");
                assert!(event["args"].is_object(), "{event}");
            }
            "s" => flows.entry(number(event, "id")).or_default().push(("s".into(), at)),
            "f" => {
                assert_eq!(event["bp"], "e", "bound to the slice that it ends in");
                flows.entry(number(event, "id")).or_default().push(("f".into(), at));
            }
            other => panic!("{other}"),
        }
    }
    for spans in threads.values_mut() {
        spans.sort_unstable();
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "nothing lies on another: {spans:?}");
    }
    for flow in flows.values() {
        assert!(matches!(&flow[..], [(s, from), (f, to)] if s == "s" && f == "f" && from <= to), "{flow:?}");
    }
}

/// What happened, a line each: where, what, from when, for how long.
fn slices(events: &[Value], category: &str) -> Vec<String> {
    let slices = events.iter().filter(|event| event["ph"] == "X" && event["cat"] == category);
    slices
        .map(|event| {
            let name = event["name"].as_str().unwrap();
            format!("{}.{} {name} {}+{}", event["pid"], event["tid"], event["ts"], event["dur"])
        })
        .collect()
}

#[test]
fn stages_lie_on_their_slots_and_needs_are_flows() {
    let events = trace(&parallel());
    assert_eq!(slices(&events, "stage"), ["1.1 test 0+1000000", "1.2 lint 0+300000", "1.2 doc 300000+800000"]);
    assert_eq!(slices(&events, "critical path"), ["1.0 lint 0+300000", "1.0 doc 300000+800000"]);
    let flows: Vec<&Value> = events.iter().filter(|event| event["cat"] == "needs").collect();
    assert_eq!(flows.len(), 2);
    assert_eq!((&flows[0]["ts"], &flows[1]["ts"]), (&299_999.into(), &300_000.into()));
    assert!(events.iter().any(|event| event["args"]["name"] == "box"), "the machine has its name");
    let doc = events.iter().find(|event| event["name"] == "doc").unwrap();
    assert_eq!((&doc["args"]["needs"], &doc["args"]["status"]), (&serde_json::json!(["lint"]), &"pass".into()));
}

#[test]
fn an_attempt_is_a_slice_of_its_own() {
    let events = trace(&flaky());
    assert_eq!(slices(&events, "stage"), ["1.1 test (attempt 1) 0+800000", "1.1 test (attempt 2) 5800000+1200000"]);
    let first = events.iter().find(|event| event["name"] == "test (attempt 1)").unwrap();
    assert_eq!((&first["args"]["why"], &first["args"]["status"]), (&"exit code 101".into(), &"fail".into()));
}

#[test]
fn another_machine_is_another_process() {
    let stages = vec![on(stage("far", "make"), "build"), after(stage("near", "make"), &[0])];
    let mut run = Recorded::elsewhere(stages, vec![remote("build", "box.example.invalid")]);
    run.start(0).wait(100).finish(0, Outcome::Passed).start(1).wait(50).finish(1, Outcome::Passed).end(Verdict::Passed);
    let events = trace(&run);
    assert_eq!(slices(&events, "stage"), ["1.1 far 0+100000", "2.1 near 100000+50000"]);
    let named = |pid: u64| {
        let name = |event: &&Value| event["name"] == "process_name" && event["pid"] == pid;
        events.iter().find(name).unwrap()["args"]["name"].clone()
    };
    assert_eq!((named(1), named(2)), ("build".into(), "box".into()));
}

#[test]
fn however_runs_end_their_traces_are_well_formed() {
    for run in [failing(), assorted(), cancelled()] {
        assert!(!trace(&run).is_empty());
    }
    let mut lost = Recorded::of(vec![stage("test", "make"), stage("never", "make")]);
    lost.start(0).wait(300).tick(0);
    assert!(slices(&trace(&lost), "stage").len() <= 1);
}
