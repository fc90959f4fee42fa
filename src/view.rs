//! The fold of events into the state of a run. Every face uses it, so all agree on states, counts and times.
//!
//! It knows nothing of where events come from or what is drawn of them. Whatever the journal holds, folding it never
//! fails: an event about a stage that the run does not have changes nothing. Durations are differences of the
//! monotonic reading only.

mod bottleneck;
mod eta;
#[cfg(test)]
pub(crate) mod recorded;
mod remotes;
mod report;

use std::time::Duration;

pub use bottleneck::{Bottleneck, MoreSlots};
pub use eta::Eta;
pub use remotes::{Amount, Line, RemoteView};
pub(crate) use report::leaked_sentence;
pub use report::{Report, ReportedRun, ReportedStage};

use crate::cancel::CancelLevel;
use crate::clock::{Pause, Timestamp};
use crate::event::{
    Annotation, Event, EventKind, LeakedProcess, LogInfo, RemoteInfo, RunStarted, StageFinished, StageInfo,
};
use crate::ids::{DenseId, DenseMap, RunId, RunNumber, StageId};
use crate::outcome::{CancelReason, Outcome, Verdict};

/// What is known of a run from its events so far.
#[derive(Clone, Debug, Default)]
pub struct RunView {
    run: Option<RunHeader>,
    stages: DenseMap<StageId, StageView>,
    remotes: Vec<RemoteView>,
    cancelling: Option<(CancelReason, CancelLevel)>,
    notices: Vec<Notice>,
    end: Option<RunEnd>,
    pause: Pause,
    ahead_us: i64,
    untended_ms: Option<u64>,
    last: Option<Timestamp>,
    next_seq: u64,
}

/// What a run said of itself when it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHeader {
    /// Its identity.
    pub id: RunId,
    /// Its number in the project; none where no state could be kept.
    pub number: Option<RunNumber>,
    /// The project's directory.
    pub project: String,
    /// How many stage threads run at a time.
    pub jobs: u32,
    /// The other machines that its stages run on.
    pub remotes: Vec<RemoteInfo>,
    /// When it started.
    pub at: Timestamp,
}

impl RunHeader {
    /// How many slots an executor has where the run has so many: a remote its own, if it has some.
    pub fn slots(&self, executor: &str, jobs: u32) -> u32 {
        let remote = self.remotes.iter().find(|remote| remote.name == executor);
        remote.and_then(|remote| remote.slots).unwrap_or(jobs)
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// The verdict.
    pub verdict: Verdict,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// Wall time from the first event, in milliseconds.
    pub duration_ms: u64,
}

/// Something a person should know that is not a stage's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The stage it is about, if one.
    pub stage: Option<StageId>,
    /// A sentence.
    pub text: String,
}

/// What is known of one stage.
#[derive(Clone, Debug)]
pub struct StageView {
    /// As the run described it.
    pub info: StageInfo,
    /// Where it is now.
    pub state: StageState,
    /// Its attempts before the present or last one, none of which passed.
    pub failed_attempts: Vec<FailedAttempt>,
    /// When its first attempt started.
    pub started: Option<Timestamp>,
    /// When it came to its last word.
    pub ended: Option<Timestamp>,
    /// Whether the run was paused while it ran. Its durations leave that out, but it says nothing of the next time.
    pub was_paused: bool,
    /// What its present or last attempt found in the project.
    pub annotations: Vec<Annotation>,
}

/// Where a stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageState {
    /// It has not started.
    Waiting,
    /// An attempt runs.
    Running {
        /// Counted from one.
        attempt: u32,
        /// When the attempt started.
        since: Timestamp,
    },
    /// An attempt did not pass, and the next has not started yet.
    Retrying {
        /// The attempt that comes next.
        attempt: u32,
        /// When the one before ended.
        since: Timestamp,
    },
    /// It has come to its last word.
    Finished(StageFinished),
}

/// An attempt that did not pass and was followed, or to be followed, by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// Counted from one.
    pub attempt: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// How long until the next one, in milliseconds.
    pub delay_ms: u64,
    /// What it printed.
    pub log: LogInfo,
    /// Processes it left behind.
    pub leaked: Vec<LeakedProcess>,
}

/// What a stage counts as in the summary. Every finished stage counts as exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// It ran and passed.
    Passed,
    /// It failed, timed out or could not be run, whether that was allowed or not.
    Failed,
    /// It was not started.
    Skipped,
    /// It did not have to run.
    Cached,
    /// It was ended, or not started, because the run was cancelled.
    Cancelled,
}

