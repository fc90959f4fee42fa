//! Job control: Ctrl+Z in a shell, `fg` and `bg`, and command lines that go away while their run stands still.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Identity, Invocation, Project, Terminal, wait_until};

/// A shell with job control on a terminal that has all there is.
fn shell<'p>(project: &'p Project, script: &str) -> Invocation<'p> {
    let script = format!("set -m; {script}");
    project.sh(&script).env("TERM", "xterm-256color").env("LOCAL_CI_PROGRESS", "1").env("SIDE", project.side_dir())
}

fn gated(project: &Project) {
    project.config(&format!(
        "[stages.a]\nrun = [\"chaos\", \"wait-for\", \"{}\", \"--pid-file\", \"{}\"]\n",
        project.side("gate").display(),
        project.side("pid").display()
    ));
}

/// The process of this id in a file of a script.
fn process(project: &Project, file: &str) -> Identity {
    let path = project.side(file);
    let read = || fs::read_to_string(&path).ok()?.trim().parse().ok();
    wait_until(&format!("{file} to be written"), || read().is_some());
    Identity::of(read().unwrap()).unwrap()
}

fn marks(terminal: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(terminal).into_owned();
    text.split("\x1b]9;4;").skip(1).map(|rest| rest.split('\x1b').next().unwrap().to_owned()).collect()
}

#[track_caller]
fn wait_state(what: &str, process: Identity, stopped: bool) {
    let word = if stopped { "to be stopped" } else { "to go on" };
    wait_until(&format!("{what} {word}"), || (process.state() == Some('T')) == stopped);
}

