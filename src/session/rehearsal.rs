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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Basis;
    use crate::ids::{Signature, StageName};
    use crate::pipeline::{Command, Policy};
    use crate::plan::{Decision, PlannedStage};

    /// A stage that takes so many milliseconds, where anybody knows.
    fn stage(name: &str, needs: &[u32], takes: Option<u64>) -> PlannedStage {
        PlannedStage {
            name: StageName::new(name).unwrap(),
            decision: Decision::Run,
            reasons: Vec::new(),
            command: Command::Argv(vec!["true".into()]),
            needs: needs.iter().map(|need| StageId(*need)).collect(),
            env: std::collections::BTreeMap::new(),
            dir: std::path::PathBuf::new(),
            policy: Policy::default(),
            executor: "local".into(),
            signature: Signature::from_bytes([0; 32]),
            inputs: Vec::new(),
            inputs_digest: None,
            estimate: takes.map(|ms| Estimate {
                expected_ms: ms,
                low_ms: ms / 2,
                high_ms: ms * 2,
                samples: 1,
                basis: Basis::Own,
                longer_ms: Vec::new(),
            }),
        }
    }

    fn plan(jobs: u32, stages: Vec<PlannedStage>) -> Plan {
        Plan {
            root: "/project".into(),
            stages: stages.into_iter().collect(),
            jobs,
            fail_fast: false,
            timeout: None,
            left_out: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn expected(plan: &Plan) -> Option<u128> {
        rehearse(plan).map(|rehearsal| rehearsal.expected.as_millis())
    }

    #[test]
    fn slots_needs_and_locks_count_as_they_will() {
        let apart = |jobs| plan(jobs, ["a", "b", "c"].map(|name| stage(name, &[], Some(100))).into());
        assert_eq!(expected(&apart(1)), Some(300));
        assert_eq!(expected(&apart(2)), Some(200));
        assert_eq!(expected(&apart(3)), Some(100));
        let chain = vec![stage("a", &[], Some(100)), stage("b", &[0], Some(50)), stage("c", &[], Some(120))];
        assert_eq!(expected(&plan(4, chain)), Some(150));
        let mut locked = apart(3);
        for id in [StageId(0), StageId(2)] {
            locked.stages[id].policy.locks = vec!["door".into()];
        }
        assert_eq!(expected(&locked), Some(200));
        let band = rehearse(&locked).unwrap();
        assert_eq!((band.low.as_millis(), band.high.as_millis()), (100, 400));
    }

    #[test]
    fn what_is_not_known_is_named_and_what_does_not_run_counts_for_nothing() {
        let mut some = plan(1, vec![stage("a", &[], Some(100)), stage("b", &[0], None), stage("c", &[], Some(7000))]);
        some.stages[StageId(2)].decision =
            Decision::Skip { reason: crate::outcome::SkipReason::Condition { why: "os".into() } };
        let rehearsal = rehearse(&some).unwrap();
        assert_eq!((rehearsal.expected.as_millis(), rehearsal.unknown), (100, vec![StageId(1)]));
        assert_eq!(rehearse(&plan(1, vec![stage("a", &[], None)])), None);
    }
}
