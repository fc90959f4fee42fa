//! How stages end that do not end by themselves, or not cleanly.

use rustix::process::Signal;

use crate::support::{Identity, Project, wait_until};

/// A shell has its background jobs ignore SIGINT. What it leaves behind when it dies of Ctrl+C does not hold the run up
/// for the whole grace.
#[test]
fn ctrl_c_ends_what_a_shell_left_in_the_background() {
    let project = Project::new();
    project.config("[stages.serve]\ngrace = \"10m\"\nrun = \"chaos sleep 600 & echo ready; wait\"\n");
    let running = project.local_ci(&["serve"]).spawn();
    running.wait_for_stdout("\nready\n");
    running.kill(Signal::INT);
    let finished = running.wait().assert_signal(Signal::INT);
    assert!(finished.stdout().contains("cancelled: interrupted"), "{}", finished.stdout());
    project.assert_nothing_left();
}

/// What is left on purpose and never stops writing is not waited for: what is there is taken, and its pipe closed.
#[test]
fn h39_a_leftover_that_never_stops_writing_does_not_hold_its_stage() {
    let project = Project::new();
    project.config("[stages.noisy]\nleak = \"warn\"\nlog-max = \"1MiB\"\nrun = \"yes & echo began\"\n");
    let finished = project.local_ci(&["-q", "noisy"]).output().assert_code(0);
    assert!(finished.stdout().contains("note: noisy: process "), "{}", finished.stdout());
    assert!(finished.stdout().contains("(yes) outlived its stage; it was left running"), "{}", finished.stdout());
    // Nobody reads what it writes any more, which ends it.
    project.assert_nothing_left();
}

/// H51: a system that cannot close a range of descriptors gives stages no more of them for it.
#[test]
fn h51_without_close_range_nothing_is_inherited_either() {
    let project = Project::new();
    project.config("[stages.fds]\nrun = [\"chaos\", \"fds\"]\n");
    project.local_ci(&["fds"]).output().assert_code(0);
    let old = ["-e", "trace=close_range", "-e", "inject=close_range:error=ENOSYS"];
    let Some(old) = project.local_ci(&["fds"]).under_strace(&old) else { return };
    old.output().assert_code(0);
    for run in [1, 2] {
        let log = String::from_utf8(project.log(run, "fds.log")).unwrap();
        let numbers: Vec<&str> = log.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(numbers, ["0", "1", "2"], "run {run}: {log}");
    }
    project.assert_nothing_left();
}

/// Who is started with signals ignored, as nohup(1) starts programs, goes on ignoring them.
#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    let project = Project::new();
    project.config("[stages.slow]\nrun = \"echo ready; chaos wait-for $SIDE/go\"\n");
    let script = "trap '' HUP INT; exec local-ci slow";
    let running = project.sh(script).env("SIDE", project.side_dir()).spawn();
    running.wait_for_stdout("\nready\n");
    running.kill(Signal::HUP);
    running.kill(Signal::INT);
    project.open_gate("go");
    running.wait().assert_code(0);
    project.assert_nothing_left();
}

/// Ctrl+C reaches a run whose viewer has nobody who reads, neither what it shows nor what it says about it; and three
/// times leaves even then.
#[test]
fn h55_ctrl_c_reaches_a_run_whose_viewer_is_blocked() {
    let project = Project::new();
    project.config(
        "[stages.flood]\ngrace = \"10m\"\nlog-max = \"1MiB\"\nrun = \"exec chaos flood 10G --pid-file $SIDE/pid\"\n",
    );
    // Both streams go into a pipe that is held open and never read.
    let script = "mkfifo $SIDE/full; exec 9<>$SIDE/full; exec local-ci flood >&9 2>&1";
    let running = project.sh(script).env("SIDE", project.side_dir()).spawn();
    let stage = project.identity("pid");
    let writes = || std::fs::read_to_string(format!("/proc/{}/wchan", running.pid())).unwrap_or_default();
    // A kernel that tells nobody where a process waits says "0".
    wait_until("the viewer to be blocked", || writes().contains("pipe") || writes() == "0");
    running.kill(Signal::INT);
    stage.assert_gone();
    // Two that come at once count as one, so it is told again until it has heard three.
    let viewer = Identity::of(running.pid()).unwrap();
    wait_until("the viewer to leave", || {
        running.kill(Signal::INT);
        !viewer.is_alive()
    });
    running.wait().assert_signal(Signal::INT);
    project.assert_nothing_left();
}
