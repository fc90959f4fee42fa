//! The bound by example and by property.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A stage in few words: seconds, threads, locks and needs.
#[derive(Clone, Debug)]
struct Words {
    span: Span,
    threads: u32,
    locks: Vec<String>,
    needs: Vec<StageId>,
    executor: &'static str,
}

impl Words {
    fn task(&self) -> Task<'_> {
        Task { span: self.span, executor: self.executor, threads: self.threads, locks: &self.locks, needs: &self.needs }
    }
}

fn words(seconds: u64, threads: u32, locks: &[&str], needs: &[u32]) -> Words {
    Words {
        span: Span::exactly(secs(seconds)),
        threads,
        locks: locks.iter().map(ToString::to_string).collect(),
        needs: needs.iter().copied().map(StageId).collect(),
        executor: "local",
    }
}

fn of(stages: &[Words], slots: u32) -> Bound<'_> {
    bound(stages.iter().map(Words::task), |executor| if executor == "box" { 2 } else { slots })
}

fn seconds_and_limit(stages: &[Words], slots: u32) -> (f64, Limit<'_>) {
    let bound = of(stages, slots);
    (bound.span.expected.as_secs_f64(), bound.limit)
}

#[test]
fn nothing_takes_no_time() {
    assert_eq!(of(&[], 4), Bound::default());
}

#[test]
fn a_chain_takes_its_sum_however_many_slots() {
    let stages = [words(3, 1, &[], &[]), words(4, 1, &[], &[0]), words(5, 1, &[], &[])];
    assert_eq!(seconds_and_limit(&stages, 8), (7.0, Limit::Needs));
    assert_eq!(seconds_and_limit(&stages, 1), (12.0, Limit::Slots("local")));
}

#[test]
fn wide_stages_take_more_of_the_slots_but_no_more_than_all() {
    let stages = [words(4, 2, &[], &[]), words(4, 100, &[], &[])];
    assert_eq!(seconds_and_limit(&stages, 4), (6.0, Limit::Slots("local")));
}

#[test]
fn a_lock_lets_one_through_at_a_time() {
    let stages = [words(4, 1, &["cargo"], &[]), words(5, 1, &["cargo", "db"], &[]), words(6, 1, &[], &[])];
    assert_eq!(seconds_and_limit(&stages, 8), (9.0, Limit::Lock("cargo")));
}

#[test]
fn each_place_has_its_own_slots() {
    let there = |seconds, threads| Words { executor: "box", ..words(seconds, threads, &[], &[]) };
    let stages = [words(6, 1, &[], &[]), there(3, 9), there(5, 1), there(6, 1)];
    assert_eq!(seconds_and_limit(&stages, 1), (8.5, Limit::Slots("box")));
    assert_eq!(seconds_and_limit(&stages[..3], 1), (6.0, Limit::Needs), "here and there go on at once");
}

/// Of two stages that may be 3 s and 4 s off, 5 s where they know nothing of each other, 7 s where they share all.
#[test]
fn errors_add_up_to_less_than_their_sum_and_more_than_the_root_of_their_squares() {
    let mut chain = [words(10, 1, &[], &[]), words(10, 1, &[], &[0])];
    for (stage, off) in chain.iter_mut().zip([3, 4]) {
        stage.span.high = secs(10 + off);
        stage.span.low = secs(10 - off);
    }
    let span = of(&chain, 2).span;
    assert_eq!(span.expected, secs(20));
    assert!(secs(25) < span.high && span.high < secs(26), "{span:?}");
    assert!(secs(14) < span.low && span.low < secs(15), "{span:?}");
    let one = of(&chain[..1], 2).span;
    assert!(one.high.abs_diff(secs(13)) < Duration::from_micros(1), "alone, it may be off by what it may be off");
}

/// A journal may name as a need what comes later, or does not exist.
#[test]
fn a_need_that_is_none_and_absurd_times_are_no_trouble() {
    let mut stages = [words(1, 0, &[], &[7]), words(1, u32::MAX, &[], &[1])];
    assert_eq!(of(&stages, 0).span.expected, secs(2));
    for stage in &mut stages {
        stage.span = Span { expected: Duration::MAX, low: Duration::ZERO, high: Duration::MAX };
    }
    let span = of(&stages, u32::MAX).span;
    assert!(span.low <= span.expected && span.expected <= span.high);
}

/// Seconds, how far off they may be, threads, which of two locks, and needs.
type Drawn = (u64, u64, u32, [bool; 2], Vec<u32>);

prop_compose! {
    fn any_stages()(
        drawn in vec((0u64..100, 0u64..50, 1u32..4, any::<[bool; 2]>(), vec(0u32..20, 0..3)), 0..20),
    ) -> Vec<Words> {
        let stage = |(index, drawn): (usize, Drawn)| {
            let (time, off, threads, locks, needs) = drawn;
            let locks: Vec<&str> = ["a", "b"].into_iter().zip(locks).filter_map(|(lock, on)| on.then_some(lock)).collect();
            let needs: Vec<u32> = needs.into_iter().filter(|need| (*need as usize) < index).collect();
            let mut stage = words(time, threads, &locks, &needs);
            stage.span.low = secs(time.saturating_sub(off));
            stage.span.high = secs(time + off);
            stage
        };
        drawn.into_iter().enumerate().map(stage).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn more_stages_never_take_less_and_more_slots_never_more(stages in any_stages(), slots in 1u32..6) {
        let all = of(&stages, slots).span;
        prop_assert!(all.low <= all.expected && all.expected <= all.high);
        for some in 0..stages.len() {
            prop_assert!(of(&stages[..some], slots).span.expected <= all.expected);
        }
        // Threads are cut to the slots, and so is a stage's work: with one slot it can be less than with two.
        let wide = stages.iter().map(|stage| stage.threads).max().unwrap_or(1).max(slots);
        prop_assert!(of(&stages, wide + 1).span.expected <= of(&stages, wide).span.expected);
    }
}