/// H11, H12: Ctrl+Z stops all stages and then the command line; the terminal is the shell's, with the mark of a run that is
/// paused; `fg` has all of it go on and draws it anew.
#[test]
fn h11_ctrl_z_pauses_the_run_and_fg_resumes_it() {
    let project = Project::new();
    gated(&project);
    let script = "local-ci; echo \"stopped $?\"; read go; fg >/dev/null; echo \"ended $?\"";
    let mut terminal = shell(&project, script).on_terminal(30, 100);
    let modes = terminal.modes();
    terminal.wait_for_screen("a  <1s, first run\n0/1 · <1s");
    let stage = project.identity("pid");
    // Who is impatient is stopped once all the same.
    terminal.type_keys("\x1a\x1a");
    terminal.wait_for_screen("stopped 148");
    assert_eq!(stage.state(), Some('T'), "the stage was stopped first");
    assert_eq!(terminal.modes(), modes);
    let screen = terminal.screen();
    assert!(!screen.contains("first run") && !screen.contains("0/1"), "{screen}");
    let list = project.local_ci(&["list"]).output().assert_code(0);
    assert!(list.stdout().starts_with("a  paused: "), "{}", list.transcript());
    terminal.type_keys("\n");
    wait_state("the stage", stage, false);
    wait_until("the run to be drawn as one that goes on", || {
        let screen = terminal.screen();
        screen.contains("first run\n0/1 · ") && !screen.contains("paused")
    });
    project.open_gate("gate");
    let left = terminal.wait();
    assert!(left.screen.contains("✓ a  ") && left.screen.ends_with("ended 0"), "{}", left.screen);
    let marks = marks(&left.bytes);
    let paused = marks.iter().position(|mark| mark.starts_with("4;")).unwrap();
    assert!(marks[paused..].iter().any(|mark| mark.starts_with("3;")), "drawn anew: {marks:?}");
    assert_eq!(marks.last().map(String::as_str), Some("0;0"));
    assert_eq!(left.modes, modes);
    let kinds: Vec<String> = project.events(1).iter().map(|e| e["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds[2..4], ["paused", "resumed"]);
    project.assert_nothing_left();
}

/// A supervisor that does not answer keeps nobody from stopping the command line, for longer than five seconds; what it was
/// asked meanwhile is taken back.
#[test]
fn ctrl_z_does_not_wait_for_ever() {
    let project = Project::new();
    gated(&project);
    let script = "local-ci; echo \"stopped $?\"; read go; fg >/dev/null; echo \"ended $?\"";
    let mut terminal = shell(&project, script).on_terminal(30, 100);
    let stage = project.identity("pid");
    terminal.wait_for_screen("0/1 · ");
    let supervisor = project.supervisor(1);
    supervisor.kill(Signal::STOP);
    wait_state("the supervisor", supervisor, true);
    terminal.type_keys("\x1a");
    // At once: a shell may have the terminal before the run has said anything.
    wait_until("the region to be taken away", || !terminal.screen().contains("0/1 · "));
    assert!(!terminal.screen().contains("the run is not paused"), "{}", terminal.screen());
    terminal.wait_for_screen("the run is not paused, only what you see of it: its supervisor does not answer");
    terminal.wait_for_screen("stopped 148");
    supervisor.kill(Signal::CONT);
    wait_state("the stage", stage, true);
    terminal.type_keys("\n");
    wait_state("the stage", stage, false);
    project.open_gate("gate");
    terminal.wait_for_screen("ended 0");
    terminal.wait();
}

/// H73: a run that is kept nowhere is paused like any other.
#[test]
fn h73_ctrl_z_needs_no_state_directory() {
    let project = Project::new();
    gated(&project);
    let script = "local-ci; echo \"stopped $?\"; read go; fg >/dev/null; echo \"ended $?\"";
    let nowhere = project.side("file");
    fs::write(&nowhere, "").unwrap();
    let mut terminal = shell(&project, script).env("LOCAL_CI_STATE_DIR", nowhere).on_terminal(30, 100);
    let stage = project.identity("pid");
    terminal.wait_for_screen("0/1 · ");
    terminal.type_keys("\x1a");
    terminal.wait_for_screen("stopped 148");
    assert_eq!(stage.state(), Some('T'));
    terminal.type_keys("\n");
    wait_state("the stage", stage, false);
    project.open_gate("gate");
    terminal.wait_for_screen("ended 0");
    terminal.wait();
}

/// `bg` has the run go on without its viewer in the foreground.
#[test]
fn bg_resumes_the_run() {
    let project = Project::new();
    gated(&project);
    let mut terminal = shell(&project, "local-ci; bg >/dev/null; wait; echo over").on_terminal(30, 100);
    terminal.wait_for_screen("0/1 · ");
    let stage = project.identity("pid");
    terminal.type_keys("\x1a");
    project.wait_for_event(1, "resumed");
    wait_state("the stage", stage, false);
    project.open_gate("gate");
    terminal.wait_for_screen("over");
    assert!(terminal.wait().status.success());
    assert_eq!(project.verdict(1).0, "passed");
    project.assert_nothing_left();
}

/// Who only looks on stops alone: the run is not theirs.
#[test]
fn ctrl_z_of_an_onlooker_stops_nothing_else() {
    let project = Project::new();
    gated(&project);
    let run = project.local_ci(&[]).spawn();
    let stage = project.identity("pid");
    let script = "local-ci attach; echo \"stopped $?\"; read go; fg >/dev/null; echo \"ended $?\"";
    let mut terminal = shell(&project, script).on_terminal(30, 100);
    terminal.wait_for_screen("0/1 · ");
    terminal.type_keys("\x1a");
    terminal.wait_for_screen("stopped 148");
    assert_ne!(stage.state(), Some('T'));
    project.open_gate("gate");
    run.wait().assert_code(0);
    terminal.type_keys("\n");
    terminal.wait_for_screen("ended 0");
    let left = terminal.wait();
    assert!(!marks(&left.bytes).iter().any(|mark| mark.starts_with("4;")));
    assert!(project.events(1).iter().all(|event| event["event"] != "paused"));
}

/// A viewer that stands still while another terminal resumes its run shows what came of it when it goes on.
#[test]
fn a_run_is_resumed_from_another_terminal() {
    let project = Project::new();
    gated(&project);
    let script = "local-ci; echo \"stopped $?\"; read go; fg >/dev/null; echo \"ended $?\"";
    let mut terminal = shell(&project, script).on_terminal(30, 100);
    let stage = project.identity("pid");
    terminal.wait_for_screen("0/1 · ");
    terminal.type_keys("\x1a");
    terminal.wait_for_screen("stopped 148");
    project.local_ci(&["resume"]).output().assert_code(0);
    wait_state("the stage", stage, false);
    project.open_gate("gate");
    assert_eq!(project.verdict(1).0, "passed");
    terminal.type_keys("\n");
    let left = terminal.wait();
    assert!(left.screen.contains("✓ a  ") && left.screen.ends_with("ended 0"), "{}", left.screen);
}

/// kill -9 of a command line while its run stands still costs a person at a terminal nothing: the run stays paused, and is
/// resumed from elsewhere.
#[test]
fn a_paused_run_outlives_its_viewer() {
    let project = Project::new();
    gated(&project);
    let terminal: Terminal<'_> = project.local_ci(&[]).on_terminal(30, 100);
    let stage = project.identity("pid");
    project.local_ci(&["pause"]).output().assert_code(0);
    terminal.kill(Signal::KILL);
    assert_eq!(terminal.wait().status.signal(), Some(Signal::KILL.as_raw()));
    let again = project.local_ci(&["pause"]).output().assert_code(0);
    assert_eq!(again.stderr(), "run 1 is paused already\n");
    assert_eq!(stage.state(), Some('T'));
    project.local_ci(&["resume"]).output().assert_code(0);
    project.open_gate("gate");
    project.local_ci(&["attach"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// H07: the run of a script that is gone ends, paused or not.
#[test]
fn h07_a_paused_run_that_nobody_sits_at_ends_with_its_starter() {
    let project = Project::new();
    gated(&project);
    let script = project.sh("exec setsid local-ci").spawn();
    let stage = project.identity("pid");
    project.local_ci(&["pause"]).output().assert_code(0);
    script.kill(Signal::KILL);
    script.wait().assert_signal(Signal::KILL);
    let (kind, reason, code) = project.verdict(1);
    assert_eq!((kind.as_str(), reason.as_str(), code), ("cancelled", "hangup", 129));
    stage.assert_gone();
    project.assert_nothing_left();
}

/// H13: stopped and continued at any moment, of a start too, a command line is never stuck, and no stage is lost.
#[test]
fn h13_stopped_and_continued_at_any_moment() {
    let project = Project::new();
    let stages = (0..40).fold(String::new(), |text, n| text + &format!("[stages.s{n}]\nrun = \"true\"\n"));
    project.config(&(stages + "[run]\njobs = 2\n"));
    // The shell does nothing but be there: without a parent in its session nothing is ever stopped by SIGTSTP.
    let script = "local-ci >\"$SIDE/out\" 2>&1 & echo $! >\"$SIDE/pid\"; read go";
    let mut terminal = shell(&project, script).on_terminal(30, 100);
    let command = process(&project, "pid");
    let mut random: u32 = 20_170_401;
    let (mut sent, mut stops) = (0, 0);
    let is_over = || !command.is_alive();
    while !is_over() && sent < 300 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        command.kill(if random >> 31 == 0 { Signal::TSTP } else { Signal::CONT });
        sent += 1;
        // Looks at it for a while that differs, so that signals come at every moment.
        for _ in 0..(random >> 8) % 400 {
            if command.state() == Some('T') {
                stops += 1;
                break;
            }
        }
    }
    wait_until("the command line to end", || {
        command.kill(Signal::CONT);
        is_over()
    });
    let out = fs::read_to_string(project.side("out")).unwrap();
    assert!(stops > 0 && out.contains("  Passed: 40\n"), "{stops} stops of {sent}\n{out}");
    assert_eq!(project.verdict(1), ("passed".into(), String::new(), 0));
    let mut is_paused = false;
    for event in project.events(1) {
        match event["event"].as_str().unwrap() {
            kind @ ("paused" | "resumed") => {
                assert_ne!(is_paused, kind == "paused", "{event}");
                is_paused = kind == "paused";
            }
            "stage_started" => assert!(!is_paused, "{event}"),
            _ => {}
        }
    }
    terminal.type_keys("\n");
    terminal.wait();
    project.assert_nothing_left();
}
