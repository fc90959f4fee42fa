//! kill -9 at many moments of those that a run can do without, or that it must have an answer to: its guard, and the
//! processes of its stages.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Identity, Project, children_of, wait_until};

/// How many are killed of each kind.
const ROUNDS: u64 = 40;

/// Two stages that take a few milliseconds each, one after the other, of which the last comes to this end.
fn pipeline(project: &Project, end: &str) {
    project.config(&format!(
        "[stages.a]\nrun = \"echo a; chaos sleep 0.005\"\n[stages.b]\nrun = \"(chaos sleep 0.02 &) ; chaos sleep 0.005; echo b; {end}\"\nneeds = [\"a\"]\n"
    ));
}

/// Not waiting for anything: this is the moment, a different one each time.
fn moment(round: u64) {
    thread::sleep(Duration::from_micros(round * 7919 % 45_000));
}

/// H26: without its guard a run comes to its verdict all the same, whenever the guard was killed.
#[test]
fn h26_a_guard_killed_at_any_moment_changes_no_verdict() {
    for (end, code) in [("true", 0), ("exit 7", 1)] {
        let project = Project::new();
        pipeline(&project, end);
        let mut killed = 0;
        for number in 1..=ROUNDS / 2 {
            let run = project.local_ci(&["-q"]).spawn();
            let supervisor = project.supervisor(number);
            let guard = supervisor.parent().filter(|guard| guard.pid != run.pid());
            moment(number);
            killed += u64::from(guard.is_some_and(Identity::is_alive));
            guard.inspect(|guard| guard.kill(Signal::KILL));
            run.wait().assert_code(code);
            assert_eq!(project.verdict(number).2, u64::try_from(code).unwrap());
        }
        assert!(killed > 5, "only {killed} guards were killed while they lived");
        project.assert_nothing_left();
    }
}

/// H25: whenever the processes of a stage are killed, it failed by that signal, or had ended already; a run never passed
/// whose stage was killed.
#[test]
fn h25_a_stage_killed_at_any_moment_failed_or_had_ended() {
    let project = Project::new();
    let mut killed = 0;
    for number in 1..=ROUNDS {
        // On a busy machine a short stage has always ended by then: every other one ends in no other way.
        let is_long = number % 2 == 1;
        if is_long {
            project.config("[stages.a]\nrun = \"chaos sleep 600\"\n");
        } else {
            pipeline(&project, "true");
        }
        let run = project.local_ci(&["-q"]).spawn();
        let supervisor = project.supervisor(number);
        if is_long {
            wait_until("the stage's process", || !children_of(supervisor.pid).is_empty());
        }
        moment(number);
        // What has ended and is not waited for yet is no longer there to be killed.
        for child in children_of(supervisor.pid).into_iter().filter_map(Identity::of) {
            child.kill(Signal::KILL);
        }
        let code = run.wait().status.code().unwrap();
        let events = project.events(number);
        let died = |event: &Value| event["event"] == "stage_finished" && event["exit"]["signal"] == 9;
        let has_died = events.iter().any(died);
        assert_eq!(code, i32::from(has_died), "{events:#?}");
        assert_eq!(project.verdict(number).2, u64::try_from(code).unwrap());
        killed += u64::from(has_died);
    }
    assert!((1..ROUNDS).contains(&killed), "{killed} stages killed: the moments were all alike");
    pipeline(&project, "true");
    project.local_ci(&["-q"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// H13: a run is paused and resumed at many moments while it starts one stage after another, and each stage one process
/// after another: nothing is left standing, nothing is lost, and a run whose command line is stopped instead goes on.
#[test]
fn h13_runs_are_paused_while_they_start_processes() {
    let project = Project::new();
    let script = "i=0; while [ $i -lt 15 ]; do /bin/true; i=$((i+1)); done; echo did $i";
    let stages: Vec<String> = (0..40).map(|n| format!("[stages.s{n}]\nrun = \"{script}\"\n")).collect();
    let go = project.side("go");
    let last = format!("[stages.last]\nrun = \"while [ ! -e {} ]; do /bin/true; done\"\n", go.display());
    project.config(&(last + &stages.concat()));
    let run = project.local_ci(&["-q", "-j4"]).spawn();
    project.supervisor(1);
    let mut asked = 0;
    for round in 1.. {
        moment(round);
        let paused = project.local_ci(&["pause", "1"]).output();
        if round % 3 == 0 {
            run.kill(Signal::STOP);
        }
        let resumed = project.local_ci(&["resume", "1"]).output();
        run.kill(Signal::CONT);
        // The run may end in between; what has ended is neither paused nor resumed.
        if project.last_word(1).is_some() {
            break;
        }
        assert_eq!(paused.status.code(), Some(0), "{}", paused.transcript());
        assert_eq!(resumed.status.code(), Some(0), "{}", resumed.transcript());
        asked += 1;
        if asked == 12 {
            std::fs::write(&go, "").unwrap();
        }
    }
    run.wait().assert_code(0);
    assert!(asked >= 12, "it was over too soon");
    for n in 0..40 {
        assert_eq!(project.log(1, &format!("s{n}.log")), b"did 15\n");
    }
    project.assert_nothing_left();
}
