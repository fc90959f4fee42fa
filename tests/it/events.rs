//! `events`: all runs of a project, or of all projects, as they happen.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Project, Running, wait_until};

/// Stages that end when a file is there that has their name.
const PIPELINE: &str = r#"
[stages.a]
run = "echo a; chaos wait-for $SIDE/a"
[stages.b]
run = "chaos wait-for $SIDE/b"
[stages.c]
run = "chaos wait-for $SIDE/c; exit 1"
[stages.quick]
run = "true"
[stages.never]
when = { os = "macos" }
run = "true"
"#;

fn project() -> Project {
    let project = Project::new();
    project.config(PIPELINE);
    project
}

fn start<'p>(project: &'p Project, args: &[&str]) -> Running<'p> {
    project.local_ci(args).env("SIDE", project.side_dir()).spawn()
}

/// What was printed, a list of events for each run of each project, which are complete and in order.
fn told(stdout: &str) -> BTreeMap<(String, u64), Vec<Value>> {
    let mut runs: BTreeMap<(String, u64), Vec<Value>> = BTreeMap::new();
    for line in stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let key = (event["project"].as_str().unwrap().to_owned(), event["number"].as_u64().unwrap());
        runs.entry(key).or_default().push(event);
    }
    for (run, events) in &runs {
        let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>(), "{run:?}");
        assert_eq!(events[0]["event"], "run_started", "{run:?}");
    }
    runs
}

fn verdict(events: &[Value]) -> &str {
    events.last().unwrap()["verdict"]["kind"].as_str().unwrap_or("none")
}

/// Whoever begins to listen in the middle hears each run that goes on from its first event, and every one that comes,
/// however many go on at once; one that has ended before is not told.
#[test]
fn all_runs_are_told_from_their_first_event_on() {
    let project = project();
    project.local_ci(&["-q", "quick"]).output().assert_code(0);
    let first = start(&project, &["-q", "a"]);
    project.wait_for_event(2, "stage_started");
    let listener = project.local_ci(&["events"]).spawn();
    listener.wait_for_stdout("\"stage_started\"");
    let others: Vec<Running<'_>> = ["b", "c"].into_iter().map(|stage| start(&project, &["-q", stage])).collect();
    for number in [3, 4] {
        project.wait_for_event(number, "stage_started");
    }
    for quick in 0..5 {
        project.local_ci(&["-q", "quick"]).output().assert_code(0);
        listener.wait_for_stdout(&format!("\"number\":{}", quick + 5));
    }
    // One that starts nothing has no supervisor, and is a run all the same.
    project.local_ci(&["-q", "never"]).output().assert_code(0);
    for gate in ["c", "a", "b"] {
        project.open_gate(gate);
    }
    first.wait().assert_code(0);
    for other in others {
        other.wait();
    }
    let all_ended =
        |number| format!("\"number\":{number},\"project\":{},\"seq\":3", Value::from(project.dir().to_str().unwrap()));
    for number in 2..=9 {
        listener.wait_for_stdout(&all_ended(number));
    }
    listener.wait_for_stdout("\"number\":10,");
    wait_until("the last event of all", || project.last_word(10).is_some());
    listener.kill(Signal::INT);
    let heard = told(&listener.wait().assert_signal(Signal::INT).stdout());
    let numbers: Vec<u64> = heard.keys().map(|(_, number)| *number).collect();
    assert_eq!(numbers, (2..=10).collect::<Vec<_>>());
    for ((_, number), events) in &heard {
        // What the journal has is what is told, but for whose it is.
        let bare = |event: &Value| {
            let mut event = event.clone();
            if event["event"] != "run_started" {
                event.as_object_mut().unwrap().retain(|key, _| key != "number" && key != "project");
            }
            event
        };
        let journal = project.events(*number);
        assert_eq!(events.iter().map(bare).collect::<Vec<_>>(), journal[..events.len()], "{number}");
    }
    let verdicts: Vec<&str> = heard.values().map(|events| verdict(events)).collect();
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == "failed").count(), 1, "{verdicts:?}");
    project.assert_nothing_left();
}

