//! Closing a viewer and coming back: a test for each requirement of the document that it comes from, `reconnection`, named
//! after it. What that document's program loses when its window is closed, a run here keeps.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Project, wait_until};

/// A run that prints a part for each gate `g1`, `g2`, …, and passes.
fn in_parts(project: &Project, parts: usize) -> Vec<String> {
    // What is waited for on a screen does not stand in the command that is shown there.
    let mut script = "echo part $((0))".to_owned();
    let mut printed = vec!["part 0\n".to_owned()];
    for n in 1..=parts {
        let (gate, count) = (project.side(&format!("g{n}")), n * 500);
        script = format!("{script}; chaos wait-for {}; chaos lines {count}; echo part $(({n}))", gate.display());
        let lines = (1..=count).fold(String::new(), |text, line| text + &format!("line {line}\n"));
        printed.push(format!("{lines}part {n}\n"));
    }
    project.config(&format!("[stages.talks]\nrun = \"{script}\"\n"));
    printed
}

/// The lines of a transcript between the markers of its only group, but for the command.
#[track_caller]
fn group(transcript: &str) -> &str {
    let (_, rest) = transcript.split_once("::group::talks\n$ ").unwrap();
    let (group, _) = rest.split_once("::endgroup::\n").unwrap();
    group.split_once('\n').unwrap().1
}

fn hash(bytes: impl AsRef<[u8]>) -> String {
    blake3::hash(bytes.as_ref()).to_hex().to_string()
}

/// "Closing the TUI should not cancel or interrupt any runs", however it is closed, and as often as that is: by SIGKILL, by
/// closing its terminal, by leaving it. "It should appear as if it was never closed, including retaining all logs while it
/// was closed."
#[test]
fn reconnection_closing_the_viewer_again_and_again_loses_nothing() {
    let project = Project::new();
    let printed = in_parts(&project, 6);
    let live = |args: &[&str]| project.local_ci(args).env("TERM", "xterm").on_terminal(24, 80);
    let first = live(&["-v"]);
    let supervisor = project.supervisor(1);
    let mut viewer = first;
    for n in 1..=6 {
        viewer.wait_for_screen(&format!("part {}", n - 1));
        match n % 3 {
            0 => drop(viewer.hang_up()),
            1 => {
                viewer.kill(Signal::KILL);
                assert_eq!(viewer.wait().status.signal(), Some(Signal::KILL.as_raw()));
            }
            _ => {
                viewer.type_keys("\x03");
                assert_eq!(viewer.wait().status.signal(), Some(Signal::INT.as_raw()));
            }
        }
        // Nobody looks while this is printed.
        project.open_gate(&format!("g{n}"));
        wait_until("the part to be printed", || {
            let log = project.log(1, "talks.log");
            log.ends_with(format!("part {n}\n").as_bytes())
        });
        assert!(n == 6 || supervisor.is_alive());
        viewer = live(&["attach", "-v"]);
    }
    assert_eq!(viewer.wait().status.code(), Some(0));
    let all = printed.concat();
    assert_eq!(hash(project.log(1, "talks.log")), hash(&all));
    let back = project.local_ci(&["attach"]).output().assert_code(0);
    assert_eq!(hash(group(&back.stdout())), hash(&all));
    project.assert_nothing_left();
}

/// "Reads the entire log file (including events produced while it was closed) … and continues tailing for new events": what
/// a viewer shows who never left, one who came late, `logs` of then and now, are the same bytes.
#[test]
fn reconnection_every_viewer_shows_the_same_bytes() {
    let project = Project::new();
    let printed = in_parts(&project, 2);
    let foreground = project.local_ci(&[]).spawn();
    foreground.wait_for_stdout("part 0\n");
    project.open_gate("g1");
    foreground.wait_for_stdout("part 1\n");
    let viewers: Vec<_> = (0..3).map(|_| project.local_ci(&["attach", "talks"]).spawn()).collect();
    let logs = project.local_ci(&["logs", "-f", "talks"]).spawn();
    for viewer in &viewers {
        viewer.wait_for_stdout("part 1\n");
    }
    project.open_gate("g2");
    let all = hash(printed.concat());
    assert_eq!(hash(group(&foreground.wait().assert_code(0).stdout())), all);
    for viewer in viewers {
        assert_eq!(hash(group(&viewer.wait().assert_code(0).stdout())), all);
    }
    assert_eq!(hash(logs.wait().assert_code(0).stdout), all);
    let later = project.local_ci(&["logs", "1"]).output().assert_code(0);
    assert_eq!(hash(later.stdout), all);
    project.assert_nothing_left();
}

