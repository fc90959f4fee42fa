//! How long the rest of a run takes, by example and by property.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cancel::CancelLevel;
use crate::event::{RemoteInfo, StageInfo};
use crate::outcome::{CancelReason, Outcome, Verdict};
use crate::view::recorded::{Recorded, after, expecting, failed, skipped, stage};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A stage that is expected to take so many seconds; unknown where that is nothing.
fn usually(name: &str, seconds: u64) -> StageInfo {
    let mut stage = stage(name, "x");
    stage.estimate = (seconds > 0).then(|| expecting(seconds * 1000));
    stage
}

/// What a run says of its end at its last moment, which is this long after its start.
fn eta_at(run: &Recorded, elapsed: u64) -> Option<Eta> {
    let view = run.view();
    let now = view.header().unwrap().at.after(secs(elapsed));
    view.eta(now)
}

fn expected(run: &Recorded, elapsed: u64) -> u64 {
    eta_at(run, elapsed).unwrap().expected.as_secs()
}

#[test]
fn what_is_left_is_the_longest_way_to_the_end() {
    let mut run = Recorded::of(vec![
        usually("build", 20),
        after(usually("test", 40), &[0]),
        after(usually("doc", 10), &[0]),
        usually("lint", 30),
    ]);
    assert_eq!(expected(&run, 0), 60);
    run.start(0).start(3).wait(10_000);
    assert_eq!(expected(&run, 10), 50);
    run.wait(10_000).finish(0, Outcome::Passed).start(1);
    assert_eq!(expected(&run, 20), 40);
    let eta = eta_at(&run, 25).unwrap();
    assert_eq!((eta.expected, eta.unknown, eta.is_rough), (secs(35), 0, false));
    assert_eq!((eta.low, eta.high), (secs(31), secs(39)), "a tenth of 40 s less what has passed of it");
}

/// A remote's stages take none of the slots here, and a remote that has none of its own has as many as here.
#[test]
fn stages_elsewhere_take_slots_there() {
    let mut stages: Vec<StageInfo> = ["a", "b", "c", "d", "e", "f"].map(|name| usually(name, 10)).into();
    for (stage, executor) in stages[2..].iter_mut().zip(["box", "box", "box", "box"]) {
        stage.executor = executor.into();
    }
    let remote = |slots| RemoteInfo { slots, ..crate::view::recorded::remote("box", "box") };
    for (slots, seconds) in [(Some(4), 10), (Some(1), 40), (None, 20)] {
        let mut view = Recorded::of(stages.clone()).view();
        view.run.as_mut().unwrap().remotes = vec![remote(slots)];
        let now = view.header().unwrap().at;
        assert_eq!(view.eta(now).unwrap().expected, secs(seconds), "{slots:?}");
    }
}

#[test]
fn slots_threads_and_locks_hold_stages_back() {
    // Two slots, as in every recorded run.
    let five: Vec<StageInfo> = ["a", "b", "c", "d", "e"].map(|name| usually(name, 10)).into();
    assert_eq!(expected(&Recorded::of(five.clone()), 0), 25);
    let mut wide = five.clone();
    wide[0].threads = 2;
    assert_eq!(expected(&Recorded::of(wide), 0), 30);
    let mut locked = five;
    for stage in &mut locked[..4] {
        stage.locks = vec!["cargo".into()];
    }
    assert_eq!(expected(&Recorded::of(locked), 0), 40);
}

#[test]
fn unknown_stages_are_taken_for_the_middle_one_and_counted() {
    let mut run = Recorded::of(vec![
        usually("a", 10),
        after(usually("b", 30), &[0]),
        after(usually("c", 20), &[1]),
        after(usually("new", 0), &[2]),
    ]);
    let eta = eta_at(&run, 0).unwrap();
    assert_eq!((eta.expected, eta.unknown), (secs(80), 1));
    for (id, seconds) in [(0, 10), (1, 30), (2, 20)] {
        run.start(id).wait(seconds * 1000).finish(id, Outcome::Passed);
    }
    run.start(3);
    assert_eq!(expected(&run, 75), 5, "the middle one takes 20 s");
    assert_eq!(expected(&run, 85), 5, "it outlived that one, and the longer one takes 30 s");
    assert_eq!(expected(&run, 1000), 20, "it outlived all: it is never as good as over");

    let unknown = Recorded::of(vec![usually("a", 0), usually("b", 0)]);
    assert_eq!(eta_at(&unknown, 0), None);
}

#[test]
fn a_stage_that_takes_longer_than_ever_is_unknown() {
    let mut run = Recorded::of(vec![usually("a", 10), after(usually("b", 50), &[0])]);
    run.start(0);
    assert_eq!(eta_at(&run, 10).unwrap().unknown, 0);
    let eta = eta_at(&run, 11).unwrap();
    assert_eq!((eta.expected, eta.unknown), (secs(60), 1), "as long again as it ever took");
}

