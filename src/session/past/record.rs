//! A run's directory as the record of what came of it.

use std::fs;
use std::io;

use crate::event::{SCHEMA_VERSION, StageFinished};
use crate::history::{Ended, RunRecord, StageRecord, Status};
use crate::ids::RunNumber;
use crate::journal::header::{Header, HeaderStage};
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::outcome::{Outcome, Verdict};
use crate::plan::signature::LOCAL;
use crate::session::runs;
use crate::view::{RunView, StageView};

/// How far wall time and monotonic time may drift apart during an attempt, in milliseconds, before one of them is wrong
/// for a reason: the machine slept, or its clock was set.
const DRIFT_MS: i64 = 5000;

/// Reads what came of a run. None where it has not ended, and where a later version of this program has to say what came
/// of it.
pub(super) fn read(project: &ProjectDir, number: RunNumber) -> io::Result<Option<Ended>> {
    let run = runs::read(project, number)?;
    let (verdict, exit_code) = match run.state {
        RunState::Queued | RunState::Running => return Ok(None),
        RunState::Finished { verdict, exit_code } => (verdict, exit_code),
        RunState::Lost => (Verdict::Lost, Verdict::Lost.exit_code()),
    };
    let header = Header::read(&run.dir);
    if header.as_ref().is_ok_and(|header| header.schema_version > SCHEMA_VERSION) {
        return Ok(None);
    }
    let (id, started, stages) = match (run.view.header(), &header) {
        // The journal says who the run was, too.
        (Some(said), _) => (&said.id, run.started.unwrap_or(said.at), run.view.stages().values().map(stage).collect()),
        (None, Ok(header)) => {
            let stages = header.stages.iter().map(never_mentioned).collect();
            (&header.run, run.started.unwrap_or(header.started), stages)
        }
        (None, Err(_)) => return Err(header.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())),
    };
    let id = id.to_string();
    let (commit, branch) = header.map_or((None, None), |header| (header.commit, header.branch));
    let record = RunRecord {
        number,
        run: id,
        started_ms: u64::try_from(started.unix_ms).unwrap_or(0),
        duration_ms: run.view.end().map_or(0, |end| end.duration_ms),
        verdict: verdict.word().to_owned(),
        exit_code,
        commit,
        branch,
        stages,
    };
    let journal = fs::metadata(run.dir.events()).map_or(0, |metadata| metadata.len());
    Ok(Some(Ended { record, bytes: journal.saturating_add(printed(&run.view)), pruned: false }))
}

/// How much the logs of a run hold, in bytes.
fn printed(view: &RunView) -> u64 {
    let logs = view.stages().values().flat_map(|stage| {
        let last = stage.finished().map(|finished| finished.log);
        stage.failed_attempts.iter().map(|failed| failed.log).chain(last)
    });
    logs.map(|log| log.bytes.saturating_add(log.tail)).fold(0, u64::saturating_add)
}

fn stage(stage: &StageView) -> StageRecord {
    let info = &stage.info;
    let finished = stage.finished();
    StageRecord {
        name: info.name.clone(),
        is_fix: info.is_fix,
        signature: info.signature,
        executor: info.executor.clone(),
        status: finished.map_or(Status::Lost, |finished| status(&finished.outcome)),
        exit_code: finished.and_then(StageFinished::exit_code),
        attempts: stage.attempts(),
        duration_ms: stage.took_ms().unwrap_or(0),
        foretold: info.estimate.as_ref().map(|e| [e.expected_ms, e.low_ms, e.high_ms]),
        inputs: info.inputs.clone(),
        is_sample: is_sample(stage),
    }
}

/// A stage of a run that was lost before it could say anything.
fn never_mentioned(stage: &HeaderStage) -> StageRecord {
    StageRecord {
        name: stage.name.clone(),
        is_fix: false,
        signature: stage.signature,
        executor: LOCAL.to_owned(),
        status: Status::Lost,
        exit_code: None,
        attempts: 0,
        duration_ms: 0,
        foretold: None,
        inputs: None,
        is_sample: false,
    }
}

