//! Runs whose supervisor is gone without a last word: their stages go with it within a second, every face says that the
//! run is lost and with code 3, and nothing takes it for a verdict or starts anything because of it.

use std::fs;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use serde_json::{Value, json};

use crate::support::{Identity, Project, Running, wait_until};

/// A stage that passes where `pass` is there, and prints and stays otherwise; then one that never begins.
const PIPELINE: &str = r#"
[stages.a]
run = "test -e $SIDE/pass || { chaos lines 500; echo begun; exec chaos ignore-term --pid-file $SIDE/pid; }"
[stages.b]
run = "echo b"
needs = ["a"]
"#;

/// A project with two runs that passed, and one that goes on.
fn begun(project: &Project) -> Running<'_> {
    project.config(PIPELINE);
    project.open_gate("pass");
    for _ in 0..2 {
        project.local_ci(&["-q"]).env("SIDE", project.side_dir()).output().assert_code(0);
    }
    fs::remove_file(project.side("pass")).unwrap();
    let run = project.local_ci(&[]).env("SIDE", project.side_dir()).spawn();
    project.identity("pid");
    // What its supervisor has not read dies with it.
    let log = project.run_dir(3).join("logs/a.log");
    wait_until("its supervisor has read all of it", || fs::read(&log).is_ok_and(|log| log.ends_with(b"begun\n")));
    run
}

