//! Whatever a stage starts is accounted for: it ends with its stage, or it is left on purpose, and it is said.

use std::fs;

use rustix::process::Signal;

use crate::support::{Identity, Invocation, Project, children_of, parent_of, wait_until};

/// A run whose stages find the side directory as `SIDE`.
fn run<'p>(project: &'p Project, args: &[&str]) -> Invocation<'p> {
    project.local_ci(&[&["run"], args].concat()).env("SIDE", project.side_dir())
}

/// How long a stage took, as the journal has it.
fn duration_ms(project: &Project, stage: u32) -> u64 {
    let events = project.events(1);
    let finished = events.iter().find(|event| event["event"] == "stage_finished" && event["stage"] == stage);
    finished.unwrap()["duration_ms"].as_u64().unwrap()
}

/// H39–H43: in whatever way a process gets away from its stage, it is found and killed, and a line says so.
#[test]
fn h39_h40_h41_h42_h43_what_outlives_its_stage_is_killed_and_said() {
    for way in [
        "--hold-stdout",
        "--setsid --hold-stdout",
        "--double --hold-stdout",
        "--setsid",
        "--double",
        "--double --scrub-env",
    ] {
        let project = Project::new();
        project.config(&format!(
            "[stages.leaky]\nrun = 'chaos fork-daemon {way} --pid-file \"$SIDE/daemon\"; echo started'\n"
        ));
        let finished = run(&project, &[]).output().assert_code(0);
        let daemon = project.identity("daemon");
        assert!(!daemon.is_alive(), "{way}: it lives");
        let said = finished.stdout();
        let note = format!("note: process {} (exe) outlived its stage; it was killed\n", daemon.pid);
        assert!(said.contains("\nstarted\n") && said.contains(&note), "{way}: {said}");
        // It would have stayed for ten minutes.
        assert!(duration_ms(&project, 0) < 20_000, "{way}: the stage waited for it");
        project.assert_nothing_left();
    }
}

/// H39, H40: `leak` decides what becomes of what is left, and of the stage. H52: what is left on purpose does not
/// keep the run's lock, its supervisor or its guard.
#[test]
fn h40_h52_every_leak_policy_does_what_it_says() {
    for (policy, code, note, lives) in [
        ("kill", 0, Some("it was killed"), false),
        ("warn", 0, Some("it was left running"), true),
        ("fail", 1, Some("it was killed"), false),
        ("allow", 0, None, true),
    ] {
        let project = Project::new();
        project.config(&format!(
            "[stages.leaky]\nleak = '{policy}'\nrun = 'chaos fork-daemon --double --hold-stdout --pid-file \"$SIDE/daemon\"'\n"
        ));
        let finished = run(&project, &[]).output().assert_code(code);
        let daemon = project.identity("daemon");
        assert_eq!(daemon.is_alive(), lives, "{policy}");
        let said = finished.stdout();
        let noted = said.lines().find(|line| line.contains("outlived its stage"));
        assert_eq!(noted.and_then(|line| line.split("; ").nth(1)), note, "{policy}: {said}");
        if lives {
            fs::remove_file(project.side("daemon")).unwrap();
            // The same stage again: it is not running any more.
            run(&project, &[]).output().assert_code(0);
            project.identity("daemon").kill(Signal::KILL);
            daemon.kill(Signal::KILL);
        }
        project.assert_nothing_left();
    }
}

/// H43: a server that a stage may leave is left, even if it gave up the environment it came with.
#[test]
fn h43_what_may_stay_stays_without_its_environment() {
    for policy in ["warn", "allow"] {
        let project = Project::new();
        project.config(&format!(
            "[stages.leaky]\nleak = '{policy}'\nrun = 'chaos fork-daemon --double --scrub-env --pid-file \"$SIDE/daemon\"'\n"
        ));
        run(&project, &[]).output().assert_code(0);
        let daemon = project.identity("daemon");
        assert!(daemon.is_alive(), "{policy}");
        daemon.kill(Signal::KILL);
        project.assert_nothing_left();
    }
}

