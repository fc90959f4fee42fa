//! The attempts of a stage with their places in the run's time.

use std::time::Duration;

use crate::event::LogInfo;
use crate::outcome::Outcome;
use crate::view::{RunView, StageState, StageView};

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    /// Counted from one.
    pub(super) number: u32,
    /// Since the run's beginning, on its own clock.
    pub(super) start: Duration,
    pub(super) length: Duration,
    /// None where the run was lost meanwhile.
    pub(super) outcome: Option<&'a Outcome>,
    pub(super) log: LogInfo,
}

/// The attempts of a stage that were started, in order. One that failed stands where the delays before it put it: when
/// exactly it began is not kept.
pub(super) fn of<'a>(view: &RunView, stage: &'a StageView) -> Vec<Attempt<'a>> {
    let (Some(run), Some(started)) = (view.header(), stage.started) else { return Vec::new() };
    let mut start = started.since(run.at);
    let mut attempts = Vec::with_capacity(stage.failed_attempts.len() + 1);
    for failed in &stage.failed_attempts {
        let length = Duration::from_millis(failed.duration_ms);
        attempts.push(Attempt {
            number: failed.attempt,
            start,
            length,
            outcome: Some(&failed.outcome),
            log: failed.log,
        });
        start += length + Duration::from_millis(failed.delay_ms);
    }
    match &stage.state {
        StageState::Finished(finished) if attempts.iter().all(|failed| failed.number != finished.attempt) => {
            let length = Duration::from_millis(finished.duration_ms);
            let end = stage.ended.unwrap_or(started).since(run.at);
            attempts.push(Attempt {
                number: finished.attempt,
                start: end.saturating_sub(length).max(started.since(run.at)),
                length,
                outcome: Some(&finished.outcome),
                log: finished.log,
            });
        }
        StageState::Running { attempt, since } => {
            let start = since.since(run.at);
            let length = end_of(view).saturating_sub(start);
            attempts.push(Attempt { number: *attempt, start, length, outcome: None, log: LogInfo::default() });
        }
        StageState::Waiting | StageState::Retrying { .. } | StageState::Finished(_) => {}
    }
    attempts
}

/// How long the run has taken, as far as its journal says.
pub(super) fn end_of(view: &RunView) -> Duration {
    match (view.end(), view.so_far(), view.header()) {
        (Some(end), ..) => Duration::from_millis(end.duration_ms),
        (None, Some((last, _)), Some(run)) => last.since(run.at),
        (None, ..) => Duration::ZERO,
    }
}

/// What came of a stage or an attempt, in words: why it did not pass, or was not run.
pub(super) fn why(outcome: Option<&Outcome>) -> Option<String> {
    match outcome {
        None => Some("lost: the run's supervisor died meanwhile".to_owned()),
        Some(Outcome::Skipped { reason }) => Some(reason.to_string()),
        Some(outcome) => outcome.error(),
    }
}
