//! A scheduler in the middle of a run: what has ended has, what was started holds its slots and locks, and nothing that was
//! said is said again.

use super::{Scheduler, State, Transition};
use crate::ids::StageId;
use crate::outcome::Outcome;
use crate::plan::Plan;

impl Scheduler {
    /// A scheduler of a run in which these stages have come to their last words, and these were started and have not.
    pub fn resumed(plan: &Plan, finished: &[(StageId, Outcome)], started: &[StageId]) -> Self {
        let mut scheduler = Self::new(plan);
        for (stage, outcome) in finished {
            if scheduler.nodes[*stage].state != State::Ended {
                scheduler.forget(*stage);
                scheduler.end(*stage, outcome);
            }
        }
        for stage in started {
            // What was started has had all that it needed, whatever was lost of the record.
            if scheduler.nodes[*stage].state == State::Ended {
                continue;
            }
            scheduler.forget(*stage);
            let free = scheduler.pools[scheduler.nodes[*stage].pool].free;
            scheduler.nodes[*stage].threads = scheduler.nodes[*stage].threads.min(free);
            scheduler.start(*stage);
        }
        let was_said = |transition: &Transition| match transition {
            Transition::Skip(stage, _) | Transition::Cancel(stage, _) => finished.iter().any(|(said, _)| said == stage),
            Transition::Start(_) | Transition::Stop(..) => false,
        };
        scheduler.decided.retain(|transition| !was_said(transition));
        scheduler
    }

    /// It is not to be started any more.
    fn forget(&mut self, stage: StageId) {
        let (rank, pool) = (self.rank(stage), self.nodes[stage].pool);
        self.pools[pool].ready.remove(&rank);
    }
}
