//! Made-up runs for tests: what happens, what is printed and how time passes, in order.

use std::time::Duration;

use crate::cancel::CancelLevel;
use crate::clock::Timestamp;
use crate::event::{
    Basis, Estimate, Event, EventKind, LeakedProcess, LogInfo, RemoteInfo, RemoteNews, RunStarted, SCHEMA_VERSION,
    StageFinished, StageInfo,
};
use crate::ids::{RunId, RunNumber, Signature, StageId, StageName};
use crate::outcome::{CancelReason, Exit, Failure, Outcome, SkipReason, Verdict};

/// One step of a made-up run.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Something happened.
    Event(Event),
    /// A stage printed something; it stands in the log from now on.
    Output { stage: StageId, attempt: u32, tail: bool, bytes: Vec<u8> },
    /// Time passed and nothing happened.
    Tick(Timestamp),
}

/// A run in the making.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) steps: Vec<Step>,
    now: Timestamp,
    seq: u64,
    logs: Vec<((StageId, u32), LogInfo)>,
    attempts: Vec<(u32, Timestamp)>,
    leaked: Vec<LeakedProcess>,
}

/// A stage that runs this command.
pub(crate) fn stage(name: &str, command: &str) -> StageInfo {
    StageInfo {
        name: StageName::new(name).unwrap(),
        command: command.into(),
        needs: Vec::new(),
        signature: Signature::from_bytes([7; 32]),
        dir: String::new(),
        executor: "local".into(),
        allow_failure: false,
        is_fix: false,
        has_fix: false,
        threads: 1,
        locks: Vec::new(),
        interactive: false,
        inputs: None,
        estimate: None,
        skip: None,
    }
}

/// An estimate of so many milliseconds, from ten runs.
pub(crate) fn expecting(expected_ms: u64) -> Estimate {
    let (low_ms, high_ms) = (expected_ms - expected_ms / 10, expected_ms + expected_ms / 10);
    Estimate { expected_ms, low_ms, high_ms, samples: 10, basis: Basis::Own, longer_ms: vec![high_ms] }
}

/// The stage, on another machine.
pub(crate) fn on(mut stage: StageInfo, remote: &str) -> StageInfo {
    stage.executor = remote.into();
    stage
}

/// Another machine, to which the work tree is sent.
pub(crate) fn remote(name: &str, host: &str) -> RemoteInfo {
    RemoteInfo { name: name.into(), host: host.into(), session: "onion".into(), slots: None, dir: None, sends: true }
}

/// The stage, after these.
pub(crate) fn after(mut stage: StageInfo, needs: &[u32]) -> StageInfo {
    stage.needs = needs.iter().copied().map(StageId).collect();
    stage
}

pub(crate) fn failed(code: i32) -> Outcome {
    Outcome::Failed { failure: Failure::Exit { exit: Exit::Code(code) } }
}

pub(crate) fn skipped(why: &str) -> Outcome {
    Outcome::Skipped { reason: SkipReason::Condition { why: why.into() } }
}

impl Recorded {
    /// A run of these stages, started.
    pub(crate) fn of(stages: Vec<StageInfo>) -> Self {
        Self::numbered(stages, Some(42))
    }

    pub(crate) fn numbered(stages: Vec<StageInfo>, number: Option<u64>) -> Self {
        Self::begun(stages, number, Vec::new())
    }

    /// A run of these stages, of which some are on these other machines.
    pub(crate) fn elsewhere(stages: Vec<StageInfo>, remotes: Vec<RemoteInfo>) -> Self {
        Self::begun(stages, Some(42), remotes)
    }

    fn begun(stages: Vec<StageInfo>, number: Option<u64>, remotes: Vec<RemoteInfo>) -> Self {
        let now = Timestamp { unix_ms: 1_700_000_000_000, mono_us: 5_000_000 };
        let attempts = vec![(0, now); stages.len()];
        let mut recorded = Self { steps: Vec::new(), now, seq: 0, logs: Vec::new(), attempts, leaked: Vec::new() };
        recorded.push(EventKind::RunStarted(RunStarted {
            schema_version: SCHEMA_VERSION,
            run: RunId::from_bytes([1; 16]),
            number: number.map(RunNumber),
            project: "/home/user/project".into(),
            jobs: 2,
            stages,
            remotes,
        }));
        recorded
    }

