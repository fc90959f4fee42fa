//! How long a whole plan takes by what is foretold of its stages: the run's own scheduler goes through it, with durations
//! instead of stages. So slots, needs, threads and locks count as they will.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::engine::scheduler::{Scheduler, Transition};
use crate::event::Estimate;
use crate::ids::StageId;
use crate::outcome::Outcome;
use crate::plan::Plan;

/// How long a plan is expected to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Where every stage takes as long as is foretold.
    pub expected: Duration,
    /// Where every stage is as quick as it may well be.
    pub low: Duration,
    /// Where every stage is as slow as it may well be.
    pub high: Duration,
    /// The stages that nothing is foretold of. They count for nothing, so that it takes longer than this.
    pub unknown: Vec<StageId>,
}

/// Goes through a plan. None where nothing is foretold of any of its stages.
pub fn rehearse(plan: &Plan) -> Option<Rehearsal> {
    let runs = || plan.stages.iter().filter(|(_, stage)| stage.runs());
    if runs().all(|(_, stage)| stage.estimate.is_none()) {
        return None;
    }
    Some(Rehearsal {
        expected: length(plan, |estimate| estimate.expected_ms),
        low: length(plan, |estimate| estimate.low_ms),
        high: length(plan, |estimate| estimate.high_ms),
        unknown: runs().filter(|(_, stage)| stage.estimate.is_none()).map(|(id, _)| id).collect(),
    })
}

fn length(plan: &Plan, takes: impl Fn(&Estimate) -> u64) -> Duration {
    let mut scheduler = Scheduler::new(plan);
    let mut running = BinaryHeap::new();
    let mut now = 0_u64;
    loop {
        for transition in scheduler.poll() {
            if let Transition::Start(id) = transition {
                let takes = plan.stages[id].estimate.as_ref().map_or(0, &takes);
                running.push(Reverse((now.saturating_add(takes), id)));
            }
        }
        let Some(Reverse((end, id))) = running.pop() else { return Duration::from_millis(now) };
        now = end;
        scheduler.finished(id, &Outcome::Passed);
    }
}
