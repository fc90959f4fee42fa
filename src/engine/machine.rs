//! The run as a value: what happened goes in, what follows comes out, in order. No thread, no clock, no I/O.
//!
//! The scheduler decides which stage; the machine adds time: attempts, timeouts, grace, retries, and what the run
//! comes to. Each stage that runs goes this way, and only `end_attempt` says its last word:
//!
//! ```text
//!  Start ──▶ Running ──────────────ended──▶ last word, or Delayed ──delay over──▶ Running, next attempt
//!              │ timeout, or stop                              └── stop ──▶ last word
//!              ▼
//!            Ending: asked to; after its grace, killed ──ended──▶ last word (or another attempt after a timeout)
//! ```
//!
//! While a stage waits for its next attempt it keeps its slot and its locks: to others it is running.
//!
//! The whole run can stand still meanwhile: see `standing`. What runs on another machine can be left there, and the run be
//! gone on with later, by another machine: see `past`.

mod exchange;
pub mod past;
mod standing;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;

use super::scheduler::{Scheduler, Transition};
use crate::cancel::CancelLevel;
use crate::clock::{Pause, Timestamp};
use crate::event::{EventKind, LogInfo, RunStarted, StageFinished};
use crate::executor::{Ended, ExecError};
use crate::ids::{DenseMap, StageId};
use crate::outcome::{CancelReason, Exit, Failure, Outcome, SkipReason, Verdict};
use crate::pipeline::{Flaky, Leak};
use crate::plan::Plan;
use crate::plan::signature::LOCAL;
pub use exchange::{Effect, Input};
use past::Inherited;
use standing::Standing;