/// How many stages came to what. Stages that have not finished are in `total` only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "see Tally")]
pub struct Counts {
    pub total: usize,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub cached: usize,
    pub cancelled: usize,
}

/// The chain of stages, each needing the one before, that took longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// Its stages, first to last; those that did not run are left out.
    pub stages: Vec<StageId>,
    /// How long they took together.
    pub duration: Duration,
}

impl StageView {
    fn new(info: StageInfo) -> Self {
        Self {
            info,
            state: StageState::Waiting,
            failed_attempts: Vec::new(),
            started: None,
            ended: None,
            was_paused: false,
            annotations: Vec::new(),
        }
    }

    /// Its last word, once it has come to it.
    pub fn finished(&self) -> Option<&StageFinished> {
        match &self.state {
            StageState::Finished(finished) => Some(finished),
            StageState::Waiting | StageState::Running { .. } | StageState::Retrying { .. } => None,
        }
    }

    /// How many attempts of it were started.
    pub fn attempts(&self) -> u32 {
        match &self.state {
            StageState::Waiting => 0,
            StageState::Running { attempt, .. } => *attempt,
            StageState::Retrying { attempt, .. } => attempt.saturating_sub(1),
            StageState::Finished(finished) => finished.attempt,
        }
    }

    /// What it counts as, once it has finished.
    pub fn tally(&self) -> Option<Tally> {
        Some(match &self.finished()?.outcome {
            Outcome::Passed => Tally::Passed,
            Outcome::Cached => Tally::Cached,
            Outcome::Failed { .. } | Outcome::TimedOut { .. } | Outcome::Errored { .. } => Tally::Failed,
            Outcome::Skipped { .. } => Tally::Skipped,
            Outcome::Cancelled { .. } => Tally::Cancelled,
        })
    }

    /// Whether it failed or timed out, and may.
    pub fn is_allowed_failure(&self) -> bool {
        self.info.allow_failure
            && self
                .finished()
                .is_some_and(|finished| matches!(finished.outcome, Outcome::Failed { .. } | Outcome::TimedOut { .. }))
    }

    /// Whether it passed after an attempt that did not.
    pub fn is_flaky(&self) -> bool {
        !self.failed_attempts.is_empty() && self.tally() == Some(Tally::Passed)
    }

    /// What this attempt printed, once it has ended.
    pub fn attempt_log(&self, attempt: u32) -> Option<LogInfo> {
        let failed = self.failed_attempts.iter().find(|failed| failed.attempt == attempt).map(|failed| failed.log);
        failed.or_else(|| self.finished().filter(|finished| finished.attempt == attempt).map(|finished| finished.log))
    }

    /// Processes that its attempts left behind.
    pub fn leaked(&self) -> impl Iterator<Item = &LeakedProcess> {
        let failed = self.failed_attempts.iter().flat_map(|failed| &failed.leaked);
        failed.chain(self.finished().into_iter().flat_map(|finished| &finished.leaked))
    }

    /// How much of what its attempts printed could not be written, in bytes.
    pub fn lost_bytes(&self) -> u64 {
        let failed = self.failed_attempts.iter().map(|failed| failed.log.lost);
        failed.chain(self.finished().map(|finished| finished.log.lost)).sum()
    }

    /// How long it took, in milliseconds, as estimates count it: all of its attempts, for that is how long a run has to
    /// wait for it. None as long as it has not ended.
    pub fn took_ms(&self) -> Option<u64> {
        let last = self.finished()?.duration_ms;
        Some(if self.failed_attempts.is_empty() { last } else { milliseconds(self.duration()).max(last) })
    }

    /// How long it took from its first attempt to its last word, waits between attempts included.
    pub fn duration(&self) -> Duration {
        match (self.started, self.ended) {
            (Some(started), Some(ended)) => ended.since(started),
            _ => Duration::ZERO,
        }
    }
}

