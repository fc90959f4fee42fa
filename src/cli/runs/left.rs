//! How much longer a run that goes on is expected to take.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::Estimate;
use crate::ids::{DenseId, DenseMap, StageId};
use crate::view::{RunView, StageState, StageView};

/// How much longer it takes at least by what history expects: the longest chain of stages that are left, or all that is
/// left shared among the slots, whichever is longer. None where history does not know a stage that is left.
pub(super) fn left(view: &RunView, now: Timestamp) -> Option<Duration> {
    let stages = view.stages();
    let own: DenseMap<StageId, Duration> = stages.values().map(|stage| own(stage, now)).collect::<Option<_>>()?;
    let mut behind: DenseMap<StageId, Duration> = DenseMap::filled(stages.len(), Duration::ZERO);
    let (mut longest, mut work) = (Duration::ZERO, Duration::ZERO);
    let slots = view.header()?.jobs.max(1);
    // A stage comes after what it needs, so from the last to the first each is complete when it is looked at.
    for index in (0..stages.len()).rev() {
        let id = StageId::from_index(index);
        let chain = own[id].saturating_add(behind[id]);
        for need in stages[id].info.needs.iter().filter(|need| need.index() < index) {
            behind[*need] = behind[*need].max(chain);
        }
        longest = longest.max(chain);
        work = work.saturating_add(own[id].saturating_mul(stages[id].info.threads.min(slots)));
    }
    Some(longest.max(work / slots))
}

/// How much of a stage is left; none where that is not known.
fn own(stage: &StageView, now: Timestamp) -> Option<Duration> {
    let expected = |estimate: &Estimate| Duration::from_millis(estimate.expected_ms);
    match &stage.state {
        StageState::Finished(_) => Some(Duration::ZERO),
        StageState::Waiting if stage.info.skip.is_some() => Some(Duration::ZERO),
        StageState::Waiting | StageState::Retrying { .. } => stage.info.estimate.as_ref().map(expected),
        StageState::Running { since, .. } => {
            let elapsed = now.since(*since);
            Some(stage.info.estimate.as_ref()?.given(elapsed)?.saturating_sub(elapsed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, StageInfo};
    use crate::outcome::SkipReason;
    use crate::view::recorded::{Recorded, Step, after, expecting, stage};

    fn known(name: &str, expected_ms: u64) -> StageInfo {
        StageInfo { estimate: Some(expecting(expected_ms)), ..stage(name, name) }
    }

    /// What is left of a run of two slots, in milliseconds, after its first stage has run for three seconds.
    fn left_of(stages: Vec<StageInfo>) -> Option<u128> {
        let mut recorded = Recorded::of(stages);
        recorded.push(EventKind::StageStarted { stage: StageId(0), attempt: 1 });
        let mut view = RunView::new();
        for step in &recorded.steps {
            if let Step::Event(event) = step {
                view.apply(event);
            }
        }
        let now = view.header().unwrap().at.after(Duration::from_secs(3));
        left(&view, now).map(|left| left.as_millis())
    }

    #[test]
    fn the_longest_chain_or_the_work_that_is_left_decides() {
        assert_eq!(left_of(vec![known("a", 10_000)]), Some(7000));
        assert_eq!(left_of(vec![known("a", 10_000), after(known("b", 5000), &[0]), known("c", 2000)]), Some(12_000));
        let many = (0..4).map(|n| known(&format!("s{n}"), 10_000)).collect();
        assert_eq!(left_of(many), Some(18_500), "37 s of work for two slots");
        let greedy = StageInfo { threads: 8, ..known("b", 10_000) };
        assert_eq!(left_of(vec![known("a", 10_000), greedy]), Some(13_500), "it takes all slots, and no more");
    }

    #[test]
    fn what_takes_longer_than_its_point_is_expected_to_go_on() {
        assert_eq!(left_of(vec![known("a", 2800)]), Some(80), "a past run took 3.08 s");
        assert_eq!(left_of(vec![known("a", 1000)]), None, "no past run took as long");
    }

    #[test]
    fn nothing_is_promised_of_a_stage_that_nobody_knows() {
        assert_eq!(left_of(vec![known("a", 10_000), stage("b", "b")]), None);
        let skip = Some(SkipReason::Condition { why: "os".into() });
        assert_eq!(left_of(vec![known("a", 10_000), StageInfo { skip, ..stage("b", "b") }]), Some(7000));
    }

    #[test]
    fn an_absurd_estimate_does_not_overflow() {
        let absurd = StageInfo { threads: u32::MAX, ..known("b", u64::MAX / 2) };
        assert!(left_of(vec![known("a", 1), absurd.clone(), after(absurd, &[1])]).is_none_or(|left| left > 0));
    }
}
