//! Coming back to a run: from its first byte, to its end, with its own code, and without a hand in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
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

/// Two stages that wait for gates of their names.
fn two_gated(project: &Project) {
    let stage = |name: &str| {
        format!(
            "[stages.{name}]\nrun = \"echo {name} begun; chaos wait-for {}; echo over\"\n",
            project.side(name).display()
        )
    };
    project.config(&(stage("one") + &stage("two")));
}

/// Without a name, the newest run that goes on is meant, though a later one has ended; else the latest.
#[test]
fn attaching_means_the_newest_run_that_goes_on() {
    let project = Project::new();
    two_gated(&project);
    project.local_ci(&["-d", "one"]).output().assert_code(0);
    project.open_gate("two");
    project.local_ci(&["-q", "two"]).output().assert_code(0);
    let attached = project.local_ci(&["attach"]).spawn();
    attached.wait_for_stdout("\none begun\n");
    project.open_gate("one");
    attached.wait().assert_code(0);
    assert!(project.local_ci(&["attach"]).output().assert_code(0).stdout().contains("\ntwo begun\nover\n"));
    project.assert_nothing_left();
}

/// From another directory, in whatever terminal, after the starter was killed, several at once: a run is a run.
#[test]
fn a_run_is_attached_to_from_everywhere() {
    let project = Project::new();
    two_gated(&project);
    // Somebody sits there, so that the run outlives the command line.
    let starter = project.local_ci(&["one"]).on_terminal(24, 80);
    project.wait_for_event(1, "stage_started");
    starter.kill(Signal::KILL);
    starter.wait();
    let elsewhere = project.local_ci(&["-C", "project", "attach", "one"]).cwd("..").spawn();
    let also = project.local_ci(&["attach", "latest", "--output", "lines"]).spawn();
    elsewhere.wait_for_stdout("\none begun\n");
    also.wait_for_stdout("[one] one begun\n");
    let mut on_terminal = project.local_ci(&["attach", "1/one", "-v"]).env("TERM", "xterm").on_terminal(24, 80);
    on_terminal.wait_for_screen("one begun\n");
    project.open_gate("one");
    elsewhere.wait().assert_code(0);
    also.wait().assert_code(0);
    assert_eq!(on_terminal.wait().status.code(), Some(0));
    project.assert_nothing_left();
}

/// A name that nothing has is answered with those that are like it.
#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let project = Project::new();
    project.config("[stages.clippy]\nrun = \"true\"\n[stages.fmt]\nrun = \"true\"\n");
    project.local_ci(&["-q"]).output().assert_code(0);
    for (word, told) in [
        ("clipy", "error: no run has a stage or job \"clipy\"; did you mean clippy?\n"),
        ("lastest", "error: no run has a stage or job \"lastest\"; did you mean latest?\n"),
        ("1/ftm", "error: run 1 has no stage \"ftm\"; did you mean fmt?\n"),
        ("zzz", "error: no run has a stage or job \"zzz\"\n"),
        ("7", "error: there is no run 7\n"),
    ] {
        let refused = project.local_ci(&["attach", word]).output().assert_code(2);
        assert!(refused.stderr().starts_with(told), "{}", refused.transcript());
    }
    project.assert_nothing_left();
}

/// `--tail` begins so many lines before the end of what each stage had printed then, and says so; what is printed after
/// it is shown whole, whatever attempt it belongs to.
#[test]
fn h73_a_tail_begins_before_the_end_as_of_attaching() {
    let project = Project::new();
    let (first, second) = (project.side("first"), project.side("second"));
    project.config(&format!(
        "[stages.done]\nrun = \"chaos lines 50\"\n[stages.tries]\nneeds = [\"done\"]\nretries = 1\nrun = \"chaos lines 9; chaos wait-for {}; chaos lines 3; test $LOCAL_CI_ATTEMPT = 2 && chaos wait-for {}\"\n",
        first.display(),
        second.display()
    ));
    project.local_ci(&["-d"]).output().assert_code(0);
    wait_until("the lines to be printed", || {
        project.run_dir(1).join("logs/tries.log").exists() && project.log(1, "tries.log").ends_with(b"line 9\n")
    });
    let back = project.local_ci(&["attach", "--tail", "2"]).spawn();
    back.wait_for_stdout("line 8\nline 9\n");
    project.open_gate("first");
    project.open_gate("second");
    let back = back.wait().assert_code(0);
    let text = back.stdout();
    let note = |stage: &str| format!(" bytes of earlier output are left out; `local-ci logs 1/{stage}` shows them]\n");
    assert!(text.contains(&format!("{}line 49\nline 50\n::endgroup::", note("done"))), "{text}");
    let whole = (1..=9).chain(1..=3).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    let expected = format!("{}line 8\nline 9\nline 1\nline 2\nline 3\n", note("tries"));
    assert!(text.contains(&expected) && text.contains(&format!("{whole}::endgroup::")), "{text}");
    // Who attaches after the end begins before the end of the last attempt.
    let after = project.local_ci(&["attach", "--tail", "1"]).output().assert_code(0).stdout();
    assert!(after.contains(&format!("{}… attempt 1 did not pass", note("tries"))), "{after}");
    assert!(after.contains(&format!("{}line 3\n::endgroup::", note("tries"))), "{after}");
    // One that is longer than that is all of it.
    let all = project.local_ci(&["attach", "--tail", "1000"]).output().assert_code(0).stdout();
    assert!(!all.contains("left out; `local-ci logs 1/done`"), "{all}");
    project.assert_nothing_left();
}

/// H71: a log that is truncated, replaced or removed under a viewer is told of in a sentence, what there is then is shown,
/// and the viewer ends with the run all the same.
#[test]
fn h71_what_happens_to_a_log_is_told_and_followed() {
    for face in ["grouped", "lines"] {
        let project = Project::new();
        let gate = |n: u32| project.side(&format!("g{n}")).display().to_string();
        let script = (1..=3)
            .fold("echo p0".to_owned(), |script, n| script + &format!("; chaos wait-for {}; echo p{n}", gate(n)));
        project.config(&format!("[stages.talks]\nrun = \"{script}\"\n"));
        let run = project.local_ci(&["--output", face]).spawn();
        run.wait_for_stdout("p0\n");
        let viewer = project.local_ci(&["attach", "--output", face]).spawn();
        viewer.wait_for_stdout("p0\n");
        let log = project.run_dir(1).join("logs/talks.log");

        fs::File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
        let both_say = |text: &str| [&run, &viewer].iter().for_each(|one| one.wait_for_stdout(text));
        both_say("[the log was truncated; what it has now follows]\n");
        project.open_gate("g1");
        both_say("p1\n");

        fs::remove_file(&log).unwrap();
        both_say("[the log was removed; it is followed for as long as it can be]\n");
        project.open_gate("g2");
        both_say("p2\n");

        fs::write(&log, "of somebody else\n").unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();
        both_say("[the log was replaced by another file, which follows]\n");
        both_say("of somebody else\n");
        project.open_gate("g3");
        for both in [run, viewer] {
            let ended = both.wait().assert_code(0);
            assert_eq!(ended.stdout().matches("the log was ").count(), 3, "{}", ended.transcript());
        }
        project.assert_nothing_left();
    }
}
