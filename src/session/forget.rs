//! Forgetting jobs: their runs, what is kept of runs that were pruned, what the index has of them, and, of an ad-hoc job,
//! the job.
//!
//! ```text
//!  under the project's lock                       afterwards, in any order of crashes
//!  ┌─────────────────────────────────────────┐    ┌───────────────────────────────────────────────────────┐
//!  │ nothing of it goes on ─▶ forgotten.jsonl│ ─▶ │ runs/N to gone/N, removed ─▶ pruned.jsonl ─▶ history.db│
//!  │                       ─▶ jobs.jsonl     │    └───────────────────────────────────────────────────────┘
//!  └─────────────────────────────────────────┘
//! ```
//!
//! From the first write on the job is forgotten: nobody who reads takes anything for its history that is still there, and
//! whoever opens the index first takes out of it what is left. Directories that are left go with the next who forgets
//! something. A run that has begun under the same name since has a higher number, and is another job's.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::past::forgotten::Forgotten;
use super::past::{self, ledger};
use super::{jobs, retention, runs, takeover};
use crate::clock::Clock;
use crate::ids::{RunNumber, StageName};
use crate::journal::claim;
use crate::journal::header::Header;
use crate::journal::layout::ProjectDir;
use crate::journal::lock;
use crate::journal::state::{self, RunState};

/// How long a supervisor may take to put away a run that has ended.
const PUTTING_AWAY: Duration = Duration::from_secs(10);

/// Why nothing was forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// A job of them goes on.
    #[error("job {job} is running, in run {number}")]
    Running {
        /// The job.
        job: StageName,
        /// The run it runs in, or that waits for its turn.
        number: RunNumber,
    },
    /// A job of them may run on another machine still.
    #[error("job {job} was left in run {number}, and may run on {machine} still")]
    Left {
        /// The job.
        job: StageName,
        /// The run that it was left in.
        number: RunNumber,
        /// The machine.
        machine: String,
    },
    /// The state cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What is forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgot {
    /// The runs that are gone, oldest first.
    pub runs: Vec<RunNumber>,
    /// How many pruned runs are gone of which there was only a line left.
    pub lines: usize,
    /// How many bytes the runs took on the disk.
    pub bytes: u64,
    /// How many runs stay, because they had other stages as well.
    pub kept: usize,
    /// How many ad-hoc jobs are gone.
    pub jobs: usize,
    /// What could not be done, and is done by the next who forgets something.
    pub warnings: Vec<String>,
}

/// Forgets jobs by their names. One that goes on is refused, and then nothing is forgotten.
pub fn remove(
    project: &ProjectDir,
    root: &Path,
    names: &[StageName],
    clock: &dyn Clock,
) -> Result<Forgot, ForgetError> {
    if !project.path().is_dir() {
        return Ok(Forgot::default());
    }
    // One at a time forgets, prunes and writes the list of what was forgotten.
    let deleting = lock::open_deleting(project)?;
    lock::wait_exclusive(&deleting)?;
    let held = claim::hold(project, root)?;
    for number in claim::active(project)? {
        if let Some(job) = claim::marked(project, number).into_iter().find(|job| names.contains(job)) {
            return Err(ForgetError::Running { job, number });
        }
    }
    for number in project.numbers()? {
        let run = project.run(number);
        if !retention::goes_on_elsewhere(&run) {
            continue;
        }
        let left = takeover::look_in(&run, &takeover::past::said(&run)?).unwrap_or_default();
        if let Some((job, machine)) = left.elsewhere.into_iter().find(|(job, _)| names.contains(job)) {
            return Err(ForgetError::Left { job, number, machine });
        }
    }
    let through = claim::last_number(project)?;
    let mut forgotten = Forgotten::read(project)?;
    for name in names {
        forgotten.forget(name.clone(), through);
    }
    forgotten.write(project)?;
    let jobs = jobs::remove(project, &|job| names.contains(&job.name))?;
    drop(held);
    let mut forgot = clear(project, &forgotten, names, clock)?;
    forgot.jobs = jobs;
    if let Err(fault) = past::forget(project, forgotten) {
        forgot.warnings.push(format!("the history could not be told ({}: {fault})", project.history().display()));
    }
    Ok(forgot)
}

/// Takes away the directories and the lines of pruned runs that are forgotten. Of `names` those runs are counted that stay.
/// To be called by who holds the lock of those that delete.
pub(super) fn clear(
    project: &ProjectDir,
    forgotten: &Forgotten,
    names: &[StageName],
    clock: &dyn Clock,
) -> io::Result<Forgot> {
    // What was being deleted when somebody was killed.
    retention::remove(&project.gone())?;
    let mut forgot = Forgot::default();
    for number in project.numbers()? {
        let whole = forgotten.all.is_some_and(|through| number <= through);
        let had = if whole { Vec::new() } else { names_of(project, number) };
        if !whole && !had.iter().any(|name| forgotten.has(name, number)) {
            continue;
        }
        let run = project.run(number);
        if state::of(&run).is_ok_and(RunState::is_active) {
            continue;
        }
        // Its supervisor may still be adding it to the index, from which it is taken next.
        if !runs::wait_over(&run, PUTTING_AWAY, clock)? {
            forgot.warnings.push(format!("run {number} has ended and is still being put away"));
            continue;
        }
        if !whole && !had.iter().all(|name| forgotten.has(name, number)) {
            forgot.kept += usize::from(had.iter().any(|name| names.contains(name)));
            continue;
        }
        let bytes = retention::disk_usage(run.path());
        match retention::take_away(project, number) {
            Ok(()) => {
                forgot.runs.push(number);
                forgot.bytes = forgot.bytes.saturating_add(bytes);
            }
            Err(error) => forgot.warnings.push(format!("run {number} could not be deleted: {error}")),
        }
    }
    forgot.lines = ledger::rewrite(project, &|run| forgotten.left_of(run))?;
    Ok(forgot)
}

/// The stages of a run, from what it was started with, or else from what it said. None where it tells neither.
fn names_of(project: &ProjectDir, number: RunNumber) -> Vec<StageName> {
    match Header::read(&project.run(number)) {
        Ok(header) => header.stages.into_iter().map(|stage| stage.name).collect(),
        Err(_) => runs::read(project, number).map_or(Vec::new(), |run| run.names.values().cloned().collect()),
    }
}
