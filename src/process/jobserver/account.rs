//! How many tokens are to be out and how many are, as a value.
//!
//! A token is *out* from when it was put into the FIFO until it was taken out again by us. Meanwhile it is in the FIFO,
//! with a program that uses it, or lost with a program that was killed: from here these look alike.

/// What has to be done for as many tokens to be out as should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Even,
    /// So many are to be put into the FIFO.
    Put(u32),
    /// So many are to be taken out of it, as they come back.
    Take(u32),
}

/// The tokens of one pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    wanted: u32,
    out: u32,
}

impl Account {
    /// So many should be out from now on.
    pub(super) fn want(&mut self, wanted: u32) {
        self.wanted = wanted;
    }

    /// What is missing to that.
    pub(super) fn step(self) -> Step {
        match (self.wanted.checked_sub(self.out), self.out.checked_sub(self.wanted)) {
            (Some(more @ 1..), _) => Step::Put(more),
            (_, Some(less @ 1..)) => Step::Take(less),
            (_, _) => Step::Even,
        }
    }

    /// So many were put into the FIFO.
    pub(super) fn put(&mut self, count: u32) {
        self.out = self.out.saturating_add(count);
    }

    /// So many were taken out of it.
    pub(super) fn taken(&mut self, count: u32) {
        self.out = self.out.saturating_sub(count);
    }

    /// Whether so many in the FIFO are all that are out, and none is missing.
    pub(super) fn is_all_there(self, there: u64) -> bool {
        self.step() == Step::Even && u64::from(self.out) == there
    }

    /// Nobody is left who could have a token, and the FIFO is empty: what is out is lost.
    pub(super) fn forget(&mut self) {
        self.out = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A FIFO and the programs around it.
    #[derive(Clone, Debug, Default)]
    struct World {
        account: Account,
        pooled: u32,
        held: u32,
        lost: u32,
    }

    impl World {
        fn settle(&mut self) {
            match self.account.step() {
                Step::Even => {}
                Step::Put(count) => {
                    self.pooled += count;
                    self.account.put(count);
                }
                Step::Take(count) => {
                    let taken = count.min(self.pooled);
                    self.pooled -= taken;
                    self.account.taken(taken);
                }
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        /// Stages start or end: so many slots are nobody's.
        Want(u32),
        /// A program takes a token, if it finds one.
        Take,
        /// One gives a token back.
        Give,
        /// One is killed with a token.
        Lose,
        /// Nothing runs any more.
        Idle,
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            3 => (0..6u32).prop_map(Event::Want),
            6 => Just(Event::Take),
            5 => Just(Event::Give),
            1 => Just(Event::Lose),
            1 => Just(Event::Idle),
        ];
        proptest::collection::vec(event, 0..80)
    }

    proptest! {
        /// Whatever programs do: a slot that is wanted back is not lent again, and no more is out than should be once
        /// programs have given back what they took.
        #[test]
        fn never_more_than_wanted_is_out_for_longer_than_it_is_held(events in events()) {
            let mut world = World::default();
            let mut wanted = 0;
            for event in events {
                let before = world.held + world.lost;
                match event {
                    Event::Want(count) => {
                        wanted = count;
                        world.account.want(count);
                    }
                    Event::Take if world.pooled > 0 => {
                        world.pooled -= 1;
                        world.held += 1;
                    }
                    Event::Give if world.held > 0 => {
                        world.held -= 1;
                        world.pooled += 1;
                    }
                    Event::Lose if world.held > 0 => {
                        world.held -= 1;
                        world.lost += 1;
                    }
                    Event::Idle => {
                        (world.pooled, world.held, world.lost) = (0, 0, 0);
                        world.account.forget();
                    }
                    Event::Take | Event::Give | Event::Lose => {}
                }
                world.settle();
                let out = world.pooled + world.held + world.lost;
                prop_assert!(out >= wanted, "as many are out as may be: {world:?}");
                prop_assert!(out <= wanted.max(before), "what is too much is in programs' hands: {world:?}");
                prop_assert!(out == wanted || world.pooled == 0, "nothing to take while too much is out: {world:?}");
            }
            world.pooled += std::mem::take(&mut world.held);
            world.settle();
            prop_assert_eq!(world.pooled + world.lost, wanted.max(world.lost));
            world.account.forget();
            world.account.want(4);
            prop_assert_eq!(world.account.step(), Step::Put(4), "what was lost is there again");
        }
    }
}
