//! Where a stage's command runs. An executor runs one attempt and obeys cancellation; it knows nothing of
//! timeouts, retries, needs or verdicts.

pub mod fake;
pub mod jobserver;
pub mod local;
pub mod matching;
pub mod news;
pub mod reading;
pub mod remote;
pub mod screened;

use std::path::PathBuf;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::event::{LeakedProcess, OutputSink, RemoteNews};
use crate::ids::{RunId, RunNumber, StageName};
use crate::outcome::Exit;
use crate::pipeline::{Command, Leak, Policy};

/// One attempt of a stage, ready to be run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The run it belongs to.
    pub run: RunId,
    /// That run's number, where it has one.
    pub number: Option<RunNumber>,
    /// The stage.
    pub stage: StageName,
    /// Counted from one.
    pub attempt: u32,
    /// Which command of the attempt, where a plugin runs several: from one. Zero is the attempt itself.
    pub part: u32,
    /// What to run.
    pub command: Command,
    /// Where, absolute.
    pub dir: PathBuf,
    /// Variables on top of what the executor's processes inherit.
    pub env: Vec<(String, String)>,
    /// What happens to processes it leaves behind.
    pub leak: Leak,
    /// What its programs read from and write to.
    pub streams: Streams,
    /// What it is told of the slots that nobody uses.
    pub offer: jobserver::Offer,
    /// How long it may run, for who has to hold it to that where this side cannot reach it. Else the engine does.
    pub limit: Option<Duration>,
    /// From SIGTERM to SIGKILL, for the same.
    pub grace: Duration,
    /// How much of its output an earlier supervisor has, which began to start it: it may be running already. It is joined
    /// then, its output goes on from this byte, and nothing is started: see [`ExecError::NotThere`].
    pub resumes: Option<u64>,
}

/// What an attempt's programs read from and write to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Streams {
    /// Nothing to read; a pipe for each of stdout and stderr.
    #[default]
    Pipes,
    /// Nothing to read; a terminal for output, which controls nobody.
    Pty,
    /// A terminal for all of it, on which a person types.
    Console,
}

impl Streams {
    /// What a stage of this policy has.
    pub fn of(policy: &Policy) -> Self {
        match (policy.interactive, policy.pty) {
            (true, _) => Self::Console,
            (false, true) => Self::Pty,
            (false, false) => Self::Pipes,
        }
    }
}

/// How an attempt ended that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How its own process ended.
    pub exit: Exit,
    /// Processes that outlived it.
    pub leaked: Vec<LeakedProcess>,
    /// How long it ran, where that was measured by the executor: clocks of two machines are not compared, and what it takes
    /// to bring a stage somewhere is not its own time.
    pub took: Option<Duration>,
}

/// Why an attempt could not be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// The stage's own fault: its command is not there (127) or cannot be executed (126).
    #[error("{message}")]
    NotStarted {
        /// The code a shell would give.
        code: i32,
        /// What is wrong and what to do.
        message: String,
    },
    /// Not the stage's fault: there is no verdict on it.
    #[error("{message}")]
    Infrastructure {
        /// What is wrong and what to do.
        message: String,
    },
    /// It was to be joined and was never started: whoever was to do that was killed before. Not where anything of it has been
    /// received, for then it was.
    #[error("{message}")]
    NotThere {
        /// Where there is nothing of it.
        message: String,
    },
    /// There was nothing for it to do, as it says itself: it counts as skipped.
    #[error("{why}")]
    NothingToDo {
        /// What is not there.
        why: String,
    },
    /// It goes on where it runs, and this side has given up following it: whoever takes the run over finds it.
    #[error("{message}")]
    Left {
        /// Why.
        message: String,
    },
}

/// Runs stages somewhere.
pub trait Executor: Send + Sync {
    /// Its name in plans and journals: `local`, or a remote's.
    fn name(&self) -> &str;

    /// Runs one attempt to its end, on the calling thread. Obeys `cancel`, and returns only when everything the
    /// attempt started is gone or, where its `leak` policy says so, left on purpose.
    ///
    /// While it is held, all that the attempt has started stands still, nothing starts and no patience runs out; it says
    /// so once that is so. See [`CancelToken::hold`].
    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError>;

    /// What is to be told of it at the end of a run, once nothing that it started goes on. Waits for nothing.
    fn last_news(&self) -> Option<RemoteNews> {
        None
    }

    /// Has what attempts started and none of them answers for any more stand still, or go on. To be called once all
    /// attempts stand still, and waits no longer than a moment.
    fn hold_strays(&self, still: bool) {
        let _ = still;
    }
}
