//! Staying with a run for as long as one likes, `--allow`: a test for each requirement of the document that it comes from,
//! `stay-attached`, named after it.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Finished, Project, Terminal};

/// What other programs know the beginning by.
const BANNER: &str = "Following live output (Ctrl+C to stop streaming; job keeps running)...";

/// A stage that prints on both streams, waits for `go`, and fails.
fn gated(project: &Project) {
    let go = project.side("go");
    project.config(&format!(
        "[stages.talks]\nrun = \"echo to out; echo to err >&2; chaos wait-for {}; echo at last; exit 7\"\n",
        go.display()
    ));
}

/// The name of this machine, as the kernel has it.
fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

/// What is said after leaving a run that goes on.
fn reminder(number: u64) -> String {
    format!(
        "Run {number} continues on {}.\nView logs later: local-ci logs -f {number}\nCheck status:    local-ci list\n",
        host()
    )
}

/// A run that somebody stays with on a terminal, as far as it goes before the gate.
fn staying(project: &Project) -> Terminal<'_> {
    gated(project);
    let mut terminal = project.local_ci(&["--allow", "-v"]).on_terminal(40, 120);
    terminal.wait_for_screen("to err");
    terminal
}

#[track_caller]
fn assert_goes_on(project: &Project, number: u64) {
    project.open_gate("go");
    assert_eq!(project.verdict(number), ("failed".into(), String::new(), 1));
    assert!(project.log(number, "talks.log").ends_with(b"at last\n"));
    project.assert_nothing_left();
}

/// "`run` prints the usual job metadata (ID, host, working dir)", then the banner, before anything else; and what is
/// printed goes where it goes without the flag.
#[test]
fn stay_attached_prints_run_host_and_directory_then_the_banner() {
    let project = Project::new();
    // On one stream alone: which of two is read first is nobody's promise.
    project.config("[stages.talks]\nrun = \"echo to out; exit 7\"\n");
    let stayed = project.local_ci(&["--allow"]).output().assert_code(0);
    let beginning = format!("Run 1 on {} in {}\n{BANNER}\n", host(), project.dir().display());
    assert!(stayed.stderr().starts_with(&beginning), "{}", stayed.transcript());
    let followed = project.local_ci(&[]).output().assert_code(1);
    let lines = |finished: &Finished| {
        let text = finished.transcript();
        let (_, body) = text.split_once('\n').unwrap();
        let (body, _) = body.split_once("\nRun ").unwrap();
        body.lines().map(|line| line.replace("/runs/2/", "/runs/1/")).collect::<Vec<_>>()
    };
    assert_eq!(lines(&stayed), lines(&followed));
    project.assert_nothing_left();
}

/// "Stdout/stderr from the remote job stream directly to the user's terminal": each line as it is written, from the first.
#[test]
fn stay_attached_streams_both_outputs_as_they_come() {
    let project = Project::new();
    gated(&project);
    let stayed = project.local_ci(&["--allow"]).spawn();
    stayed.wait_for_stdout("to out\n");
    stayed.wait_for_stdout("to err\n");
    project.open_gate("go");
    let stayed = stayed.wait().assert_code(0);
    assert!(stayed.stdout().contains("at last\n::endgroup::\n✗ talks"), "{}", stayed.transcript());
    project.assert_nothing_left();
}

/// "130 if the user interrupted with Ctrl+C"; "the remote job continues running"; "print reminders to view logs or check
/// status". The shell sees the signal, as with `attach`.
#[test]
fn stay_attached_ctrl_c_leaves_and_the_job_keeps_running() {
    let project = Project::new();
    let mut terminal = staying(&project);
    let modes = terminal.modes();
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.signal(), Some(Signal::INT.as_raw()), "{}", left.screen);
    assert!(left.screen.trim_end().ends_with(reminder(1).trim_end()), "{}", left.screen);
    assert_eq!(left.modes, modes);
    assert_goes_on(&project, 1);
}

/// "Install a signal handler (SIGINT, SIGTERM)": that one leaves, too, and is reminded.
#[test]
fn stay_attached_sigterm_leaves_and_is_not_forwarded() {
    let project = Project::new();
    gated(&project);
    let stayed = project.local_ci(&["--allow"]).spawn();
    stayed.wait_for_stdout("to err");
    stayed.kill(Signal::TERM);
    let left = stayed.wait().assert_signal(Signal::TERM);
    assert!(left.stderr().ends_with(&reminder(1)), "{}", left.transcript());
    assert_goes_on(&project, 1);
}

