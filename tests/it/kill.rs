//! kill -9 of every process that a run is made of, at any moment: nothing is left running, nothing is said to have
//! passed that did not, and the next run works.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Finished, Identity, Project, Running, wait_until};

/// H25: a stage that is killed failed, by that signal.
#[test]
fn h25_a_killed_stage_failed_by_its_signal() {
    let project = Project::new();
    let pid = project.side("pid");
    project
        .config(&format!("[stages.a]\nrun = [\"chaos\", \"sleep\", \"600\", \"--pid-file\", \"{}\"]\n", pid.display()));
    let run = project.local_ci(&[]).spawn();
    project.identity("pid").kill(Signal::KILL);
    let run = run.wait().assert_code(1);
    let text = run.stdout();
    assert!(text.contains("  Error: signal 9 (SIGKILL; possibly out of memory)\n"), "{}", run.transcript());
    assert_eq!(project.verdict(1), ("failed".into(), String::new(), 1));
    let list = project.local_ci(&["list"]).output().assert_code(0);
    assert!(list.stdout().starts_with("a  stopped (137): "), "{}", list.transcript());
    project.assert_nothing_left();
}

/// H24, H26, H28, H90: with its supervisor the whole of a run dies, whatever it started, and only then is it over;
/// then its stages can be started again at once, without anything to clean up.
#[test]
fn h24_a_killed_supervisor_takes_its_whole_tree_along() {
    for kills_viewer in [false, true] {
        let project = Project::new();
        let names = ["setsid", "double", "scrubbed", "stubborn"];
        let [a, b, c, d] = names.map(|name| project.side(name).display().to_string());
        project.config(&format!(
            "[stages.a]\nrun = \"chaos fork-daemon --setsid --pid-file {a}; chaos fork-daemon --double --pid-file {b}; \
             chaos fork-daemon --double --scrub-env --close-fds --pid-file {c}; exec chaos ignore-term --pid-file {d}\"\n\
             [stages.quick]\nrun = \"true\"\n"
        ));
        let run = project.local_ci(&[]).spawn();
        let tree = names.map(|name| project.identity(name));
        let supervisor = project.supervisor(1);
        if kills_viewer {
            run.kill(Signal::KILL);
        }
        supervisor.kill(Signal::KILL);
        if kills_viewer {
            run.wait().assert_signal(Signal::KILL);
            // The guard's exit is the end of it; nobody is left to tell.
            wait_until("the run to be over", || project.local_ci(&["show"]).output().status.code() == Some(3));
        } else {
            let run = run.wait().assert_code(3);
            assert!(run.stdout().contains("Lost: "), "{}", run.transcript());
        }
        assert!(tree.iter().all(|process| !process.is_alive()), "lost before it was gone");
        let list = project.local_ci(&["list"]).output().assert_code(0);
        assert!(list.stdout().starts_with("a  lost: "), "{}", list.transcript());
        project.local_ci(&["attach", "1"]).output().assert_code(3);
        project.local_ci(&["logs", "-f", "1"]).output().assert_code(3);
        for name in names {
            fs::remove_file(project.side(name)).unwrap();
        }
        let again = project.local_ci(&["a"]).spawn();
        project.identity("stubborn").kill(Signal::KILL);
        again.wait().assert_code(1);
        assert_eq!(project.run_numbers(), [1, 2]);
        project.assert_nothing_left();
    }
}

/// How many supervisors are killed, in all.
const ROUNDS: u64 = 200;
/// In so many projects side by side.
const PROJECTS: u64 = 4;

/// H24, H26, H27, H90: killed at whatever moment, a run is lost or has the verdict it should have; it never passed without
/// one. Each round's run is at the same time the next one of the round before.
#[test]
fn h24_a_supervisor_killed_at_any_moment_leaves_a_sound_project() {
    thread::scope(|scope| {
        for thread in 0..PROJECTS {
            scope.spawn(move || rounds_of_killing(thread));
        }
    });
}