#[test]
fn what_ended_or_does_not_run_takes_no_time_and_what_is_retried_starts_again() {
    let mut stages = vec![usually("a", 10), usually("b", 20), usually("c", 90)];
    stages[2].skip = Some(crate::outcome::SkipReason::Condition { why: "runs on macos only".into() });
    let mut run = Recorded::of(stages);
    assert_eq!(expected(&run, 0), 20);
    run.finish(2, skipped("runs on macos only"));
    run.start(0).wait(8_000).retry(0, failed(1), 5_000).finish(1, failed(1));
    assert_eq!(expected(&run, 8), 15);
    assert_eq!(expected(&run, 10), 13);
    assert_eq!(expected(&run, 60), 10, "the delay is over, and the attempt has not started");
}

#[test]
fn of_a_run_that_is_over_or_being_ended_nothing_is_said() {
    assert_eq!(RunView::new().eta(Timestamp { unix_ms: 0, mono_us: 0 }), None);
    let mut run = Recorded::of(vec![usually("a", 10)]);
    run.start(0).cancel(CancelReason::Interrupt, CancelLevel::Interrupt);
    assert_eq!(eta_at(&run, 1), None);
    let mut run = Recorded::of(vec![usually("a", 10)]);
    run.start(0).finish(0, Outcome::Passed).end(Verdict::Passed);
    assert_eq!(eta_at(&run, 1), None);
}

/// A machine that is four times as slow is found out, and said to be.
#[test]
fn estimates_that_do_not_hold_are_scaled_by_what_the_run_shows() {
    let mut run = Recorded::of(vec![
        usually("a", 5),
        after(usually("b", 10), &[0]),
        after(usually("c", 10), &[1]),
        after(usually("new", 0), &[2]),
    ]);
    run.start(0).wait(10_000);
    run.finish(0, Outcome::Passed).start(1);
    assert!(!eta_at(&run, 16).unwrap().is_rough, "twice as long is within what happens");

    let mut run = Recorded::of(run.view().stages().values().map(|stage| stage.info.clone()).collect());
    run.start(0).wait(20_000).finish(0, Outcome::Passed).start(1);
    let eta = eta_at(&run, 20).unwrap();
    assert_eq!((eta.expected, eta.is_rough, eta.unknown), (secs(120), true, 1));
    assert_eq!(expected(&run, 40), 100, "b takes 40 s here, of which 20 have passed");

    // Four times as fast, but not for fifteen seconds yet.
    let mut run = Recorded::of(vec![usually("a", 40), after(usually("b", 40), &[0])]);
    run.start(0).wait(10_000).finish(0, Outcome::Passed).start(1);
    assert_eq!(expected(&run, 10), 40);
    assert_eq!(expected(&run, 15), 5, "b takes 10 s here");
}

/// Stages of milliseconds say nothing of how slow a machine is.
#[test]
fn quick_stages_cast_no_doubt_on_estimates() {
    let mut quick = stage("quick", "x");
    quick.estimate = Some(expecting(5));
    let mut run = Recorded::of(vec![quick, usually("slow", 60)]);
    run.start(0).wait(90).finish(0, Outcome::Passed).start(1);
    assert!(!eta_at(&run, 30).unwrap().is_rough);
}

#[test]
fn absurd_figures_are_no_trouble() {
    let mut run = Recorded::of(vec![usually("a", 1), usually("b", 0), usually("c", 0)]);
    let mut stages: Vec<StageInfo> = run.view().stages().values().map(|stage| stage.info.clone()).collect();
    stages[0].estimate = Some(expecting(200));
    stages[1].estimate = Some(expecting(u64::MAX - u64::MAX / 5));
    stages[2].needs = vec![crate::ids::StageId(1), crate::ids::StageId(77)];
    stages[2].threads = u32::MAX;
    run = Recorded::of(stages);
    run.start(0).wait(u64::MAX / 4000).finish(0, Outcome::Passed).start(1);
    let eta = eta_at(&run, u64::MAX / 4_000_000 + 5).unwrap();
    assert!(eta.is_rough && eta.low <= eta.expected && eta.expected <= eta.high);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// While anything is left to do, something is left to wait for; and more stages are never less to do.
    #[test]
    fn there_is_always_something_left_until_the_end(
        seconds in vec(1u64..100, 1..12),
        started in 0usize..12,
        finished in 0usize..12,
        elapsed in 0u64..200,
    ) {
        let infos: Vec<StageInfo> = seconds
            .iter()
            .enumerate()
            .map(|(index, seconds)| {
                let needs = if index % 3 == 2 { vec![u32::try_from(index).unwrap() - 1] } else { Vec::new() };
                after(usually(&format!("s{index}"), *seconds), &needs)
            })
            .collect();
        let run_of = |stages: usize| {
            let mut run = Recorded::of(infos[..stages].to_vec());
            for id in 0..u32::try_from(started.min(stages)).unwrap() {
                run.start(id);
            }
            run.wait(1000);
            for id in 0..u32::try_from(finished.min(started).min(stages)).unwrap() {
                run.finish(id, Outcome::Passed);
            }
            run
        };
        let mut before = Duration::ZERO;
        for stages in 1..=infos.len() {
            let eta = eta_at(&run_of(stages), 1).unwrap();
            prop_assert!(eta.expected >= before);
            prop_assert!(eta.low <= eta.expected && eta.expected <= eta.high);
            before = eta.expected;
        }
        let later = eta_at(&run_of(infos.len()), 1 + elapsed).unwrap();
        let is_done = finished.min(started) >= infos.len();
        prop_assert_eq!(later.expected.is_zero(), is_done);
    }
}
