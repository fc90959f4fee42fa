//! Terminals that are closed while a run goes on in them, as closing a window or losing a connection does: whatever
//! stood between the terminal and the command line, nothing of the run is lost, and it can be come back to as if it
//! had never been left.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use crate::support::{Invocation, Project, Terminal, have, wait_until};

/// A stage that would tell of a hangup and that has printed a lot when it says `begun`; then one that needs it.
const PIPELINE: &str = r#"
[stages.long]
run = "trap 'echo got HUP' HUP; chaos lines 3000; echo begun; until test -e $SIDE/gate; do chaos sleep 0.01; done; echo over"
[stages.next]
run = "echo next; exit 7"
needs = ["long"]
"#;

fn printed() -> String {
    (1..=3000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat() + "begun\nover\n"
}

/// A project, and on its terminal what the script starts.
fn on_terminal<'p>(project: &'p Project, script: &str) -> Terminal<'p> {
    project.config(PIPELINE);
    with_side(project, project.sh(script)).env("TERM", "xterm-256color").on_terminal(30, 100)
}

fn with_side<'p>(project: &Project, invocation: Invocation<'p>) -> Invocation<'p> {
    invocation.env("SIDE", project.side_dir())
}

/// The transcript's group of a stage without its command.
#[track_caller]
fn group<'t>(transcript: &'t str, stage: &str) -> &'t str {
    let (_, rest) = transcript.split_once(&format!("::group::{stage}\n$ ")).unwrap();
    rest.split_once("\n::endgroup::").unwrap().0.split_once('\n').unwrap().1
}

/// The run goes on, is shown whole to two who come back to it, of whom one is cut off again, and is recorded.
#[track_caller]
fn assert_lost_nothing(project: &Project, way: &str) {
    let supervisor = project.supervisor(1);
    assert!(supervisor.is_alive(), "{way}");
    assert!(project.local_ci(&["list"]).output().assert_code(0).stdout().contains("long  running: "), "{way}");
    let mut again = project.local_ci(&["attach"]).on_terminal(24, 80);
    again.wait_for_screen("begun");
    assert_eq!(again.hang_up().signal(), Some(Signal::HUP.as_raw()), "{way}: closed for the second time");
    let back = project.local_ci(&["attach"]).spawn();
    back.wait_for_stdout("\nbegun\n");
    assert!(supervisor.is_alive(), "{way}");
    project.open_gate("gate");
    let back = back.wait().assert_code(1);
    assert_eq!(group(&back.stdout(), "long"), printed().trim_end(), "{way}");
    assert_eq!(group(&back.stdout(), "next"), "next", "{way}");
    assert_eq!(project.log(1, "long.log"), printed().as_bytes(), "{way}");
    assert_eq!(project.verdict(1), ("failed".into(), String::new(), 1), "{way}");
    let later = project.local_ci(&["attach"]).output().assert_code(1);
    assert_eq!(later.stdout(), back.stdout(), "{way}: as if it had never been left");
    let runs = project.local_ci(&["runs", "long"]).output().assert_code(0);
    assert!(runs.stdout().contains("passed"), "{way}: {}", runs.transcript());
    project.assert_nothing_left();
}

/// H07: in every way in which a command line comes to stand on a terminal, and however it draws, closing the terminal
/// ends the command line and nothing else.
#[test]
fn h07_whatever_stands_between_the_terminal_and_the_run() {
    std::thread::scope(|scope| {
        for script in [
            "exec local-ci",
            "exec local-ci -v",
            "exec local-ci --output grouped",
            "exec local-ci --output lines",
            "exec local-ci --output json",
            // The shell is what the terminal tells of its end, and its foreground.
            "local-ci --output grouped; echo $? >\"$SIDE/went-on\"",
            "local-ci -v; echo $? >\"$SIDE/went-on\"",
            // Nobody but the command line has the terminal in front of it.
            "set -m; local-ci --output grouped; echo $? >\"$SIDE/went-on\"",
        ] {
            scope.spawn(move || {
                let project = Project::new();
                let mut terminal = on_terminal(&project, script);
                wait_until("the run to print", || {
                    terminal.screen();
                    project.last_word(1).is_none()
                        && project.runs_dir().is_some_and(|runs| ends_with(&runs.join("1/logs/long.log"), b"begun\n"))
                });
                assert_eq!(terminal.hang_up().signal(), Some(Signal::HUP.as_raw()), "{script}");
                assert!(!project.side("went-on").exists(), "{script}");
                assert_lost_nothing(&project, script);
            });
        }
    });
}

fn ends_with(file: &std::path::Path, end: &[u8]) -> bool {
    fs::read(file).is_ok_and(|bytes| bytes.ends_with(end))
}

/// H07: a shell that somebody types in tells its jobs of its end, those in the background too; the run goes on.
#[test]
fn h07_a_shell_that_tells_its_jobs_of_the_end_ends_no_run() {
    if !have("bash") {
        return;
    }
    for typed in ["local-ci --output grouped\n", "local-ci --output grouped >/dev/null 2>&1 &\n"] {
        let project = Project::new();
        let mut terminal = on_terminal(&project, "HISTFILE= exec bash --norc --noprofile -i");
        terminal.type_keys(typed);
        wait_until("the run to print", || {
            terminal.screen();
            project.runs_dir().is_some_and(|runs| ends_with(&runs.join("1/logs/long.log"), b"begun\n"))
        });
        terminal.hang_up();
        assert_lost_nothing(&project, typed);
    }
}

/// H07: it dies silently: nothing is said about the terminal that is gone, wherever that could still be read.
#[test]
fn h07_a_command_line_without_its_terminal_says_nothing() {
    let project = Project::new();
    let mut terminal = on_terminal(&project, "exec local-ci --output grouped 2>\"$SIDE/said\"");
    terminal.wait_for_screen("begun");
    assert_eq!(terminal.hang_up().signal(), Some(Signal::HUP.as_raw()));
    assert_eq!(fs::read_to_string(project.side("said")).unwrap(), "");
    let log = project.run_dir(1).join("supervisor.log");
    assert_lost_nothing(&project, "silently");
    assert_eq!(fs::read_to_string(log).unwrap(), "");
}

/// H07, H09: one that was told to ignore hangups stays to the end without a terminal, costs no processor time while it
/// waits, and has the run's code.
#[test]
fn h07_who_ignores_hangups_waits_without_a_terminal() {
    for mode in ["grouped", "live"] {
        let project = Project::new();
        let mut terminal = on_terminal(&project, &format!("trap '' HUP; exec local-ci --output {mode}"));
        let viewer = terminal.pid();
        wait_until("the run to print", || {
            terminal.screen();
            project.runs_dir().is_some_and(|runs| ends_with(&runs.join("1/logs/long.log"), b"begun\n"))
        });
        terminal.close();
        let attached = project.local_ci(&["attach"]).spawn();
        attached.wait_for_stdout("\nbegun\n");
        let before = processor_ticks(viewer);
        std::thread::sleep(std::time::Duration::from_millis(500));
        let spent = processor_ticks(viewer) - before;
        assert!(spent <= 10, "{mode}: {spent} ticks of 50 for nothing");
        project.open_gate("gate");
        let status: ExitStatus = terminal.outlive();
        assert_eq!(status.code(), Some(1), "{mode}");
        attached.wait().assert_code(1);
        assert_eq!(project.verdict(1), ("failed".into(), String::new(), 1), "{mode}");
        project.assert_nothing_left();
    }
}

/// The processor time that a process has had, in hundredths of a second (proc(5): utime, stime).
fn processor_ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
