//! A command of a plugin's, on a thread of its own, over whatever can run one to its end.
//!
//! ```text
//!  guest's thread                                the command's thread                 the guard's thread
//!  next_lines ◀── lines, a bounded channel ◀── Lines (cuts bytes into lines) ◀─ work    stage is to end ─▶ token
//!  kill ──────────────── token: Kill ─────────────────────────────────────────▶         time is up ─▶ token, harder later
//!  wait: takes and counts what nobody fetched, until the thread has ended
//! ```
//!
//! Output that nobody fetches holds the command up, as a full pipe would, until somebody fetches it, waits for the end, or
//! drops the process.

use std::time::Duration;

use crate::cancel::CancelToken;
use crate::event::OutputSink;
use crate::executor::{Ended, ExecError};
use crate::plugin::services::{CommandExit, CommandFailure, Line, Process};

/// Runs a command to its end, on the thread that calls it: what it prints goes to the sink, and the token ends it.
pub type Work = Box<dyn FnOnce(&mut dyn OutputSink, &CancelToken) -> Result<Ended, ExecError> + Send>;

/// How long a command may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until it is asked to end; none: for as long as its stage.
    pub timeout: Option<Duration>,
    /// From there until it is killed.
    pub grace: Duration,
}

/// A command that runs. Dropping it kills it, and waits until it is gone.
pub struct Running {}

impl Running {
    /// Starts it. `stage` is what asks the stage to end, to stand still and to take signals: the command hears all of it, and
    /// what it answers is answered there.
    pub fn start(work: Work, patience: Patience, stage: &CancelToken) -> Result<Self, CommandFailure> {
        let _ = (work, patience, stage);
        Err(CommandFailure::Cancelled)
    }
}

impl Process for Running {
    fn next_lines(&mut self, max: u32) -> Result<Vec<Line>, CommandFailure> {
        let _ = max;
        Err(CommandFailure::Cancelled)
    }

    fn kill(&mut self) {}

    fn wait(&mut self) -> Result<CommandExit, CommandFailure> {
        Err(CommandFailure::Cancelled)
    }
}