fn status(outcome: &Outcome) -> Status {
    match outcome {
        Outcome::Passed => Status::Pass,
        Outcome::Cached => Status::Cached,
        Outcome::Failed { .. } => Status::Fail,
        Outcome::TimedOut { .. } => Status::Timeout,
        Outcome::Skipped { .. } => Status::Skip,
        Outcome::Cancelled { .. } => Status::Cancelled,
        Outcome::Errored { .. } => Status::Error,
    }
}

/// Whether a stage's duration says how long it takes: it passed by itself, nothing that it left behind had to be waited
/// for, the run was not paused, and the machine neither slept nor set its clock meanwhile.
fn is_sample(stage: &StageView) -> bool {
    let Some(finished) = stage.finished() else { return false };
    let drifted = match (stage.started, stage.ended) {
        (Some(started), Some(ended)) => {
            let mono = i64::try_from(ended.since(started).as_millis()).unwrap_or(i64::MAX);
            let wall = ended.unix_ms.saturating_sub(started.unix_ms);
            wall.saturating_sub(mono).saturating_abs() > DRIFT_MS
        }
        _ => true,
    };
    finished.outcome == Outcome::Passed && finished.leaked.is_empty() && !drifted && !stage.was_paused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{LeakedProcess, LogInfo};
    use crate::ids::StageId;
    use crate::outcome::Exit;
    use crate::view::StageState;

    fn at(unix_ms: i64, mono_ms: u64) -> Timestamp {
        Timestamp { unix_ms, mono_us: mono_ms * 1000 }
    }

    fn view(outcome: Outcome, started: Timestamp, ended: Timestamp) -> StageView {
        let finished = StageFinished {
            stage: StageId(0),
            attempt: 1,
            outcome,
            exit: Some(Exit::Code(0)),
            duration_ms: 1000,
            log: LogInfo::default(),
            leaked: Vec::new(),
        };
        StageView {
            info: crate::view::recorded::stage("a", "true"),
            state: StageState::Finished(finished),
            failed_attempts: Vec::new(),
            started: Some(started),
            ended: Some(ended),
            was_paused: false,
            annotations: Vec::new(),
        }
    }

    /// H95, H96: a machine that slept, or whose clock was set, has not said how long the stage takes.
    #[test]
    fn h95_a_duration_over_which_the_clocks_disagree_is_no_sample() {
        let sample = |wall_ms: i64| is_sample(&view(Outcome::Passed, at(50_000, 10_000), at(50_000 + wall_ms, 11_000)));
        assert!(sample(1000));
        assert!(sample(5900));
        assert!(!sample(3_600_000), "slept for an hour");
        assert!(!sample(-3_600_000), "set back by an hour");
    }

    #[test]
    fn only_what_passed_by_itself_is_a_sample() {
        let with = |outcome| view(outcome, at(1000, 1000), at(2000, 2000));
        assert!(is_sample(&with(Outcome::Passed)));
        assert!(!is_sample(&with(Outcome::Cached)));
        assert!(!is_sample(&with(Outcome::TimedOut { limit_ms: 1 })));
        let mut leaky = with(Outcome::Passed);
        if let StageState::Finished(finished) = &mut leaky.state {
            finished.leaked = vec![LeakedProcess { pid: 1, command: "sleep".into(), killed: true }];
        }
        assert!(!is_sample(&leaky));
        let mut paused = with(Outcome::Passed);
        paused.was_paused = true;
        assert!(!is_sample(&paused));
    }

    #[test]
    fn a_stage_without_a_last_word_is_lost_and_keeps_its_attempts() {
        let mut open = view(Outcome::Passed, at(0, 0), at(0, 0));
        open.state = StageState::Retrying { attempt: 3, since: at(0, 0) };
        let record = stage(&open);
        assert_eq!((record.status, record.attempts, record.is_sample), (Status::Lost, 2, false));
    }
}
