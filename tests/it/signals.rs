//! Signals, and terminals that come and go: what reaches the stages, what the run is recorded as, and what the shell
//! that started the runner sees.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Finished, Identity, Project, Terminal, wait_until};

const INTERRUPTED: (&str, &str, u64) = ("cancelled", "interrupt", 130);
const TERMINATED: (&str, &str, u64) = ("cancelled", "terminate", 143);

#[track_caller]
fn assert_verdict(project: &Project, number: u64, expected: (&str, &str, u64)) {
    let (kind, reason, code) = project.verdict(number);
    assert_eq!((kind.as_str(), reason.as_str(), code), expected);
}

/// A stage that says which signal it got and ends well on it, ready once `ready` is there.
fn listening(project: &Project, signal: &str) -> String {
    let ready = project.side("ready");
    format!(
        "[stages.listens]\nrun = \"trap 'echo got {signal}; exit 0' {signal}; chaos touch {}; while :; do chaos sleep 0.02; done\"\n",
        ready.display()
    )
}

/// A stage that only SIGKILL ends, and that nobody would kill before the end of the test but on request.
fn stubborn(project: &Project) -> String {
    let (ready, pid) = (project.side("ready"), project.side("pid"));
    format!(
        "[stages.stays]\nrun = [\"chaos\", \"ignore-term\", \"--ready-file\", \"{}\", \"--pid-file\", \"{}\"]\ngrace = \"10m\"\n",
        ready.display(),
        pid.display()
    )
}

#[track_caller]
fn wait_ready(project: &Project) {
    wait_until("the stage to be ready", || project.side("ready").exists());
}

/// A run in the foreground of a terminal, and the terminal's modes before it.
fn foreground(project: &Project) -> (Terminal<'_>, String) {
    let terminal = project.local_ci(&[]).on_terminal(40, 100);
    let modes = terminal.modes();
    (terminal, modes)
}

/// H01: every stage gets the signal, none is started after it, the run says so, and the parent sees a death by SIGINT.
#[test]
fn h01_one_ctrl_c_cancels_the_run() {
    let project = Project::new();
    let sleeper = |name: &str| {
        format!(
            "[stages.{name}]\nrun = [\"chaos\", \"sleep\", \"600\", \"--pid-file\", \"{}\"]\n",
            project.side(name).display()
        )
    };
    let later = format!("[stages.later]\nrun = \"chaos touch {}\"\nneeds = [\"a\"]\n", project.side("later").display());
    project.config(&(listening(&project, "INT") + &sleeper("a") + &sleeper("b") + &later + "[run]\njobs = 4\n"));
    let (mut terminal, modes) = foreground(&project);
    let stages = [project.identity("a"), project.identity("b")];
    wait_ready(&project);
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()), "{}", left.screen);
    let text = String::from_utf8_lossy(&left.bytes);
    for part in ["cancelling (press Ctrl+C again to kill)", "got INT", "Cancelled: 4", "later (cancelled: interrupted)"]
    {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert_eq!(left.modes, modes);
    assert!(stages.iter().all(|stage| !stage.is_alive()) && !project.side("later").exists());
    assert_verdict(&project, 1, INTERRUPTED);
    project.local_ci(&["show"]).output().assert_code(130);
    project.assert_nothing_left();
}

/// H02: the second one kills what will not listen, whatever its grace.
#[test]
fn h02_two_ctrl_c_kill_the_run() {
    let project = Project::new();
    project.config(&stubborn(&project));
    let (mut terminal, modes) = foreground(&project);
    wait_ready(&project);
    terminal.type_keys("\x03");
    terminal.wait_for_screen("cancelling (press Ctrl+C again to kill)");
    assert!(project.identity("pid").is_alive());
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()), "{}", left.screen);
    assert!(!project.identity("pid").is_alive());
    assert_eq!(left.modes, modes);
    assert_verdict(&project, 1, INTERRUPTED);
    project.assert_nothing_left();
}

/// H03: the third one leaves even a supervisor that does not answer, and says how to clean up. What was asked for
/// before still holds when the supervisor wakes up.
#[test]
fn h03_three_ctrl_c_leave_at_once() {
    let project = Project::new();
    project.config(&stubborn(&project));
    let (mut terminal, modes) = foreground(&project);
    wait_ready(&project);
    let supervisor = project.supervisor(1);
    supervisor.kill(Signal::STOP);
    wait_until("the supervisor to stop", || supervisor.state() == Some('T'));
    for answer in ["press Ctrl+C again to kill", "press Ctrl+C again to leave at once"] {
        terminal.type_keys("\x03");
        terminal.wait_for_screen(answer);
    }
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()), "{}", left.screen);
    assert!(
        left.screen.contains("run 1 has not ended yet; `local-ci stop -f 1` kills what is left"),
        "{}",
        left.screen
    );
    assert_eq!(left.modes, modes);
    supervisor.kill(Signal::CONT);
    assert_verdict(&project, 1, INTERRUPTED);
    project.assert_nothing_left();
}

