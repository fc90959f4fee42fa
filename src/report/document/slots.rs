//! Which slot each stage ran on.
//!
//! The journal has when stages ran and not where among the slots: which of them a stage took makes no difference to it.
//! A stage gets the lowest that were free when it started, as many as it has threads, on the machine it ran on. So no two
//! stages that ran at one time share one.

use std::time::Duration;

use super::attempts::end_of;
use crate::ids::StageId;
use crate::view::RunView;

/// One slot of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// `local`, or a remote's name.
    pub(super) executor: String,
    /// Counted from one, on that machine.
    pub(super) number: usize,
}

/// The time that a stage spent on slots, waits between its attempts included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) stage: StageId,
    /// The first of its slots, in the list of all.
    pub(super) slot: usize,
    pub(super) start: Duration,
    pub(super) end: Duration,
}

/// The slots that were used, those of a machine together, and every stage that was started, in the order of starting.
pub(super) fn assign(view: &RunView) -> (Vec<Slot>, Vec<Stay>) {
    let Some(run) = view.header() else { return (Vec::new(), Vec::new()) };
    let mut executors: Vec<&str> = Vec::new();
    for stage in view.stages().values().filter(|stage| stage.started.is_some()) {
        if !executors.contains(&stage.info.executor.as_str()) {
            executors.push(&stage.info.executor);
        }
    }
    let (mut slots, mut stays) = (Vec::new(), Vec::new());
    for executor in executors {
        let first = slots.len();
        let here = view.stages().iter().filter(|(_, stage)| stage.info.executor == executor);
        let mut spans: Vec<(Duration, StageId, Duration, u32)> = here
            .filter_map(|(id, stage)| {
                let end = stage.ended.map_or_else(|| end_of(view), |ended| ended.since(run.at));
                Some((stage.started?.since(run.at), id, end, stage.info.threads))
            })
            .collect();
        spans.sort_unstable();
        // Until when each is taken.
        let mut taken: Vec<Duration> = Vec::new();
        for (start, stage, end, threads) in spans {
            let wanted = usize::try_from(threads.clamp(1, run.slots(executor, run.jobs).max(1))).unwrap_or(1);
            let mut free: Vec<usize> = (0..taken.len()).filter(|slot| taken[*slot] <= start).take(wanted).collect();
            while free.len() < wanted {
                free.push(taken.len());
                taken.push(Duration::ZERO);
            }
            for slot in &free {
                taken[*slot] = end;
            }
            stays.push(Stay { stage, slot: first + free[0], start, end });
        }
        slots.extend((1..=taken.len()).map(|number| Slot { executor: executor.to_owned(), number }));
    }
    stays.sort_by_key(|stay| (stay.start, stay.stage));
    (slots, stays)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, Verdict};
    use crate::view::recorded::{Recorded, on, remote, stage};

    #[test]
    fn stages_that_run_at_one_time_share_no_slot() {
        let mut wide = stage("wide", "make -j2");
        wide.threads = 2;
        let stages = vec![stage("a", "a"), stage("b", "b"), wide, on(stage("c", "c"), "box")];
        let mut run = Recorded::elsewhere(stages, vec![remote("box", "box.example.invalid")]);
        run.start(0).start(1).start(3).wait(100).finish(0, Outcome::Passed).wait(50).finish(1, Outcome::Passed);
        run.start(2).wait(10).finish(2, Outcome::Passed).finish(3, Outcome::Passed).end(Verdict::Passed);
        let (slots, stays) = assign(&run.view());
        let names: Vec<String> = slots.iter().map(|slot| format!("{} {}", slot.executor, slot.number)).collect();
        assert_eq!(names, ["local 1", "local 2", "box 1"]);
        let places: Vec<(u32, usize)> = stays.iter().map(|stay| (stay.stage.0, stay.slot)).collect();
        assert_eq!(places, [(0, 0), (1, 1), (3, 2), (2, 0)]);
    }
}
