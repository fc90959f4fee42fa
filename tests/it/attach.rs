//! Coming back to a run: from its first byte, to its end, with its own code, and without a hand in it.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Project, wait_until, watches};

/// A run that prints, waits for `gate`, prints again, and fails.
fn gated(project: &Project) -> Vec<u8> {
    let gate = project.side("gate");
    project.config(&format!(
        "[stages.talks]\nrun = \"chaos lines 2000; chaos wait-for {}; chaos interleave 300; exit 7\"\n",
        gate.display()
    ));
    let lines = (1..=2000).map(|n| format!("line {n}\n"));
    lines.chain((1..=300).map(|n| format!("out {n}\nerr {n}\n"))).collect::<String>().into_bytes()
}

/// The lines of a transcript between the markers of its only group, but for the command.
#[track_caller]
fn group(transcript: &str) -> &str {
    let (_, rest) = transcript.split_once("::group::talks\n$ ").unwrap();
    let (group, _) = rest.split_once("::endgroup::\n").unwrap();
    group.split_once('\n').unwrap().1
}

/// The same lines in whatever order: two pipes have none between them.
fn sorted(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

/// H23: a command line that is killed takes nothing along; who attaches sees all of it, from byte 0.
#[test]
fn h23_a_killed_command_line_loses_nothing() {
    let project = Project::new();
    let printed = gated(&project);
    let mut terminal = project.local_ci(&[]).on_terminal(24, 80);
    terminal.wait_for_screen("line 2000");
    terminal.kill(Signal::KILL);
    assert_eq!(terminal.wait().status.signal(), Some(Signal::KILL.as_raw()));
    let back = project.local_ci(&["attach", "talks"]).spawn();
    back.wait_for_stdout("line 2000\n");
    project.open_gate("gate");
    let back = back.wait().assert_code(1);
    let log = project.log(1, "talks.log");
    assert_eq!(sorted(&log), sorted(&printed));
    // Up to the gate one process wrote to one pipe: there the order is certain as well.
    let head = printed.iter().position(|byte| *byte == b'o').unwrap();
    assert_eq!(log[..head], printed[..head]);
    assert_eq!(group(&back.stdout()).as_bytes(), log);
    project.assert_nothing_left();
}

/// H72: attaching ends when the run does, before or after, with the run's code and the whole of what it printed.
#[test]
fn h72_following_ends_with_the_run_and_its_code() {
    let project = Project::new();
    gated(&project);
    let run = project.local_ci(&[]).spawn();
    run.wait_for_stdout("line 2000\n");
    let attached = project.local_ci(&["attach"]).spawn();
    let logs = project.local_ci(&["logs", "-f", "latest"]).spawn();
    attached.wait_for_stdout("line 2000\n");
    logs.wait_for_stdout("line 2000\n");
    project.open_gate("gate");
    let run = run.wait().assert_code(1);
    let log = project.log(1, "talks.log");
    assert_eq!(group(&run.stdout()).as_bytes(), log);
    assert_eq!(logs.wait().assert_code(1).stdout, log);
    for target in ["latest", "1", "talks"] {
        let after = project.local_ci(&["attach", target]).output().assert_code(1);
        assert_eq!(group(&after.stdout()).as_bytes(), log);
        assert_eq!(project.local_ci(&["logs", "-f", target]).output().assert_code(1).stdout, log);
    }
    assert_eq!(group(&attached.wait().assert_code(1).stdout()).as_bytes(), log);
    project.assert_nothing_left();
}

/// H04: Ctrl+C, SIGTERM and a closed terminal are for the viewer; the run goes on.
#[test]
fn h04_leaving_a_run_does_not_end_it() {
    let project = Project::new();
    let pid = project.side("pid");
    project.config(&format!("[stages.a]\nrun = \"echo begun; exec chaos sleep 600 --pid-file {}\"\n", pid.display()));
    let run = project.local_ci(&[]).spawn();
    run.wait_for_stdout("begun");
    let stage = project.identity("pid");
    let mut terminal = project.local_ci(&["attach"]).on_terminal(24, 100);
    let modes = terminal.modes();
    terminal.wait_for_screen("begun");
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()));
    let told = "run 1 continues; `local-ci attach 1` comes back to it, `local-ci stop 1` ends it";
    assert!(left.screen.replace('\n', "").contains(told), "{}", left.screen);
    assert_eq!(left.modes, modes);
    let viewer = project.local_ci(&["attach"]).spawn();
    viewer.wait_for_stdout("begun");
    viewer.kill(Signal::TERM);
    viewer.wait().assert_signal(Signal::TERM);
    let mut terminal = project.local_ci(&["attach"]).on_terminal(24, 100);
    terminal.wait_for_screen("begun");
    assert_eq!(terminal.hang_up().signal(), Some(Signal::HUP.as_raw()));
    assert!(stage.is_alive());
    project.local_ci(&["stop"]).output().assert_code(0);
    run.wait().assert_code(143);
    project.assert_nothing_left();
}

/// Who attaches to a run before its first event is written sees its output all the same.
#[test]
fn attaching_before_the_first_event_shows_everything() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"echo all of it\"\n");
    project.local_ci(&[]).output().assert_code(0);
    let (lock, events) = project.young_run(1, 2);
    let faces: [&[&str]; 2] = [&["attach", "2"], &["logs", "-f", "2"]];
    let viewers = faces.map(|args| project.local_ci(args).spawn());
    for viewer in &viewers {
        wait_until("the viewer to watch the run", || watches(viewer.pid()));
    }
    fs::write(project.run_dir(2).join("events.jsonl"), events).unwrap();
    drop(lock);
    for viewer in viewers {
        let viewer = viewer.wait().assert_code(0);
        assert!(viewer.stdout().contains("all of it\n"), "{}", viewer.transcript());
    }
}
