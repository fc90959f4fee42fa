//! The harness itself: what it promises to the other tests, shown where it must fail as well as where it must pass.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Finished, Identity, Invocation, Left, Project, Running, Terminal, assert_transcript, wait_until};

/// A process that sleeps until it is killed.
fn sleeper(project: &Project) -> (Running<'_>, Identity) {
    let pid = project.side("sleeper");
    let running = project.chaos(&["sleep", "600", "--pid-file", pid.to_str().unwrap()]).spawn();
    (running, project.identity("sleeper"))
}

/// A script on a terminal that waits for Enter before it begins.
fn waiting_script<'p>(project: &'p Project, script: &str) -> Terminal<'p> {
    project.sh(&format!("read go; {script}")).on_terminal(24, 80)
}

/// What a piece of a test says when it fails.
fn failure(test: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| (*payload.downcast_ref::<&str>().unwrap()).to_owned())
}

#[test]
fn a_session_reads_as_it_was_typed() {
    let project = Project::new();
    project.write("sub/note.txt", "kept\n");
    let session =
        project.sh("cat note.txt; echo took 2.3s, pid $$ >&2; printf %s \"$PWD\"; exit 3").cwd("sub").output();
    assert_transcript!(session.redact("kept", "[KEPT]"), @r#"
    $ sh -c 'cat note.txt; echo took [TIME], pid $$ >&2; printf %s "$PWD"; exit 3'
    [KEPT]
    [PROJECT]/sub (no newline)
    --- stderr
    took [TIME], pid [PID]
    --- exit 3
    "#);
    let killed: Finished = project.sh("kill -9 $$").output();
    assert!(killed.transcript().ends_with("--- signal 9"), "{}", killed.transcript());
    project.assert_nothing_left();
}

#[test]
fn the_runner_is_there() {
    let project = Project::new();
    project.local_ci(&["--help"]).output().assert_code(0);
    project.assert_nothing_left();
}

#[test]
fn a_wrong_code_is_shown_with_what_was_printed() {
    let project = Project::new();
    let said = failure(|| drop(project.sh("echo why; exit 4").output().assert_code(0)));
    assert!(said.contains("Some(4)") && said.contains("why") && said.contains("--- exit 4"), "{said}");
    let said = failure(|| drop(project.sh("echo why; exit 4").output().assert_signal(Signal::TERM)));
    assert!(said.contains("Some(15)") && said.contains("why"), "{said}");
}

#[test]
fn the_watchdog_kills_the_whole_tree_and_tells() {
    let project = Project::new();
    let pid = project.side("pid");
    let script =
        format!("echo begun; chaos fork-daemon --double --scrub-env --pid-file {}; chaos sleep 600", pid.display());
    let hung = project.sh(&script).limit(Duration::from_secs(2)).spawn();
    hung.wait_for_stdout("begun");
    let daemon = project.identity("pid");
    let said = failure(|| drop(hung.wait()));
    for part in ["did not end in time", "begun", "sleep 600", "daemon --generations 0"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!daemon.is_alive());
    project.assert_nothing_left();
}

#[test]
fn output_that_stays_open_is_a_failure_that_names_the_holder() {
    let project = Project::new();
    let pid = project.side("pid");
    let said = failure(|| {
        let args = ["fork-daemon", "--hold-stdout", "--setsid", "--pid-file", pid.to_str().unwrap()];
        drop(project.chaos(&args).output());
    });
    assert!(said.contains("still holds") && said.contains("daemon"), "{said}");
}

#[test]
fn what_never_comes_is_not_waited_for_after_the_end() {
    let project = Project::new();
    let running = project.sh("echo one; echo two >&2").spawn();
    running.wait_for_stderr("two");
    let said = failure(|| running.wait_for_stdout("three"));
    assert!(said.contains("\"three\" never came on stdout") && said.contains("one"), "{said}");
    running.wait().assert_code(0);
}

#[test]
fn a_dropped_project_takes_its_processes_with_it() {
    let project = Project::new();
    let pid = project.side("pid");
    project.chaos(&["fork-daemon", "--setsid", "--pid-file", pid.to_str().unwrap()]).output().assert_code(0);
    let daemon = project.identity("pid");
    assert!(daemon.is_alive());
    drop(project);
    assert!(!daemon.is_alive());
}

/// I1: a living process is found by its environment, or by where it works when it has none.
#[test]
fn a_living_process_is_something_left() {
    let project = Project::new();
    for (scrub, why) in [("", "carries a run's id"), ("--scrub-env", "works in our directory")] {
        let pid = project.side("pid");
        let script = format!("chaos fork-daemon --double {scrub} --pid-file {}", pid.display());
        project.sh(&script).env("LOCAL_CI_RUN_ID", "0").output().assert_code(0);
        let said = project.left_now().join("\n");
        assert!(said.contains("daemon") && said.contains(why), "{said}");
        project.identity("pid").kill(Signal::KILL);
        project.identity("pid").assert_gone();
        fs::remove_file(pid).unwrap();
        project.assert_nothing_left();
    }
}

/// I6: state is private, and nothing is made anywhere else.
#[test]
fn an_open_mode_or_a_stray_file_is_something_left() {
    let project = Project::new();
    project.config("[stages]\n").write("a/b.txt", "").expects("made/by-stage");
    fs::create_dir(project.dir().join("made")).unwrap();
    fs::write(project.dir().join("made/by-stage"), "").unwrap();
    fs::create_dir(project.state_dir()).unwrap();
    fs::set_permissions(project.state_dir(), Permissions::from_mode(0o700)).unwrap();
    let kept = project.state_dir().join("header.json");
    fs::write(&kept, "").unwrap();
    fs::set_permissions(&kept, Permissions::from_mode(0o600)).unwrap();
    project.assert_nothing_left();

    for mode in [0o640, 0o604, 0o700] {
        fs::set_permissions(&kept, Permissions::from_mode(mode)).unwrap();
        let said = failure(|| project.assert_nothing_left());
        assert!(said.contains(&format!("header.json has mode {mode:o}, not 600")), "{said}");
    }
    fs::set_permissions(&kept, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(project.state_dir(), Permissions::from_mode(0o750)).unwrap();
    assert!(failure(|| project.assert_nothing_left()).contains("mode 750, not 700"));
    fs::set_permissions(project.state_dir(), Permissions::from_mode(0o700)).unwrap();

    for stray in ["project/.local-ci", "home/.cache", "tmp/x", "xdg-state"] {
        let stray = project.root().join(stray);
        fs::create_dir(&stray).unwrap();
        let said = failure(|| project.assert_nothing_left());
        assert!(said.contains(&format!("{} is nobody's", stray.display())), "{said}");
        fs::remove_dir(&stray).unwrap();
    }
    project.assert_nothing_left();
}

#[test]
fn a_terminal_has_a_screen_keys_and_a_size() {
    let project = Project::new();
    let script = "stty size; chaos read-tty; chaos ids; read go; stty size; printf 'a\\033[1Gb\\n'";
    let mut terminal = project.sh(script).on_terminal(30, 90);
    terminal.wait_for_screen("30 90\nname?");
    assert_eq!(terminal.foreground(), terminal.pid());
    terminal.type_keys("nobody\n");
    terminal.wait_for_screen("the answer was nobody");
    terminal.wait_for_screen(", a controlling terminal");
    terminal.resize(10, 40);
    terminal.type_keys("\n");
    terminal.wait_for_screen("10 40");
    let left: Left = terminal.wait();
    assert!(left.status.success());
    assert!(left.screen.ends_with("\nb"), "a carriage goes back: {:?}", left.screen);
    assert!(left.bytes.ends_with(b"a\x1b[1Gb\r\n"));
    project.assert_nothing_left();
}

#[test]
fn keys_are_signals() {
    let project = Project::new();
    let script = "trap 'echo caught; exit 9' INT; echo ready; while :; do chaos sleep 0.01; done";
    let mut terminal = project.sh(script).on_terminal(24, 80);
    terminal.wait_for_screen("ready");
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(9));
    assert!(left.screen.contains("^Ccaught"), "{}", left.screen);
}

/// I5: modes can be compared, and a program that spoils them is seen.
#[test]
fn a_spoilt_terminal_is_seen() {
    let project = Project::new();
    for (script, spoilt) in [("true", false), ("chaos spoil-terminal", true)] {
        let mut terminal = waiting_script(&project, script);
        let before = terminal.modes();
        terminal.type_keys("\n");
        assert_eq!(terminal.wait().modes != before, spoilt, "{script}");
    }
}

#[test]
fn closing_the_terminal_hangs_up() {
    let project = Project::new();
    let mut terminal = project.sh("echo there; chaos sleep 600").on_terminal(24, 80);
    terminal.wait_for_screen("there");
    assert!(terminal.screen().contains("there"));
    assert!(!terminal.hang_up().success());
    project.assert_nothing_left();
    // A signal to the program alone.
    let terminal = project.chaos(&["sleep", "600"]).on_terminal(24, 80);
    terminal.kill(Signal::TERM);
    assert!(!terminal.wait().status.success());
    let mut terminal = project.sh("echo short").on_terminal(24, 80);
    let said = failure(|| terminal.wait_for_screen("long"));
    assert!(said.contains("\"long\" never came") && said.contains("short"), "{said}");
}

#[test]
fn a_stopped_process_shows_it() {
    let project = Project::new();
    let (running, identity) = sleeper(&project);
    identity.kill(Signal::STOP);
    wait_until("the process to stop", || identity.state() == Some('T'));
    identity.kill(Signal::KILL);
    running.wait().assert_signal(Signal::KILL);
    assert_eq!(identity.state(), None);
}

/// B0: a program is killed at the k-th call of a kind, or the call fails.
#[test]
fn strace_kills_and_fails_at_a_chosen_call() {
    let project = Project::new();
    let file = project.side("pid");
    let writes = || -> Invocation<'_> { project.chaos(&["exit", "0", "--pid-file", file.to_str().unwrap()]) };
    let renames = "inject=rename,renameat,renameat2";
    let Some(killed) = writes().under_strace(&["-e", &format!("{renames}:signal=KILL:when=1")]) else { return };
    killed.output().assert_signal(Signal::KILL);
    assert!(!file.exists() && project.dir().join("../side").read_dir().unwrap().count() > 0);
    let failed = writes().under_strace(&["-e", &format!("{renames}:error=ENOSPC:when=1")]).unwrap().output();
    assert!(failed.assert_code(1).stderr().contains("No space left"));
    assert!(!file.exists());
    // There is no second one, so this comes through.
    let spared = writes().under_strace(&["-e", &format!("{renames}:signal=KILL:when=2")]).unwrap().output();
    spared.assert_code(0);
    assert!(file.exists());
}
