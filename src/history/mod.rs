//! What came of earlier runs, in one SQLite file for all projects: an index, which can be rebuilt from the runs and from
//! what is kept of pruned ones. Nothing is lost with it, and nothing here can fail a run.
//!
//! It knows nothing of journals: whoever reads a run makes a [`RunRecord`] of it. `docs/design.md`, "History", says how
//! the file is treated.

mod database;
mod fault;
mod file;
mod forecast;
mod forget;
mod latest;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod write;

pub use database::History;
pub use fault::Fault;
pub use file::{Identity, Patience, discard, set_aside};
pub use forecast::{Samples, Sought};
pub use forget::Forget;
pub use latest::Latest;
pub use read::{Job, Known};
pub use write::{About, Ended};

use serde::{Deserialize, Serialize};

use crate::ids::{RunNumber, Signature, StageName};

/// What is remembered of a run that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its number in its project.
    pub number: RunNumber,
    /// Its identity, 32 hex digits.
    pub run: String,
    /// When it started: milliseconds since 1970-01-01 UTC.
    pub started_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it came to, in the words of [`crate::outcome::Verdict`]: `passed`, `failed`, `cancelled`, `errored`, `lost`.
    pub verdict: String,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// The commit that was checked out, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Its stages, in its own order.
    pub stages: Vec<StageRecord>,
}

/// What is remembered of a stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name.
    pub name: StageName,
    /// Whether it ran its `fix`: that is kept apart from what its own command came to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_fix: bool,
    /// The fingerprint of what it ran.
    pub signature: Signature,
    /// Where it ran: `local`, or the name of a remote.
    pub executor: String,
    /// What came of it.
    pub status: Status,
    /// The exit code of its last attempt, as a shell would give it, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// How many attempts were started.
    pub attempts: u32,
    /// How long it took, in milliseconds, from its first attempt to its last word.
    pub duration_ms: u64,
    /// What was foretold, in milliseconds: the point, and the band's ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foretold: Option<[u64; 3]>,
    /// The fingerprint of its inputs, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Whether its duration says how long it takes: it was neither suspended nor cut short.
    pub is_sample: bool,
}

/// What came of a stage, in the words of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It passed; with more than one attempt, it is flaky.
    Pass,
    /// It did not have to run.
    Cached,
    /// It failed.
    Fail,
    /// It ran longer than it may.
    Timeout,
    /// It was not started.
    Skip,
    /// The run was cancelled.
    Cancelled,
    /// It could not be run.
    Error,
    /// The run was lost before it ended.
    Lost,
}

impl Status {
    /// The word of the report for it; `cached` and `lost` have words of their own here.
    pub fn word(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Cached => "cached",
            Status::Fail => "fail",
            Status::Timeout => "timeout",
            Status::Skip => "skip",
            Status::Cancelled => "cancelled",
            Status::Error => "error",
            Status::Lost => "lost",
        }
    }
}

/// A run as `runs` lists it: the run's own line, or that of one job in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// The run, without its stages.
    pub number: RunNumber,
    /// When it started: milliseconds since 1970-01-01 UTC.
    pub started_ms: u64,
    /// How long it took, or the job in it, in milliseconds.
    pub duration_ms: u64,
    /// What the run came to; see [`RunRecord::verdict`].
    pub verdict: String,
    /// The run's exit code.
    pub exit_code: u8,
    /// The commit that was checked out, where there was one.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// How many stages it had, and how many of them failed (timed out and errored ones too).
    pub stages: (u32, u32),
    /// The job in it, where one was asked for.
    pub job: Option<StageRecord>,
    /// Whether its directory was pruned: what its stages printed is gone.
    pub pruned: bool,
}

/// All that ever came of one job, added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// How often it was started and came to an end of its own: passed, failed or timed out.
    pub runs: u64,
    /// How often it passed.
    pub passed: u64,
    /// How often it passed only after another attempt.
    pub flaky: u64,
    /// The mean of the durations of those that passed, in milliseconds.
    pub mean_ms: Option<f64>,
    /// The shortest of them.
    pub fastest_ms: Option<u64>,
    /// The longest of them.
    pub slowest_ms: Option<u64>,
    /// The last failure: run and time.
    pub last_failure: Option<(RunNumber, u64)>,
}
