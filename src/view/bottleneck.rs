//! Why a run that has ended took as long as it did, and whether more slots would have changed that.

use std::time::Duration;

use super::{CriticalPath, RunView};
use crate::estimate::{Bound, Limit, Span, Task, bound};
use crate::outcome::Verdict;

/// Why a run took as long as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// The chain of needs that took longest.
    pub path: CriticalPath,
    /// How long the run took.
    pub wall: Duration,
    /// What more slots would have done.
    pub more_slots: MoreSlots,
}

/// What twice as many slots would have done for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoreSlots {
    /// They could have saved this much, if the machine has as much more to give.
    Save {
        /// How many slots.
        jobs: u32,
        /// How much at best.
        at_most: Duration,
    },
    /// They would not have helped: stages waited for each other.
    NoHelp {
        /// How many slots.
        jobs: u32,
    },
    /// They would not have helped: stages waited for this lock.
    Locked {
        /// How many slots.
        jobs: u32,
        /// The lock's name, as the config has it.
        lock: String,
        /// How long it was held.
        held: Duration,
    },
    /// There is nothing to say: the run was too short for it to matter, or ended before its stages did.
    Unknown,
}

/// Of a run shorter than this nobody asks.
const WALL_LEAST: Duration = Duration::from_secs(5);
/// What is less than this is not worth saving.
const SAVING_LEAST: Duration = Duration::from_secs(1);
/// Nor what is less than one part in so many of the whole.
const SAVING_PART: u32 = 10;

impl RunView {
    /// Why the run took as long as it did; none where it has not ended, or nothing ran.
    ///
    /// Whether more slots would have helped is found by comparing how long it took with what the same stages, as long as
    /// they were, take at best with twice the slots; those that a remote has of its own stay as they are. That more stages at a time may each be slower is not in it.
    pub fn bottleneck(&self) -> Option<Bottleneck> {
        let end = self.end?;
        let path = self.critical_path();
        if path.duration.is_zero() {
            return None;
        }
        let wall = Duration::from_millis(end.duration_ms);
        let more_slots = match end.verdict {
            Verdict::Passed | Verdict::Failed if wall >= WALL_LEAST => self.more_slots(wall),
            Verdict::Passed | Verdict::Failed | Verdict::Cancelled { .. } | Verdict::Errored | Verdict::Lost => {
                MoreSlots::Unknown
            }
        };
        Some(Bottleneck { path, wall, more_slots })
    }

    fn more_slots(&self, wall: Duration) -> MoreSlots {
        let run = self.run.as_ref();
        let jobs = run.map_or(1, |run| run.jobs).max(1).saturating_mul(2);
        let tasks = self.stages.values().map(|stage| {
            let info = &stage.info;
            Task {
                span: Span::exactly(stage.duration()),
                executor: &info.executor,
                threads: info.threads,
                locks: &info.locks,
                needs: &info.needs,
            }
        });
        let Bound { span, limit } = bound(tasks, |executor| run.map_or(jobs, |run| run.slots(executor, jobs)));
        let at_most = wall.saturating_sub(span.expected);
        if at_most >= SAVING_LEAST && at_most >= wall / SAVING_PART {
            return MoreSlots::Save { jobs, at_most };
        }
        match limit {
            Limit::Needs | Limit::Slots(_) => MoreSlots::NoHelp { jobs },
            Limit::Lock(lock) => MoreSlots::Locked { jobs, lock: lock.to_owned(), held: span.expected },
        }
    }
}

#[cfg(test)]
mod tests;