/// "Process exits while it is closed: on restart, full log is available", with how the run ended.
#[test]
fn reconnection_a_run_that_ended_meanwhile_is_shown_with_its_end() {
    let project = Project::new();
    project.config("[stages.talks]\nrun = \"chaos lines 3000; exit 9\"\n");
    project.local_ci(&["-d"]).output().assert_code(0);
    assert_eq!(project.verdict(1).2, 1);
    let back = project.local_ci(&["attach"]).output().assert_code(1);
    assert_eq!(hash(group(&back.stdout())), hash(project.log(1, "talks.log")));
    assert!(back.stdout().contains("\n  Error: exit code 9\n"), "{}", back.transcript());
    project.assert_nothing_left();
}

/// "Process exits immediately: `FollowReader` sees EOF, context is cancelled, no hang."
#[test]
fn reconnection_a_run_that_ends_immediately_is_no_hang() {
    let project = Project::new();
    project.config("[stages.talks]\nrun = \"printf end\"\n");
    for number in 1..=10 {
        project.local_ci(&["-dq"]).output().assert_code(0);
        let back = project.local_ci(&["attach", &number.to_string()]).output().assert_code(0);
        // Its last line has no end; it is shown all the same.
        assert_eq!(group(&back.stdout()), "end\n", "{}", back.transcript());
        project.verdict(number);
    }
    project.assert_nothing_left();
}

/// "For runs with log files and a dead PID: still read the log file …, then mark as failed": here it is lost, and never
/// passed.
#[test]
fn reconnection_a_run_whose_owner_died_shows_what_there_is() {
    let project = Project::new();
    in_parts(&project, 1);
    project.local_ci(&["-d"]).output().assert_code(0);
    let viewer = project.local_ci(&["attach"]).spawn();
    viewer.wait_for_stdout("part 0\n");
    project.supervisor(1).kill(Signal::KILL);
    let watched = viewer.wait().assert_code(3);
    assert!(watched.stdout().contains("part 0\n"), "{}", watched.transcript());
    let back = project.local_ci(&["attach"]).output().assert_code(3);
    assert!(back.stdout().contains("part 0\n") && back.stdout().contains("Lost:"), "{}", back.transcript());
    project.assert_nothing_left();
}

/// "Log file missing on rehydrate: fall back … gracefully": the sentence stands where the output would.
#[test]
fn reconnection_a_missing_log_is_said_and_nothing_else_is_lost() {
    let project = Project::new();
    project.config("[stages.talks]\nrun = \"echo gone\"\n[stages.next]\nrun = \"echo here\"\nneeds = [\"talks\"]\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    fs::remove_file(project.run_dir(1).join("logs/talks.log")).unwrap();
    let back = project.local_ci(&["attach"]).output().assert_code(0);
    assert!(back.stdout().contains("[the log ends early: 5 bytes of it are missing]\n"), "{}", back.transcript());
    assert!(back.stdout().contains("\nhere\n"), "{}", back.transcript());
    project.assert_nothing_left();
}

/// "Tail-follow … large file handling": who comes back late to a long output may begin near its end.
#[test]
fn reconnection_the_end_of_a_long_log_is_reached_at_once() {
    let project = Project::new();
    let go = project.side("go");
    project.config(&format!(
        "[stages.talks]\nrun = \"chaos lines 200000; chaos wait-for {}; echo at last\"\n",
        go.display()
    ));
    project.local_ci(&["-d"]).output().assert_code(0);
    let log = project.run_dir(1).join("logs/talks.log");
    wait_until("the lines to be printed", || log.exists() && project.log(1, "talks.log").ends_with(b"line 200000\n"));
    let back = project.local_ci(&["attach", "--tail", "2"]).spawn();
    back.wait_for_stdout("line 200000\n");
    project.open_gate("go");
    let back = back.wait().assert_code(0).stdout();
    let shown: Vec<&str> = group(&back).lines().collect();
    assert!(shown[0].ends_with(" bytes of earlier output are left out; `local-ci logs 1/talks` shows them]"), "{back}");
    assert_eq!(shown[1..], ["line 199999", "line 200000", "at last"]);
    project.assert_nothing_left();
}
