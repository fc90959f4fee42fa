//! How long work takes that is shared out over slots, at best.
//!
//! It cannot take less than its longest chain of needs, than all its threads' time in one place divided by the slots
//! there, and than what one lock lets through one at a time. Scheduled by the longest way to the end, it takes hardly more
//! (`benches/makespan.rs` measures how much), so this bound is what is expected of a whole run.
//!
//! How far that may be off is added up between two extremes: errors that know nothing of each other add up by their
//! squares, for of many stages some are early and some late; errors that all stages of a run share, on a busy machine
//! say, add up as they are. See [`SHARED`].

use std::collections::HashMap;
use std::time::Duration;

use crate::ids::{DenseId, StageId};

/// Which part of their variance the errors of a run's stages share. With none, the band would hold six of ten whole runs
/// in one of the two traces of `benches/estimates.rs`; with this it holds 83 % and 87 %.
const SHARED: f64 = 0.08;

/// An expected time, with the ends of its band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The point.
    pub expected: Duration,
    /// The band's low end, at most the point.
    pub low: Duration,
    /// The band's high end, at least the point.
    pub high: Duration,
}

impl Span {
    /// A time that is known.
    pub fn exactly(time: Duration) -> Self {
        Self { expected: time, low: time, high: time }
    }
}

/// A stage as far as it matters here. What has ended, or does not run, takes no time.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// How long it takes.
    pub span: Span,
    /// Where it runs. Each place has slots of its own.
    pub executor: &'a str,
    /// Slots it takes there, at least one and at most all.
    pub threads: u32,
    /// No two with one lock overlap.
    pub locks: &'a [String],
    /// What comes first. Only what stands before it counts.
    pub needs: &'a [StageId],
}

/// What it is that takes so long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit<'a> {
    /// Stages that need each other: nothing but quicker stages would help.
    #[default]
    Needs,
    /// There is more to do than the slots of this place can take.
    Slots(&'a str),
    /// This lock lets through one at a time.
    Lock(&'a str),
}

/// What work takes at best, and why not less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound<'a> {
    /// How long.
    pub span: Span,
    /// What it is that takes so long.
    pub limit: Limit<'a>,
}

/// What these tasks take at best, each after what it needs, in one pass. `slots` says how many there are in a place; they
/// are at least one.
pub fn bound<'a>(tasks: impl IntoIterator<Item = Task<'a>>, slots: impl Fn(&str) -> u32) -> Bound<'a> {
    let mut ends: Vec<Sum> = Vec::new();
    let mut longest = Sum::default();
    // Places are few.
    let mut places: Vec<Work<'_>> = Vec::new();
    let mut locks: HashMap<&str, Sum> = HashMap::new();
    for task in tasks {
        let start = task.needs.iter().filter_map(|need| ends.get(need.index())).fold(Sum::default(), Sum::longer);
        let own = Sum::of(task.span, 1);
        let end = start.and(own);
        ends.push(end);
        longest = longest.longer(&end);
        let place = places.iter().position(|place| place.executor == task.executor).unwrap_or_else(|| {
            places.push(Work { executor: task.executor, slots: slots(task.executor).max(1), sum: Sum::default() });
            places.len() - 1
        });
        let Work { slots, sum, .. } = &mut places[place];
        *sum = sum.and(Sum::of(task.span, task.threads.clamp(1, *slots)));
        for lock in task.locks {
            let held = locks.entry(lock).or_default();
            *held = held.and(own);
        }
    }
    let mut bound = Bound { span: longest.span(1), limit: Limit::Needs };
    for Work { executor, slots, sum } in places {
        bound.or(Bound { span: sum.span(slots), limit: Limit::Slots(executor) });
    }
    let longest_held = locks.iter().max_by(|a, b| a.1.expected.cmp(&b.1.expected).then(b.0.cmp(a.0)));
    if let Some((lock, held)) = longest_held {
        bound.or(Bound { span: held.span(1), limit: Limit::Lock(lock) });
    }
    bound
}

/// What is to be done in one place.
struct Work<'a> {
    executor: &'a str,
    slots: u32,
    sum: Sum,
}

impl<'a> Bound<'a> {
    /// Neither can be beaten.
    fn or(&mut self, other: Bound<'a>) {
        if other.span.expected > self.span.expected {
            self.limit = other.limit;
        }
        let (a, b) = (self.span, other.span);
        self.span = Span { expected: a.expected.max(b.expected), low: a.low.max(b.low), high: a.high.max(b.high) };
    }
}

/// Times one after another: their sum, and what they may be off.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    expected: Duration,
    below: Off,
    above: Off,
}

/// How far times may be off to one side, in seconds: each as it is, and its square.
#[derive(Clone, Copy, Debug, Default)]
struct Off {
    straight: f64,
    squares: f64,
}

impl Sum {
    fn of(span: Span, threads: u32) -> Self {
        let off = |by: Duration| {
            let straight = by.as_secs_f64() * f64::from(threads);
            Off { straight, squares: straight * straight }
        };
        Self {
            expected: span.expected.saturating_mul(threads),
            below: off(span.expected.saturating_sub(span.low)),
            above: off(span.high.saturating_sub(span.expected)),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            expected: self.expected.saturating_add(other.expected),
            below: self.below.and(other.below),
            above: self.above.and(other.above),
        }
    }

    fn longer(self, other: &Self) -> Self {
        if other.expected > self.expected { *other } else { self }
    }

    fn span(self, slots: u32) -> Span {
        let expected = self.expected / slots;
        Span {
            expected,
            low: expected.saturating_sub(self.below.over(slots)),
            high: expected.saturating_add(self.above.over(slots)),
        }
    }
}

impl Off {
    fn and(self, other: Self) -> Self {
        Self { straight: self.straight + other.straight, squares: self.squares + other.squares }
    }

    /// All of it together, on so many slots.
    fn over(self, slots: u32) -> Duration {
        let variance = (1.0 - SHARED) * self.squares + SHARED * self.straight * self.straight;
        Duration::try_from_secs_f64(variance.sqrt() / f64::from(slots)).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests;
