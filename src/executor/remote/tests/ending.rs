//! Having attempts end: with what reaches them, what is left of them, and what is said where nobody can tell.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::harness::{Ends, Log, Machine, Straight, here, wait_until};
use crate::cancel::{CancelLevel, CancelToken};
use crate::executor::remote::{Line, RemoteExecutor};
use crate::executor::{Ended, ExecError, Executor, Job};
use crate::outcome::Exit;
use crate::remote::shell::Answer;
use crate::remote::{Channel, Fault, FaultKind};

/// Runs a job and asks it to end, one level after the other, each once something is so. Says what came of it and what it
/// had printed.
fn end(machine: &Machine, job: &Job, steps: &[(CancelLevel, &dyn Fn() -> bool)]) -> (Result<Ended, ExecError>, String) {
    let token = CancelToken::new();
    std::thread::scope(|scope| {
        let theirs = token.clone();
        let running = scope.spawn(move || {
            let mut log = Log::default();
            let result = machine.executor.execute(job, &mut log, &theirs);
            (result, String::from_utf8_lossy(&log.bytes).into_owned())
        });
        let ends = Ends(token);
        for (level, is_time) in steps {
            wait_until(is_time);
            ends.0.raise(*level);
        }
        running.join().unwrap()
    })
}

fn ready(machine: &Machine) -> bool {
    machine.path("work/ready").exists()
}

#[track_caller]
fn assert_gone(machine: &Machine) {
    assert_eq!(machine.processes(), Vec::<String>::new());
}

/// H144: in sessions of their own, and nobody's children.
#[test]
fn h144_what_has_left_the_group_ends_too() {
    let machine = Machine::new();
    let script = "setsid sleep 600 & (setsid sh -c 'setsid sleep 600 & sleep 600' &); sleep 0.1; : >ready; sleep 600";
    let (result, _) = end(&machine, &machine.sh(script), &[(CancelLevel::Terminate, &|| ready(&machine))]);
    assert_eq!(result.unwrap().exit, Exit::Signal(15));
    assert_gone(&machine);
    assert!(machine.attempt().join("verdict").exists());
}

#[test]
fn what_it_says_and_does_at_its_end_is_heard() {
    let machine = Machine::new();
    let script = "trap 'echo bye; exit 7' TERM; : >ready; sleep 600 & wait";
    let (result, log) = end(&machine, &machine.sh(script), &[(CancelLevel::Terminate, &|| ready(&machine))]);
    assert_eq!((result.unwrap().exit, log.as_str()), (Exit::Code(7), "bye\n"));
    assert_gone(&machine);
}

/// A shell has its background jobs ignore SIGINT: once their shell is gone they are asked in a word that reaches them.
#[test]
fn an_interrupt_ends_background_jobs_too() {
    let machine = Machine::new();
    let (result, _) =
        end(&machine, &machine.sh("sleep 600 & : >ready; wait"), &[(CancelLevel::Interrupt, &|| ready(&machine))]);
    // A shell says nothing of who was interrupted, so the wrapper cannot tell that from its code.
    assert!(matches!(result.unwrap().exit, Exit::Signal(2) | Exit::Code(130)));
    assert_gone(&machine);
}

/// H144: what does not want to end is killed, and the wrapper is there to say so.
#[test]
fn h144_what_ignores_everything_is_killed() {
    let machine = Machine::new();
    let script = "trap '' INT TERM HUP; setsid sleep 600 & : >ready; while :; do sleep 1; done";
    let asked = || machine.attempt().join("ending.2").exists();
    let steps: [(_, &dyn Fn() -> bool); 3] = [
        (CancelLevel::Interrupt, &|| ready(&machine)),
        (CancelLevel::Terminate, &|| machine.attempt().join("ending.1").exists()),
        (CancelLevel::Kill, &asked),
    ];
    let (result, _) = end(&machine, &machine.sh(script), &steps);
    let ended = result.unwrap();
    assert_eq!(ended.exit, Exit::Signal(9));
    assert!(ended.took.is_some());
    assert_gone(&machine);
}

#[test]
fn what_is_to_end_before_it_has_begun_is_not_begun() {
    let machine = Machine::new();
    fs::create_dir_all(machine.attempt()).unwrap();
    fs::write(machine.attempt().join("ending.2"), "").unwrap();
    let (result, log) = machine.run("echo begun");
    assert_eq!((result.unwrap().exit, log.as_str()), (Exit::Signal(9), ""));
}

/// A wrapper that does not write its verdict, for whatever reason, keeps nobody waiting: the end is what this side says.
#[test]
fn a_wrapper_that_says_nothing_is_killed_as_well() {
    let machine = with_timeout(Duration::from_secs(2), |home| Arc::new(Straight::new(here(home))));
    let wrapper = || -> Option<rustix::process::Pid> {
        let pid = fs::read_to_string(machine.attempt().join("pid")).ok()?;
        rustix::process::Pid::from_raw(pid.split(' ').next()?.parse().ok()?)
    };
    let stopped =
        || ready(&machine) && rustix::process::kill_process(wrapper().unwrap(), rustix::process::Signal::STOP).is_ok();
    let (result, _) = end(&machine, &machine.sh(": >ready; sleep 600"), &[(CancelLevel::Kill, &stopped)]);
    assert_eq!(result.unwrap(), Ended { exit: Exit::Signal(9), leaked: Vec::new(), took: None });
    assert_gone(&machine);
    wait_until(|| {
        crate::process::table::read_entry(wrapper().unwrap().as_raw_nonzero().get()).is_none_or(|entry| entry.is_dead())
    });
}

