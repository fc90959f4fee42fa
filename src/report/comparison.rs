//! What changed from one run to another, for people and for programs.
//!
//! Knows nothing of where runs are kept: whoever compares them fills in a [`Comparison`]. As JSON it is documented in
//! `docs/events.md`; fields are only ever added within a schema version.

mod layout;

use serde::Serialize;

pub use layout::render;

use crate::event::{Annotation, Stream};
use crate::ids::{RunNumber, StageName};

/// Two runs, side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The version of this object: that of the event stream.
    pub schema_version: u32,
    /// The one that is compared with.
    pub from: Side,
    /// The one that is compared.
    pub to: Side,
    /// Every stage that either has, in the order of the second, those that it does not have last.
    pub stages: Vec<StageChange>,
}

/// What is said of each of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its number.
    pub run: RunNumber,
    /// `passed`, `failed`, `cancelled`, `errored` or `lost`; `queued` or `running` where it has not ended.
    pub verdict: &'static str,
    /// The exit code that goes with the verdict; none where it has not ended.
    pub exit_code: Option<u8>,
    /// How long it took, or has taken, in milliseconds.
    pub duration_ms: u64,
    /// The commit that was checked out.
    pub commit: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// The directory it was started from.
    pub directory: String,
    /// The files of its config.
    pub config: Vec<ConfigFile>,
    /// The chain of stages, each needing the one before, that took longest.
    pub critical_path: Vec<StageName>,
}

/// A config file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigFile {
    /// Where it is; below the project, relative to it.
    pub path: String,
    /// BLAKE3 of its text, in hex.
    pub hash: String,
}

/// A stage in the two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageChange {
    /// Its name.
    pub name: StageName,
    /// What came of it in the first; none where that does not have it.
    pub from: Option<StageSide>,
    /// What came of it in the second; none where that does not have it.
    pub to: Option<StageSide>,
    /// How much longer it took, in milliseconds, where it ran in both.
    pub delta_ms: Option<i64>,
    /// `slower` or `faster`, where the second took longer or less than had been foretold for nine of ten runs.
    pub outside: Option<&'static str>,
    /// Names of variables that only the second gives it.
    pub environment_added: Vec<String>,
    /// Names of variables that only the first gives it.
    pub environment_gone: Vec<String>,
    /// What it found in the second and not in the first, where it ran in both. What has only moved to another line is no
    /// news.
    pub annotations_new: Vec<Annotation>,
    /// What it found in the first and not in the second.
    pub annotations_gone: Vec<Annotation>,
    /// Whether what it printed differs.
    pub output: OutputChange,
}

/// A stage in one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageSide {
    /// `pass`, `cached`, `fail`, `timeout`, `skip`, `cancelled`, `error` or `lost`; `running` or `waiting`.
    pub status: &'static str,
    /// The exit code of its last attempt, as a shell would give it, where it had one.
    pub exit_code: Option<i32>,
    /// How many attempts were started.
    pub attempts: u32,
    /// How long it took, all attempts together, in milliseconds; none where it did not run to its end.
    pub duration_ms: Option<u64>,
    /// What it runs.
    pub command: String,
    /// Where, relative to the project.
    pub directory: String,
}

/// How what a stage printed in one run differs from what it printed in the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OutputChange {
    /// It did not run in both.
    NotCompared,
    /// Not at all.
    Same,
    /// Not in what is kept from the beginning of both; the rest was left out of the logs.
    SameAsFarAsKept,
    /// This is the first line that differs.
    Differs {
        /// Of which stream.
        #[serde(serialize_with = "name_of_stream")]
        stream: Stream,
        /// Counted from one, in that stream.
        line: u64,
        /// The line in the first; none where it has ended before.
        from: Option<String>,
        /// The line in the second; none where it has ended before.
        to: Option<String>,
    },
    /// It cannot be said.
    Unknown {
        /// Why not.
        why: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn name_of_stream<S: serde::Serializer>(stream: &Stream, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    })
}

impl Comparison {
    /// Whether something other than times differs.
    pub fn differs(&self) -> bool {
        let what = |side: &Side| Side { run: self.to.run, duration_ms: 0, critical_path: Vec::new(), ..side.clone() };
        what(&self.from) != what(&self.to) || self.stages.iter().any(StageChange::differs)
    }
}

impl StageChange {
    /// What both sides say of it, where both have it.
    fn both(&self) -> Option<(&StageSide, &StageSide)> {
        Some((self.from.as_ref()?, self.to.as_ref()?))
    }

    /// Whether something other than its time differs.
    fn differs(&self) -> bool {
        let Some((from, to)) = self.both() else { return true };
        let what = |side: &StageSide| (side.status, side.exit_code, side.command.clone(), side.directory.clone());
        what(from) != what(to)
            || !self.environment_added.is_empty()
            || !self.environment_gone.is_empty()
            || !self.annotations_new.is_empty()
            || !self.annotations_gone.is_empty()
            || matches!(self.output, OutputChange::Differs { .. })
    }
}

#[cfg(test)]
mod tests;
