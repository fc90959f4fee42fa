//! Lines that end for good while a stage runs: what runs there goes on, so there is no verdict on it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::harness::{Log, Machine, Straight, here, wait_until};
use crate::executor::remote::Line;
use crate::executor::{Ended, ExecError, Job};
use crate::outcome::Exit;
use crate::remote::here::Here;
use crate::remote::shell::Answer;
use crate::remote::{Channel, Fault, FaultKind};

/// A line that ends, and on which the key is not accepted any more when it is made anew.
struct Doomed {
    straight: Straight<Here>,
    is_over: AtomicBool,
    /// Whether it ends when a stage has been started, before that is answered.
    ends_with_a_start: bool,
    followers: Mutex<Vec<Box<dyn Send + Sync>>>,
}

impl Doomed {
    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.followers.lock().unwrap().clear();
    }

    fn check(&self) -> Result<(), Fault> {
        let refused = Fault::new(FaultKind::Auth, "box does not accept the key");
        if self.is_over.load(Ordering::SeqCst) { Err(refused) } else { Ok(()) }
    }
}

impl Line for Doomed {
    fn host(&self) -> &'static str {
        "box"
    }

    fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        self.check()?;
        let answer = self.straight.call(script, cancelled);
        if self.ends_with_a_start && script.contains("\n__start\n") {
            self.end();
        }
        self.check()?;
        answer
    }

    fn open(&self, cancelled: &dyn Fn() -> bool) -> Result<(Channel, u64), Fault> {
        self.check()?;
        let (mut channel, generation) = self.straight.open(cancelled)?;
        let guard = std::mem::replace(&mut channel.guard, Box::new(()));
        self.followers.lock().unwrap().push(guard);
        Ok((channel, generation))
    }

    fn lost(&self, _generation: u64, _why: Fault) {}
}

fn doomed(ends_with_a_start: bool) -> (Machine, Arc<Doomed>) {
    let mut line = None;
    let machine = Machine::with(|home| {
        let made = Arc::new(Doomed {
            straight: Straight::new(here(home)),
            is_over: AtomicBool::new(false),
            ends_with_a_start,
            followers: Mutex::default(),
        });
        line = Some(Arc::clone(&made));
        made
    });
    (machine, line.unwrap())
}

/// It is left, and goes on: another supervisor joins it and hears the rest.
#[track_caller]
fn assert_goes_on(machine: &Machine, job: &Job, result: Result<Ended, ExecError>, log: &Log) {
    let Err(ExecError::Left { message }) = result else { panic!("{result:?}") };
    assert_eq!(
        message,
        "it may still be running on box, where it could not be ended: box does not accept the key; `local-ci attach 42` \
         takes it over once box can be reached, and Ctrl+C ends it then"
    );
    let next = Machine::beside(machine);
    let joins = Job { resumes: Some(log.bytes.len() as u64), ..job.clone() };
    let (result, rest) = std::thread::scope(|scope| {
        let joined = scope.spawn(|| next.execute(&joins));
        fs::write(machine.path("work/go"), "").unwrap();
        joined.join().unwrap()
    });
    assert_eq!(result.unwrap().exit, Exit::Code(3));
    assert_eq!([log.bytes.as_slice(), rest.bytes.as_slice()].concat(), b"on\noff\n");
}

const SCRIPT: &str = "echo on; : >ready; while [ ! -e go ]; do sleep 0.01; done; echo off; exit 3";

#[test]
fn what_runs_when_its_line_ends_for_good_is_left_without_a_verdict() {
    let (machine, line) = doomed(false);
    let job = machine.sh(SCRIPT);
    let (result, log) = std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.execute(&job));
        wait_until(|| machine.path("work/ready").exists());
        line.end();
        running.join().unwrap()
    });
    assert_goes_on(&machine, &job, result, &log);
}

#[test]
fn what_was_started_over_a_line_that_ended_for_good_meanwhile_is_left_without_a_verdict() {
    let (machine, _line) = doomed(true);
    let job = machine.sh(SCRIPT);
    let (result, log) = machine.execute(&job);
    wait_until(|| machine.path("work/ready").exists());
    assert_goes_on(&machine, &job, result, &log);
}