/// H43: what bears no mark belongs to nobody while several stages run, and goes at the end of the run.
#[test]
fn h43_a_stray_without_marks_goes_with_the_run() {
    let project = Project::new();
    project.config(
        "[stages.leaky]\nrun = 'chaos wait-for \"$SIDE/other\"; chaos fork-daemon --double --scrub-env --pid-file \"$SIDE/daemon\"'\n\
         [stages.other]\nleak = 'fail'\nrun = 'chaos touch \"$SIDE/other\"; chaos wait-for \"$SIDE/go\"'\n\
         [stages.last]\nneeds = ['other']\nleak = 'fail'\nrun = 'true'\n",
    );
    let running = run(&project, &["-j2"]).spawn();
    project.wait_for_event(1, "stage_finished");
    let daemon = project.identity("daemon");
    assert!(daemon.is_alive(), "nobody could know whose it is");
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);
    assert!(!daemon.is_alive());
    let log = fs::read_to_string(project.run_dir(1).join("supervisor.log")).unwrap();
    assert!(log.contains(&format!("(pid {}), which belonged to no stage", daemon.pid)), "{log}");
    project.assert_nothing_left();
}

/// H44: the supervisor inherits a thousand orphans and keeps none of their remains.
#[test]
fn h44_a_thousand_orphans_leave_no_zombie() {
    let project = Project::new();
    project.config(
        "[stages.forks]\nrun = '''\n\
         i=0; while [ $i -lt 1000 ]; do (sleep 0 &); i=$((i+1)); done\n\
         chaos touch \"$SIDE/forked\"; chaos wait-for \"$SIDE/go\"'''\n",
    );
    let running = run(&project, &[]).spawn();
    wait_until("all to be forked", || project.side("forked").exists());
    let supervisor = project.supervisor(1).pid;
    // The last ones may still run, or have just ended and not yet been waited for.
    wait_until("the stage to be the supervisor's only child", || children_of(supervisor).len() == 1);
    assert_eq!(children_of(parent_of(supervisor)).len(), 1, "the guard has the supervisor and nothing else");
    fs::write(project.side("go"), "").unwrap();
    running.wait().assert_code(0);
    project.assert_nothing_left();
}

/// H45: what ignores the request to end, in its stage or in a session of its own, is killed after the grace.
#[test]
fn h45_what_ignores_the_request_is_killed_after_the_grace() {
    let project = Project::new();
    project.config(
        "[stages.stubborn]\ngrace = '200ms'\nrun = '''\n\
         setsid chaos ignore-term --pid-file \"$SIDE/away\" --ready-file \"$SIDE/away-ready\" &\n\
         chaos ignore-term --pid-file \"$SIDE/near\" --ready-file \"$SIDE/near-ready\"'''\n",
    );
    let running = run(&project, &[]).spawn();
    wait_until("both to ignore signals", || {
        ["away-ready", "near-ready"].iter().all(|name| project.side(name).exists())
    });
    let both = [project.identity("away"), project.identity("near")];
    running.kill(Signal::TERM);
    let finished = running.wait().assert_signal(Signal::TERM);
    assert_eq!(both.map(Identity::is_alive), [false; 2]);
    assert!(finished.stdout().contains("stubborn"), "{}", finished.stdout());
    project.assert_nothing_left();
}

/// H47: a stage that takes too long ends with all it started, says its limit, and keeps what it had printed.
#[test]
fn h47_a_timeout_ends_the_tree_and_keeps_the_output() {
    let project = Project::new();
    project.config(
        "[stages.slow]\ntimeout = '1s'\ngrace = '100ms'\nrun = '''\n\
         echo begun; chaos fork-daemon --setsid --pid-file \"$SIDE/daemon\"; chaos ignore-term'''\n",
    );
    let finished = run(&project, &[]).output().assert_code(1);
    let said = finished.stdout();
    assert!(said.contains("\nbegun\n") && said.contains("timed out") && said.contains("limit 1.0s"), "{said}");
    assert!(!project.identity("daemon").is_alive());
    assert_eq!(project.log(1, "slow.log"), b"begun\n");
    project.assert_nothing_left();
}