/// H05: SIGTERM to the command line is SIGTERM to the stages, and 143 by that signal.
#[test]
fn h05_sigterm_to_the_command_line_terminates_the_run() {
    let project = Project::new();
    project.config(&listening(&project, "TERM"));
    let run = project.local_ci(&[]).spawn();
    wait_ready(&project);
    run.kill(Signal::TERM);
    let run = run.wait().assert_signal(Signal::TERM);
    assert!(run.stdout().contains("got TERM\n"), "{}", run.transcript());
    assert_verdict(&project, 1, TERMINATED);
    project.local_ci(&["attach"]).output().assert_code(143);
    project.assert_nothing_left();
}

/// H06: SIGTERM to the supervisor is the same to the run; its guard, which looks like it in a process list, is not put
/// off by a signal that was meant for both.
#[test]
fn h06_sigterm_to_the_supervisor_terminates_the_run() {
    let project = Project::new();
    project.config(&listening(&project, "TERM"));
    let run = project.local_ci(&[]).spawn();
    wait_ready(&project);
    let supervisor = project.supervisor(1);
    let guard = supervisor.parent().unwrap();
    assert_ne!(guard.pid, run.pid());
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1, Signal::USR2, Signal::TERM] {
        guard.kill(signal);
    }
    supervisor.kill(Signal::TERM);
    let run = run.wait().assert_signal(Signal::TERM);
    assert!(run.stdout().contains("got TERM\n"), "{}", run.transcript());
    assert_verdict(&project, 1, TERMINATED);
    project.assert_nothing_left();
}

/// H07: a run whose terminal is closed goes on, is recorded, and is shown whole to whoever comes back to it.
#[test]
fn h07_a_closed_terminal_does_not_end_the_run() {
    let project = Project::new();
    let gate = project.side("gate");
    project.config(&format!(
        "[stages.long]\nrun = \"echo before; chaos wait-for {}; echo after\"\n[stages.next]\nrun = \"echo next\"\nneeds = [\"long\"]\n",
        gate.display()
    ));
    let (mut terminal, _) = foreground(&project);
    terminal.wait_for_screen("\nbefore");
    let status = terminal.hang_up();
    assert_eq!(status.signal(), Some(Signal::HUP.as_raw()));
    let list = project.local_ci(&["list"]).output().assert_code(0);
    assert!(list.stdout().contains("long  running: "), "{}", list.transcript());
    let back = project.local_ci(&["attach"]).spawn();
    back.wait_for_stdout("\nbefore\n");
    project.open_gate("gate");
    let back = back.wait().assert_code(0);
    assert!(back.stdout().contains("before\nafter\n::endgroup::"), "{}", back.transcript());
    assert_verdict(&project, 1, ("passed", "", 0));
    project.assert_nothing_left();
}

/// H07: nobody comes back to a run that a CI job or a script started, so it ends when its starter is gone.
#[test]
fn h07_a_run_that_nobody_sits_at_ends_with_its_starter() {
    let project = Project::new();
    let pid = project.side("pid");
    project
        .config(&format!("[stages.a]\nrun = [\"chaos\", \"sleep\", \"600\", \"--pid-file\", \"{}\"]\n", pid.display()));
    let assert_cancelled = |number: u64, stage: Identity| {
        assert_verdict(&project, number, ("cancelled", "hangup", 129));
        stage.assert_gone();
        project.local_ci(&["show", &number.to_string()]).output().assert_code(129);
        project.assert_nothing_left();
    };
    // There may well be a terminal in CI, and nobody at it.
    let job = project.local_ci(&[]).env("CI", "true").on_terminal(24, 80);
    let stage = project.identity("pid");
    job.kill(Signal::KILL);
    assert_eq!(job.wait().status.signal(), Some(Signal::KILL.as_raw()));
    assert_cancelled(1, stage);
    fs::remove_file(&pid).unwrap();
    // A new session has no terminal, wherever the tests themselves were started.
    let script = project.sh("exec setsid local-ci").spawn();
    let stage = project.identity("pid");
    script.kill(Signal::KILL);
    script.wait().assert_signal(Signal::KILL);
    assert_cancelled(2, stage);
}

/// Runs a script that ends with the code of a run in a file, and takes the code from there.
fn code_of(project: &Project, script: &str) -> (Finished, String) {
    let code = project.side("code");
    let finished = project.sh(&format!("{script}; echo $? > {}", code.display())).output();
    let code = fs::read_to_string(code).unwrap().trim().to_owned();
    (finished, code)
}