impl RunView {
    /// A run of which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event.
    pub fn apply(&mut self, event: &Event) {
        self.last = Some(event.at);
        self.next_seq = event.seq.saturating_add(1);
        // What is kept of stages is on the run's own clock, so that differences are durations without its pauses.
        let at = self.pause.on_its_clock(event.at);
        match &event.kind {
            EventKind::RunStarted(started) => self.start(started, at),
            EventKind::StageStarted { stage, attempt } => {
                if let Some(stage) = self.stages.get_mut(*stage) {
                    stage.started.get_or_insert(at);
                    stage.state = StageState::Running { attempt: *attempt, since: at };
                    stage.annotations.clear();
                }
            }
            EventKind::StageRetrying { stage, attempt, outcome, duration_ms, delay_ms, log, leaked } => {
                if let Some(stage) = self.stages.get_mut(*stage) {
                    stage.failed_attempts.push(FailedAttempt {
                        attempt: *attempt,
                        outcome: outcome.clone(),
                        duration_ms: *duration_ms,
                        delay_ms: *delay_ms,
                        log: *log,
                        leaked: leaked.clone(),
                    });
                    stage.state = StageState::Retrying { attempt: attempt.saturating_add(1), since: at };
                }
            }
            EventKind::StageFinished(finished) => {
                if let Some(stage) = self.stages.get_mut(finished.stage) {
                    stage.ended = Some(at);
                    stage.state = StageState::Finished(finished.clone());
                }
            }
            EventKind::Annotated { stage, attempt: _, items } => {
                if let Some(stage) = self.stages.get_mut(*stage) {
                    stage.annotations.extend_from_slice(items);
                }
            }
            EventKind::Cancelling { reason, level } => self.cancelling = Some((*reason, *level)),
            EventKind::Paused => {
                self.pause.begin(event.at);
                let open = |stage: &&mut StageView| stage.started.is_some() && stage.finished().is_none();
                self.stages.values_mut().filter(open).for_each(|stage| stage.was_paused = true);
            }
            EventKind::Resumed => self.pause.end(event.at),
            EventKind::Notice { stage, text } => {
                self.notices.push(Notice { stage: *stage, text: text.clone() });
            }
            EventKind::Remote { remote, news } => {
                // The line has the machine's clock: it is tried again in a paused run as well.
                if let Some(known) = self.remotes.iter_mut().find(|known| known.info.name == *remote) {
                    known.apply(news, event.at);
                }
            }
            EventKind::TakenOver { after_ms, ahead_us } => {
                self.ahead_us = *ahead_us;
                *self.untended_ms.get_or_insert(0) += after_ms;
            }
            EventKind::RunFinished { verdict, exit_code, duration_ms } => {
                self.end = Some(RunEnd { verdict: *verdict, exit_code: *exit_code, duration_ms: *duration_ms });
            }
        }
    }

    fn start(&mut self, started: &RunStarted, at: Timestamp) {
        self.run = Some(RunHeader {
            id: started.run.clone(),
            number: started.number,
            project: started.project.clone(),
            jobs: started.jobs,
            remotes: started.remotes.clone(),
            at,
        });
        self.stages = started.stages.iter().cloned().map(StageView::new).collect();
        self.remotes = started.remotes.iter().cloned().map(RemoteView::new).collect();
    }

    /// The event that ends a run whose supervisor died before it could; none where the run has ended already.
    pub fn lost_event(&self) -> Option<Event> {
        let at = self.last?;
        if self.end.is_some() {
            return None;
        }
        let duration_ms = milliseconds(self.elapsed_at(at));
        let exit_code = Verdict::Lost.exit_code();
        let kind = EventKind::RunFinished { verdict: Verdict::Lost, exit_code, duration_ms };
        Some(Event { seq: self.next_seq, at, kind })
    }

    /// What the run said of itself; nothing before its first event.
    pub fn header(&self) -> Option<&RunHeader> {
        self.run.as_ref()
    }

    /// Its stages.
    pub fn stages(&self) -> &DenseMap<StageId, StageView> {
        &self.stages
    }

    /// What was noticed so far.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// By what and how firmly it was asked to end, if it was.
    pub fn cancelling(&self) -> Option<(CancelReason, CancelLevel)> {
        self.cancelling
    }

    /// What it came to, once it has.
    pub fn end(&self) -> Option<&RunEnd> {
        self.end.as_ref()
    }

    /// Its verdict, once there is one.
    pub fn verdict(&self) -> Option<Verdict> {
        self.end.map(|end| end.verdict)
    }

    /// Its exit code, once there is one.
    pub fn exit_code(&self) -> Option<u8> {
        self.end.map(|end| end.exit_code)
    }