/// H48: the run's own limit ends what runs and skips what has not begun.
#[test]
fn h48_the_runs_limit_ends_it_all() {
    let project = Project::new();
    project.config(
        "[stages.one]\nrun = 'chaos sleep 600'\n[stages.two]\nrun = 'chaos sleep 600'\n\
         [stages.after]\nneeds = ['one']\nrun = 'true'\n",
    );
    let finished = run(&project, &["-j2", "--timeout", "500ms"]).output().assert_code(1);
    let said = finished.stdout();
    assert!(
        said.contains("after (skipped:") && said.contains("  Failed: 2\n") && said.contains("  Skipped: 1\n"),
        "{said}"
    );
    project.assert_nothing_left();
}

/// H50: a stage cannot change the flags of what the command line prints on.
#[test]
fn h50_flags_of_descriptors_stay_with_the_stage() {
    let project = Project::new();
    project.config(
        "[stages.spoils]\nrun = 'chaos spoil-flags'\n[stages.spoils-pty]\npty = true\nrun = 'chaos spoil-flags'\n",
    );
    let session = project.sh("local-ci run >&2 && chaos flags").output().assert_code(0);
    assert_eq!(session.stdout(), "stdin blocks\nstdout blocks\nstderr blocks\n");
    project.assert_nothing_left();
}

/// H51: a stage has stdin, stdout and stderr, and nothing else of ours or of whoever started us.
#[test]
fn h51_a_stage_has_three_descriptors() {
    let project = Project::new();
    project.config(
        "[stages.pipes]\nrun = ['chaos', 'fds']\n[stages.terminal]\npty = true\nrun = ['chaos', 'fds']\n\
         [stages.beside]\nrun = 'chaos fds; chaos fds'\n",
    );
    let session = project.sh("exec local-ci run -j3 7</dev/null 8</etc 9>&1").output().assert_code(0);
    for (stage, lists, output) in [("pipes", 1, "pipe:"), ("terminal", 1, "/dev/pts/"), ("beside", 2, "pipe:")] {
        let log = String::from_utf8(project.log(1, &format!("{stage}.log"))).unwrap();
        let shape: Vec<_> = log.lines().map(|line| line.split_once(' ').unwrap()).collect();
        assert_eq!(shape.len(), 3 * lists, "{stage}: {log}\n{}", session.stdout());
        for list in shape.chunks(3) {
            assert_eq!(list[0], ("0", "/dev/null"), "{stage}: {log}");
            assert!(list[1].0 == "1" && list[1].1.starts_with(output), "{stage}: {log}");
            assert!(list[2].0 == "2" && list[2].1.starts_with(output), "{stage}: {log}");
        }
    }
    project.assert_nothing_left();
}

/// H53: whatever we were started with, a stage reacts to signals as the system does by default.
#[test]
fn h53_a_stage_starts_with_default_signals() {
    let project = Project::new();
    let masks = "grep -E \"^Sig(Ign|Blk):\" /proc/self/status";
    project.config(&format!("[stages.pipes]\nrun = '{masks}'\n[stages.terminal]\npty = true\nrun = '{masks}'\n"));
    project.sh("trap '' HUP INT QUIT TERM USR1 PIPE; exec local-ci run").output().assert_code(0);
    for stage in ["pipes.log", "terminal.log"] {
        let log = String::from_utf8(project.log(1, stage)).unwrap();
        // But for 32 and 33, which the C library keeps for itself and has ignored in all that it spawns.
        let masks = log.lines().map(|line| u64::from_str_radix(line.split('\t').nth(1).unwrap(), 16).unwrap());
        assert_eq!(masks.map(|mask| mask & !0x1_8000_0000).collect::<Vec<_>>(), [0, 0], "{stage}: {log}");
    }
    project.assert_nothing_left();
}
