//! The run's slots that no running attempt keeps to itself, for those that share: a value.
//!
//! What the scheduler starts comes first: slots are lent when everything that can start has started, and those that an
//! attempt is about to keep are asked back before it starts. It does not wait for them.

use std::collections::HashMap;

use crate::ids::StageId;

/// Takes slots that nobody uses, for running attempts to share.
pub trait Lender {
    /// So many from now on, instead of those before.
    fn lend(&mut self, slots: u32);

    /// No attempt runs: what is lent is back, or lost, and is lent anew.
    fn recall(&mut self);
}

/// Who keeps what.
#[derive(Debug)]
pub(super) struct Slots {
    jobs: u32,
    kept: HashMap<StageId, u32>,
    lent: u32,
}

impl Slots {
    /// The slots of a run of which nothing runs.
    pub(super) fn new(jobs: u32) -> Self {
        Self { jobs: jobs.max(1), kept: HashMap::new(), lent: 0 }
    }

    fn spare(&self) -> u32 {
        self.jobs.saturating_sub(self.kept.values().sum())
    }

    /// An attempt is about to start that keeps so many. Says how many may still be lent, where that is less than before.
    pub(super) fn starts(&mut self, stage: StageId, keeps: u32) -> Option<u32> {
        self.kept.insert(stage, keeps.clamp(1, self.jobs));
        let spare = self.spare();
        (spare < self.lent).then(|| {
            self.lent = spare;
            spare
        })
    }

    /// An attempt has ended. Says whether it was the last one that ran.
    pub(super) fn ended(&mut self, stage: StageId) -> bool {
        self.kept.remove(&stage).is_some() && self.kept.is_empty()
    }

    /// Everything that can start has started. Says how many can be lent, where that has changed.
    pub(super) fn settled(&mut self) -> Option<u32> {
        let spare = if self.kept.is_empty() { 0 } else { self.spare() };
        (spare != self.lent).then(|| {
            self.lent = spare;
            spare
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: StageId = StageId(0);
    const B: StageId = StageId(1);

    #[test]
    fn slots_are_lent_when_all_has_started_and_asked_back_before_the_next_start() {
        let mut slots = Slots::new(4);
        assert_eq!(slots.settled(), None, "nobody is there to lend to");
        assert_eq!(slots.starts(A, 1), None);
        assert_eq!(slots.settled(), Some(3));
        assert_eq!(slots.settled(), None);
        assert_eq!(slots.starts(B, 2), Some(1));
        assert_eq!(slots.settled(), None);
        assert!(!slots.ended(B));
        assert_eq!(slots.starts(B, 1), None, "the slot of the one before it was not lent meanwhile");
        assert_eq!(slots.settled(), Some(2));
    }

    #[test]
    fn the_last_end_is_told() {
        let mut slots = Slots::new(2);
        slots.starts(A, 9);
        assert_eq!(slots.settled(), None, "it keeps them all");
        assert!(slots.ended(A));
        assert!(!slots.ended(A), "once");
        slots.starts(B, 1);
        assert_eq!(slots.settled(), Some(1));
    }

    proptest! {
        /// Kept and lent are never more than there are, and no fewer once everything has started.
        #[test]
        fn kept_and_lent_are_the_jobs(jobs in 1..6u32, moves in proptest::collection::vec((any::<bool>(), 0..6u32, 1..4u32), 0..60)) {
            let mut slots = Slots::new(jobs);
            let mut lent = 0;
            for (starts, stage, keeps) in moves {
                let stage = StageId(stage);
                let room = jobs - slots.kept.values().sum::<u32>();
                if starts && !slots.kept.contains_key(&stage) && keeps.min(jobs) <= room {
                    lent = slots.starts(stage, keeps).unwrap_or(lent);
                } else if !starts {
                    slots.ended(stage);
                }
                prop_assert!(slots.kept.values().sum::<u32>() + lent <= jobs);
                lent = slots.settled().unwrap_or(lent);
                let expected = if slots.kept.is_empty() { 0 } else { jobs };
                prop_assert_eq!(slots.kept.values().sum::<u32>() + lent, expected);
            }
        }
    }
}
