//! Why runs took as long as they did, by example.

use super::*;
use crate::cancel::CancelLevel;
use crate::outcome::{CancelReason, Outcome};
use crate::view::recorded::{Recorded, after, stage};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn more_slots(run: &mut Recorded, verdict: Verdict) -> MoreSlots {
    run.end(verdict);
    run.view().bottleneck().unwrap().more_slots
}

#[test]
fn a_chain_is_not_helped_by_more_slots() {
    let mut run = Recorded::of(vec![stage("build", "x"), after(stage("test", "x"), &[0]), stage("lint", "x")]);
    run.start(0).start(2).wait(4_000).finish(2, Outcome::Passed).finish(0, Outcome::Passed);
    run.start(1).wait(6_000).finish(1, Outcome::Passed).wait(500).end(Verdict::Passed);
    let bottleneck = run.view().bottleneck().unwrap();
    assert_eq!((bottleneck.path.duration, bottleneck.wall), (ms(10_000), ms(10_500)));
    assert_eq!(bottleneck.more_slots, MoreSlots::NoHelp { jobs: 4 });
}

#[test]
fn many_stages_side_by_side_are() {
    let mut run = Recorded::of(vec![stage("a", "x"), stage("b", "x"), stage("c", "x"), stage("d", "x")]);
    run.start(0).start(1).wait(5_000).finish(0, Outcome::Passed).finish(1, Outcome::Passed);
    run.start(2).start(3).wait(5_000).finish(2, Outcome::Passed).finish(3, Outcome::Passed);
    assert_eq!(more_slots(&mut run, Verdict::Passed), MoreSlots::Save { jobs: 4, at_most: ms(5_000) });
}

#[test]
fn a_lock_is_named() {
    let mut stages = vec![stage("a", "x"), stage("b", "x"), stage("c", "x")];
    for stage in &mut stages[..2] {
        stage.locks = vec!["cargo".into()];
    }
    let mut run = Recorded::of(stages);
    run.start(0).start(2).wait(5_000).finish(0, Outcome::Passed).finish(2, Outcome::Passed);
    run.start(1).wait(4_000).finish(1, Outcome::Passed);
    let expected = MoreSlots::Locked { jobs: 4, lock: "cargo".into(), held: ms(9_000) };
    assert_eq!(more_slots(&mut run, Verdict::Failed), expected);
}

#[test]
fn of_short_runs_and_of_those_that_were_ended_nothing_is_said() {
    let mut run = Recorded::of(vec![stage("a", "x"), stage("b", "x"), stage("c", "x")]);
    run.start(0).start(1).wait(2_400).finish(0, Outcome::Passed).finish(1, Outcome::Passed);
    run.start(2).wait(2_400).finish(2, Outcome::Passed);
    assert_eq!(more_slots(&mut run.clone(), Verdict::Passed), MoreSlots::Unknown);
    run.wait(60_000).cancel(CancelReason::Interrupt, CancelLevel::Interrupt);
    let cancelled = Verdict::Cancelled { reason: CancelReason::Interrupt };
    assert_eq!(more_slots(&mut run, cancelled), MoreSlots::Unknown);

    let mut idle = Recorded::of(vec![stage("a", "x")]);
    assert_eq!(idle.view().bottleneck(), None, "it goes on");
    idle.finish(0, Outcome::Cached).end(Verdict::Passed);
    assert_eq!(idle.view().bottleneck(), None, "nothing ran");
}