/// The wrapper was killed by somebody, and the stage is cancelled: what it left ends.
#[test]
fn what_a_killed_wrapper_has_left_ends_with_the_stage() {
    let machine = Machine::new();
    let script = "trap '' TERM; setsid sleep 600 & : >ready; while :; do sleep 1; done";
    let killed = || {
        let pid = fs::read_to_string(machine.attempt().join("pid")).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.split(' ').next().unwrap().parse().unwrap()).unwrap();
        machine.attempt().join("ending.2").exists()
            && rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok()
    };
    let (result, _) = end(
        &machine,
        &machine.sh(script),
        &[(CancelLevel::Terminate, &|| ready(&machine)), (CancelLevel::Terminate, &killed)],
    );
    assert_eq!(result.unwrap().exit, Exit::Signal(9));
    assert_gone(&machine);
}

/// What is left behind after a stage's own end, by its policy.
#[test]
fn what_is_left_behind_is_told_and_treated_by_its_policy() {
    use crate::pipeline::Leak;
    for (leak, killed, stays) in
        [(Leak::Kill, true, false), (Leak::Fail, true, false), (Leak::Warn, false, true), (Leak::Allow, false, true)]
    {
        let machine = Machine::new();
        let job = Job { leak, ..machine.sh("setsid sleep 600 >/dev/null 2>&1 & sleep 600 & echo out") };
        let (result, log) = machine.execute(&job);
        let ended = result.unwrap();
        assert_eq!((ended.exit, log.bytes.as_slice()), (Exit::Code(0), b"out\n".as_slice()));
        let told: Vec<(&str, bool)> = ended.leaked.iter().map(|left| (left.command.as_str(), left.killed)).collect();
        let wanted = if leak == Leak::Allow { vec![] } else { vec![("sleep", killed); 2] };
        assert_eq!(told, wanted, "{leak:?}");
        assert_eq!(machine.processes().len(), if stays { 2 } else { 0 }, "{leak:?}");
        // They are no concern of ours any more: a test's own.
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if crate::process::table::environment_has(pid, &[format!("LOCAL_CI_RUN_ID={}", job.run)]) {
                let _ = rustix::process::kill_process(
                    rustix::process::Pid::from_raw(pid).unwrap(),
                    rustix::process::Signal::KILL,
                );
            }
        }
    }
}

/// What ends within a moment of its parent was not left behind.
#[test]
fn who_is_a_little_late_is_waited_for() {
    let machine = Machine::new();
    let (result, log) = machine.run("(sleep 0.05; echo late) & echo out");
    assert_eq!((result.unwrap().leaked, log.as_str()), (Vec::new(), "out\nlate\n"));
}

/// A line on which nothing is answered any more once it is told so.
struct Deaf {
    straight: Straight<crate::remote::here::Here>,
    is_deaf: std::path::PathBuf,
}

impl Line for Deaf {
    fn host(&self) -> &'static str {
        "box"
    }

    fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        if !self.is_deaf.exists() {
            return self.straight.call(script, cancelled);
        }
        wait_until(cancelled);
        Err(Fault::new(FaultKind::Cancelled, "cancelled"))
    }

    fn open(&self, cancelled: &dyn Fn() -> bool) -> Result<(Channel, u64), Fault> {
        self.straight.open(cancelled)
    }

    fn lost(&self, generation: u64, why: Fault) {
        self.straight.lost(generation, why);
    }
}

fn with_timeout(timeout: Duration, line: impl FnOnce(&std::path::Path) -> Arc<dyn Line>) -> Machine {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let adjust = |site| crate::executor::remote::Site { timeout, ..site };
    Machine::adjusted(dir, line, adjust, RemoteExecutor::keeping)
}

/// Nobody waits for ever for a line: what is to be killed and cannot be reached is left to itself, and that is said.
#[test]
fn what_cannot_be_reached_to_be_killed_is_left_and_told() {
    let machine = with_timeout(Duration::from_millis(300), |home| {
        let is_deaf = home.parent().unwrap().join("work/deaf");
        Arc::new(Deaf { straight: Straight::new(here(home)), is_deaf })
    });
    let deaf = || ready(&machine) && fs::write(machine.path("work/deaf"), "").is_ok();
    let steps: [(_, &dyn Fn() -> bool); 2] = [(CancelLevel::Terminate, &deaf), (CancelLevel::Kill, &|| true)];
    let (result, _) = end(&machine, &machine.sh(": >ready; while [ -e deaf ]; do sleep 0.01; done"), &steps);
    let Err(ExecError::Left { message }) = result else { panic!("{result:?}") };
    assert_eq!(
        message,
        "it may still be running on box, where it could not be ended: box has not answered for 0 s; `local-ci attach 42` \
         takes it over once box can be reached, and Ctrl+C ends it then"
    );
    fs::remove_file(machine.path("work/deaf")).unwrap();
    wait_until(|| machine.attempt().join("verdict").exists());
}