    pub(crate) fn push(&mut self, kind: EventKind) -> &mut Self {
        self.steps.push(Step::Event(Event { seq: self.seq, at: self.now, kind }));
        self.seq += 1;
        self
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_millis(ms));
        self
    }

    /// Time passes, and the reporter is told.
    pub(crate) fn tick(&mut self, ms: u64) -> &mut Self {
        self.wait(ms);
        self.steps.push(Step::Tick(self.now));
        self
    }

    /// The next attempt of a stage starts.
    pub(crate) fn start(&mut self, stage: u32) -> &mut Self {
        let attempt = &mut self.attempts[stage as usize];
        *attempt = (attempt.0 + 1, self.now);
        let attempt = attempt.0;
        self.push(EventKind::StageStarted { stage: StageId(stage), attempt })
    }

    fn log(&mut self, stage: u32) -> &mut LogInfo {
        let key = (StageId(stage), self.attempts[stage as usize].0);
        let at = self.logs.iter().position(|(log, _)| *log == key).unwrap_or_else(|| {
            self.logs.push((key, LogInfo::default()));
            self.logs.len() - 1
        });
        &mut self.logs[at].1
    }

    /// A stage prints.
    pub(crate) fn print(&mut self, stage: u32, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref().to_vec();
        self.log(stage).bytes += bytes.len() as u64;
        let attempt = self.attempts[stage as usize].0;
        self.steps.push(Step::Output { stage: StageId(stage), attempt, tail: false, bytes });
        self
    }

    /// A stage has printed more than is kept: so much was left out, and this is the end.
    pub(crate) fn tail(&mut self, stage: u32, omitted: u64, bytes: &str) -> &mut Self {
        let log = self.log(stage);
        log.omitted = omitted;
        log.tail = bytes.len() as u64;
        let attempt = self.attempts[stage as usize].0;
        self.steps.push(Step::Output { stage: StageId(stage), attempt, tail: true, bytes: bytes.into() });
        self
    }

    /// So much of what a stage printed could not be written.
    pub(crate) fn lose(&mut self, stage: u32, bytes: u64) -> &mut Self {
        self.log(stage).lost = bytes;
        self
    }

    /// The stage that finishes next leaves this behind.
    pub(crate) fn leak(&mut self, pid: i32, command: &str, killed: bool) -> &mut Self {
        self.leaked.push(LeakedProcess { pid, command: command.into(), killed });
        self
    }

    /// An attempt did not pass, and there will be another.
    pub(crate) fn retry(&mut self, stage: u32, outcome: Outcome, delay_ms: u64) -> &mut Self {
        let log = *self.log(stage);
        let (attempt, since) = self.attempts[stage as usize];
        let duration_ms = super::milliseconds(self.now.since(since));
        self.push(EventKind::StageRetrying {
            stage: StageId(stage),
            attempt,
            outcome,
            duration_ms,
            delay_ms,
            log,
            leaked: Vec::new(),
        })
    }

    /// A stage comes to its last word.
    pub(crate) fn finish(&mut self, stage: u32, outcome: Outcome) -> &mut Self {
        let log = *self.log(stage);
        let (attempt, since) = self.attempts[stage as usize];
        let exit = match &outcome {
            Outcome::Passed => Some(Exit::Code(0)),
            Outcome::Failed { failure: Failure::Exit { exit } | Failure::Leaked { exit } } => Some(*exit),
            Outcome::TimedOut { .. } => Some(Exit::Signal(15)),
            Outcome::Failed { .. }
            | Outcome::Cached
            | Outcome::Skipped { .. }
            | Outcome::Cancelled { .. }
            | Outcome::Errored { .. } => None,
        };
        let duration_ms = if attempt > 0 { super::milliseconds(self.now.since(since)) } else { 0 };
        let leaked = std::mem::take(&mut self.leaked);
        self.push(EventKind::StageFinished(StageFinished {
            stage: StageId(stage),
            attempt,
            outcome,
            exit,
            duration_ms,
            log,
            leaked,
        }))
    }

    /// Something worth a sentence.
    pub(crate) fn notice(&mut self, stage: Option<u32>, text: &str) -> &mut Self {
        self.push(EventKind::Notice { stage: stage.map(StageId), text: text.into() })
    }

    /// Something is told of another machine.
    pub(crate) fn news(&mut self, remote: &str, news: RemoteNews) -> &mut Self {
        self.push(EventKind::Remote { remote: remote.into(), news })
    }

    /// The run is asked to end.
    pub(crate) fn cancel(&mut self, reason: CancelReason, level: CancelLevel) -> &mut Self {
        self.push(EventKind::Cancelling { reason, level })
    }

    /// The run ends.
    pub(crate) fn end(&mut self, verdict: Verdict) -> &mut Self {
        let start = Timestamp { unix_ms: 0, mono_us: 5_000_000 };
        let duration_ms = super::milliseconds(self.now.since(start));
        self.push(EventKind::RunFinished { verdict, exit_code: verdict.exit_code(), duration_ms })
    }

    /// What happened, without what was printed.
    pub(crate) fn events(&self) -> Vec<Event> {
        let event = |step: &Step| match step {
            Step::Event(event) => Some(event.clone()),
            Step::Output { .. } | Step::Tick(_) => None,
        };
        self.steps.iter().filter_map(event).collect()
    }

    /// The view of it all.
    pub(crate) fn view(&self) -> super::RunView {
        let mut view = super::RunView::new();
        for event in self.events() {
            view.apply(&event);
        }
        view
    }
}
