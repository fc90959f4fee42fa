//! An executor that runs nothing: each attempt goes as a script says. For tests of everything above executors.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{Ended, ExecError, Executor, Job};
use crate::cancel::CancelToken;
use crate::event::{OutputSink, Stream};
use crate::ids::StageName;
use crate::outcome::Exit;

/// How one attempt goes.
#[derive(Clone, Debug)]
pub struct Script {
    /// What it prints.
    pub output: Vec<(Stream, Vec<u8>)>,
    /// Whether it goes on until it is cancelled.
    pub until_cancelled: bool,
    /// How it ends.
    pub result: Result<Ended, ExecError>,
}

impl Script {
    /// Ends at once with this code.
    pub fn exit(code: i32) -> Self {
        Self {
            output: Vec::new(),
            until_cancelled: false,
            result: Ok(Ended { exit: Exit::Code(code), leaked: Vec::new(), took: None }),
        }
    }

    /// Goes on until it is cancelled, and then dies of SIGTERM.
    pub fn endless() -> Self {
        let result = Ok(Ended { exit: Exit::Signal(15), leaked: Vec::new(), took: None });
        Self { output: Vec::new(), until_cancelled: true, result }
    }

    /// Is left to itself where it runs.
    pub fn left() -> Self {
        let result = Err(ExecError::Left { message: "it cannot be reached".into() });
        Self { output: Vec::new(), until_cancelled: false, result }
    }

    /// Prints this first.
    #[must_use]
    pub fn printing(mut self, text: &str) -> Self {
        self.output.push((Stream::Stdout, text.into()));
        self
    }
}

/// Runs scripts. An attempt without one passes at once.
#[derive(Debug, Default)]
pub struct FakeExecutor {
    scripts: Mutex<HashMap<StageName, VecDeque<Script>>>,
    started: Mutex<Vec<(StageName, u32)>>,
    joined: Mutex<Vec<(StageName, u64)>>,
}

impl FakeExecutor {
    /// An executor without scripts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the stage's next attempt that has no script yet go like this.
    pub fn script(&self, stage: &StageName, script: Script) {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.entry(stage.clone()).or_default().push_back(script);
    }

    /// The stages that were joined where they ran, in order, and from which byte of their output on.
    pub fn joined(&self) -> Vec<(StageName, u64)> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The attempts that were started, in order.
    pub fn started(&self) -> Vec<(StageName, u32)> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Executor for FakeExecutor {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        match job.resumes {
            None => self.started.lock().unwrap_or_else(PoisonError::into_inner).push((job.stage.clone(), job.attempt)),
            Some(from) => self.joined.lock().unwrap_or_else(PoisonError::into_inner).push((job.stage.clone(), from)),
        }
        let script = self
            .scripts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(&job.stage)
            .and_then(VecDeque::pop_front)
            .unwrap_or_else(|| Script::exit(0));
        for (stream, bytes) in &script.output {
            out.write(*stream, bytes);
        }
        if script.until_cancelled {
            let bell = Arc::new((Mutex::new(()), Condvar::new()));
            let ring = Arc::clone(&bell);
            let _registration = cancel.register(move || {
                let _held = ring.0.lock().unwrap_or_else(PoisonError::into_inner);
                ring.1.notify_all();
            });
            let held = bell.0.lock().unwrap_or_else(PoisonError::into_inner);
            let stays = |(): &mut ()| {
                cancel.answer_for_nothing();
                cancel.level().is_none()
            };
            drop(bell.1.wait_while(held, stays));
        }
        script.result
    }
}
