//! How long the rest of a run takes.

use std::time::Duration;

use super::{RunView, StageState, StageView, Tally};
use crate::clock::Timestamp;
use crate::estimate::{Span, Task, bound, typical};
use crate::event::Estimate;

/// How long the rest of a run takes, as far as history can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eta {
    /// The point.
    pub expected: Duration,
    /// The band's low end, at most the point.
    pub low: Duration,
    /// The band's high end, at least the point.
    pub high: Duration,
    /// How many stages with something left are unknown to history, and taken for the median of those that are known, or
    /// have run longer than ever, and are taken to take as long again. With any of them the rest is a guess.
    pub unknown: usize,
    /// Whether this run has shown that its estimates do not hold here, and they were scaled by what it has shown.
    pub is_rough: bool,
}

/// How long a run must have taken before it is compared with its estimates.
const COMPARED_AFTER: Duration = Duration::from_secs(15);
/// And which part of its stages must have ended: one of so many.
const COMPARED_PART: usize = 20;
/// Beyond this factor, or below one over it, estimates do not hold.
const NOT_HOLDING: f64 = 3.0;
/// What a duration counts as at least where ratios are taken, in milliseconds: of quicker stages they are noise.
const COMPARED_LEAST_MS: u64 = 100;

/// What the stages of a run are measured by.
struct Measure {
    /// What stands in for a stage that is not known.
    typical: Estimate,
    /// How much longer stages take here than was foretold; one unless they differ much.
    factor: f64,
    now: Timestamp,
}

impl RunView {
    /// How long the rest of the run takes from now on: the longest way through the stages that have not ended, but not
    /// less than slots and locks can do (see [`bound`]), where every stage passes at its next attempt. Costs one pass
    /// over stages and needs.
    ///
    /// None where there is nothing to say: before the run's first event, once it has ended or is being cancelled, and
    /// where no stage of it is known to history.
    pub fn eta(&self, now: Timestamp) -> Option<Eta> {
        let header = self.run.as_ref().filter(|_| self.end.is_none() && self.cancelling.is_none())?;
        let known: Vec<u64> = self.stages.values().filter(|stage| stage.runs()).filter_map(expected_ms).collect();
        let factor = self.factor(now);
        let now = self.on_its_clock(now);
        let measure = Measure { typical: typical(&known)?, factor: factor.unwrap_or(1.0), now };
        let mut unknown = 0;
        let tasks = self.stages.values().map(|stage| {
            let (span, is_known) = measure.left(stage);
            unknown += usize::from(!is_known);
            let info = &stage.info;
            Task { span, executor: &info.executor, threads: info.threads, locks: &info.locks, needs: &info.needs }
        });
        let Span { expected, low, high } = bound(tasks, |executor| header.slots(executor, header.jobs)).span;
        Some(Eta { expected, low, high, unknown, is_rough: factor.is_some() })
    }

    /// How much longer stages of this run take than was foretold, where enough of them have passed to say so and it is a
    /// multiple, or a fraction: the median of their ratios.
    fn factor(&self, now: Timestamp) -> Option<f64> {
        if self.elapsed(now) < COMPARED_AFTER {
            return None;
        }
        let mut ratios: Vec<f64> = self.stages.values().filter_map(ratio).collect();
        let all = self.stages.values().filter(|stage| stage.runs()).count();
        if ratios.is_empty() || ratios.len() * COMPARED_PART < all {
            return None;
        }
        let middle = ratios.len() / 2;
        let (_, factor, _) = ratios.select_nth_unstable_by(middle, f64::total_cmp);
        (*factor > NOT_HOLDING || *factor < 1.0 / NOT_HOLDING).then_some(*factor)
    }
}

impl StageView {
    /// Whether it runs, as far as the plan decided.
    fn runs(&self) -> bool {
        self.info.skip.is_none()
    }
}

fn expected_ms(stage: &StageView) -> Option<u64> {
    stage.info.expected_ms()
}

/// How much longer a stage took that passed than was foretold.
fn ratio(stage: &StageView) -> Option<f64> {
    let took = stage.took_ms().filter(|_| stage.tally() == Some(Tally::Passed))?;
    let seconds = |ms: u64| Duration::from_millis(ms.max(COMPARED_LEAST_MS)).as_secs_f64();
    Some(seconds(took) / seconds(expected_ms(stage)?))
}

impl Measure {
    /// What is left of a stage, and whether that is known.
    fn left(&self, stage: &StageView) -> (Span, bool) {
        let (elapsed, wait) = match &stage.state {
            StageState::Finished(_) => return (Span::default(), true),
            StageState::Waiting if !stage.runs() => return (Span::default(), true),
            StageState::Waiting => (Duration::ZERO, Duration::ZERO),
            StageState::Running { since, .. } => (self.now.since(*since), Duration::ZERO),
            StageState::Retrying { since, .. } => {
                let delay = stage.failed_attempts.last().map_or(0, |failed| failed.delay_ms);
                (Duration::ZERO, Duration::from_millis(delay).saturating_sub(self.now.since(*since)))
            }
        };
        let elapsed = times(elapsed, 1.0 / self.factor);
        let estimate = stage.info.estimate.as_ref();
        let is_known = estimate.is_some_and(|estimate| estimate.given(elapsed).is_some());
        // One that has outlived all that there is to go by takes as long again: it is never as good as over.
        let estimate = estimate.unwrap_or(&self.typical);
        let span = estimate.left(elapsed).or_else(|| estimate.left(Duration::ZERO)).unwrap_or_default();
        let then = |time| wait.saturating_add(times(time, self.factor));
        (Span { expected: then(span.expected), low: then(span.low), high: then(span.high) }, is_known)
    }
}

/// A time scaled; the longest there is where that is longer.
fn times(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
