//! How long a whole plan takes, before any of it runs.

use std::time::Duration;

use super::{Plan, PlannedStage};
use crate::estimate::{Span, Task, bound, typical};
use crate::event::Estimate;

/// How long a run of a plan takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The point.
    pub expected: Duration,
    /// The band's low end, at most the point.
    pub low: Duration,
    /// The band's high end, at least the point.
    pub high: Duration,
    /// How many stages history does not know. Each is taken for the median of those that it knows, so with any the rest
    /// is a guess.
    pub unknown: usize,
}

impl Plan {
    /// How long a run takes, from what is expected of its stages, their needs, threads and locks, and the slots there
    /// are, by [`bound`]. Where every stage passes at its first attempt. None where nothing runs, or where of what runs
    /// nothing is known.
    pub fn expectation(&self) -> Option<Expectation> {
        let runs = || self.stages.values().filter(|stage| stage.runs());
        let known: Vec<u64> = runs().filter_map(|stage| Some(stage.estimate.as_ref()?.expected_ms)).collect();
        let typical = typical(&known)?;
        let whole = |estimate: &Estimate| estimate.left(Duration::ZERO).unwrap_or_default();
        let tasks = self.stages.values().map(|stage| {
            let PlannedStage { estimate, policy, needs, executor, .. } = stage;
            let span = if stage.runs() { whole(estimate.as_ref().unwrap_or(&typical)) } else { Span::default() };
            Task { span, executor, threads: policy.threads, locks: &policy.locks, needs }
        });
        let Span { expected, low, high } = bound(tasks, |executor| self.slots(executor)).span;
        Some(Expectation { expected, low, high, unknown: runs().count() - known.len() })
    }
}
