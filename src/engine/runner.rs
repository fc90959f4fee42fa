//! The loop around the machine: threads, clock and signals come in over one channel, events go out to one sink.
//!
//! Only this loop numbers and stamps events. It has no `?`: whatever fails becomes an event or is the sink's affair.
//! Each attempt runs on a thread that it has to itself, which writes its own log; output never passes through here.

mod farewell;
mod requests;

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::machine::past::Past;
use super::machine::{Effect, Input, Machine};
use super::observer::Observer;
use super::request::Asked;
use super::slots::{Lender, Slots};
use super::workers::Workers;
use crate::cancel::{CancelLevel, CancelToken, Heard};
use crate::clock::{Clock, Timestamp};
use crate::event::{Annotation, Event, EventKind, LogInfo, Logbook, RemoteInfo, RemoteNews, RunStarted, Sink};
use crate::executor::jobserver::Offer;
use crate::executor::{ExecError, Executor, Job, Streams};
use crate::ids::{DenseMap, RunId, RunNumber, StageId, StageName};
use crate::outcome::{CancelReason, Verdict};
use crate::pipeline::remote::{Remote, Sync};
use crate::plan::Plan;
use requests::Waiting;

/// How long an attempt's thread is tried again when the system has no room for one more.
const START_PATIENCE: Duration = Duration::from_secs(5);
/// Between two of these tries.
const START_PAUSE: Duration = Duration::from_millis(50);
/// How often the sink hears that time passes.
const TICK: Duration = Duration::from_secs(1);

/// What the loop is told.
#[derive(Debug)]
pub enum Message {
    /// From a stage's thread.
    Ended {
        /// Which stage.
        stage: StageId,
        /// How its attempt ended.
        result: Result<crate::executor::Ended, ExecError>,
        /// What it printed.
        log: LogInfo,
        /// When it ended: the loop may hear of it later.
        at: Timestamp,
    },
    /// From a signal, a control message, or a starter that went away.
    Cancel {
        /// By what.
        reason: CancelReason,
        /// How firmly.
        level: CancelLevel,
    },
    /// From somebody who waits for the answer.
    Asked(Asked),
    /// From an executor: something to be told of another machine.
    News {
        /// Its name in the plan.
        remote: String,
        /// What.
        news: RemoteNews,
    },
    /// From an attempt: what was found in the project.
    Annotated {
        /// The stage.
        stage: StageName,
        /// Which attempt.
        attempt: u32,
        /// What.
        items: Vec<Annotation>,
    },
    /// From an attempt, or of the whole run: something a person should know that is not a stage's outcome.
    Remark {
        /// The stage it is about, if one.
        stage: Option<StageName>,
        /// A sentence.
        text: String,
    },
    /// From who is told of events beside the sink: the same, which is not told there, or it would have something to say of it.
    Aside {
        /// A sentence.
        text: String,
    },
    /// From an attempt: what it was asked is done.
    Heard {
        /// Of which stage.
        stage: StageId,
        /// Which attempt.
        attempt: u32,
        /// What.
        heard: Heard,
    },
}

/// The rest of the world, as a run needs it.
pub struct Ports<'a> {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where stages run, by name.
    pub executors: Vec<Arc<dyn Executor>>,
    /// Where their output goes.
    pub logbook: Arc<dyn Logbook>,
    /// Where events go. Its errors are its own affair: a run does not end because nobody can write about it.
    pub sink: &'a mut dyn Sink,
    /// Requests to the loop, and the end that others send them to.
    pub messages: (Sender<Message>, Receiver<Message>),
    /// Who shares slots that nobody uses, where this run does.
    pub lender: Option<&'a mut dyn Lender>,
    /// Who else is told of what happens.
    pub observer: Option<&'a mut dyn Observer>,
}

/// Whose run it is, and what every stage of it gets on top of its own.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The run.
    pub run: RunId,
    /// Its number, where it has one.
    pub number: Option<RunNumber>,
    /// Variables for every stage, below its own.
    pub env: Vec<(String, String)>,
    /// No grace is longer than this.
    pub grace_cap: Option<Duration>,
}

/// An attempt that there was no thread for yet.
struct Unstarted {
    stage: StageId,
    attempt: u32,
    /// Whether it is to be joined where it runs.
    resumes: bool,
    since: Timestamp,
}

