//! Standing still: all that a paused run has started is stopped, no time counts, and it goes on as if nothing had been.

use std::fs;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Identity, Project, Running, wait_until};

/// A stage with a tree of every kind: children in its group, in a group and a session of their own, and a daemon that
/// has nothing left of its stage but the session that it fled from.
const TREE: &[&str] = &["leader", "child", "group", "session", "daemon", "scrubbed"];

fn tree(project: &Project) -> String {
    let file = |name: &str| project.side(name).display().to_string();
    format!(
        "[stages.tree]\nleak = \"allow\"\nrun = '''\n\
         chaos sleep 600 --pid-file {} &\n\
         (set -m; chaos sleep 600 --pid-file {} & wait $!) &\n\
         setsid chaos sleep 600 --pid-file {} &\n\
         chaos fork-daemon --double --pid-file {}\n\
         chaos fork-daemon --double --scrub-env --pid-file {}\n\
         exec chaos wait-for {} --pid-file {}\n'''\n",
        file("child"),
        file("group"),
        file("session"),
        file("daemon"),
        file("scrubbed"),
        file("gate"),
        file("leader"),
    )
}

#[track_caller]
fn members(project: &Project) -> Vec<(&'static str, Identity)> {
    TREE.iter().map(|name| (*name, project.identity(name))).collect()
}

/// The time that a stage took, in milliseconds, by the run's own account.
fn took(project: &Project, number: u64) -> u64 {
    let is_end = |event: &&Value| event["event"] == "stage_finished";
    let events = project.events(number);
    events.iter().find(is_end).unwrap()["duration_ms"].as_u64().unwrap()
}

fn wait_stopped(processes: &[(&str, Identity)]) {
    for (name, process) in processes {
        wait_until(&format!("{name} to be stopped"), || process.state() == Some('T'));
    }
}

/// A run of one stage that ends when its gate is opened.
fn gated<'p>(project: &'p Project, more: &str) -> (Running<'p>, Identity) {
    project.config(&format!(
        "[stages.a]\nrun = [\"chaos\", \"wait-for\", \"{}\", \"--pid-file\", \"{}\"]\n{more}",
        project.side("gate").display(),
        project.side("pid").display()
    ));
    let run = project.local_ci(&[]).spawn();
    let stage = project.identity("pid");
    (run, stage)
}

/// H12: once `pause` has returned, nothing of the run runs: neither what left its group nor what left its session.
#[test]
fn h12_the_whole_tree_stands_still() {
    let project = Project::new();
    project.config(&tree(&project));
    let run = project.local_ci(&[]).spawn();
    let members = members(&project);
    let pause = project.local_ci(&["pause"]).output().assert_code(0);
    assert_eq!(pause.stderr(), "run 1 is paused; `local-ci resume 1` has it go on\n");
    let states: Vec<_> = members.iter().map(|(name, process)| (*name, process.state())).collect();
    assert!(states.iter().all(|(_, state)| *state == Some('T')), "{states:?}");
    let again = project.local_ci(&["pause", "1"]).output().assert_code(0);
    assert_eq!(again.stderr(), "run 1 is paused already\n");
    let resume = project.local_ci(&["resume", "tree"]).output().assert_code(0);
    assert_eq!(resume.stderr(), "run 1 goes on\n");
    for (name, process) in &members {
        wait_until(&format!("{name} to go on"), || process.state() != Some('T'));
    }
    let again = project.local_ci(&["resume"]).output().assert_code(0);
    assert_eq!(again.stderr(), "run 1 is not paused\n");
    project.open_gate("gate");
    run.wait().assert_code(0);
    let over = project.local_ci(&["pause", "1"]).output().assert_code(2);
    assert!(over.stderr().starts_with("error: run 1 has ended: it passed\n"), "{}", over.transcript());
    let none = project.local_ci(&["pause"]).output().assert_code(2);
    assert!(none.stderr().contains("nothing is running here"), "{}", none.transcript());
    for (_, process) in members {
        process.kill(Signal::KILL);
    }
}