/// Why a running attempt was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Timeout,
    Cancelled(CancelReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not started, or at its last word.
    Idle,
    Running {
        attempt: u32,
        since: Timestamp,
        ending: Option<(Why, CancelLevel)>,
    },
    Delayed {
        attempt: u32,
    },
    /// It goes on where it runs, and nobody here follows it any more.
    Left,
    /// This attempt was to start on a machine that is not reached any more. Nothing was said of it.
    Stranded {
        attempt: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Run,
    Timeout { stage: StageId, attempt: u32 },
    Grace { stage: StageId, attempt: u32 },
    Retry { stage: StageId, attempt: u32 },
}

/// A run in progress.
#[derive(Debug)]
pub struct Machine {
    plan: Plan,
    scheduler: Scheduler,
    states: DenseMap<StageId, State>,
    /// The run's own clock. Timers and states are on it.
    clock: Pause,
    standing: Standing,
    timers: BinaryHeap<Reverse<(u64, Timer)>>,
    /// No grace is longer than this.
    grace_cap: Option<Duration>,
    effects: VecDeque<Effect>,
    started: Timestamp,
    /// What ended the run from outside, first come.
    cancelled: Option<CancelReason>,
    announced: Option<(CancelReason, CancelLevel)>,
    failed: bool,
    errored: bool,
    finished: bool,
    /// The executors that have left what runs there to itself.
    unreached: BTreeSet<String>,
    /// When the commands of attempts ended that are not over themselves.
    over: BTreeMap<StageId, Timestamp>,
    /// What holds of a run that was begun by another.
    inherited: Inherited,
}

impl Machine {
    /// A run of this plan that starts now. `grace_cap` limits every grace, for where somebody else's grace limits ours.
    pub fn new(plan: Plan, started: RunStarted, grace_cap: Option<Duration>, now: Timestamp) -> Self {
        let mut machine = Self::idle(plan, started, grace_cap, now);
        machine.advance(now);
        machine
    }

    /// A run of this plan that is cancelled before it has started anything.
    pub fn refused(plan: Plan, started: RunStarted, reason: CancelReason, now: Timestamp) -> Self {
        let mut machine = Self::idle(plan, started, None, now);
        machine.handle(Input::Cancel { reason, level: CancelLevel::Terminate }, now);
        machine
    }

    /// A run of which nothing but its beginning has been said.
    fn idle(plan: Plan, started: RunStarted, grace_cap: Option<Duration>, now: Timestamp) -> Self {
        let scheduler = Scheduler::new(&plan);
        let mut machine = Self::blank(plan, scheduler, grace_cap, now);
        machine.emit(EventKind::RunStarted(started));
        machine
    }

    /// A run of which nothing is said, that began at this moment of its own clock.
    fn blank(plan: Plan, scheduler: Scheduler, grace_cap: Option<Duration>, started: Timestamp) -> Self {
        let mut machine = Self {
            scheduler,
            states: DenseMap::filled(plan.stages.len(), State::Idle),
            clock: Pause::default(),
            standing: Standing::Going,
            timers: BinaryHeap::new(),
            grace_cap,
            effects: VecDeque::new(),
            started,
            cancelled: None,
            announced: None,
            failed: false,
            errored: false,
            finished: false,
            unreached: BTreeSet::new(),
            over: BTreeMap::new(),
            inherited: Inherited::default(),
            plan,
        };
        if let Some(limit) = machine.plan.timeout {
            machine.set_timer(started.after(limit), Timer::Run);
        }
        machine
    }

    /// The next thing to do, if there is one now.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When time alone changes something next; never while the run stands still. Moments of timers that mean nothing any
    /// more are among them.
    pub fn next_deadline(&self) -> Option<u64> {
        self.timers.peek().and_then(|Reverse((at, _))| self.clock.shows_at(*at))
    }

    /// Whether the last event was emitted.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The stages of which an attempt runs.
    pub fn running(&self) -> impl Iterator<Item = StageId> {
        self.states.iter().filter(|(_, state)| matches!(state, State::Running { .. })).map(|(stage, _)| stage)
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Ended { stage, result, log } => {
                self.end_attempt(stage, result, log, self.clock.on_its_clock(now));
                self.has_stopped(stage);
            }
            Input::Cancel { reason, level } => {
                // What stands still would not hear it.
                self.resume(now);
                self.cancel(reason, level, self.clock.on_its_clock(now));
            }
            Input::Pause => self.pause(now),
            Input::Resume => self.resume(now),
            Input::Begun { stage, attempt } => {
                if matches!(self.states[stage], State::Running { attempt: now, ending: None, .. } if now == attempt) {
                    self.limit(stage, attempt, self.clock.on_its_clock(now));
                }
            }
            Input::Over { stage, attempt } => {
                if matches!(self.states[stage], State::Running { attempt: now, ending: None, .. } if now == attempt) {
                    self.over.insert(stage, self.clock.on_its_clock(now));
                }
            }
            Input::Still { stage, attempt } => {
                if matches!(self.states[stage], State::Running { attempt: now, .. } if now == attempt) {
                    self.has_stopped(stage);
                }
            }
        }
        self.advance(now);
    }

    /// Does what is due by now.
    pub fn wake(&mut self, now: Timestamp) {
        if !self.is_held() {
            let now = self.clock.on_its_clock(now);
            while let Some(Reverse((at, timer))) = self.timers.peek().copied()
                && at <= now.mono_us
            {
                self.timers.pop();
                self.fire(timer, now);
            }
        }
        self.advance(now);
    }

    fn fire(&mut self, timer: Timer, now: Timestamp) {
        match timer {
            Timer::Run => {
                // A run that ends already ends for the reason it was given first.
                if !self.finished && self.scheduler.cancelled().is_none() {
                    self.announce(CancelReason::RunTimeout, CancelLevel::Terminate);
                    let transitions = self.scheduler.cancel(CancelReason::RunTimeout);
                    // What is joined late may have ended in time: then each stage says for itself whether it did.
                    self.failed |= !self.inherited.overdue;
                    self.carry_out(transitions, now);
                }
            }
            Timer::Timeout { stage, attempt } => {
                if matches!(self.states[stage], State::Running { attempt: now, ending: None, .. } if now == attempt)
                    && !self.over.contains_key(&stage)
                {
                    self.ask(stage, Why::Timeout, CancelLevel::Terminate, now);
                }
            }
            Timer::Grace { stage, attempt } => {
                if let State::Running { attempt: running, ending: Some((why, _)), .. } = self.states[stage]
                    && running == attempt
                {
                    self.ask(stage, why, CancelLevel::Kill, now);
                }
            }
            Timer::Retry { stage, attempt } => {
                if self.states[stage] == (State::Delayed { attempt: attempt - 1 }) {
                    self.start(stage, attempt, now);
                }
            }
        }
    }

    fn set_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timers.push(Reverse((at.mono_us, timer)));
    }

    fn emit(&mut self, kind: EventKind) {
        self.effects.push_back(Effect::Emit(kind));
    }

    /// Carries out what the scheduler has to say, and ends the run when that was all. Nothing starts in a paused run.
    fn advance(&mut self, now: Timestamp) {
        if self.is_held() {
            if !self.scheduler.is_done() {
                return;
            }
            // Somebody has killed all that stood still, and there is nothing to come.
            self.resume(now);
        }
        let now = self.clock.on_its_clock(now);
        loop {
            let transitions = self.scheduler.poll();
            if transitions.is_empty() {
                break;
            }
            self.carry_out(transitions, now);
        }
        if self.scheduler.is_done() && !self.finished {
            self.finished = true;
            let verdict = self.verdict();
            let duration_ms = millis(now.since(self.started));
            self.emit(EventKind::RunFinished { verdict, exit_code: verdict.exit_code(), duration_ms });
        }
    }

    fn carry_out(&mut self, transitions: Vec<Transition>, now: Timestamp) {
        for transition in transitions {
            match transition {
                Transition::Start(stage) => self.start(stage, 1, now),
                Transition::Skip(stage, reason) => {
                    self.failed |= reason == SkipReason::RunTimeout;
                    self.emit(not_started(stage, Outcome::Skipped { reason }));
                }
                Transition::Cancel(stage, reason) => {
                    self.emit(not_started(stage, Outcome::Cancelled { reason }));
                }
                Transition::Stop(stage, reason) => {
                    if reason == CancelReason::FailFast {
                        self.announce(reason, CancelLevel::Terminate);
                    }
                    let level = match self.announced {
                        Some((_, level)) => level,
                        None => CancelLevel::Terminate,
                    };
                    self.stop(stage, reason, level, now);
                }
            }
        }
    }

    fn start(&mut self, stage: StageId, attempt: u32, now: Timestamp) {
        if let Some(message) = self.inherited.barred.get(&stage).cloned() {
            return self.finish(unstarted_word(stage, attempt - 1, Outcome::Errored { message }));
        }
        if self.unreached.contains(&self.plan.stages[stage].executor) {
            self.states[stage] = State::Stranded { attempt };
            return;
        }
        self.states[stage] = State::Running { attempt, since: now, ending: None };
        self.emit(EventKind::StageStarted { stage, attempt });
        self.effects.push_back(Effect::Start { stage, attempt, resumes: false });
        if self.plan.stages[stage].executor == LOCAL {
            self.limit(stage, attempt, now);
        }
    }

    /// The time that an attempt may take begins now.
    fn limit(&mut self, stage: StageId, attempt: u32, now: Timestamp) {
        let timer = Timer::Timeout { stage, attempt };
        self.timers.retain(|Reverse((_, other))| *other != timer);
        if let Some(limit) = self.plan.stages[stage].policy.timeout {
            self.set_timer(now.after(limit), timer);
        }
    }

    /// Has a stage that was started end, wherever it is.
    fn stop(&mut self, stage: StageId, reason: CancelReason, level: CancelLevel, now: Timestamp) {
        match self.states[stage] {
            // What is left is asked by whoever takes the run over.
            State::Idle | State::Left => {}
            State::Running { .. } => self.ask(stage, Why::Cancelled(reason), level, now),
            State::Delayed { attempt } => self.give_up_on(stage, attempt, reason),
            State::Stranded { attempt } => self.give_up_on(stage, attempt - 1, reason),
        }
    }

    /// There is no attempt after this one.
    fn give_up_on(&mut self, stage: StageId, attempt: u32, reason: CancelReason) {
        let outcome = match reason {
            CancelReason::RunTimeout => Outcome::Skipped { reason: SkipReason::RunTimeout },
            reason => Outcome::Cancelled { reason },
        };
        self.failed |= reason == CancelReason::RunTimeout;
        self.finish(unstarted_word(stage, attempt, outcome));
    }

    /// Asks a running attempt to end, more firmly than before or not at all.
    fn ask(&mut self, stage: StageId, why: Why, level: CancelLevel, now: Timestamp) {
        let State::Running { attempt, since, ending } = self.states[stage] else { return };
        if ending.is_some_and(|(_, before)| before >= level) {
            return;
        }
        // What asked first is why it ends; a timeout that is under way when the run is cancelled stays a timeout.
        let why = ending.map_or(why, |(first, _)| first);
        self.states[stage] = State::Running { attempt, since, ending: Some((why, level)) };
        self.effects.push_back(Effect::Cancel { stage, level });
        if level < CancelLevel::Kill {
            let grace = self.plan.stages[stage].policy.grace;
            let grace = self.grace_cap.map_or(grace, |cap| grace.min(cap));
            self.set_timer(now.after(grace), Timer::Grace { stage, attempt });
        }
    }

    fn cancel(&mut self, reason: CancelReason, level: CancelLevel, now: Timestamp) {
        if self.finished {
            return;
        }
        self.cancelled.get_or_insert(reason);
        self.announce(reason, level);
        let transitions = self.scheduler.cancel(reason);
        self.carry_out(transitions, now);
        // Those that were asked before, by this or by something else, are asked again where this is firmer.
        let running: Vec<StageId> = self.scheduler.running().collect();
        for stage in running {
            self.stop(stage, reason, level, now);
        }
    }

    fn announce(&mut self, reason: CancelReason, level: CancelLevel) {
        let firmer = self.announced.is_none_or(|(before, was)| level > was || before != reason);
        if firmer {
            let level = self.announced.map_or(level, |(_, was)| was.max(level));
            self.announced = Some((reason, level));
            self.emit(EventKind::Cancelling { reason, level });
        }
    }

    /// An attempt is over: another one, or the stage's last word.
    fn end_attempt(&mut self, stage: StageId, result: Result<Ended, ExecError>, log: LogInfo, now: Timestamp) {
        let over = self.over.remove(&stage);
        let State::Running { attempt, since, ending } = self.states[stage] else { return };
        if let Err(ExecError::Left { message }) = &result {
            return self.leave(stage, message);
        }
        if let (None, Err(ExecError::NotThere { .. })) = (ending, &result)
            && self.start_at_last(stage, attempt, now)
        {
            return;
        }
        let measured = result.as_ref().ok().and_then(|ended| ended.took).or(over.map(|at| at.since(since)));
        let ending = ending.filter(|(why, _)| over.is_none() && !self.was_in_time(stage, *why, since, measured));
        let duration_ms = millis(measured.unwrap_or_else(|| now.since(since)));
        // What an attempt that was ended has to say of itself is no verdict on it, but should be heard.
        if let (Some(_), Err(ExecError::Infrastructure { message })) = (ending, &result) {
            self.emit(EventKind::Notice { stage: Some(stage), text: message.clone() });
        }
        let policy = &self.plan.stages[stage].policy;
        let exit = result.as_ref().ok().map(|ended| ended.exit);
        let leaked = result.as_ref().map(|ended| ended.leaked.clone()).unwrap_or_default();
        let outcome = match (ending, result) {
            (Some((Why::Timeout, _)), _) => Outcome::TimedOut { limit_ms: policy.timeout.map_or(0, millis) },
            (Some((Why::Cancelled(CancelReason::RunTimeout), _)), _) => {
                self.failed = true;
                Outcome::TimedOut { limit_ms: self.plan.timeout.map_or(0, millis) }
            }
            (Some((Why::Cancelled(reason), _)), _) => Outcome::Cancelled { reason },
            (None, Ok(ended)) => judge(&ended, policy.leak),
            (None, Err(ExecError::NotStarted { code, message })) => {
                Outcome::Failed { failure: Failure::NotStarted { code, message } }
            }
            (None, Err(ExecError::NothingToDo { why })) => Outcome::Skipped { reason: SkipReason::Condition { why } },
            (
                None,
                Err(
                    ExecError::Infrastructure { message }
                    | ExecError::NotThere { message }
                    | ExecError::Left { message },
                ),
            ) => Outcome::Errored { message },
        };
        // What cannot be started will not be there the next time either.
        let worth_another = match &outcome {
            Outcome::Failed { failure } => !matches!(failure, Failure::NotStarted { .. }),
            Outcome::TimedOut { .. } | Outcome::Errored { .. } => true,
            Outcome::Passed | Outcome::Cached | Outcome::Skipped { .. } | Outcome::Cancelled { .. } => false,
        };
        if worth_another && attempt <= policy.retries && self.scheduler.cancelled().is_none() {
            let delay = policy.retry_delay;
            self.states[stage] = State::Delayed { attempt };
            let delay_ms = millis(delay);
            self.emit(EventKind::StageRetrying { stage, attempt, outcome, duration_ms, delay_ms, log, leaked });
            if delay.is_zero() && !self.is_held() {
                self.start(stage, attempt + 1, now);
            } else {
                self.set_timer(now.after(delay), Timer::Retry { stage, attempt: attempt + 1 });
            }
            return;
        }
        self.finish(StageFinished { stage, attempt, outcome, exit, duration_ms, log, leaked });
    }

    /// A stage's last word.
    fn finish(&mut self, finished: StageFinished) {
        let stage = finished.stage;
        self.states[stage] = State::Idle;
        let (outcome, attempt) = (finished.outcome.clone(), finished.attempt);
        self.count(stage, &outcome, attempt);
        let text = self.plan.is_flaky_failure(stage, &outcome, attempt).then(|| Flaky::sentence(attempt));
        if let Some(text) = text {
            self.emit(EventKind::Notice { stage: Some(stage), text });
        }
        self.emit(EventKind::StageFinished(finished));
        self.scheduler.finished(stage, &outcome);
    }

    /// What a stage's last word means for the verdict.
    fn count(&mut self, stage: StageId, outcome: &Outcome, attempt: u32) {
        let allowed = self.plan.stages[stage].policy.allow_failure;
        match outcome {
            Outcome::Failed { .. } | Outcome::TimedOut { .. } => self.failed |= !allowed,
            Outcome::Errored { .. } => self.errored = true,
            Outcome::Passed => self.failed |= self.plan.is_flaky_failure(stage, outcome, attempt),
            Outcome::Cached | Outcome::Skipped { .. } | Outcome::Cancelled { .. } => {}
        }
    }

    fn verdict(&self) -> Verdict {
        if let Some(reason) = self.cancelled {
            Verdict::Cancelled { reason }
        } else if self.failed {
            Verdict::Failed
        } else if self.errored {
            Verdict::Errored
        } else {
            Verdict::Passed
        }
    }
}

/// What came of an attempt that ended by itself.
fn judge(ended: &Ended, leak: Leak) -> Outcome {
    if !ended.exit.success() {
        Outcome::Failed { failure: Failure::Exit { exit: ended.exit } }
    } else if leak == Leak::Fail && !ended.leaked.is_empty() {
        Outcome::Failed { failure: Failure::Leaked { exit: Exit::Code(0) } }
    } else {
        Outcome::Passed
    }
}

fn not_started(stage: StageId, outcome: Outcome) -> EventKind {
    EventKind::StageFinished(unstarted_word(stage, 0, outcome))
}

/// The last word on a stage of which no attempt runs: this is the last that did, or zero.
fn unstarted_word(stage: StageId, attempt: u32, outcome: Outcome) -> StageFinished {
    StageFinished { stage, attempt, outcome, exit: None, duration_ms: 0, log: LogInfo::default(), leaked: Vec::new() }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
