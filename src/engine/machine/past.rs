//! A run that goes on without its supervisor, and one that goes on with another one.
//!
//! What an executor has *left* stays running to the machine: it keeps its slot and its locks, and nobody says a last word
//! of it. When nothing else goes on the run is left too: it ends here without a verdict. Another machine takes up from what
//! was said until then, its [`Past`]: last words stay, what runs elsewhere is joined, what ran here is gone with its
//! supervisor, and the rest is started as if nothing had happened.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effect, Machine, State, Timer, Why, unstarted_word};
use crate::cancel::CancelLevel;
use crate::clock::{Pause, Timestamp};
use crate::engine::scheduler::Scheduler;
use crate::event::{Event, EventKind, LogInfo, StageFinished};
use crate::executor::ExecError;
use crate::ids::{DenseMap, StageId};
use crate::outcome::{CancelReason, Outcome};
use crate::plan::Plan;

/// Why what ran here has no verdict.
const GONE: &str = "its supervisor was killed, and it with it";

/// What happened in a run until nobody saw to it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The number of the next event.
    pub next_seq: u64,
    /// When it began, on its own clock.
    pub started: Timestamp,
    /// When the last thing of it was said, on its own clock.
    pub last: Timestamp,
    /// Its own clock.
    pub clock: Pause,
    /// Its beginning, and the last words of stages: what is to be known of it by who is told of events and was not there.
    pub told: Vec<Event>,
    /// Its stages, in the order of the plan.
    pub stages: DenseMap<StageId, Before>,
    /// Stages of which nothing more is to be started, and why.
    pub barred: Vec<(StageId, String)>,
    /// By what and how firmly it had been asked to end, if it had.
    pub cancelling: Option<(CancelReason, CancelLevel)>,
    /// Whether it is taken over to be ended, and how firmly.
    pub stop: Option<CancelLevel>,
    /// The machines that its work tree had been sent to, by name.
    pub sent: Vec<String>,
    /// For how long nobody saw to it, in milliseconds.
    pub after_ms: u64,
    /// How far its clock is ahead of the machine's, in microseconds.
    pub ahead_us: i64,
}

/// Where a stage was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// It had not started.
    Waiting,
    /// It had come to its last word.
    Finished(StageFinished),
    /// An attempt was started elsewhere, and may run there still.
    Elsewhere {
        /// Counted from one.
        attempt: u32,
        /// When it started, on the run's own clock.
        since: Timestamp,
    },
    /// An attempt ran here.
    Here {
        /// Counted from one.
        attempt: u32,
        /// When it started, on the run's own clock.
        since: Timestamp,
        /// What it had printed.
        log: LogInfo,
    },
    /// An attempt had not passed, and there was to be another.
    Delayed {
        /// The one that had not passed.
        attempt: u32,
        /// When the next was to start, on the run's own clock.
        until: Timestamp,
    },
}

/// What holds of a run that was begun by another machine.
#[derive(Debug, Default)]
pub(super) struct Inherited {
    /// Stages that are not to be started any more, and why.
    pub(super) barred: BTreeMap<StageId, String>,
    /// Stages that are joined, and not started.
    joined: BTreeSet<StageId>,
    /// Stages that were joined after their time: they may have ended in time all the same.
    late: BTreeSet<StageId>,
    /// Whether the run's own time was over when it was taken over.
    pub(super) overdue: bool,
}

impl Machine {
    /// A run of this plan that goes on, with all that happened in it. The time is the journal's, which never jumps back.
    pub fn resumed(plan: Plan, past: Past, grace_cap: Option<Duration>, now: Timestamp) -> Self {
        let Past { started, last, clock, stages, barred, cancelling, stop, after_ms, ahead_us, .. } = past;
        let finished = stages.iter().filter_map(|(stage, before)| match before {
            Before::Finished(finished) => Some((stage, finished.outcome.clone(), finished.attempt)),
            _ => None,
        });
        let finished: Vec<(StageId, Outcome, u32)> = finished.collect();
        let attempts: Vec<u32> = finished.iter().map(|(_, _, attempt)| *attempt).collect();
        let finished: Vec<(StageId, Outcome)> =
            finished.into_iter().map(|(stage, outcome, _)| (stage, outcome)).collect();
        let has_begun = |before: &Before| !matches!(before, Before::Waiting | Before::Finished(_));
        let going: Vec<StageId> =
            stages.iter().filter(|(_, before)| has_begun(before)).map(|(stage, _)| stage).collect();
        let scheduler = Scheduler::resumed(&plan, &finished, &going);
        let mut machine = Self::blank(plan, scheduler, grace_cap, started);
        machine.clock = clock;
        machine.inherited.barred = barred.into_iter().collect();
        for ((stage, outcome), attempt) in finished.iter().zip(attempts) {
            machine.count(*stage, outcome, attempt);
        }
        machine.emit(EventKind::TakenOver { after_ms, ahead_us });
        if machine.clock.since().is_some() {
            // Nobody knows any more who paused it.
            machine.clock.end(now);
            machine.emit(EventKind::Resumed);
        }
        let own = machine.clock.on_its_clock(now);
        machine.inherited.overdue = machine.run_deadline().is_some_and(|deadline| deadline <= own.mono_us);
        let mut gone = Vec::new();
        for (stage, before) in stages.iter() {
            match before {
                Before::Waiting | Before::Finished(_) => {}
                Before::Elsewhere { attempt, since } => machine.join(stage, *attempt, *since, own),
                Before::Here { attempt, since, log } => {
                    machine.states[stage] = State::Running { attempt: *attempt, since: *since, ending: None };
                    gone.push((stage, *log));
                }
                Before::Delayed { attempt, until } => {
                    machine.states[stage] = State::Delayed { attempt: *attempt };
                    machine.set_timer(*until, Timer::Retry { stage, attempt: attempt + 1 });
                }
            }
        }
        // Before anything follows from what is gone: nothing of a run that ends is tried again.
        machine.go_on_ending(cancelling, own);
        for (stage, log) in gone {
            let end = Timestamp { unix_ms: own.unix_ms, mono_us: last.mono_us.min(own.mono_us) };
            let message = GONE.to_owned();
            machine.end_attempt(stage, Err(ExecError::Infrastructure { message }), log, end);
        }
        if let Some(level) = stop {
            machine.cancel(CancelReason::Stopped, level, own);
        }
        machine.advance(now);
        machine
    }

