//! What ever came of a job, how long its next run should take, and how far such words can be trusted: for people and for
//! programs.
//!
//! Knows nothing of where history is kept: whoever asks it fills in [`JobStatistics`]. As JSON they are documented in
//! `docs/events.md`; fields are only ever added within a schema version.

mod document;
mod lines;
#[cfg(test)]
mod tests;

pub use document::document;
pub use lines::{outlook, render};

use crate::estimate::{Accuracy, Flaky, Trend};
use crate::event::Estimate;
use crate::history::{Status, Totals};
use crate::ids::{RunNumber, StageName};
use crate::outcome::SkipReason;

/// All there is to say of one job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatistics {
    /// Its stage.
    pub name: StageName,
    /// What it runs now, as a person reads it; none where the config has no stage of this name any more.
    pub command: Option<String>,
    /// Everything that came of it, added up.
    pub totals: Totals,
    /// The median of the durations that the next estimate rests on, in milliseconds.
    pub median_ms: Option<u64>,
    /// What is foretold of its next run.
    pub next: Next,
    /// Where its durations are heading.
    pub trend: Option<Trend>,
    /// Whether it flakes.
    pub flaky: Option<Flaky>,
    /// How good earlier estimates were.
    pub accuracy: Option<Accuracy>,
    /// What came of it in its last runs on each machine that it ran on, the one of its last run first.
    pub machines: Vec<OnMachine>,
    /// What came of it in its last runs, newest first.
    pub last: Vec<LastRun>,
}

/// What came of a job on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnMachine {
    /// `local`, or the name of a remote.
    pub executor: String,
    /// How often it came to an end of its own there.
    pub runs: u64,
    /// How often it passed.
    pub passed: u64,
    /// The median of its durations with the command that it had last, in milliseconds.
    pub median_ms: Option<u64>,
}

/// What is foretold of a job's next run.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// So long.
    Expected(Estimate),
    /// Nothing yet: it has never passed.
    Unknown,
    /// It would not be run here and now.
    Skipped(SkipReason),
    /// There is no such stage any more.
    Gone,
}

/// What came of a job in one of its last runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// The run.
    pub run: RunNumber,
    /// What came of it.
    pub status: Status,
    /// How long it took with all its attempts, in milliseconds.
    pub duration_ms: u64,
    /// What was foretold, in milliseconds: the point, and the band's ends.
    pub foretold: Option<[u64; 3]>,
    /// Whether its duration says how long it takes.
    pub is_sample: bool,
}

impl LastRun {
    /// What was foretold beside how long it took, where the two can be compared: it passed, undisturbed.
    pub fn prediction(&self) -> Option<([u64; 3], u64)> {
        let comparable = self.status == Status::Pass && self.is_sample;
        self.foretold.filter(|_| comparable).map(|foretold| (foretold, self.duration_ms))
    }
}

/// A share in whole percent. All and nothing are said of nothing less.
fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    let rounded = (u128::from(part) * 200 + u128::from(whole)) / (u128::from(whole) * 2);
    let rounded = u64::try_from(rounded).unwrap_or(100);
    if part == 0 || part >= whole { rounded } else { rounded.clamp(1, 99) }
}

/// A mean of milliseconds, to the nearest one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
fn whole(ms: f64) -> u64 {
    ms.round() as u64
}
