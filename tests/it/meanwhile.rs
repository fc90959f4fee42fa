//! What happens around a run while it goes on: the program is replaced, the state goes away under those who look on,
//! memory runs out, and signals come that mean something else elsewhere.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::support::{Identity, Project, Running, have, skip, wait_until};

/// A run that has printed `before` and goes on until `go` is there.
fn gated(project: &Project) {
    project.config(
        "[stages.a]\nrun = \"echo before; chaos wait-for $SIDE/go; echo after\"\n[stages.b]\nrun = \"echo b; exit 7\"\nneeds = [\"a\"]\n",
    );
}

/// H38: an installer puts another program in the place of the one that runs. The run goes on with what it has, and the new
/// one attaches to it, lists it and stops it.
#[test]
fn h38_a_new_program_joins_and_ends_the_runs_of_the_old_one() {
    for stops in [false, true] {
        let project = Project::new();
        gated(&project);
        let [program, next] = ["bin", "next"].map(|name| project.side(name).display().to_string());
        // Copied by a process of its own: what this one has open to write, a child that another test is just starting
        // may have open as well, and a program that somebody can write to is not executed.
        let copy =
            |to: &str| project.sh(&format!("cp \"{}\" {to}", env!("CARGO_BIN_EXE_local-ci"))).output().assert_code(0);
        copy(&program);
        let with_side = |script: String| project.sh(&script).env("SIDE", project.side_dir());
        let run = with_side(format!("exec {program}")).spawn();
        run.wait_for_stdout("\nbefore\n");
        // Over its own file it cannot be written, which is the system's way of protecting it.
        let over = project.sh(&format!("cp /bin/true {program}")).output();
        assert!(over.stderr().contains("Text file busy"), "{}", over.transcript());
        copy(&next);
        fs::rename(&next, &program).unwrap();
        let supervisor = project.supervisor(1);
        let runs_as = fs::read_link(format!("/proc/{}/exe", supervisor.pid)).unwrap();
        assert!(runs_as.to_str().unwrap().ends_with(" (deleted)"), "{}", runs_as.display());
        let listed = with_side(format!("exec {program} list")).output().assert_code(0);
        assert!(listed.stdout().contains("a  running: "), "{}", listed.transcript());
        let joined = with_side(format!("exec {program} attach")).spawn();
        joined.wait_for_stdout("\nbefore\n");
        with_side(format!("exec {program} a")).output().assert_code(5);
        if stops {
            with_side(format!("exec {program} stop 1")).output().assert_code(0);
        } else {
            project.open_gate("go");
        }
        let code = if stops { 143 } else { 1 };
        run.wait().assert_code(code);
        joined.wait().assert_code(code);
        project.open_gate("go");
        with_side(format!("exec {program} -q a")).output().assert_code(0);
        project.assert_nothing_left();
    }
}

/// H37: the state goes away under those who look on at a run. None of them hangs or panics, and the run goes on.
#[test]
fn h37_onlookers_end_when_the_state_is_deleted() {
    let project = Project::new();
    gated(&project);
    let run = project.local_ci(&[]).env("SIDE", project.side_dir()).spawn();
    run.wait_for_stdout("\nbefore\n");
    let onlookers: Vec<Running<'_>> = [&["attach"][..], &["logs", "-f"], &["attach", "--output", "json"]]
        .into_iter()
        .map(|args| project.local_ci(args).spawn())
        .collect();
    onlookers[0].wait_for_stdout("\nbefore\n");
    onlookers[1].wait_for_stdout("a | before\n");
    onlookers[2].wait_for_stdout("stage_started");
    let supervisor = project.supervisor(1);
    fs::remove_dir_all(project.state_dir()).unwrap();
    for onlooker in onlookers {
        let ended = onlooker.wait().assert_code(3);
        assert!(!ended.stderr().contains("panicked"), "{}", ended.transcript());
    }
    assert!(supervisor.is_alive());
    project.open_gate("go");
    run.wait().assert_code(1);
    project.assert_nothing_left();
}

/// H08: SIGQUIT is for the run what SIGTERM is: to the command line of the one who started it, and to its supervisor. No
/// core is left of either.
#[test]
fn h08_quit_ends_a_run_as_terminate_does() {
    for to_supervisor in [false, true] {
        let project = Project::new();
        gated(&project);
        let run = project.local_ci(&[]).env("SIDE", project.side_dir()).spawn();
        run.wait_for_stdout("\nbefore\n");
        if to_supervisor {
            project.supervisor(1).kill(Signal::QUIT);
        } else {
            run.kill(Signal::QUIT);
        }
        let run = run.wait();
        assert_eq!(run.status.signal(), Some(Signal::TERM.as_raw()), "{}", run.transcript());
        assert_eq!(project.verdict(1), ("cancelled".into(), "terminate".into(), 143));
        project.assert_nothing_left();
    }
}

