//! A run as a trace: the JSON object format of "Trace Event Format", which Perfetto and Chrome read.
//!
//! Machines are processes and slots are threads; an attempt is a complete event (`X`) on its slot, what a stage needs is a
//! flow (`s`, `f`) from the end of that to its beginning. The critical path has a thread of its own. Times are in
//! microseconds since the run's beginning.

use std::time::Duration;

use serde_json::{Value, json};

use super::attempts::{self, why};
use super::slots::{Slot, Stay, assign};
use super::{Facts, moment, title};
use crate::outcome::Outcome;
use crate::view::RunView;

/// The thread of the critical path, in the first process. Slots count from one.
const CRITICAL: usize = 0;

/// The document.
pub(super) fn render(view: &RunView, facts: &Facts) -> String {
    let (slots, stays) = assign(view);
    let mut events = names(&slots, facts);
    for stay in &stays {
        attempts_of(view, stay, &slots, &mut events);
    }
    needs(view, &stays, &slots, &mut events);
    for id in view.critical_path().stages {
        if let Some(stay) = stays.iter().find(|stay| stay.stage == id) {
            events.push(json!({
                "ph": "X", "cat": "critical path", "name": view.stages()[id].info.name.as_str(),
                "pid": 1, "tid": CRITICAL, "ts": us(stay.start), "dur": us(stay.end.saturating_sub(stay.start)),
            }));
        }
    }
    let mut about = json!({ "run": title(view, facts), "program": format!("local-ci {}", facts.program) });
    if let Some(run) = view.header() {
        about["started"] = moment::utc(run.at.unix_ms).into();
    }
    if let Some(verdict) = view.verdict() {
        about["verdict"] = verdict.word().into();
    }
    for (name, value) in [("commit", &facts.commit), ("branch", &facts.branch)] {
        if let Some(value) = value {
            about[name] = value.as_str().into();
        }
    }
    let mut text = json!({ "displayTimeUnit": "ms", "otherData": about, "traceEvents": events }).to_string();
    text.push('\n');
    text
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The process that a machine is: in the order in which machines are in the list of slots.
fn process(slots: &[Slot], slot: usize) -> usize {
    let before = slots[..=slot].windows(2).filter(|pair| pair[0].executor != pair[1].executor);
    before.count() + 1
}

/// What processes and threads are called.
fn names(slots: &[Slot], facts: &Facts) -> Vec<Value> {
    let mut events = Vec::new();
    let mut meta = |name: &str, pid: usize, tid: usize, args: Value| {
        events.push(json!({ "ph": "M", "name": name, "pid": pid, "tid": tid, "ts": 0, "args": args }));
    };
    meta("thread_name", 1, CRITICAL, json!({ "name": "critical path" }));
    meta("thread_sort_index", 1, CRITICAL, json!({ "sort_index": CRITICAL }));
    for (at, slot) in slots.iter().enumerate() {
        let pid = process(slots, at);
        if slot.number == 1 {
            let name = if slot.executor == "local" { &facts.host } else { &slot.executor };
            meta("process_name", pid, slot.number, json!({ "name": name }));
        }
        meta("thread_name", pid, slot.number, json!({ "name": format!("slot {}", slot.number) }));
        meta("thread_sort_index", pid, slot.number, json!({ "sort_index": slot.number }));
    }
    events
}

fn attempts_of(view: &RunView, stay: &Stay, slots: &[Slot], events: &mut Vec<Value>) {
    let stage = &view.stages()[stay.stage];
    let needs: Vec<&str> =
        stage.info.needs.iter().filter_map(|need| Some(view.stages().get(*need)?.info.name.as_str())).collect();
    let attempts = attempts::of(view, stage);
    // Where an attempt began that was followed by another is not exactly known: they are kept from lying on each other.
    let mut free = Duration::ZERO;
    for attempt in &attempts {
        let start = attempt.start.max(free);
        let end = (attempt.start + attempt.length).max(start);
        free = end;
        let name = stage.info.name.as_str();
        let name = if attempts.len() > 1 { format!("{name} (attempt {})", attempt.number) } else { name.to_owned() };
        let status = attempt.outcome.map_or("lost", Outcome::word);
        let mut event = json!({
            "ph": "X", "cat": "stage", "name": name, "pid": process(slots, stay.slot), "tid": slots[stay.slot].number,
            "ts": us(start), "dur": us(end.saturating_sub(start)),
            "args": {
                "command": stage.info.command, "status": status, "attempt": attempt.number, "threads": stage.info.threads,
                "needs": needs,
            },
        });
        // One of the names of colours that viewers know.
        event["cname"] = if status == "pass" { "good" } else { "terrible" }.into();
        if let Some(why) = why(attempt.outcome) {
            event["args"]["why"] = why.into();
        }
        if let Some(expected) = stage.info.expected_ms() {
            event["args"]["expected_ms"] = expected.into();
        }
        events.push(event);
    }
}

/// From the end of each stage to the beginning of those that need it.
fn needs(view: &RunView, stays: &[Stay], slots: &[Slot], events: &mut Vec<Value>) {
    let mut id = 0_u64;
    for stay in stays {
        for need in &view.stages()[stay.stage].info.needs {
            let Some(before) = stays.iter().find(|before| before.stage == *need) else { continue };
            id += 1;
            // A flow is bound to the slice around it, which its last microsecond is in.
            let end = us(before.end).saturating_sub(1).max(us(before.start));
            for (phase, slot, ts) in [("s", before.slot, end), ("f", stay.slot, us(stay.start).max(end))] {
                let mut event = json!({
                    "ph": phase, "cat": "needs", "name": "needs", "id": id, "ts": ts,
                    "pid": process(slots, slot), "tid": slots[slot].number,
                });
                if phase == "f" {
                    event["bp"] = "e".into();
                }
                events.push(event);
            }
        }
    }
}

#[cfg(test)]
mod tests;
