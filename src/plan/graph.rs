//! Who needs whom: a graph of stages, walked without recursion however deep it is.
//!
//! It knows ids only, not what stages are. Needs must have no ring; `Pipeline` has made sure of that.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::ids::{DenseMap, StageId};

/// Stages with their needs and, the other way round, their dependants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    needs: DenseMap<StageId, Vec<StageId>>,
    dependants: DenseMap<StageId, Vec<StageId>>,
}

impl Graph {
    /// The graph of these needs. A need that stands twice counts once.
    pub fn new(mut needs: DenseMap<StageId, Vec<StageId>>) -> Self {
        let mut dependants = DenseMap::filled(needs.len(), Vec::new());
        for (id, of) in needs.iter_mut() {
            of.sort_unstable();
            of.dedup();
            for need in of {
                dependants[*need].push(id);
            }
        }
        Self { needs, dependants }
    }

    /// How many stages there are.
    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// What a stage needs itself, in order of ids.
    pub fn needs(&self, stage: StageId) -> &[StageId] {
        &self.needs[stage]
    }

    /// Which stages need this one themselves, in order of ids.
    pub fn dependants(&self, stage: StageId) -> &[StageId] {
        &self.dependants[stage]
    }

    /// All stages, each after what it needs; of those that could come next, always the one of the lowest id.
    pub fn order(&self) -> Vec<StageId> {
        let mut open: DenseMap<StageId, usize> = self.needs.values().map(Vec::len).collect();
        let mut next: BinaryHeap<Reverse<StageId>> =
            open.iter().filter(|(_, count)| **count == 0).map(|(id, _)| Reverse(id)).collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(id)) = next.pop() {
            order.push(id);
            for dependant in self.dependants(id) {
                open[*dependant] -= 1;
                if open[*dependant] == 0 {
                    next.push(Reverse(*dependant));
                }
            }
        }
        order
    }

    /// Everything that has to come before a stage, near or far, in order of ids.
    pub fn transitive_needs(&self, stage: StageId) -> Vec<StageId> {
        self.reach(stage, |id| self.needs(id))
    }

    /// Everything that waits for a stage, near or far, in order of ids.
    pub fn transitive_dependants(&self, stage: StageId) -> Vec<StageId> {
        self.reach(stage, |id| self.dependants(id))
    }

    fn reach<'a>(&'a self, from: StageId, next: impl Fn(StageId) -> &'a [StageId]) -> Vec<StageId> {
        let mut seen = DenseMap::filled(self.len(), false);
        let mut open = vec![from];
        let mut reached = Vec::new();
        while let Some(id) = open.pop() {
            for other in next(id) {
                if !std::mem::replace(&mut seen[*other], true) {
                    reached.push(*other);
                    open.push(*other);
                }
            }
        }
        reached.sort_unstable();
        reached
    }
}

impl FromIterator<Vec<StageId>> for Graph {
    fn from_iter<I: IntoIterator<Item = Vec<StageId>>>(needs: I) -> Self {
        Self::new(needs.into_iter().collect())
    }
}

/// A graph from bare numbers: the needs of stage 0, of stage 1 …
#[cfg(test)]
pub(crate) fn graph(needs: &[&[usize]]) -> Graph {
    use crate::ids::DenseId;
    needs.iter().map(|of| of.iter().map(|id| StageId::from_index(*id)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DenseId;

    fn numbers(ids: &[StageId]) -> Vec<usize> {
        ids.iter().map(|id| id.index()).collect()
    }

    #[test]
    fn the_order_is_that_of_declaration_but_for_needs() {
        let graph = graph(&[&[3], &[], &[0, 1], &[]]);
        assert_eq!(numbers(&graph.order()), [1, 3, 0, 2]);
    }

    #[test]
    fn needs_are_followed_to_the_end_in_both_directions() {
        let graph = graph(&[&[], &[0], &[0, 0], &[1, 2], &[]]);
        assert_eq!(numbers(&graph.transitive_needs(StageId(3))), [0, 1, 2]);
        assert_eq!(numbers(&graph.transitive_dependants(StageId(0))), [1, 2, 3]);
        assert_eq!(numbers(graph.needs(StageId(2))), [0], "a need that stands twice counts once");
        assert!(graph.transitive_needs(StageId(4)).is_empty());
    }

    /// H99: neither depth nor width costs more than a pass.
    #[test]
    fn h99_a_deep_chain_and_a_wide_fan_are_ordered() {
        const MANY: usize = 100_000;
        let chain: Graph =
            (0..MANY).map(|i| if i + 1 < MANY { vec![StageId::from_index(i + 1)] } else { Vec::new() }).collect();
        let backwards: Vec<StageId> = (0..MANY).rev().map(StageId::from_index).collect();
        assert_eq!(chain.order(), backwards);
        assert_eq!(chain.transitive_needs(StageId(0)).len(), MANY - 1);

        let fan: Graph = (0..MANY).map(|i| if i == 0 { Vec::new() } else { vec![StageId(0)] }).collect();
        assert_eq!(fan.order().len(), MANY);
        assert_eq!(fan.transitive_dependants(StageId(0)).len(), MANY - 1);
    }
}