/// H21: SIGUSR1 asks a supervisor to stop its run, and SIGUSR2 to kill it, as `stop` and `stop -f` do. A command line has
/// no meaning for them: it dies as every program does, and the run goes on as without it.
#[test]
fn h21_the_signals_of_stop_are_for_the_supervisor() {
    for signal in [Signal::USR1, Signal::USR2] {
        let project = Project::new();
        gated(&project);
        let mut terminal = project.local_ci(&[]).env("SIDE", project.side_dir()).on_terminal(24, 80);
        terminal.wait_for_screen("before");
        terminal.kill(signal);
        assert_eq!(terminal.wait().status.signal(), Some(signal.as_raw()));
        let supervisor = project.supervisor(1);
        let attached = project.local_ci(&["attach"]).spawn();
        attached.wait_for_stdout("\nbefore\n");
        assert!(supervisor.is_alive());
        supervisor.kill(signal);
        attached.wait().assert_code(143);
        assert_eq!(project.verdict(1), ("cancelled".into(), "stopped".into(), 143));
        project.assert_nothing_left();
    }
}

/// H16: a shell in a stage that would take its terminal's foreground, as those do that somebody types in, finds none to
/// take: it neither hangs nor stops, on pipes as on a terminal of its own, and leaves ours as it was.
#[test]
fn h16_a_shell_that_wants_the_foreground_does_not_hang() {
    if !have("bash") {
        return;
    }
    let project = Project::new();
    let shell = "HISTFILE= exec bash --norc --noprofile -ic 'set -m; echo from an interactive shell; (true) & wait'";
    project.config(&format!(
        "[stages.pipes]\nrun = \"{shell}\"\ntimeout = \"60s\"\n[stages.terminal]\nrun = \"{shell}\"\npty = true\ntimeout = \"60s\"\n"
    ));
    let terminal = project.local_ci(&["--output", "grouped"]).on_terminal(40, 120);
    let modes = terminal.modes();
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    assert_eq!(left.screen.matches("\nfrom an interactive shell").count(), 2, "{}", left.screen);
    assert_eq!(left.modes, modes);
    project.assert_nothing_left();
}

/// H91: where files cannot be locked, as on some that come over a network, a run costs its history and one warning.
#[test]
fn h91_without_locks_there_is_no_history_and_a_warning() {
    for error in ["ENOLCK", "EOPNOTSUPP"] {
        let project = Project::new();
        project.config("[stages.a]\nrun = \"echo from a; exit 7\"\n");
        project.local_ci(&["-q"]).output().assert_code(1);
        // The state is on such a file system, and where temporary files are is not.
        let counter = project.runs_dir().unwrap().with_file_name("counter");
        let inject = format!("inject=flock:error={error}");
        let options = ["-P", counter.to_str().unwrap(), "-e", &inject];
        let Some(run) = project.local_ci(&[]).under_strace(&options) else { return };
        let run = run.output().assert_code(1);
        assert!(run.stdout().contains("\nfrom a\n"), "{}", run.transcript());
        assert_eq!(
            run.stderr().matches("warning: no history is kept of this run: ").count(),
            1,
            "{}",
            run.transcript()
        );
        project.assert_nothing_left();
    }
}

/// A group of processes that may take little memory together; gone with the test.
struct Pen(PathBuf);

impl Pen {
    /// None, with a line that says so, where this user may not make one.
    fn new(bytes: u64) -> Option<Self> {
        for (parent, limit) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")] {
            let pen = Self(Path::new(parent).join(format!("local-ci-test-{}", std::process::id())));
            if fs::create_dir(&pen.0).is_ok() && fs::write(pen.0.join(limit), bytes.to_string()).is_ok() {
                // Where there is swap, it counts as well.
                let _ = fs::write(pen.0.join("memory.memsw.limit_in_bytes"), bytes.to_string());
                let _ = fs::write(pen.0.join("memory.swap.max"), "0");
                return Some(pen);
            }
        }
        skip(
            "skipped: no control group with a limit of memory can be made here; run as root on a system that has them",
        );
        None
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// H25, H35: a stage that the system kills for want of memory failed by that signal, and is told what may be behind it;
/// the other stage and the run are as they were.
#[test]
fn h35_a_stage_without_memory_is_told_so() {
    let Some(pen) = Pen::new(48 << 20) else { return };
    let project = Project::new();
    project.config(&format!(
        "[stages.hungry]\nrun = \"echo $$ > {}/cgroup.procs; exec chaos alloc 400M --pid-file $SIDE/pid\"\n[stages.other]\nrun = \"echo fine\"\n",
        pen.0.display()
    ));
    let run = project.local_ci(&["-j1"]).env("SIDE", project.side_dir()).output().assert_code(1);
    assert!(run.stdout().contains("  Error: signal 9 (SIGKILL; possibly out of memory)\n"), "{}", run.transcript());
    assert!(run.stdout().contains("\nfine\n"), "{}", run.transcript());
    let stage: Identity = project.identity("pid");
    wait_until("the stage to be gone", || !stage.is_alive());
    assert_eq!(project.verdict(1), ("failed".into(), String::new(), 1));
    project.assert_nothing_left();
}