/// H24: a run whose supervisor was killed never said how it ended. That is told all the same, and to be lost.
#[test]
fn h24_a_lost_run_is_told_to_be_lost() {
    let project = project();
    let run = start(&project, &["-q", "a"]);
    project.wait_for_event(1, "stage_started");
    let listener = project.local_ci(&["events"]).spawn();
    listener.wait_for_stdout("\"stage_started\"");
    project.supervisor(1).kill(Signal::KILL);
    listener.wait_for_stdout("\"verdict\":{\"kind\":\"lost\"}");
    run.wait().assert_code(3);
    listener.kill(Signal::INT);
    let heard = told(&listener.wait().assert_signal(Signal::INT).stdout());
    let events = &heard.values().next().unwrap();
    assert_eq!((verdict(events), &events.last().unwrap()["exit_code"]), ("lost", &3.into()));
    assert_eq!(events.len(), project.events(1).len() + 1);
    project.assert_nothing_left();
}

/// All projects of the state, those too that come later; and where there is no state yet, what will be there.
#[test]
fn all_directories_are_heard_also_those_that_come_later() {
    let project = project();
    let listener = project.local_ci(&["events", "-a"]).spawn();
    let here = start(&project, &["-q", "a"]);
    listener.wait_for_stdout("\"stage_started\"");
    project.write("other/local-ci.toml", PIPELINE);
    let there = start(&project, &["-C", "other", "-q", "b"]);
    let root = |dir: &str| project.dir().join(dir).display().to_string();
    listener.wait_for_stdout(&format!("\"project\":{},\"seq\":1", Value::from(root("other"))));
    for gate in ["a", "b"] {
        project.open_gate(gate);
    }
    here.wait().assert_code(0);
    there.wait().assert_code(0);
    for dir in [project.dir().display().to_string(), root("other")] {
        listener.wait_for_stdout(&format!("\"project\":{},\"seq\":3", Value::from(dir)));
    }
    listener.kill(Signal::INT);
    let heard = told(&listener.wait().assert_signal(Signal::INT).stdout());
    let keys: Vec<(String, u64)> = heard.keys().cloned().collect();
    assert_eq!(keys, [(project.dir().display().to_string(), 1), (root("other"), 1)]);
    assert!(heard.values().all(|events| verdict(events) == "passed"));
    project.assert_nothing_left();
}

/// Where nobody reads any more it ends, though nothing happens; and while nothing happens it sleeps without waking.
#[test]
fn it_sleeps_while_nothing_happens_and_ends_when_nobody_reads() {
    let project = project();
    let run = start(&project, &["-q", "a"]);
    project.wait_for_event(1, "stage_started");
    let listener = project.local_ci(&["events"]).spawn();
    listener.wait_for_stdout("\"stage_started\"");
    // ppoll(2)'s third argument is how long it waits: no time is said, so nothing but an event wakes it.
    let syscall = format!("/proc/{}/syscall", listener.pid());
    if fs::read_to_string(&syscall).is_ok() {
        wait_until("a sleep without a limit", || {
            let text = fs::read_to_string(&syscall).unwrap_or_default();
            text.split(' ').nth(3) == Some("0x0") && text.split(' ').nth(2) == Some("0x2")
        });
    }
    listener.kill(Signal::INT);
    listener.wait().assert_signal(Signal::INT);
    // `head` reads two lines and is gone; nothing is written afterwards that could fail.
    let piped = project.sh("local-ci events | head -n 2").output().assert_code(0).stdout();
    assert_eq!(piped.lines().count(), 2);
    project.open_gate("a");
    run.wait().assert_code(0);
    project.assert_nothing_left();
}

/// A run directory that was damaged by hand is said once, and in nobody's way.
#[test]
fn a_damaged_run_is_reported_and_passed_over() {
    let project = project();
    let run = start(&project, &["-q", "a"]);
    project.wait_for_event(1, "stage_started");
    fs::write(project.run_dir(1).join("header.json"), "{").unwrap();
    let listener = project.local_ci(&["events"]).spawn();
    listener.wait_for_stderr("warning: run 1 cannot be read: ");
    project.local_ci(&["-q", "quick"]).output().assert_code(0);
    listener.wait_for_stdout("\"run_finished\"");
    listener.kill(Signal::INT);
    let finished = listener.wait().assert_signal(Signal::INT);
    assert_eq!(told(&finished.stdout()).keys().map(|(_, number)| *number).collect::<Vec<_>>(), [2]);
    assert_eq!(finished.stderr().matches("cannot be read").count(), 1, "{}", finished.stderr());
    project.open_gate("a");
    run.wait();
    project.assert_nothing_left();
}