fn rounds_of_killing(thread: u64) {
    let project = Project::new();
    // Half of the projects fail, so that a false "passed" cannot hide behind a true one; in half of each the command
    // line is killed as well.
    let (end, code) = if thread.is_multiple_of(2) { ("true", 0) } else { ("exit 7", 1) };
    let kills_viewer = thread >= PROJECTS / 2;
    project.config(&format!(
        "[stages.a]\nrun = \"echo a; chaos sleep 0.002\"\n[stages.b]\nrun = \"(chaos sleep 0.01 &) ; echo b\"\n\
         [stages.c]\nrun = \"echo c; {end}\"\nneeds = [\"a\"]\n"
    ));
    let (mut lost, mut finished) = (0, 0);
    // In microseconds: as long as a run takes here, which is found out on the way.
    let mut window = 45_000;
    for number in 1..=ROUNDS / PROJECTS {
        let run = project.local_ci(&[]).env("CI", "true").spawn();
        let supervisor = project.supervisor(number);
        // Not waiting for anything: this is the moment, a different one each time.
        let moment = (number * 7919 + thread * 4001) % window;
        thread::sleep(Duration::from_micros(moment));
        supervisor.kill(Signal::KILL);
        if kills_viewer {
            run.kill(Signal::KILL);
        }
        let run = run.wait();
        let mut show = project.local_ci(&["show"]).output();
        // Without a viewer nobody has waited for the guard.
        wait_until("the run to be over", || {
            show = project.local_ci(&["show"]).output();
            !show.stderr().contains("has not ended yet")
        });
        assert_eq!(project.run_numbers(), (1..=number).collect::<Vec<_>>());
        let is_lost = project.last_word(number).is_none();
        let expected = if is_lost { 3 } else { code };
        (lost, finished) = (lost + u32::from(is_lost), finished + u32::from(!is_lost));
        if is_lost && moment > window / 2 {
            window += window / 4;
        }
        assert_eq!((show.status.code(), says_lost(&show)), (Some(expected), is_lost), "{}", show.transcript());
        if run.status.signal() != Some(Signal::KILL.as_raw()) {
            assert_eq!((run.status.code(), says_lost(&run)), (Some(expected), is_lost), "{}", run.transcript());
        }
        let left = project.left_now();
        assert!(!left.iter().any(|left| left.contains("carries a run's id")), "{left:?}");
    }
    assert!(lost > 0 && finished > 0, "{lost} lost, {finished} finished: the moments were all alike");
    project.local_ci(&["list"]).output().assert_code(0);
    project.local_ci(&["plan"]).output().assert_code(0);
    project.local_ci(&[]).output().assert_code(code);
    project.assert_nothing_left();
}

/// Whether somebody was told that the run is lost.
fn says_lost(finished: &Finished) -> bool {
    let before_it_began = "is lost: its supervisor died before it could start anything";
    finished.stdout().contains("\nLost: ") || finished.stderr().contains(before_it_began)
}