    /// Joins an attempt that an earlier supervisor has started elsewhere.
    fn join(&mut self, stage: StageId, attempt: u32, since: Timestamp, now: Timestamp) {
        self.states[stage] = State::Running { attempt, since, ending: None };
        self.inherited.joined.insert(stage);
        self.effects.push_back(Effect::Start { stage, attempt, resumes: true });
        if let Some(limit) = self.plan.stages[stage].policy.timeout {
            self.set_timer(since.after(limit), Timer::Timeout { stage, attempt });
        }
        if self.deadline(stage, since).is_some_and(|deadline| deadline <= now.mono_us) {
            self.inherited.late.insert(stage);
        }
    }

    /// An attempt that was to be joined was never started, though it was said that it would be: so it is now, and what was
    /// said holds. Says whether that is so; else it is no verdict.
    pub(super) fn start_at_last(&mut self, stage: StageId, attempt: u32, now: Timestamp) -> bool {
        if !self.inherited.joined.remove(&stage) {
            return false;
        }
        if let Some(message) = self.inherited.barred.get(&stage).cloned() {
            self.finish(unstarted_word(stage, attempt, Outcome::Errored { message }));
            return true;
        }
        self.inherited.late.remove(&stage);
        self.timers.retain(|Reverse((_, timer))| *timer != Timer::Timeout { stage, attempt });
        self.states[stage] = State::Running { attempt, since: now, ending: None };
        self.effects.push_back(Effect::Start { stage, attempt, resumes: false });
        true
    }

    /// A run that had been asked to end still is.
    fn go_on_ending(&mut self, cancelling: Option<(CancelReason, CancelLevel)>, now: Timestamp) {
        self.announced = cancelling;
        let transitions = match cancelling {
            None if self.plan.fail_fast && (self.failed || self.errored) => {
                self.scheduler.cancel(CancelReason::FailFast)
            }
            None => return,
            Some((reason @ (CancelReason::FailFast | CancelReason::RunTimeout), _)) => self.scheduler.cancel(reason),
            Some((reason, level)) => return self.cancel(reason, level, now),
        };
        self.carry_out(transitions, now);
    }

    /// When the run's own time is over, on its own clock.
    fn run_deadline(&self) -> Option<u64> {
        self.plan.timeout.map(|limit| self.started.after(limit).mono_us)
    }

    /// When an attempt that started then is to be over, by its own limit or the run's.
    fn deadline(&self, stage: StageId, since: Timestamp) -> Option<u64> {
        let own = self.plan.stages[stage].policy.timeout.map(|limit| since.after(limit).mono_us);
        own.into_iter().chain(self.run_deadline()).min()
    }

    /// Whether an attempt that was joined after its time had ended before: then nobody ended it, whatever it was asked.
    pub(super) fn was_in_time(&mut self, stage: StageId, why: Why, since: Timestamp, took: Option<Duration>) -> bool {
        let is_late = self.inherited.late.remove(&stage);
        let for_time = matches!(why, Why::Timeout | Why::Cancelled(CancelReason::RunTimeout));
        let end = took.map(|took| since.after(took).mono_us);
        is_late && for_time && end.zip(self.deadline(stage, since)).is_some_and(|(end, deadline)| end < deadline)
    }

    /// An attempt goes on where it runs and is not followed any more. Nothing else is started there either.
    pub(super) fn leave(&mut self, stage: StageId, why: &str) {
        self.states[stage] = State::Left;
        if self.unreached.insert(self.plan.stages[stage].executor.clone()) {
            self.emit(EventKind::Notice { stage: Some(stage), text: why.to_owned() });
        }
    }

    /// Whether the run goes on elsewhere and nothing more can be done about it here: it ends without a verdict, and can be
    /// taken over.
    pub fn is_left(&self) -> bool {
        let mut any = false;
        for (_, state) in self.states.iter() {
            match state {
                State::Running { .. } | State::Delayed { .. } => return false,
                State::Left | State::Stranded { .. } => any = true,
                State::Idle => {}
            }
        }
        any && !self.finished && !self.is_held()
    }
}
