//! The final report of `--json`: one object that says what a run came to. Documented in `docs/events.md`; fields are
//! only ever added within a schema version.

use serde::{Deserialize, Serialize};

use super::{Line, RemoteView, RunView, StageState, StageView};
use crate::event::{Annotation, LeakedProcess, SCHEMA_VERSION, StageFinished};
use crate::ids::{RunId, RunNumber, StageId, StageName};
use crate::outcome::{Outcome, Verdict};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this object.
    pub schema_version: u32,
    /// Which run; none where it never started.
    pub run: Option<ReportedRun>,
    /// `passed`, `failed`, `cancelled`, `errored` or `lost`; `running` where it has not ended.
    pub verdict: String,
    /// The exit code that goes with the verdict; none where it has not ended.
    pub exit_code: Option<u8>,
    /// Every stage of the run, in order.
    pub results: Vec<ReportedStage>,
    /// How many stages ran and passed.
    pub passed: usize,
    /// How many failed, timed out or could not be run, allowed failures included.
    pub failed: usize,
    /// How many were not started.
    pub skipped: usize,
    /// How many did not have to run.
    pub cached: usize,
    /// Wall time, in milliseconds.
    pub duration_ms: u64,
    /// The other machines that stages were on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remotes: Vec<ReportedRemote>,
    /// Sentences about things that a person should know.
    pub warnings: Vec<String>,
}

/// Which run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRun {
    /// Its identity, unique everywhere.
    pub id: RunId,
    /// Its number in the project; none where no state could be kept.
    pub number: Option<RunNumber>,
}

/// Another machine that stages were on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRemote {
    /// Its name in the plan.
    pub name: String,
    /// The machine as a person knows it.
    pub host: String,
    /// How the line to it is: `connecting`, `sending`, `up`, `down`, `left` or `done`.
    pub state: String,
    /// From a request to its answer, in microseconds.
    pub round_trip_us: u64,
    /// How many files were sent there.
    pub sent_files: u64,
    /// How much that was, in bytes.
    pub sent_bytes: u64,
    /// How many files were brought back.
    pub fetched_files: u64,
    /// How much that was, in bytes.
    pub fetched_bytes: u64,
    /// How much output of stages came from there, in bytes.
    pub received: u64,
}

impl From<&RemoteView> for ReportedRemote {
    fn from(remote: &RemoteView) -> Self {
        let sent = remote.sent.unwrap_or_default();
        let state = match remote.line {
            Line::Connecting => "connecting",
            Line::Sending => "sending",
            Line::Up => "up",
            Line::Down { .. } => "down",
            Line::Left { .. } => "left",
            Line::Done => "done",
        };
        Self {
            name: remote.info.name.clone(),
            host: remote.info.host.clone(),
            state: state.into(),
            round_trip_us: remote.round_trip_us,
            sent_files: sent.files,
            sent_bytes: sent.bytes,
            fetched_files: remote.fetched.files,
            fetched_bytes: remote.fetched.bytes,
            received: remote.received,
        }
    }
}

