//! How much longer a run that goes on is expected to take.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::estimate::{Span, Task, bound, typical};
use crate::event::Estimate;
use crate::view::{RunView, StageState, StageView};

/// How much longer it takes, as [`bound`] has it. A stage that history does not know counts as one of the others; none
/// where it knows none of them, or where a stage has run longer than it ever did.
pub(super) fn left(view: &RunView, now: Timestamp) -> Option<Duration> {
    let stages = view.stages();
    let known: Vec<u64> = stages.values().filter_map(|stage| stage.info.expected_ms()).collect();
    let typical = typical(&known);
    let task = |stage| Some((stage, own(stage, typical.as_ref(), now)?));
    let tasks: Vec<(&StageView, Span)> = stages.values().map(task).collect::<Option<_>>()?;
    let tasks = tasks.into_iter().map(|(StageView { info, .. }, span)| Task {
        span,
        threads: info.threads,
        locks: &info.locks,
        needs: &info.needs,
    });
    Some(bound(tasks, view.header()?.jobs).span.expected)
}

/// How much of a stage is left; none where that is not known.
fn own(stage: &StageView, typical: Option<&Estimate>, now: Timestamp) -> Option<Span> {
    let elapsed = match &stage.state {
        StageState::Finished(_) => return Some(Span::default()),
        StageState::Waiting if stage.info.skip.is_some() => return Some(Span::default()),
        StageState::Waiting | StageState::Retrying { .. } => Duration::ZERO,
        StageState::Running { since, .. } => now.since(*since),
    };
    stage.info.estimate.as_ref().or(typical)?.left(elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StageInfo;
    use crate::outcome::SkipReason;
    use crate::view::recorded::{Recorded, after, expecting, stage};

    fn known(name: &str, expected_ms: u64) -> StageInfo {
        StageInfo { estimate: Some(expecting(expected_ms)), ..stage(name, name) }
    }

    /// What is left of a run of two slots, in milliseconds, after its first stage has run for three seconds.
    fn left_of(stages: Vec<StageInfo>) -> Option<u128> {
        let view = Recorded::of(stages).start(0).view();
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
    fn a_stage_that_nobody_knows_counts_as_one_of_the_others() {
        assert_eq!(left_of(vec![stage("a", "a"), stage("b", "b")]), None);
        assert_eq!(left_of(vec![known("a", 10_000), after(stage("b", "b"), &[0])]), Some(17_000));
        let skip = Some(SkipReason::Condition { why: "os".into() });
        assert_eq!(left_of(vec![known("a", 10_000), StageInfo { skip, ..stage("b", "b") }]), Some(7000));
    }

    #[test]
    fn an_absurd_estimate_does_not_overflow() {
        let absurd = StageInfo { threads: u32::MAX, ..known("b", u64::MAX / 2) };
        assert!(left_of(vec![known("a", 10_000), absurd.clone(), after(absurd, &[1])]) > Some(10_000));
    }
}
