//! Critical path first: how much work waits behind each stage.
//!
//! A stage's priority is the longest way from its start to the end of the run, by expected durations. It knows
//! nothing of slots and locks, which is why it ranks stages and promises no finishing time.

use std::time::Duration;

use crate::ids::{DenseMap, StageId};
use crate::plan::graph::Graph;

/// How much a stage counts for on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It does not run.
    Nothing,
    /// It runs, and history does not know it: it counts as much as the mean of those that are known. The median makes
    /// runs 1 to 4 % longer (`benches/makespan.rs`): a long stage that starts late costs more than a short one that
    /// starts early.
    Unknown,
    /// It is expected to take this long.
    Expected(Duration),
}

/// Stages with the longest way from the start of each to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// By stage: its own weight and that of the heaviest chain of dependants behind it. Microseconds where
    /// anything is known; else stages are counted.
    pub remaining: DenseMap<StageId, u64>,
    /// The heaviest chain of all, first stage first; of equal ones that with the lowest ids.
    pub critical: Vec<StageId>,
}

impl Paths {
    /// Weighs a graph.
    pub fn new(graph: &Graph, weights: &DenseMap<StageId, Weight>) -> Self {
        let unknown = mean(weights);
        let mut remaining = DenseMap::filled(graph.len(), 0u64);
        let mut behind: DenseMap<StageId, Option<StageId>> = DenseMap::filled(graph.len(), None);
        for id in graph.order().into_iter().rev() {
            // `dependants` is in order of ids, and only a heavier one replaces an earlier: ties go to the lowest id.
            for dependant in graph.dependants(id) {
                if behind[id].is_none_or(|best| remaining[*dependant] > remaining[best]) {
                    behind[id] = Some(*dependant);
                }
            }
            let own = match weights[id] {
                Weight::Nothing => 0,
                Weight::Unknown => unknown,
                Weight::Expected(expected) => micros(expected),
            };
            remaining[id] = own.saturating_add(behind[id].map_or(0, |next| remaining[next]));
        }
        let mut critical = Vec::new();
        let mut at = None;
        for (id, weight) in remaining.iter() {
            if at.is_none_or(|best| *weight > remaining[best]) {
                at = Some(id);
            }
        }
        while let Some(id) = at {
            critical.push(id);
            at = behind[id];
        }
        Self { remaining, critical }
    }
}

/// The mean of the known weights, at least one microsecond.
fn mean(weights: &DenseMap<StageId, Weight>) -> u64 {
    let mut sum = 0u64;
    let mut count = 0u64;
    for weight in weights.values() {
        if let Weight::Expected(expected) = weight {
            sum = sum.saturating_add(micros(*expected));
            count += 1;
        }
    }
    sum.checked_div(count).unwrap_or(1).max(1)
}

/// At least one, so that a stage that takes no time still ranks before what waits for it.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::graph::graph;

    fn secs(secs: u64) -> Weight {
        Weight::Expected(Duration::from_secs(secs))
    }

    #[test]
    fn the_longest_way_to_the_end_counts_not_the_number_of_stages() {
        // 0 → 1 → 2 are quick, 3 → 4 is slow.
        let graph = graph(&[&[], &[0], &[1], &[], &[3]]);
        let weights = [secs(1), secs(1), secs(1), secs(2), secs(5)].into_iter().collect();
        let paths = Paths::new(&graph, &weights);
        let whole: Vec<u64> = paths.remaining.values().map(|us| us / 1_000_000).collect();
        assert_eq!(whole, [3, 2, 1, 7, 5]);
        assert_eq!(paths.critical, [StageId(3), StageId(4)]);
    }

    #[test]
    fn without_history_stages_are_counted() {
        let graph = graph(&[&[], &[0], &[1], &[]]);
        let paths = Paths::new(&graph, &DenseMap::filled(4, Weight::Unknown));
        assert_eq!(paths.remaining, [3, 2, 1, 1].into_iter().collect());
        assert_eq!(paths.critical, [StageId(0), StageId(1), StageId(2)]);
    }

    #[test]
    fn an_unknown_stage_counts_as_the_mean_of_the_known_and_one_that_does_not_run_for_nothing() {
        let graph = graph(&[&[], &[], &[], &[]]);
        let weights = [secs(2), secs(4), Weight::Unknown, Weight::Nothing].into_iter().collect();
        let paths = Paths::new(&graph, &weights);
        assert_eq!(paths.remaining[StageId(2)], 3_000_000);
        assert_eq!(paths.remaining[StageId(3)], 0);
    }

    #[test]
    fn an_absurd_estimate_does_not_overflow() {
        let graph = graph(&[&[], &[0]]);
        let paths = Paths::new(&graph, &DenseMap::filled(2, Weight::Expected(Duration::MAX)));
        assert_eq!(paths.remaining[StageId(0)], u64::MAX);
    }
}