    /// How long it has run, or ran.
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        self.elapsed_at(self.in_its_journal(now))
    }

    /// The same, by a moment as its journal has it.
    fn elapsed_at(&self, at: Timestamp) -> Duration {
        match (&self.end, &self.run) {
            (Some(end), _) => Duration::from_millis(end.duration_ms),
            (None, Some(run)) => self.pause.on_its_clock(at).since(run.at),
            (None, None) => Duration::ZERO,
        }
    }

    /// A moment of the machine's clock as the run's journal has it: they differ where the run was taken over in another
    /// boot.
    fn in_its_journal(&self, now: Timestamp) -> Timestamp {
        Timestamp { mono_us: now.mono_us.saturating_add_signed(self.ahead_us), ..now }
    }

    /// A moment on the run's own clock, which stands still while the run is paused. Moments of stages are on that clock:
    /// who asks how long one has been running subtracts from this.
    #[must_use]
    pub fn on_its_clock(&self, now: Timestamp) -> Timestamp {
        self.pause.on_its_clock(self.in_its_journal(now))
    }

    /// How far its journal's clock is ahead of that of the machine that wrote it last, in microseconds.
    pub fn ahead_us(&self) -> i64 {
        self.ahead_us
    }

    /// For how long nobody saw to it, in milliseconds, where it was taken over.
    pub fn untended_ms(&self) -> Option<u64> {
        self.untended_ms
    }

    /// The last moment that its journal has, and the number of the event after that.
    pub fn so_far(&self) -> Option<(Timestamp, u64)> {
        Some((self.last?, self.next_seq))
    }

    /// The run's own clock, for who keeps moments of stages without the view.
    pub fn clock(&self) -> Pause {
        self.pause
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.pause.since().is_some()
    }

    /// How long it has been paused by now; none where it is not.
    pub fn paused_for(&self, now: Timestamp) -> Option<Duration> {
        self.pause.lasts(self.in_its_journal(now))
    }

    /// How many stages came to what.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { total: self.stages.len(), ..Counts::default() };
        for tally in self.stages.values().filter_map(StageView::tally) {
            *match tally {
                Tally::Passed => &mut counts.passed,
                Tally::Failed => &mut counts.failed,
                Tally::Skipped => &mut counts.skipped,
                Tally::Cached => &mut counts.cached,
                Tally::Cancelled => &mut counts.cancelled,
            } += 1;
        }
        counts
    }

    /// The stages that have started and not finished, the one that started first first.
    pub fn running(&self) -> Vec<StageId> {
        let mut running: Vec<(Timestamp, StageId)> = self
            .stages
            .iter()
            .filter(|(_, stage)| stage.finished().is_none())
            .filter_map(|(id, stage)| Some((stage.started?, id)))
            .collect();
        running.sort_by_key(|(started, id)| (started.mono_us, *id));
        running.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether any two stages ran at the same time.
    pub fn was_parallel(&self) -> bool {
        let mut spans: Vec<(u64, u64)> = self
            .stages
            .values()
            .filter_map(|stage| Some((stage.started?.mono_us, stage.ended.map_or(u64::MAX, |ended| ended.mono_us))))
            .collect();
        spans.sort_unstable();
        spans.windows(2).any(|pair| pair[1].0 < pair[0].1)
    }

    /// The chain of needs that took longest, of what has finished.
    pub fn critical_path(&self) -> CriticalPath {
        // A stage comes after what it needs, so one pass is enough; a need that comes later is not one of ours.
        let mut longest: Vec<(Duration, Option<StageId>)> = Vec::with_capacity(self.stages.len());
        for (id, stage) in self.stages.iter() {
            let before = stage
                .info
                .needs
                .iter()
                .filter(|need| **need < id)
                .map(|need| (longest[need.index()].0, *need))
                .max_by_key(|(duration, need)| (*duration, std::cmp::Reverse(*need)));
            let so_far = before.map_or(Duration::ZERO, |(duration, _)| duration);
            longest.push((so_far + stage.duration(), before.map(|(_, need)| need)));
        }
        let mut path = CriticalPath::default();
        let mut next = self.stages.ids().max_by_key(|id| (longest[id.index()].0, std::cmp::Reverse(*id)));
        path.duration = next.map_or(Duration::ZERO, |id| longest[id.index()].0);
        while let Some(id) = next {
            if self.stages[id].started.is_some() {
                path.stages.push(id);
            }
            next = longest[id.index()].1;
        }
        path.stages.reverse();
        path
    }
}

/// A duration in whole milliseconds.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
