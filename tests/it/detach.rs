//! Runs that are left at their start: what is said of them, what is checked before, and that nothing of who started them
//! is kept; and the ways on where a job runs already.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Project, Running, assert_transcript, wait_until};

/// A stage that waits for `go`, and one that has nothing to do here.
fn waiting(project: &Project) {
    let go = project.side("go");
    project.config(&format!(
        "[stages.wait]\nrun = \"echo begun; chaos wait-for {}; echo over\"\n[stages.never]\nrun = \"true\"\nwhen = {{ env = [\"NOT_SET\"] }}\n",
        go.display()
    ));
}

/// What it takes to come back stands on stdout, as it is to be typed here.
#[test]
fn a_run_in_the_background_says_how_to_come_back() {
    let project = Project::new();
    waiting(&project);
    assert_transcript!(project.local_ci(&["-d", "wait"]).output(), @"
    $ local-ci -d wait
    Run 1 continues in the background.
      local-ci attach 1  follows it
      local-ci logs 1    shows what it has printed
      local-ci stop 1    ends it
    --- exit 0
    ");
    let attached = project.local_ci(&["attach"]).spawn();
    attached.wait_for_stdout("begun\n");
    project.open_gate("go");
    let attached = attached.wait().assert_code(0);
    assert!(attached.stdout().contains("begun\nover\n"), "{}", attached.transcript());

    // From elsewhere, and with another config: what is said can be typed as it is.
    fs::remove_file(project.side("go")).unwrap();
    let args = ["-C", "project", "-c", "local-ci.toml", "--detach", "wait"];
    let said = project.local_ci(&args).cwd("..").output().assert_code(0).stdout();
    assert!(said.contains("\n  local-ci -C project -c local-ci.toml stop 2    ends it\n"), "{said}");
    project.sh("local-ci -C project -c local-ci.toml stop 2").cwd("..").output().assert_code(0);
    project.assert_nothing_left();
}

/// The least that a script needs is the number; a program is told all there is to know.
#[test]
fn scripts_get_a_number_and_programs_an_object() {
    let project = Project::new();
    waiting(&project);
    let quiet = project.local_ci(&["-dq", "wait"]).output().assert_code(0);
    assert_eq!((quiet.stdout().as_str(), quiet.stderr().as_str()), ("1\n", ""));
    project.sh("local-ci stop 1").output().assert_code(0);
    let json = project.local_ci(&["--detach", "--json", "wait"]).output().assert_code(0);
    assert_eq!((json.stdout().lines().count(), json.stderr().as_str()), (1, ""));
    let run: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(run["run"], 2);
    assert_eq!(run["state"], "running");
    assert_eq!(run["project"], project.dir().to_str().unwrap());
    assert_eq!(run["directory"], project.dir().to_str().unwrap());
    assert_eq!(run["stages"], serde_json::json!(["wait"]));
    project.sh(run["commands"]["stop"].as_str().unwrap()).output().assert_code(0);
    assert_eq!(project.verdict(2).0, "cancelled");
    project.assert_nothing_left();
}

/// What fails for the user's reasons is told before anything is started.
#[test]
fn what_can_fail_for_the_users_reasons_fails_at_once() {
    let project = Project::new();
    waiting(&project);
    project.local_ci(&["-d", "no-such-stage"]).output().assert_code(2);
    project.local_ci(&["-d", "--tag", "none"]).output().assert_code(4);
    project.local_ci(&["-d", "--repeat", "2"]).output().assert_code(2);
    project.local_ci(&["-d", "--allow"]).output().assert_code(2);
    project.write("broken.toml", "[stages.a]\nrun = 1\n");
    project.local_ci(&["-c", "broken.toml", "-d"]).output().assert_code(2);
    assert!(project.runs_dir().is_none(), "nothing was started");
    project.local_ci(&["-d", "wait"]).output().assert_code(0);
    assert_eq!(project.local_ci(&["-d", "wait"]).output().assert_code(5).stdout(), "");
    project.local_ci(&["stop"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// Where there is nothing to execute there is nothing to leave: it says so, and what came of it is there.
#[test]
fn what_has_nothing_to_execute_is_over_at_once() {
    let project = Project::new();
    waiting(&project);
    assert_transcript!(project.local_ci(&["-d", "never"]).output(), @"
    $ local-ci -d never
    Run 1 had nothing to execute, and has ended.
      local-ci show 1  shows what came of it
    --- exit 0
    ");
    let json = project.local_ci(&["-d", "--json", "never"]).output().assert_code(0);
    let run: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&run["state"], &run["exit_code"]), (&"finished".into(), &0.into()));
    project.local_ci(&["show", "1"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// Whoever reads what is said reads its end, though the run goes on; and nothing else that was open stays open in it.
#[test]
fn a_run_in_the_background_keeps_nothing_open() {
    let project = Project::new();
    waiting(&project);
    let held = project.side("held");
    fs::write(&held, "").unwrap();
    // The descriptor 9, and the pipe, end with the command line: both are waited for here.
    let script =
        format!("exec 9>{}; local-ci -d wait 2>&1 | cat; flock -n {} echo free", held.display(), held.display());
    let said = project.sh(&format!("exec 8>&1; {script}")).output().assert_code(0);
    assert!(said.stdout().starts_with("Run 1 continues in the background.\n"), "{}", said.transcript());
    for pid in [project.supervisor(1).pid, project.supervisor(1).parent().unwrap().pid] {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        let open: Vec<_> = open.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
        assert!(!open.contains(&held), "{open:?}");
    }
    project.local_ci(&["stop"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// A run that was left goes on whatever becomes of the terminal, or of who sits in CI.
#[test]
fn h07_a_run_in_the_background_outlives_its_terminal_and_ci() {
    let project = Project::new();
    waiting(&project);
    let terminal = project.sh("local-ci -d wait; exec chaos sleep 600").env("CI", "true").on_terminal(24, 80);
    wait_until("the run to begin", || project.runs_dir().is_some() && project.supervisor(1).is_alive());
    assert_eq!(terminal.hang_up().signal(), Some(Signal::HUP.as_raw()));
    project.open_gate("go");
    assert_eq!(project.verdict(1), ("passed".into(), String::new(), 0));
    project.assert_nothing_left();
}

/// A supervisor that dies before it has said anything is told, and its run is lost.
#[test]
fn a_supervisor_that_dies_at_once_is_told() {
    let project = Project::new();
    waiting(&project);
    project.local_ci(&["-dq", "never"]).output().assert_code(0);
    // The supervisor is the only one that writes who it is.
    let owner = project.run_dir(1).with_file_name("2").join("owner.json");
    let options = ["-P", owner.to_str().unwrap(), "-e", "inject=openat:signal=KILL"];
    let Some(starting) = project.local_ci(&["-d", "wait"]).under_strace(&options) else { return };
    let told = starting.output().assert_code(3);
    assert!(
        told.stderr().contains("run 2 is lost: its supervisor died before it could start anything"),
        "{}",
        told.transcript()
    );
    assert_eq!(told.stdout(), "");
    project.local_ci(&["show", "2"]).output().assert_code(3);
    project.assert_nothing_left();
}

/// `--follow` is the default, and changes nothing.
#[test]
fn following_is_the_default() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"echo hello; exit 3\"\n");
    let followed = project.local_ci(&["--follow"]).output().assert_code(1);
    let default = project.local_ci(&[]).output().assert_code(1);
    let same =
        |finished: &crate::support::Finished| finished.transcript().replace("--follow", "").replace("run 2", "run 1");
    let body = |text: String| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(body(same(&followed)).len(), body(same(&default)).len());
    project.local_ci(&["--follow", "-d"]).output().assert_code(2);
    project.local_ci(&[]).env("LOCAL_CI_DETACH", "1").output().assert_code(0);
    assert_eq!(project.verdict(3).2, 1);
    project.local_ci(&["--follow"]).env("LOCAL_CI_DETACH", "1").output().assert_code(1);
    project.assert_nothing_left();
}

/// Doing a run again is watched by who does it, however the first one was.
#[test]
fn a_run_that_was_left_is_followed_when_it_is_done_again() {
    let project = Project::new();
    project.config("[stages.a]\nrun = \"echo hello; exit 3\"\n");
    project.local_ci(&["-d"]).output().assert_code(0);
    project.verdict(1);
    let again = project.local_ci(&["rerun"]).output().assert_code(1);
    assert!(again.stdout().contains("hello\n"), "{}", again.transcript());
    project.assert_nothing_left();
}

/// A run of `wait` in the background, and a second one on a terminal, which is asked for a way on.
fn asked(project: &Project) -> crate::support::Terminal<'_> {
    waiting(project);
    project.local_ci(&["-d", "wait"]).output().assert_code(0);
    project.wait_for_event(1, "stage_started");
    let mut terminal = project.local_ci(&["wait"]).on_terminal(24, 160);
    terminal.wait_for_screen("[a]ttach, [w]ait your turn, [c]ancel it and start, [q]uit?");
    assert!(terminal.screen().starts_with("stage wait is running already, in run 1 (pid "), "{}", terminal.screen());
    terminal
}

/// H89: somebody who sits there may look at the run that has the job, and gets its code.
#[test]
fn h89_who_is_asked_may_attach() {
    let project = Project::new();
    let mut terminal = asked(&project);
    terminal.type_keys("x\n");
    terminal.type_keys("a\n");
    terminal.wait_for_screen("\nbegun");
    project.open_gate("go");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    assert_eq!(project.run_numbers(), [1]);
    project.assert_nothing_left();
}

/// H89: or have its turn after it.
#[test]
fn h89_who_is_asked_may_wait() {
    let project = Project::new();
    let mut terminal = asked(&project);
    terminal.type_keys("w\n");
    wait_until("the second run to be queued", || project.run_numbers() == [1, 2]);
    project.open_gate("go");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    assert_eq!((project.verdict(1).2, project.verdict(2).2), (0, 0));
    project.assert_nothing_left();
}

/// H89: or end it and have the job; or leave it be.
#[test]
fn h89_who_is_asked_may_replace_it_or_quit() {
    let project = Project::new();
    let mut terminal = asked(&project);
    terminal.type_keys("q\n");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(5), "{}", left.screen);
    let mut terminal = project.local_ci(&["wait"]).on_terminal(24, 160);
    terminal.wait_for_screen("[q]uit?");
    terminal.type_keys("c\n");
    assert_eq!(project.verdict(1).0, "cancelled");
    project.wait_for_event(2, "stage_started");
    project.open_gate("go");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    // Ctrl+C is a no as well.
    fs::remove_file(project.side("go")).unwrap();
    project.local_ci(&["-d", "wait"]).output().assert_code(0);
    let mut terminal = project.local_ci(&["wait"]).on_terminal(24, 160);
    terminal.wait_for_screen("[q]uit?");
    terminal.type_keys("\x03");
    assert_eq!(terminal.wait().status.signal(), Some(Signal::INT.as_raw()));
    project.local_ci(&["stop"]).output().assert_code(0);
    project.assert_nothing_left();
}

/// H89: nobody is asked where a program reads the answer, or nobody could give one: exit 5 at once, with the ways on.
#[test]
fn h89_scripts_are_told_the_ways_on() {
    let project = Project::new();
    waiting(&project);
    // Two passes of it, so that the history knows how long it takes.
    project.open_gate("go");
    for _ in 0..2 {
        project.local_ci(&["-q", "wait"]).output().assert_code(0);
    }
    fs::remove_file(project.side("go")).unwrap();
    project.local_ci(&["-d", "wait"]).output().assert_code(0);
    project.wait_for_event(3, "stage_started");
    let refused = |running: Running<'_>| running.wait().assert_code(5);
    let told = refused(project.local_ci(&["-C", ".", "wait"]).spawn()).stderr();
    let expected = "error: stage wait is running already, in run 3 (pid ";
    assert!(told.starts_with(expected) && told.contains(", for ") && told.contains("%)\n"), "{told}");
    assert!(
        told.contains(
            "hint: `local-ci -C . attach 3` follows it, `--queue` waits for its turn, `local-ci -C . stop 3` ends it\n"
        ),
        "{told}"
    );
    for args in [&["-q", "wait"][..], &["--json", "wait"], &["-d", "wait"], &["--output", "json", "wait"]] {
        let left = project.local_ci(args).on_terminal(24, 160).wait();
        assert_eq!(left.status.code(), Some(5), "{args:?}: {}", left.screen);
        assert!(!left.screen.contains("[q]uit"), "{args:?}: {}", left.screen);
    }
    project.local_ci(&["stop"]).output().assert_code(0);
    project.assert_nothing_left();
}