struct Loop<'a> {
    plan: Plan,
    identity: Identity,
    ports: Ports<'a>,
    tokens: DenseMap<StageId, Option<CancelToken>>,
    workers: Workers,
    slots: Slots,
    unstarted: Vec<Unstarted>,
    waiting: Waiting,
    seq: u64,
    verdict: Option<Verdict>,
}

/// Runs a plan to its end and says what it came to: [`Verdict::Lost`], and no last event, where what is left of it goes on
/// elsewhere and cannot be followed any more.
pub fn run(plan: Plan, identity: Identity, ports: Ports<'_>) -> Verdict {
    let machine = Machine::new(plan.clone(), describe(&plan, &identity), identity.grace_cap, ports.clock.now());
    drive(machine, plan, identity, ports, 0)
}

/// Goes on with a run that another supervisor began, as [`run`] does. The clock of `ports` never shows less than the last
/// event did.
pub fn resume(plan: Plan, mut past: Past, identity: Identity, mut ports: Ports<'_>) -> Verdict {
    let seq = past.next_seq;
    // Who was told of it is gone with the supervisor, and with it what it knew.
    if let Some(observer) = &mut ports.observer {
        for event in std::mem::take(&mut past.told) {
            observer.event(&event);
        }
    }
    let machine = Machine::resumed(plan.clone(), past, identity.grace_cap, ports.clock.now());
    drive(machine, plan, identity, ports, seq)
}

/// Ends a run that was cancelled before anything of it was started, as [`run`] does: with the same events, of which none
/// starts a stage.
pub fn refuse(plan: Plan, identity: Identity, ports: Ports<'_>, reason: CancelReason) -> Verdict {
    let machine = Machine::refused(plan.clone(), describe(&plan, &identity), reason, ports.clock.now());
    drive(machine, plan, identity, ports, 0)
}

fn drive(mut machine: Machine, plan: Plan, identity: Identity, ports: Ports<'_>, seq: u64) -> Verdict {
    let tokens = DenseMap::filled(plan.stages.len(), None);
    let slots = Slots::new(plan.jobs);
    let mut this = Loop {
        plan,
        identity,
        ports,
        tokens,
        workers: Workers::default(),
        slots,
        unstarted: Vec::new(),
        waiting: Waiting::default(),
        seq,
        verdict: None,
    };
    loop {
        this.carry_all_out(&mut machine);
        this.answer(&machine);
        let spare = this.slots.settled();
        this.lend(spare);
        let _ = this.ports.sink.settled();
        if machine.is_finished() {
            break;
        }
        if machine.is_left() {
            this.verdict = Some(Verdict::Lost);
            break;
        }
        match this.wait(&machine) {
            Ok(message) => this.take(message, &mut machine),
            Err(()) => {
                let now = this.ports.clock.now();
                // What ended in time has, also where this loop was held up and hears of it after the time.
                while let Ok(message) = this.ports.messages.1.try_recv() {
                    this.take(message, &mut machine);
                }
                machine.wake(now);
                let _ = this.ports.sink.tick(now);
            }
        }
        // Nothing starts in a paused run.
        if !machine.is_held() {
            for wanted in std::mem::take(&mut this.unstarted) {
                this.begin(wanted, &mut machine);
            }
        }
    }
    this.verdict.unwrap_or(Verdict::Errored)
}

