//! What is sent, and what is not.

use local_ci_plugin::Event;
use local_ci_plugin::mock::{self, Host};
use serde_json::{Value, json};

use crate::{Webhook, duration};

const URL: &str = "https://hooks.example.invalid/{{HOOK}}";

fn event(kind: &str, data: &Value) -> Event {
    Event { seq: 0, at_ms: 0, kind: kind.to_owned(), stage: None, data: data.to_string() }
}

fn run(statuses: &[&str], verdict: &str) -> Vec<Event> {
    let stages: Vec<_> = (0..statuses.len()).map(|n| json!({ "name": format!("s{n}"), "command": "x" })).collect();
    let mut events = vec![event("run_started", &json!({ "project": "/p/site", "number": 7, "stages": stages }))];
    for (n, status) in statuses.iter().enumerate() {
        events.push(event("stage_finished", &json!({ "stage": n, "outcome": { "status": status, "x": 1 } })));
    }
    events.push(event("run_finished", &json!({ "verdict": { "kind": verdict }, "duration_ms": 1234 })));
    events
}

/// The texts that are sent of a run, told in batches of one.
fn sent(config: Value, events: &[Event]) -> Vec<String> {
    let mut host = Host::new().settings(config).reply(200, "ok");
    let mut webhook = Webhook::default();
    for event in events {
        host.notify(&mut webhook, std::slice::from_ref(event)).unwrap();
    }
    let text = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["text"].as_str().unwrap().to_owned();
    host.requests().iter().map(|request| text(&request.body)).collect()
}

#[test]
fn the_examples_hold() {
    mock::reporter_examples::<Webhook>();
}

#[test]
fn only_what_did_not_pass_is_told_unless_all_is_asked_for() {
    let passed = run(&["passed", "cached", "skipped"], "passed");
    assert!(sent(json!({ "url": URL }), &passed).is_empty());
    let told = sent(json!({ "url": URL, "when": "always", "title": "a & <b>" }), &passed);
    assert_eq!(told, ["a &amp; &lt;b&gt;: run 7 passed after 1.2s\n2 of 3 stages passed"]);
    let told = sent(json!({ "url": URL }), &run(&["timed_out", "errored"], "failed"));
    assert_eq!(told, ["site: run 7 failed after 1.2s\n0 of 2 stages passed\nnot passed: s0 (timed out), s1 (errored)"]);
}

#[test]
fn of_many_failures_the_first_are_named() {
    let told = sent(json!({ "url": URL }), &run(&["failed"; 25], "cancelled"));
    assert!(
        told[0].starts_with("site: run 7 was cancelled after") && told[0].ends_with("s19 (failed) and 5 more"),
        "{told:?}"
    );
}

#[test]
fn a_host_that_says_no_and_one_that_is_not_granted_are_problems() {
    let failed = run(&["failed"], "failed");
    let mut host = Host::new().settings(json!({ "url": URL })).reply(404, "no_team");
    let problem = host.notify(&mut Webhook::default(), &failed).unwrap_err();
    assert_eq!(problem.code, "status");
    assert!(problem.message.contains("404") && !problem.message.contains("HOOK"), "{problem}");
    let mut host = Host::new().settings(json!({ "url": URL })).refusing("http");
    assert_eq!(host.notify(&mut Webhook::default(), &failed).unwrap_err().code, "denied");
    let mut host = Host::new();
    assert_eq!(host.notify(&mut Webhook::default(), &failed).unwrap_err().code, "config");
}

#[test]
fn durations_read_as_elsewhere() {
    for (ms, said) in [(245, "245ms"), (2300, "2.3s"), (150_000, "2m30s"), (3_900_000, "1h05m")] {
        assert_eq!(duration(ms), said);
    }
}
