//! What is left there, and what is not.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::harness::{Log, Machine, Straight, here, wait_until};
use crate::cancel::CancelToken;
use crate::executor::remote::{Carrier, RemoteExecutor, Site, WorkTree};
use crate::executor::{ExecError, Executor, Job};
use crate::outcome::Exit;
use crate::remote::{Fault, FaultKind};

fn cleaning(dir: &Arc<tempfile::TempDir>) -> Machine {
    let line = |home: &std::path::Path| Arc::new(Straight::new(here(home))) as Arc<_>;
    Machine::adjusted(Arc::clone(dir), line, |site| site, RemoteExecutor::new)
}

#[test]
fn an_attempt_is_taken_away_once_it_is_here_and_the_run_at_its_end() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let machine = cleaning(&dir);
    let (first, run) = (machine.attempt(), machine.run_dir());
    assert_eq!(machine.run("exit 3").0.unwrap().exit, Exit::Code(3));
    wait_until(|| !first.exists());
    assert!(run.exists());
    let again = Job { attempt: 2, ..machine.sh("true") };
    assert_eq!(machine.execute(&again).0.unwrap().exit, Exit::Code(0));
    drop(machine);
    assert!(!run.exists());
    // Twice, and with nothing there.
    drop(cleaning(&dir));
    assert!(!run.exists());
}

/// A machine that the work tree cannot be brought to.
struct Nowhere;

impl Carrier for Nowhere {
    fn prepare(&self, _: &(dyn Fn() -> bool + Sync)) -> Result<WorkTree, Fault> {
        Err(Fault::new(FaultKind::MissingTool, "`git` is not installed there"))
    }
}

#[test]
fn what_cannot_be_started_leaves_no_directory() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let line = |home: &std::path::Path| Arc::new(Straight::new(here(home))) as Arc<_>;
    let unsent = |site| Site { carrier: Box::new(Nowhere), ..site };
    let machine = Machine::adjusted(Arc::clone(&dir), line, unsent, RemoteExecutor::new);
    let run = machine.run_dir();
    assert!(machine.run("true").0.is_err());
    // What follows may be there before it is found out.
    wait_until(|| run.join(".done.s.1").exists());
    drop(machine);
    assert!(!run.exists());
    let machine = cleaning(&dir);
    fs::create_dir_all(&run).unwrap();
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), machine.attempt()).unwrap();
    assert!(machine.run("true").0.is_err());
    drop(machine);
    assert!(!run.exists() && dir.path().join("elsewhere").exists());
}

/// What was left to itself, or belongs to somebody who has not taken it over yet, stays.
#[test]
fn what_runs_or_is_not_here_yet_stays() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let machine = cleaning(&dir);
    let run = machine.run_dir();
    let other = Job { attempt: 7, ..machine.sh("while [ ! -e go ]; do sleep 0.01; done") };
    let beside = cleaning(&dir);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| beside.executor.execute(&other, &mut Log::default(), &CancelToken::new()));
        wait_until(|| run.join("s.7/pid").exists());
        assert_eq!(machine.run("true").0.unwrap().exit, Exit::Code(0));
        drop(machine);
        assert!(run.join("s.7/pid").exists() && !run.join("s.1").exists());
        fs::write(dir.path().join("work/go"), "").unwrap();
        assert_eq!(running.join().unwrap().unwrap().exit, Exit::Code(0));
    });
    drop(beside);
    assert!(!run.exists());
}

/// What other runs have left is taken away after two weeks, unless it still runs; and nothing else is.
#[test]
fn what_was_left_long_ago_is_taken_away() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let machine = cleaning(&dir);
    let state = dir.path().canonicalize().unwrap().join("state/local-ci");
    let own = i32::try_from(std::process::id()).unwrap();
    let born = crate::process::table::read_entry(own).unwrap().start_time;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let runs = state.join("q-1/runs");
    for (name, pid) in [
        ("old", String::new()),
        ("new", String::new()),
        ("odd name", String::new()),
        ("running", format!("{own} {born} {} end\n", boot.trim())),
        ("rebooted", format!("{own} {born} another end\n")),
        ("ended", format!("{own} {} {} end\n", born + 1, boot.trim())),
    ] {
        fs::create_dir_all(runs.join(name).join("s.1")).unwrap();
        fs::write(runs.join(name).join("s.1/pid"), pid).unwrap();
    }
    fs::create_dir_all(state.join("q-1/work/runs/old")).unwrap();
    fs::create_dir_all(state.join("odd")).unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let age = |path: &std::path::Path| fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
    for name in ["old", "odd name", "running", "rebooted", "ended"] {
        age(&runs.join(name));
    }
    age(&state.join("q-1/work/runs/old"));
    age(&state.join("odd"));
    for name in [".pruned.q", ".other"] {
        fs::write(runs.join(name), "").unwrap();
        age(&runs.join(name));
    }
    assert_eq!(machine.run("true").0.unwrap().exit, Exit::Code(0));
    drop(machine);
    fs::remove_file(runs.join(".other")).unwrap();
    let mut left: Vec<_> = fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".pruned.ended", ".pruned.odd name", ".pruned.old", ".pruned.rebooted", "new", "running"]);
    assert!(state.join("q-1/work/runs/old").exists() && state.join("odd").exists());
}

/// Whoever takes a run over does not start again what was taken away before its end was written down here.
#[test]
fn what_was_taken_away_is_lost_and_not_started_again() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let lost = Err(ExecError::Infrastructure { message: "lost on box: what was started there is gone".into() });
    let machine = cleaning(&dir);
    assert_eq!(machine.run("echo x >>started").0.unwrap().exit, Exit::Code(0));
    wait_until(|| !machine.attempt().exists());
    let joins = Job { resumes: Some(0), ..machine.sh("echo x >>started") };
    assert_eq!(Machine::beside(&machine).execute(&joins).0, lost);
    // One that nobody has looked at for long.
    let run = machine.run_dir();
    fs::rename(&run, run.with_file_name("kept")).unwrap();
    fs::write(run.with_file_name(format!(".pruned.{}", run.file_name().unwrap().display())), "").unwrap();
    assert_eq!(Machine::beside(&machine).execute(&joins).0, lost);
    assert_eq!(fs::read_to_string(machine.path("work/started")).unwrap(), "x\n");
}