impl Loop<'_> {
    /// Takes in a message, after what was due before it happened.
    fn take(&mut self, message: Message, machine: &mut Machine) {
        let (input, at) = match message {
            Message::Ended { stage, result, log, at } => {
                self.workers.ended(stage);
                self.give_back(stage);
                self.hushed(stage);
                (Input::Ended { stage, result, log }, at)
            }
            Message::Cancel { reason, level } => (Input::Cancel { reason, level }, self.ports.clock.now()),
            Message::Asked(asked) => {
                let now = self.ports.clock.now();
                machine.wake(now);
                // A request is for the attempts that run by now, and finds them asked what was asked before.
                self.carry_all_out(machine);
                return self.asked(asked, machine, now);
            }
            Message::News { remote, news } => return self.emit(EventKind::Remote { remote, news }),
            Message::Annotated { stage, attempt, items } => {
                if let Some(stage) = self.plan.find(stage.as_str()) {
                    self.emit(EventKind::Annotated { stage, attempt, items });
                }
                return;
            }
            Message::Remark { stage, text } => {
                let stage = stage.and_then(|name| self.plan.find(name.as_str()));
                return self.emit(EventKind::Notice { stage, text });
            }
            Message::Aside { text } => return self.note(text),
            Message::Heard { stage, attempt, heard } => {
                // What is to be done by now may be what it was said too late for.
                self.carry_all_out(machine);
                let now = self.ports.clock.now();
                return self.heard(stage, attempt, heard, machine, now);
            }
        };
        machine.wake(at);
        machine.handle(input, at);
    }

    /// The next message; nothing where a deadline or a tick came first.
    fn wait(&self, machine: &Machine) -> Result<Message, ()> {
        let now = self.ports.clock.now().mono_us;
        let until = machine.next_deadline().map(|at| Duration::from_micros(at.saturating_sub(now)));
        let most = if self.unstarted.is_empty() || machine.is_held() { TICK } else { START_PAUSE };
        let limit = until.map_or(most, |until| until.min(most));
        match self.ports.messages.1.recv_timeout(limit) {
            Ok(message) => Ok(message),
            // This side keeps a sender itself, so the channel is never closed.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    fn carry_all_out(&mut self, machine: &mut Machine) {
        while let Some(effect) = machine.next_effect() {
            self.carry_out(effect, machine);
        }
    }

    fn carry_out(&mut self, effect: Effect, machine: &mut Machine) {
        match effect {
            Effect::Emit(kind) => {
                if let EventKind::RunFinished { verdict, .. } = kind {
                    self.verdict = Some(verdict);
                    self.tell_last_news();
                    self.tell_last(&kind);
                }
                self.hold_strays(&kind);
                self.emit(kind);
            }
            Effect::Start { stage, attempt, resumes } => {
                self.tokens[stage] = Some(self.token(stage, attempt));
                self.keep_slots(stage);
                let since = self.ports.clock.now();
                self.begin(Unstarted { stage, attempt, resumes, since }, machine);
            }
            Effect::Cancel { stage, level } => {
                if let Some(token) = &self.tokens[stage] {
                    token.raise(level);
                }
            }
            Effect::Hold { stage, still } => {
                if let Some(token) = &self.tokens[stage] {
                    token.hold(still);
                }
                let now = self.ports.clock.now();
                self.unstarted.iter_mut().filter(|wanted| wanted.stage == stage).for_each(|wanted| wanted.since = now);
                self.answer_for_unstarted(stage);
            }
        }
    }

    /// What there is still to tell of other machines, before the last event.
    fn tell_last_news(&mut self) {
        for executor in self.ports.executors.clone() {
            if let Some(news) = executor.last_news() {
                self.emit(EventKind::Remote { remote: executor.name().to_owned(), news });
            }
        }
    }

    fn emit(&mut self, kind: EventKind) {
        let event = self.write(kind);
        if let Some(observer) = &mut self.ports.observer {
            observer.event(&event);
        }
    }

    /// Something that is not told to the observer, whose own it is.
    fn note(&mut self, text: String) {
        self.write(EventKind::Notice { stage: None, text });
    }

    fn write(&mut self, kind: EventKind) -> Event {
        let event = Event { seq: self.seq, at: self.ports.clock.now(), kind };
        self.seq += 1;
        let _ = self.ports.sink.event(&event);
        event
    }

    /// What no attempt answers for stands still, or goes on, with those that do.
    fn hold_strays(&self, kind: &EventKind) {
        let still = matches!(kind, EventKind::Paused);
        if still || matches!(kind, EventKind::Resumed) {
            self.ports.executors.iter().for_each(|executor| executor.hold_strays(still));
        }
    }

    /// A request to an attempt, which is answered here.
    fn token(&self, stage: StageId, attempt: u32) -> CancelToken {
        let messages = self.ports.messages.0.clone();
        CancelToken::answered(move |heard| {
            // The loop is gone only when the run is over.
            let _ = messages.send(Message::Heard { stage, attempt, heard });
        })
    }

    /// Starts an attempt, or leaves it for a later try.
    fn begin(&mut self, wanted: Unstarted, machine: &mut Machine) {
        let Unstarted { stage, attempt, resumes, since } = wanted;
        let token = self.tokens[stage].clone().unwrap_or_default();
        let Err(error) = self.start(stage, attempt, resumes, token.clone()) else { return };
        let now = self.ports.clock.now();
        let no_room = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::OutOfMemory);
        if no_room && token.level().is_none() && now.since(since) < START_PATIENCE {
            self.unstarted.push(wanted);
            return;
        }
        let message = format!("cannot start a thread for the stage: {error}");
        let result = Err(ExecError::Infrastructure { message });
        self.give_back(stage);
        machine.handle(Input::Ended { stage, result, log: LogInfo::default() }, now);
    }

    /// An attempt is about to start that keeps slots here, where it runs here.
    fn keep_slots(&mut self, stage: StageId) {
        let planned = &self.plan.stages[stage];
        if !self.plan.remotes.contains_key(&planned.executor) {
            let keeps = self.offer(stage).keeps(&planned.policy);
            let spare = self.slots.starts(stage, keeps);
            self.lend(spare);
        }
    }

    /// What an attempt of a stage is told of the slots that nobody uses.
    fn offer(&self, stage: StageId) -> Offer {
        let planned = &self.plan.stages[stage];
        Offer::to(&planned.command, &planned.env, &planned.policy)
    }

    /// Lends so many slots, where that is something new.
    fn lend(&mut self, slots: Option<u32>) {
        if let (Some(slots), Some(lender)) = (slots, &mut self.ports.lender) {
            lender.lend(slots);
        }
    }

    /// An attempt keeps nothing any more.
    fn give_back(&mut self, stage: StageId) {
        if let (true, Some(lender)) = (self.slots.ended(stage), &mut self.ports.lender) {
            lender.recall();
        }
    }

    fn start(&mut self, stage: StageId, attempt: u32, resumes: bool, token: CancelToken) -> io::Result<()> {
        let planned = &self.plan.stages[stage];
        let mut env = self.identity.env.clone();
        env.extend(planned.env.iter().map(|(name, value)| (name.clone(), value.clone())));
        let mut job = Job {
            run: self.identity.run.clone(),
            number: self.identity.number,
            stage: planned.name.clone(),
            attempt,
            part: 0,
            command: planned.command.clone(),
            dir: self.plan.root.join(&planned.dir),
            env,
            leak: planned.policy.leak,
            streams: Streams::of(&planned.policy),
            offer: self.offer(stage),
            limit: planned.policy.timeout,
            grace: planned.policy.grace,
            resumes: None,
        };
        let executor = self.ports.executors.iter().find(|executor| executor.name() == planned.executor).cloned();
        let logbook = Arc::clone(&self.ports.logbook);
        let messages = self.ports.messages.0.clone();
        let clock = Arc::clone(&self.ports.clock);
        let max = planned.policy.log_max;
        let executor_name = planned.executor.clone();
        let task = move || {
            let infrastructure = |message: String| Err(ExecError::Infrastructure { message });
            let attempt = || {
                let mut log = if resumes {
                    let (log, bytes) = logbook.reopen(&job.stage, attempt, max);
                    job.resumes = Some(bytes);
                    log
                } else {
                    logbook.open(&job.stage, attempt, max)
                };
                let result = match executor {
                    None => infrastructure(format!("there is no executor named {executor_name}")),
                    Some(executor) => executor.execute(&job, &mut *log, &token),
                };
                (result, log.finish())
            };
            // Whatever goes wrong in here, the loop waits for this attempt's end.
            let (result, log) = catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
                let message = "the attempt failed unexpectedly; the supervisor's log says more".into();
                (infrastructure(message), LogInfo::default())
            });
            // The loop is gone only when the run is over, and then nobody waits for this.
            let _ = messages.send(Message::Ended { stage, result, log, at: clock.now() });
        };
        self.workers.run(stage, Box::new(task))
    }
}

/// The run as its first event has it.
fn describe(plan: &Plan, identity: &Identity) -> RunStarted {
    RunStarted {
        schema_version: crate::event::SCHEMA_VERSION,
        run: identity.run.clone(),
        number: identity.number,
        project: plan.root.to_string_lossy().into_owned(),
        jobs: plan.jobs,
        stages: plan.stages.values().map(crate::plan::PlannedStage::info).collect(),
        remotes: plan.remotes.values().map(info).collect(),
    }
}

/// Another machine as the first event has it.
fn info(remote: &Remote) -> RemoteInfo {
    RemoteInfo {
        name: remote.name.clone(),
        host: remote.destination.to_string(),
        session: remote.session.clone(),
        slots: remote.slots,
        dir: remote.dir.clone(),
        sends: remote.sync != Sync::None,
    }
}

#[cfg(test)]
mod tests;