/// "until they interrupt the CLI (Ctrl+C) or close the terminal": closing it is leaving, also where nobody sits who would
/// come back, as in CI.
#[test]
fn stay_attached_closing_the_terminal_keeps_the_job() {
    for ci in ["false", "true"] {
        let project = Project::new();
        gated(&project);
        let mut terminal = project.local_ci(&["--allow", "-v"]).env("CI", ci).on_terminal(40, 120);
        terminal.wait_for_screen("to err");
        assert_eq!(terminal.hang_up().signal(), Some(Signal::HUP.as_raw()));
        assert_goes_on(&project, 1);
    }
}

/// "without risking the job if the user later kills the process".
#[test]
fn stay_attached_killing_the_process_keeps_the_job() {
    let project = Project::new();
    gated(&project);
    let stayed = project.local_ci(&["--allow"]).spawn();
    stayed.wait_for_stdout("to err");
    stayed.kill(Signal::KILL);
    stayed.wait().assert_signal(Signal::KILL);
    assert_goes_on(&project, 1);
}

/// "If the job finishes while the user is attached … the CLI prompts the user to press Ctrl+C to exit"; "returns 0 if
/// streaming completed cleanly", whatever the job's own code: here 1.
#[test]
fn stay_attached_asks_for_ctrl_c_when_the_job_finishes() {
    let project = Project::new();
    let mut terminal = staying(&project);
    project.open_gate("go");
    terminal.wait_for_screen("Run 1 has ended: failed. Press Ctrl+C to leave.");
    // It is for the user to end it, not for the run.
    project.verdict(1);
    assert!(project.local_ci(&["list"]).output().assert_code(0).stdout().contains("talks  stopped (7)"));
    terminal.type_keys("\x03");
    let left = terminal.wait();
    assert_eq!(left.status.code(), Some(0), "{}", left.screen);
    let told = "View logs later: local-ci logs 1\nCheck status:    local-ci list";
    assert!(left.screen.trim_end().ends_with(told), "{}", left.screen);
    project.assert_nothing_left();
}

/// The same without anybody who could press it: it says so, and ends.
#[test]
fn stay_attached_ends_by_itself_without_a_terminal() {
    let project = Project::new();
    // On one stream alone: which of two is read first is nobody's promise.
    project.config("[stages.talks]\nrun = \"echo to out; exit 7\"\n");
    let stayed = project.local_ci(&["--allow"]).output().assert_code(0);
    let told = "Run 1 has ended: failed.\nView logs later: local-ci logs 1\nCheck status:    local-ci list\n";
    assert!(stayed.stderr().ends_with(told), "{}", stayed.transcript());
    let in_ci = project.local_ci(&["--allow"]).env("CI", "true").on_terminal(40, 120).wait();
    assert_eq!(in_ci.status.code(), Some(0), "{}", in_ci.screen);
    project.assert_nothing_left();
}

/// "Mutually exclusive with --queue, --after, and --after-any"; and with what asks for the run's own end.
#[test]
fn stay_attached_excludes_queues_and_dependencies() {
    let project = Project::new();
    gated(&project);
    for (excluded, shown) in [
        (&["--queue"][..], "--queue"),
        (&["--after", "1"], "--after <RUN>"),
        (&["--after-any", "1"], "--after-any <RUN>"),
        (&["--follow"], "--follow"),
        (&["--detach"], "--detach"),
        (&["--json"], "--json"),
    ] {
        let args = [&["--allow"], excluded].concat();
        let refused = project.local_ci(&args).output().assert_code(2);
        let (one, other) =
            (format!("'--allow' cannot be used with '{shown}'"), format!("'{shown}' cannot be used with '--allow'"));
        let told = refused.stderr();
        assert!(told.contains(&one) || told.contains(&other), "{told}");
    }
    assert!(project.runs_dir().is_none(), "nothing was started");
}