/// What a stage came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedStage {
    /// Its name.
    pub name: StageName,
    /// What it runs, as a person reads it.
    pub command: String,
    /// `pass`, `fail`, `skip`, `cancelled`, `timeout` or `error`; `running` or `waiting` where the run has not ended.
    pub status: String,
    /// Its process's own exit code, 128 + signal where a signal ended it, 127 or 126 where it could not be started.
    pub exit_code: Option<i32>,
    /// How long its last attempt ran, in milliseconds.
    pub duration_ms: u64,
    /// How long it was expected to take, in milliseconds, where history knew.
    pub expected_ms: Option<u64>,
    /// Whether it passed without running.
    pub cache_hit: bool,
    /// The attempt this is about, from one; zero where none was started.
    pub attempt: u32,
    /// The file that holds what the attempt printed; none where it printed nothing, or nothing is kept.
    pub log: Option<String>,
    /// What was found in the project by the attempt, or in what it printed.
    pub annotations: Vec<Annotation>,
    /// What went wrong, or why it was not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl RunView {
    /// The final report. `log` names the file that holds what an attempt of a stage printed, where there is one.
    pub fn report(&self, log: impl Fn(StageId, u32) -> Option<String>) -> Report {
        let ended = self.end.is_some();
        let results = self.stages.iter().map(|(id, stage)| reported(id, stage, ended, &log)).collect();
        let counts = self.counts();
        // A stage without a last word in a run that has ended is an error in the report: it counts as it reads.
        let unfinished = self.stages.values().filter(|stage| ended && stage.finished().is_none()).count();
        Report {
            schema_version: SCHEMA_VERSION,
            run: self.run.as_ref().map(|run| ReportedRun { id: run.id.clone(), number: run.number }),
            verdict: self.verdict().map_or("running", Verdict::word).into(),
            exit_code: self.exit_code(),
            results,
            passed: counts.passed,
            failed: counts.failed + unfinished,
            skipped: counts.skipped,
            cached: counts.cached,
            duration_ms: self.last.map_or(0, |last| super::milliseconds(self.elapsed_at(last))),
            remotes: self.remotes.iter().map(ReportedRemote::from).collect(),
            warnings: self.warnings(),
        }
    }

    /// Notices and processes left behind, as sentences that name their stage.
    fn warnings(&self) -> Vec<String> {
        let name = |id: StageId| self.stages.get(id).map(|stage| stage.info.name.clone());
        let noticed = self.notices.iter().map(|notice| match notice.stage.and_then(name) {
            Some(stage) => format!("{stage}: {}", notice.text),
            None => notice.text.clone(),
        });
        let leaked = self.stages.values().flat_map(|stage| {
            stage.leaked().map(move |process| format!("{}: {}", stage.info.name, leaked_sentence(process)))
        });
        let lost = self.stages.values().filter_map(|stage| {
            let bytes = stage.lost_bytes();
            (bytes > 0)
                .then(|| format!("{}: its log is incomplete: {bytes} bytes could not be written", stage.info.name))
        });
        noticed.chain(leaked).chain(lost).collect()
    }
}

/// A process left behind, in a sentence.
pub(crate) fn leaked_sentence(process: &LeakedProcess) -> String {
    let LeakedProcess { pid, command, killed } = process;
    let then = if *killed { "it was killed" } else { "it was left running" };
    format!("process {pid} ({command}) outlived its stage; {then}")
}

fn reported(
    id: StageId,
    stage: &StageView,
    ended: bool,
    log: &impl Fn(StageId, u32) -> Option<String>,
) -> ReportedStage {
    let attempt = stage.attempts();
    let finished = stage.finished();
    let exit_code = finished.and_then(StageFinished::exit_code);
    let error = match finished.map(|finished| &finished.outcome) {
        Some(Outcome::Skipped { reason }) => Some(reason.to_string()),
        Some(outcome) => outcome.error(),
        None if !ended => None,
        None if stage.left_on().is_some() => {
            let machine = stage.executor();
            Some(format!("the run was left before this stage ended, which may run on {machine} still"))
        }
        None if attempt > 0 => Some("the run ended before this stage did".into()),
        None => Some("the run ended before this stage started".into()),
    };
    let status = match &stage.state {
        StageState::Finished(finished) => finished.outcome.word(),
        StageState::Waiting if !ended => "waiting",
        StageState::Running { .. } | StageState::Retrying { .. } if !ended => "running",
        StageState::Waiting | StageState::Running { .. } | StageState::Retrying { .. } => "error",
    };
    // No file is made for an attempt that prints nothing.
    let printed = attempt > 0 && stage.attempt_log(attempt).is_none_or(|log| log.bytes > 0);
    ReportedStage {
        name: stage.info.name.clone(),
        command: stage.info.command.clone(),
        status: status.into(),
        exit_code,
        duration_ms: finished.map_or(0, |finished| finished.duration_ms),
        expected_ms: stage.info.expected_ms(),
        cache_hit: finished.is_some_and(|finished| finished.outcome == Outcome::Cached),
        attempt,
        log: if printed { log(id, attempt) } else { None },
        annotations: stage.annotations.clone(),
        error,
    }
}
