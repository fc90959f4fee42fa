//! When a run may start: which of the runs that go on it waits for.
//!
//! ```text
//!  asked: --queue, --after RUN, --after-any RUN ─┐
//!  the runs that go on, under the project's lock ─┴─▶ Waits, none where it starts at once
//! ```
//!
//! It only ever waits for runs that were there before it, so no two wait for each other. A job that one of those has too is
//! no hindrance; a job of any other run that goes on is.

use std::collections::HashSet;
use std::io;

use super::header::Waits;
use super::layout::ProjectDir;
use super::mark::Active;
use super::state::{self, RunState};
use crate::ids::{RunNumber, Signature, StageName};
use crate::outcome::Verdict;

/// When a run is to start, as it was asked for. By default at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// When all runs of the project have ended that are there now.
    pub queue: bool,
    /// When this one has passed; where it does not, never.
    pub after: Option<RunNumber>,
    /// When this one has ended, however.
    pub after_any: Option<RunNumber>,
    /// The runs of which a stage starts this one. They would wait for it, so it cannot wait for them.
    pub outer: Vec<RunNumber>,
}

impl Turn {
    /// Whether it may have to wait at all.
    pub fn is_at_once(&self) -> bool {
        !self.queue && self.after.is_none() && self.after_any.is_none()
    }
}

/// Why a run does not start, and does not wait either.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// One of its jobs is in another run that goes on.
    #[error("stage {stage} is in run {number}, which goes on")]
    Running {
        /// The job, as that run names it.
        stage: StageName,
        /// That run.
        number: RunNumber,
        /// Whether that run waits for its turn, and the job with it.
        is_queued: bool,
    },
    /// It was to start when this run had passed, which has ended otherwise.
    #[error("nothing was started: run {number} {}, and this was to start only if it passed", came_to(*.state))]
    NotPassed {
        /// The run.
        number: RunNumber,
        /// What came of it.
        state: RunState,
    },
    /// It was to start after a run that cannot end before this one has.
    #[error("nothing was started: run {number} cannot end before this has ended, which one of its stages starts")]
    WaitsForUs {
        /// The run.
        number: RunNumber,
    },
    /// Nobody can tell what came of the run that it was to start after.
    #[error("nothing was started: what came of run {number} cannot be read: {source}")]
    Unknown {
        /// The run.
        number: RunNumber,
        /// Why not.
        source: io::Error,
    },
}

/// What became of a run that did not pass.
fn came_to(state: RunState) -> &'static str {
    match state {
        RunState::Queued | RunState::Running => "goes on",
        RunState::Lost | RunState::Finished { verdict: Verdict::Lost, .. } => "is lost",
        RunState::Finished { verdict, .. } => match verdict {
            Verdict::Failed => "failed",
            Verdict::Cancelled { .. } => "was cancelled",
            Verdict::Errored => "came to no verdict",
            Verdict::Passed | Verdict::Lost => "has ended",
        },
    }
}

/// What a run with these jobs waits for, among the runs that go on. None where it starts at once.
pub(super) fn waits(
    project: &ProjectDir,
    turn: &Turn,
    jobs: &[(Signature, StageName)],
    active: &[Active],
) -> Result<Option<Waits>, Refusal> {
    let goes_on = |number: RunNumber| active.iter().any(|run| run.number == number);
    let barred = barred(&turn.outer, active);
    if let Some(number) = turn.after.into_iter().chain(turn.after_any).find(|number| barred.contains(number)) {
        return Err(Refusal::WaitsForUs { number });
    }
    let mut waits = Waits::default();
    match turn.after {
        Some(number) if goes_on(number) => waits.until_passed = Some(number),
        Some(number) => match state::of(&project.run(number)) {
            Ok(RunState::Finished { verdict: Verdict::Passed, .. }) => {}
            Ok(state) => return Err(Refusal::NotPassed { number, state }),
            Err(source) => return Err(Refusal::Unknown { number, source }),
        },
        None => {}
    }
    waits.until_ended.extend(turn.after_any.filter(|number| goes_on(*number)));
    if turn.queue {
        let others = active.iter().map(|run| run.number).filter(|number| !barred.contains(number));
        waits.until_ended.extend(others);
    }
    let ours: HashSet<Signature> = jobs.iter().map(|(signature, _)| *signature).collect();
    let behind = behind(&waits, active);
    for run in active {
        let Some(stage) = run.first_of(|signature| ours.contains(signature)) else { continue };
        if !behind.contains(&run.number) {
            let (stage, number, is_queued) = (stage.clone(), run.number, run.is_queued);
            return Err(Refusal::Running { stage, number, is_queued });
        }
        // Also where it is only waited for by one that we wait for: that one may be stopped before its turn has come.
        waits.until_ended.push(run.number);
    }
    waits.until_ended.retain(|number| Some(*number) != waits.until_passed);
    waits.until_ended.sort_unstable();
    waits.until_ended.dedup();
    Ok((waits != Waits::default()).then_some(waits))
}

/// The runs that we are a part of, and those that wait for them, near or far.
fn barred(outer: &[RunNumber], active: &[Active]) -> HashSet<RunNumber> {
    let mut barred: HashSet<RunNumber> = outer.iter().copied().collect();
    // Runs wait for lower numbers only, so one pass upwards finds all.
    for run in active.iter().filter(|run| run.is_queued) {
        if run.waits.iter().any(|number| barred.contains(number)) {
            barred.insert(run.number);
        }
    }
    barred
}

/// The runs that are waited for, and those that they wait for themselves, near or far.
fn behind(waits: &Waits, active: &[Active]) -> HashSet<RunNumber> {
    let mut behind: HashSet<RunNumber> = waits.runs().into_iter().collect();
    for run in active.iter().rev().filter(|run| run.is_queued) {
        if behind.contains(&run.number) {
            behind.extend(&run.waits);
        }
    }
    behind
}