/// What is answered to this, with this code and with this word in it.
#[track_caller]
fn answers(project: &Project, args: &[&str], code: i32, word: &str) -> String {
    let finished = project.local_ci(args).env("SIDE", project.side_dir()).output().assert_code(code);
    let said = finished.stdout() + &finished.stderr();
    assert!(said.contains(word), "{word:?}: {}", finished.transcript());
    finished.stdout()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// All that has a word for what came of run 3 has this one.
#[track_caller]
fn assert_lost(project: &Project) {
    answers(project, &["list"], 0, "a  lost: ");
    let list = json_of(&answers(project, &["list", "--json"], 0, ""));
    assert_eq!((&list[0]["state"], &list[0]["run"]), (&"lost".into(), &3.into()));
    answers(project, &["runs"], 0, "! lost");
    answers(project, &["runs", "a"], 0, "! lost");
    let runs = json_of(&answers(project, &["runs", "--json"], 0, ""));
    assert_eq!((&runs["runs"][0]["verdict"], &runs["runs"][0]["exit_code"]), (&"lost".into(), &3.into()));
    for run in ["3", "latest"] {
        answers(project, &["show", run], 3, "Lost: ");
        answers(project, &["attach", run], 3, "Lost: ");
        let log = (1..=500).map(|n| format!("a | line {n}\n")).collect::<Vec<_>>().concat() + "a | begun\n";
        assert_eq!(answers(project, &["logs", "-f", run], 3, ""), log);
        assert_eq!(answers(project, &["logs", run], 0, ""), log);
    }
    let report = json_of(&answers(project, &["show", "3", "--json"], 3, ""));
    assert_eq!((&report["verdict"], &report["exit_code"]), (&"lost".into(), &3.into()));
    assert_eq!(report["results"][0]["error"], "the run ended before this stage did");
    assert_eq!(report["results"][1]["error"], "the run ended before this stage started");
    let events = answers(project, &["attach", "3", "--output", "json"], 3, "run_finished");
    assert_eq!(json_of(events.lines().last().unwrap())["verdict"]["kind"], "lost");
    // Neither a pass nor a failure.
    answers(project, &["stats", "a"], 0, "Success rate: 100% (2/2)");
    let stats = json_of(&answers(project, &["stats", "a", "--json"], 0, ""));
    assert_eq!((&stats["jobs"][0]["runs"], &stats["jobs"][0]["last"][0]["status"]), (&2.into(), &"lost".into()));
    answers(project, &["plan"], 0, "2 of 2 stages would run");
    answers(project, &["stop", "3"], 0, "run 3 has ended already");
    answers(project, &["stop", "-f", "3"], 0, "run 3 has ended already");
    answers(project, &["rerun", "3", "--dry-run"], 0, "rerunning run 3: a b");
    answers(project, &["rerun", "3", "--failed", "--dry-run"], 0, "rerunning run 3: a b");
    let asked = project.local_ci(&["--", "local-ci", "show", ""]).env("LOCAL_CI_COMPLETE", "fish");
    let offered = asked.output().assert_code(0).stdout();
    assert!(offered.contains("\n3\tlost, "), "{offered}");
    let asked = project.local_ci(&["--", "local-ci", "stop", ""]).env("LOCAL_CI_COMPLETE", "fish");
    assert_eq!(asked.output().assert_code(0).stdout(), "", "nothing to stop");
}

/// H24: kill -9 of a supervisor ends its stages, stubborn ones too, within a second; whoever looks then sees a lost run.
#[test]
fn h24_a_lost_run_is_lost_to_everybody() {
    let project = Project::new();
    let run = begun(&project);
    let (stage, supervisor) = (project.identity("pid"), project.supervisor(3));
    let watched = pidfd(stage);
    supervisor.kill(Signal::KILL);
    let killed = Instant::now();
    poll(&mut [PollFd::new(&watched, PollFlags::IN)], Some(&Timespec { tv_sec: 60, tv_nsec: 0 })).unwrap();
    let took = killed.elapsed();
    assert!(!stage.is_alive() && took <= Duration::from_secs(1), "its stage lived on for {took:?}");
    let run = run.wait().assert_code(3);
    assert!(run.stdout().contains("Lost: "), "{}", run.transcript());
    assert_lost(&project);
    // And the same once all of it is in the history, and the run itself is all that says it.
    fs::remove_file(project.state_dir().join("history.db")).unwrap();
    assert_lost(&project);
    assert_nothing_starts(&project);
    // The ways on work.
    project.open_gate("pass");
    answers(&project, &["rerun", "3", "--failed"], 0, "rerunning run 3: a b");
    answers(&project, &["show", "4"], 0, "Passed: 2");
    project.assert_nothing_left();
}

fn pidfd(process: Identity) -> OwnedFd {
    pidfd_open(Pid::from_raw(process.pid).unwrap(), PidfdFlags::empty()).unwrap()
}

/// Nothing starts by itself after a crash: whoever looked, there is no new run and no process.
#[track_caller]
fn assert_nothing_starts(project: &Project) {
    assert_eq!(project.run_numbers(), [1, 2, 3]);
    let living: Vec<String> = project.left_now().into_iter().filter(|left| left.starts_with("process ")).collect();
    assert_eq!(living, [""; 0]);
}

/// H24: a run that was killed before its first event is as lost as any other, and says so where nothing of it is known.
#[test]
fn h24_a_run_lost_before_it_began_is_lost_to_everybody() {
    let project = Project::new();
    project.config(PIPELINE);
    project.open_gate("pass");
    project.local_ci(&["-q"]).env("SIDE", project.side_dir()).output().assert_code(0);
    let (lock, _) = project.young_run(1, 2);
    drop(lock);
    answers(&project, &["list"], 0, "a  stopped (0): ");
    answers(&project, &["show", "2"], 3, "run 2 is lost: its supervisor died before it could start anything");
    answers(&project, &["attach", "2"], 3, "run 2 is lost: ");
    answers(&project, &["logs", "-f", "2"], 3, "run 2 is lost: ");
    let report = json_of(&answers(&project, &["show", "2", "--json"], 3, ""));
    assert_eq!((&report["verdict"], &report["exit_code"]), (&"lost".into(), &3.into()));
    answers(&project, &["runs"], 0, "! lost");
    answers(&project, &["stop", "2"], 0, "run 2 has ended already");
    answers(&project, &["rerun", "2"], 0, "rerunning run 2");
    answers(&project, &["show"], 0, "Run 3 is kept");
    project.assert_nothing_left();
}

/// H30: after a reboot the lock is free and the boot another: the run is lost, whoever has its supervisor's number now is
/// left alone, and nothing starts by itself.
#[test]
fn h30_after_a_reboot_a_run_is_lost_and_stays_so() {
    let project = Project::new();
    let run = begun(&project);
    let stage = project.identity("pid");
    project.supervisor(3).kill(Signal::KILL);
    run.wait().assert_code(3);
    stage.assert_gone();
    let bystander = project.chaos(&["sleep", "600", "--pid-file", project.side("other").to_str().unwrap()]).spawn();
    let other = project.identity("other");
    // Ids begin anew with the boot: even the start time may be the same.
    let owner = json!({"pid": other.pid, "start_time": other.start, "boot_id": "00000000-0000-0000-0000-000000000000"});
    fs::write(project.run_dir(3).join("owner.json"), owner.to_string()).unwrap();
    assert_lost(&project);
    assert!(other.is_alive());
    bystander.kill(Signal::KILL);
    bystander.wait().assert_signal(Signal::KILL);
    assert_nothing_starts(&project);
}

/// H24: the log of a lost run is a prefix of what its stage wrote, up to where it stops, to each who reads it.
#[test]
fn h24_the_log_of_a_lost_run_is_a_prefix() {
    let project = Project::new();
    project.config("[stages.a]\nrun = [\"chaos\", \"lines\", \"100000000\"]\nlog-max = \"1GiB\"\n");
    let run = project.local_ci(&["--output", "grouped"]).spawn();
    run.wait_for_stdout("line 20000\n");
    project.supervisor(1).kill(Signal::KILL);
    let run = run.wait().assert_code(3);
    let log = project.log(1, "a.log");
    let expected = (1..).flat_map(|n: u64| format!("line {n}\n").into_bytes());
    assert!(log.len() > 100_000 && log.iter().copied().eq(expected.take(log.len())), "{} bytes", log.len());
    // Every face shows all of it, a last line without its end included.
    let shown = [log.as_slice(), if log.ends_with(b"\n") { b"" } else { b"\n" }].concat();
    assert_eq!(project.local_ci(&["logs", "a"]).output().assert_code(0).stdout, shown);
    assert_eq!(project.local_ci(&["logs", "-f", "a"]).output().assert_code(3).stdout, shown);
    for transcript in [run.stdout, project.local_ci(&["attach"]).output().assert_code(3).stdout] {
        let from = memchr::memmem::find(&transcript, b"\nline 1\n").unwrap() + 1;
        assert!(transcript[from..].starts_with(&shown), "{} bytes", transcript.len());
        assert!(transcript[from + shown.len()..].starts_with(b"::endgroup::\n"));
    }
    project.assert_nothing_left();
}

/// H26: the command line and the supervisor are killed together: the guard still ends the stages, and the run is lost.
#[test]
fn h26_killed_with_its_command_line_a_run_is_as_lost() {
    let project = Project::new();
    let run = begun(&project);
    let (stage, supervisor) = (project.identity("pid"), project.supervisor(3));
    let guard = supervisor.parent().unwrap();
    run.kill(Signal::KILL);
    supervisor.kill(Signal::KILL);
    run.wait().assert_signal(Signal::KILL);
    wait_until("the guard to be done", || !guard.is_alive());
    assert!(!stage.is_alive(), "the guard went first");
    assert_lost(&project);
    project.assert_nothing_left();
}