/// "Works with … --timeout, and env vars since it piggybacks on the regular run flow"; and is one itself.
#[test]
fn stay_attached_works_with_timeouts_and_variables() {
    let project = Project::new();
    project.config("[stages.slow]\nrun = \"echo $GREETING; exec chaos sleep 600\"\n");
    let stayed = project.local_ci(&["--timeout", "200ms"]).env("LOCAL_CI_ALLOW", "1").env("GREETING", "hello");
    let stayed = stayed.output().assert_code(0);
    assert!(stayed.stderr().contains(BANNER) && stayed.stdout().contains("hello\n"), "{}", stayed.transcript());
    assert_eq!(project.verdict(1).2, 1);
    project.assert_nothing_left();
}

/// "Disable stdin on this process so keyboard input does not go to the remote job."
#[test]
fn stay_attached_takes_no_keys() {
    let project = Project::new();
    let mut terminal = staying(&project);
    terminal.type_keys("dq\n");
    project.open_gate("go");
    terminal.wait_for_screen("Press Ctrl+C to leave.");
    terminal.type_keys("\x03");
    assert_eq!(terminal.wait().status.code(), Some(0));
    let stayed = project.local_ci(&["--allow"]).stdin("typed\n").output().assert_code(0);
    assert!(!stayed.stdout().contains("typed"), "{}", stayed.transcript());
    project.assert_nothing_left();
}

/// "Make it obvious how to detach and later reattach": what is printed can be typed, from where it is read.
#[test]
fn stay_attached_reminders_can_be_typed() {
    let project = Project::new();
    gated(&project);
    let stayed = project.local_ci(&["-C", "project", "--allow"]).cwd("..").spawn();
    stayed.wait_for_stdout("to err");
    stayed.kill(Signal::INT);
    let left = stayed.wait().assert_signal(Signal::INT).stderr();
    let (_, logs) = left.split_once("View logs later: ").unwrap();
    let (logs, rest) = logs.split_once('\n').unwrap();
    let list = rest.trim_end().strip_prefix("Check status:    ").unwrap();
    assert!(project.sh(list).cwd("..").output().assert_code(0).stdout().contains("talks  running"));
    project.open_gate("go");
    let again = project.sh(logs).cwd("..").output().assert_code(1).stdout();
    assert!(again.contains("to out\n") && again.ends_with("at last\n"), "{again}");
    project.assert_nothing_left();
}

/// H09: an output that is closed ends the streaming, which is no error; one that is full is none of the run's either.
#[test]
fn h09_an_output_that_is_closed_is_no_error_of_the_run() {
    let project = Project::new();
    project.config("[stages.talks]\nrun = \"chaos lines 20000; exit 7\"\n");
    let code = project.side("code");
    let script = format!("{{ local-ci --allow; echo $? >{}; }} | head -n 1", code.display());
    let piped = project.sh(&script).output();
    assert_eq!(fs::read_to_string(&code).unwrap(), "0\n", "{}", piped.transcript());
    assert_eq!(project.verdict(1).2, 1);
    let full = project.sh("exec local-ci --allow >/dev/full").output().assert_code(3);
    assert!(full.stderr().contains("warning: the output is incomplete"), "{}", full.transcript());
    assert_eq!(project.verdict(2).2, 1);
    project.assert_nothing_left();
}

/// Where nothing has to be executed there is an end to be told of all the same.
#[test]
fn what_has_nothing_to_execute_has_ended() {
    let project = Project::new();
    project.config("[stages.never]\nrun = \"true\"\nwhen = { env = [\"NOT_SET\"] }\n");
    let stayed = project.local_ci(&["--allow"]).output().assert_code(0);
    assert!(stayed.stderr().contains("Run 1 has ended: passed.\n"), "{}", stayed.transcript());
    project.assert_nothing_left();
}

/// Where no state can be kept, the run goes on after its viewer, and what there was of it goes with it.
#[test]
fn a_run_without_history_is_left_like_any_other() {
    let project = Project::new();
    gated(&project);
    let stayed = project.local_ci(&["--allow"]).env("LOCAL_CI_STATE_DIR", "/dev/null/state").spawn();
    stayed.wait_for_stdout("to err");
    stayed.kill(Signal::INT);
    let left = stayed.wait().assert_signal(Signal::INT).stderr();
    assert!(left.contains(&format!("The run continues on {}.\nNothing of it is kept", host())), "{left}");
    project.open_gate("go");
    crate::support::wait_until("the temporary run to be gone", || {
        fs::read_dir(project.root().join("tmp")).unwrap().count() == 0
    });
    project.assert_nothing_left();
}