/// H09: a reader that leaves, a closed stdout and a full one cost the transcript, and nothing else.
#[test]
fn h09_an_output_that_fails_changes_neither_run_nor_code() {
    let project = Project::new();
    project
        .config("[stages.talks]\nrun = \"chaos lines 20000\"\n[stages.fails]\nrun = \"exit 7\"\nneeds = [\"talks\"]\n");
    let all = project.chaos(&["lines", "20000"]).output().stdout;
    let code = project.side("code");
    let piped = format!("{{ local-ci; echo $? > {}; }} | head -n 1", code.display());
    let mut number = 0;
    for (script, expected) in [
        (piped.as_str(), "1"),
        ("local-ci >&-", "1"),
        ("local-ci >/dev/full", "1"),
        ("local-ci >/dev/full 2>/dev/full", "1"),
        ("local-ci >&- 2>&-", "1"),
        ("local-ci --json >/dev/full", "1"),
        ("local-ci --output json talks >/dev/full", "0"),
        ("local-ci talks >&-", "0"),
    ] {
        number += 1;
        let is_piped = script == piped;
        let (finished, code) = if is_piped {
            let finished = project.sh(script).output();
            (finished, fs::read_to_string(&code).unwrap().trim().to_owned())
        } else {
            code_of(&project, script)
        };
        assert_eq!(code, expected, "{script}\n{}", finished.transcript());
        // Who has stopped reading is told nothing; a disk that is full is.
        let told = script.contains(">/dev/full") && !script.contains("2>");
        let warning = "warning: the output is incomplete, it could not be written: ";
        assert_eq!(finished.stderr().starts_with(warning), told, "{script}\n{}", finished.transcript());
        assert!(told || finished.stderr().is_empty(), "{script}\n{}", finished.transcript());
        assert_eq!(project.log(number, "talks.log"), all, "{script}");
        assert_eq!(project.verdict(number).2.to_string(), expected, "{script}");
    }
    project.assert_nothing_left();
}

/// H10: what cannot be said on stderr is not said, and the run is cancelled all the same.
#[test]
fn h10_a_full_stderr_costs_only_the_notices() {
    let project = Project::new();
    project.config(&listening(&project, "INT"));
    let mut terminal = project.sh("exec local-ci 2>/dev/full").on_terminal(24, 80);
    wait_ready(&project);
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()), "{}", left.screen);
    assert!(left.screen.contains("got INT") && !left.screen.contains("press Ctrl+C again"), "{}", left.screen);
    assert_verdict(&project, 1, INTERRUPTED);
}

/// H14: a stage that wants to ask somebody finds no terminal and fails at once, even where there is one.
#[test]
fn h14_a_stage_has_no_terminal_to_ask_on() {
    let project = Project::new();
    project.config(
        "[stages.asks]\nrun = [\"chaos\", \"read-tty\"]\n[stages.asks-on-pty]\nrun = [\"chaos\", \"read-tty\"]\npty = true\n",
    );
    let terminal = project.local_ci(&[]).on_terminal(40, 100);
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(1), "{}", left.screen);
    assert_eq!(left.screen.matches("  Error: exit code 6").count(), 2, "{}", left.screen);
    assert!(!left.screen.contains("name?"), "{}", left.screen);
    let note = "  note: it asked for a terminal; `interactive = true` gives it one\n";
    assert!(left.screen.contains(note), "{}", left.screen);
    project.assert_nothing_left();
}

/// H15: a stage's stdin is empty, and what stood on the runner's is left for whoever comes next.
#[test]
fn h15_stdin_is_nobodys() {
    let project = Project::new();
    project.config("[stages.reads]\nrun = [\"chaos\", \"read-stdin\"]\n");
    let hook = project.sh("local-ci && cat >&2").stdin("refs/heads/main 0 refs/heads/main 1\n").output().assert_code(0);
    assert!(hook.stdout().contains("\nstdin had 0 bytes\n"), "{}", hook.transcript());
    assert_eq!(hook.stderr(), "refs/heads/main 0 refs/heads/main 1\n");
}

/// H17: in the background of a shell with job control it neither stops nor takes the terminal.
#[test]
fn h17_the_background_is_a_place_to_run_in() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"echo from the stage\"\n");
    let mut terminal = project.sh("set -m; local-ci & wait $!; echo \"code $?\"; read go").on_terminal(40, 100);
    let modes = terminal.modes();
    terminal.wait_for_screen("code 0");
    assert!(terminal.screen().contains("from the stage"));
    assert_eq!(terminal.foreground(), terminal.pid());
    assert_eq!(terminal.modes(), modes);
    terminal.type_keys("\n");
    assert!(terminal.wait().status.success());
    project.assert_nothing_left();
}