/// H89: of two that start the same job at once one runs it, and the other says which run has it.
#[test]
fn h89_two_starters_have_one_winner() {
    let project = Project::new();
    let [gate, codes, errors] = ["gate", "codes", "errors"].map(|name| project.side(name));
    project.config(&format!("[stages.a]\nrun = \"chaos wait-for {}\"\n", gate.display()));
    let script = format!("local-ci -q 2>>{}; echo $? >>{}", errors.display(), codes.display());
    for round in 1..=15 {
        let both: [Running<'_>; 2] = [0, 1].map(|_| project.sh(&script).spawn());
        let codes_so_far = || fs::read_to_string(&codes).unwrap_or_default();
        wait_until("one of them to give up", || codes_so_far() == "5\n");
        let said = fs::read_to_string(&errors).unwrap();
        let expected = format!("error: stage a is running already, in run {round}");
        assert!(said.starts_with(&expected) && said.lines().count() == 2, "{said}");
        project.open_gate("gate");
        for one in both {
            one.wait().assert_code(0);
        }
        assert_eq!(codes_so_far(), "5\n0\n");
        for file in [&gate, &codes, &errors] {
            fs::remove_file(file).unwrap();
        }
        assert_eq!(project.run_numbers(), (1..=round).collect::<Vec<_>>());
    }
    project.assert_nothing_left();
}

/// H37: a state directory that is deleted under a run costs its record; the run goes on and comes to its verdict.
#[test]
fn h37_a_deleted_state_directory_does_not_end_the_run() {
    for (end, code) in [("true", 0), ("exit 7", 1)] {
        let project = Project::new();
        let gate = project.side("gate");
        project.config(&format!(
            "[stages.a]\nrun = \"echo before; chaos wait-for {}; echo after\"\n[stages.b]\nrun = \"echo late; {end}\"\nneeds = [\"a\"]\n",
            gate.display()
        ));
        let run = project.local_ci(&[]).spawn();
        run.wait_for_stdout("\nbefore\n");
        fs::remove_dir_all(project.state_dir()).unwrap();
        project.open_gate("gate");
        let run = run.wait().assert_code(code);
        // Whoever looks just then says that the log is gone, too.
        let said = "[the log was removed; it is followed for as long as it can be]\n";
        assert!(run.stdout().replace(said, "").contains("before\nafter\n::endgroup::"), "{}", run.transcript());
        let said = "[5 bytes lost: they could not be written to the log]";
        assert_eq!(run.stdout().matches(said).count(), 1, "{}", run.transcript());
        assert!(
            run.stdout().contains("Run 1 is not kept: its record was removed while it went on.\n"),
            "{}",
            run.transcript()
        );
        assert!(!run.stdout().contains("log: "), "{}", run.transcript());
        assert!(project.run_numbers().is_empty());
        project.local_ci(&["a"]).output().assert_code(0);
        project.assert_nothing_left();
    }
}

/// H38: a program that is replaced while its run goes on changes nothing for that run, and the new one can join it.
#[test]
fn h38_a_replaced_program_does_not_disturb_its_run() {
    let project = Project::new();
    let [gate, program] = ["gate", "local-ci"].map(|name| project.side(name));
    project.config(&format!(
        "[stages.a]\nrun = \"echo before; chaos wait-for {}\"\n[stages.b]\nrun = \"echo b\"\nneeds = [\"a\"]\n",
        gate.display()
    ));
    // Copied by a process of its own: what this one has open to write, a child that another test is just starting may
    // have open as well, and a program that somebody can write to is not executed.
    project.sh(&format!("cp {} {}", env!("CARGO_BIN_EXE_local-ci"), program.display())).output().assert_code(0);
    let run = project.sh(&format!("exec {}", program.display())).spawn();
    run.wait_for_stdout("\nbefore\n");
    // As an installer does it: a new file under the old name.
    fs::remove_file(&program).unwrap();
    fs::write(&program, "#!/bin/sh\nexit 99\n").unwrap();
    let joined = project.local_ci(&["attach"]).spawn();
    joined.wait_for_stdout("\nbefore\n");
    project.open_gate("gate");
    run.wait().assert_code(0);
    joined.wait().assert_code(0);
    project.assert_nothing_left();
}

/// The guard alone has nothing of the run: without it the run comes to its verdict all the same.
#[test]
fn a_killed_guard_does_not_end_the_run() {
    let project = Project::new();
    let gate = project.side("gate");
    project.config(&format!("[stages.a]\nrun = \"chaos wait-for {}; exit 7\"\n", gate.display()));
    let run = project.local_ci(&[]).spawn();
    let guard: Identity = project.supervisor(1).parent().unwrap();
    assert_ne!(guard.pid, run.pid());
    guard.kill(Signal::KILL);
    guard.assert_gone();
    project.local_ci(&[]).output().assert_code(5);
    project.open_gate("gate");
    run.wait().assert_code(1);
    project.assert_nothing_left();
}
