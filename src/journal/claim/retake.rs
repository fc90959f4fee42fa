//! Taking a run again that nobody sees to any more, to go on with it: its lock, and its mark.
//!
//! A run's lock is free only when its supervisor and that one's guard are gone. It is taken again under the project's lock
//! alone, so of two who want it one has it and the other finds it held; who deletes runs is waited for before that.

use std::fs::File;
use std::io;
use std::path::Path;

use super::hold;
use crate::ids::{RunNumber, Signature, StageName};
use crate::journal::layout::{ProjectDir, private_file};
use crate::journal::state::{self, RunState};
use crate::journal::turn::{self, Refusal, Turn};
use crate::journal::{lock, mark};

/// Why a run is not to be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum RetakeError {
    /// Somebody sees to it, perhaps since a moment ago.
    #[error("somebody sees to it already")]
    Held,
    /// It has ended, or is gone.
    #[error("it has ended")]
    Over,
    /// One of its jobs is in another run that goes on.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Takes a lost run again, of which these jobs are still to be run. Gives its lock, held. It is marked as going on.
pub fn retake(
    project: &ProjectDir,
    root: &Path,
    number: RunNumber,
    jobs: &[(Signature, StageName)],
) -> Result<File, RetakeError> {
    let deleting = lock::open_deleting(project)?;
    lock::wait_exclusive(&deleting)?;
    let _held = hold(project, root)?;
    let run = project.run(number);
    match state::of(&run)? {
        RunState::Lost if run.path().is_dir() => {}
        RunState::Queued | RunState::Running => return Err(RetakeError::Held),
        RunState::Lost | RunState::Finished { .. } => return Err(RetakeError::Over),
    }
    turn::waits(project, &Turn::default(), jobs, &mark::read_all(project)?)?;
    let lock = private_file().write(true).open(run.lock())?;
    // Nobody can have it but who looks for a moment.
    lock::wait_exclusive(&lock)?;
    mark::write(project, number, &[], jobs)?;
    Ok(lock)
}
