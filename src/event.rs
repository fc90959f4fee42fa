//! What happens in a run, as owned data: one enum that the engine emits, the journal stores and every face reads.
//!
//! Output bytes are not in events: they go to a log file per stage attempt. The format is documented in
//! `docs/events.md`. Within a schema version, kinds and fields are only ever added; readers skip what they do not know.

mod annotation;

use std::io;

use serde::{Deserialize, Serialize};

use crate::cancel::CancelLevel;
use crate::clock::Timestamp;
use crate::ids::{RunId, RunNumber, Signature, StageId, StageName};
use crate::outcome::{CancelReason, Exit, Failure, Outcome, SkipReason, Verdict};

pub use annotation::{ANNOTATIONS_BYTES_MAX, ANNOTATIONS_MAX, Allowance, Annotation, Severity, Spot};

/// The version of the event stream, of `header.json` and of the `--json` report.
pub const SCHEMA_VERSION: u32 = 1;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up by one from zero; the order of events, whatever the clocks say.
    pub seq: u64,
    /// When.
    #[serde(flatten)]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum EventKind {
    /// The first event of every run.
    RunStarted(RunStarted),
    /// An attempt of a stage is about to start; its process does not exist yet.
    StageStarted {
        /// Which stage.
        stage: StageId,
        /// Counted from one.
        attempt: u32,
    },
    /// An attempt did not pass and there will be another.
    StageRetrying {
        /// Which stage.
        stage: StageId,
        /// The attempt that did not pass.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
        /// How long it ran, in milliseconds.
        duration_ms: u64,
        /// How long until the next one, in milliseconds.
        delay_ms: u64,
        /// What it printed.
        log: LogInfo,
        /// Processes it left behind.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        leaked: Vec<LeakedProcess>,
    },
    /// A stage has come to its last word. Every stage of the run gets exactly one of these.
    StageFinished(StageFinished),
    /// Something that a checker found in the project.
    Annotated {
        /// The stage in which it did.
        stage: StageId,
        /// In which attempt of it.
        attempt: u32,
        /// What, in the order in which it was said.
        items: Vec<Annotation>,
    },
    /// The run was asked to end, or to end more firmly than before.
    Cancelling {
        /// By what.
        reason: CancelReason,
        /// How firmly.
        level: CancelLevel,
    },
    /// The run stands still from now on: every process of it is stopped, and no time counts.
    Paused,
    /// The run goes on.
    Resumed,
    /// Something a person should know that is not a stage's outcome.
    Notice {
        /// The stage it is about, if one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<StageId>,
        /// A sentence.
        text: String,
    },
    /// Something about another machine that stages run on, or about the line to it.
    Remote {
        /// Its name in the plan.
        remote: String,
        /// What.
        #[serde(flatten)]
        news: RemoteNews,
    },
    /// Another supervisor sees to the run from here on: the one before was killed, or had left it to itself.
    TakenOver {
        /// For how long nobody saw to it by the wall clock, in milliseconds.
        after_ms: u64,
        /// How far the monotonic reading of this event and of those after it is ahead of the machine's clock, in
        /// microseconds: that begins anew with every boot.
        #[serde(default, skip_serializing_if = "is_none_of_it")]
        ahead_us: i64,
    },
    /// The last event of every run that was not lost.
    RunFinished {
        /// What the run came to.
        verdict: Verdict,
        /// The exit code that goes with it.
        exit_code: u8,
        /// Wall time from the first event, in milliseconds.
        duration_ms: u64,
    },
}

impl EventKind {
    /// What it is called, as in its JSON form.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::StageStarted { .. } => "stage_started",
            Self::StageRetrying { .. } => "stage_retrying",
            Self::StageFinished(_) => "stage_finished",
            Self::Annotated { .. } => "annotated",
            Self::Cancelling { .. } => "cancelling",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Notice { .. } => "notice",
            Self::Remote { .. } => "remote",
            Self::TakenOver { .. } => "taken_over",
            Self::RunFinished { .. } => "run_finished",
        }
    }
}

/// What is told of another machine that stages run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "news")]
pub enum RemoteNews {
    /// The line is there for the first time.
    Connected {
        /// From a request to its answer, in microseconds.
        round_trip_us: u64,
        /// What a person types there to look on; none where there is no tmux.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        onlook: Option<String>,
    },
    /// The work tree is there.
    Sent {
        /// How many files were new or had changed.
        files: u64,
        /// How much was sent, in bytes, as far as is known.
        bytes: u64,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// What a stage made was brought back.
    Fetched {
        /// The stage.
        stage: StageId,
        /// How many files were new or had changed.
        files: u64,
        /// How much came, in bytes.
        bytes: u64,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// Something a person should know of it, such as what of the work tree is not sent.
    Remark {
        /// A sentence.
        text: String,
    },
    /// The line is gone. What runs there goes on.
    Down {
        /// What is wrong, as a sentence.
        why: String,
        /// How often it was tried to make it anew.
        attempt: u32,
        /// When it is tried the next time, in milliseconds from now.
        next_ms: u64,
    },
    /// The line is there again.
    Up {
        /// For how long it was not, in milliseconds.
        after_ms: u64,
    },
    /// It was tried for long enough: what runs there goes on, and this run can be taken over later.
    GaveUp {
        /// What is wrong, as a sentence.
        why: String,
    },
    /// Nothing of the run goes on there any more.
    Done {
        /// How much came over the line as output of stages, in bytes.
        received: u64,
        /// From a request to its answer, in microseconds: the median of those that were measured.
        round_trip_us: u64,
    },
}

/// What a reader needs to know of a run before anything happens in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The version of this stream.
    pub schema_version: u32,
    /// The run's identity.
    pub run: RunId,
    /// Its number in the project; none where no state could be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<RunNumber>,
    /// The project's directory.
    pub project: String,
    /// Slots: how many stage threads run at a time.
    pub jobs: u32,
    /// Every stage of the run, in order; a [`StageId`] in later events is an index into this.
    pub stages: Vec<StageInfo>,
    /// The other machines that stages of it are on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remotes: Vec<RemoteInfo>,
}

/// Another machine that stages of a run are on, as the journal describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteInfo {
    /// Its name in the plan: the `executor` of the stages there.
    pub name: String,
    /// The machine as a person knows it, with the user where one is named.
    pub host: String,
    /// The tmux session there in which a person can look on.
    #[serde(default)]
    pub session: String,
    /// How many stage threads run there at a time; none: as many as here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// The project's directory there, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Whether the work tree is sent there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends: bool,
}

/// A stage as the journal describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct StageInfo {
    /// Its name.
    pub name: StageName,
    /// The command as a person reads it; several lines where the script has several.
    pub command: String,
    /// The stages it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<StageId>,
    /// The fingerprint of its command.
    pub signature: Signature,
    /// Its directory, relative to the project's.
    pub dir: String,
    /// Where it runs: `local`, or a remote's name.
    pub executor: String,
    /// Whether its failure leaves the run's verdict alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_failure: bool,
    /// Whether what runs is its `fix`, asked for with `--fix`, and not its own command: that says nothing of the check.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_fix: bool,
    /// Whether it has a `fix` that `--fix` would run instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_fix: bool,
    /// Slots it takes.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub threads: u32,
    /// Two stages with one lock never overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// The fingerprint of what its `inputs` match, in hex digits, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// How long it is expected to take, where history knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Whether it talks with a person, on a terminal that is its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interactive: bool,
    /// Set where the plan decided beforehand that it does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<SkipReason>,
}

impl StageInfo {
    /// How long it is expected to take, in milliseconds, where history knows.
    pub fn expected_ms(&self) -> Option<u64> {
        self.estimate.as_ref().map(|estimate| estimate.expected_ms)
    }
}

/// How long a stage is expected to take, as it was foretold when its run started: [`crate::estimate`] makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point, in milliseconds.
    pub expected_ms: u64,
    /// Nine of ten runs take at least this long, in milliseconds.
    pub low_ms: u64,
    /// Nine of ten runs take at most this long, in milliseconds.
    pub high_ms: u64,
    /// How many past runs it rests on.
    pub samples: u32,
    /// Whose runs they were.
    #[serde(default, skip_serializing_if = "Basis::is_own")]
    pub basis: Basis,
    /// How long those past runs took that took longer than the point, ascending, in milliseconds: what there is to go by
    /// once the point is passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub longer_ms: Vec<u64>,
}

/// Whose past runs an estimate rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The stage's, with this very command, in this project.
    #[default]
    Own,
    /// The same command's in another work tree of the repository.
    OtherWorktree,
    /// The stage's with another command than it has now.
    EarlierCommand,
    /// The stage's on another machine.
    OtherMachine,
}

impl Basis {
    /// Whether it rests on nothing but the stage's own runs.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// A stage's last word and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageFinished {
    /// Which stage.
    pub stage: StageId,
    /// The attempt this is about; zero where none was started.
    pub attempt: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// How its process ended, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// How long the attempt ran, in milliseconds.
    pub duration_ms: u64,
    /// What it printed.
    #[serde(default)]
    pub log: LogInfo,
    /// Processes it left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked: Vec<LeakedProcess>,
}

impl StageFinished {
    /// The exit code of the attempt, as a shell would give it, where it had one: also that of a command that could not be
    /// started.
    pub fn exit_code(&self) -> Option<i32> {
        match (self.exit, &self.outcome) {
            (Some(exit), _) => Some(exit.shell_code()),
            (None, Outcome::Failed { failure: Failure::NotStarted { code, .. } }) => Some(*code),
            (None, _) => None,
        }
    }
}

/// How much an attempt printed and how much of it was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogInfo {
    /// Bytes in the log file: the head of the output, byte-exact.
    pub bytes: u64,
    /// Bytes between the head and the tail that `log-max` left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
    /// Bytes in the tail file: the end of an output longer than `log-max`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tail: u64,
    /// Bytes that could not be written, because of the disk.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde's skip_serializing_if wants")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde's skip_serializing_if wants")]
fn is_none_of_it(n: &i64) -> bool {
    *n == 0
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde's skip_serializing_if wants")]
fn is_one(n: &u32) -> bool {
    *n == 1
}

/// A process that outlived its stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakedProcess {
    /// Its process id at the time.
    pub pid: i32,
    /// Its command name, as the kernel has it.
    pub command: String,
    /// Whether it was killed; else it was left running, as the stage's `leak` says.
    pub killed: bool,
}

/// Which pipe bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Takes the events of a run: a journal, a display, a doorbell.
pub trait Sink {
    /// Something happened.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// There are no more events for the moment: whoever is to be told of them can be told of all at once.
    fn settled(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Time passes; called a few times a second at most while nothing happens.
    fn tick(&mut self, now: Timestamp) -> io::Result<()>;
}

/// Takes the output of one stage attempt, in arrival order.
pub trait OutputSink {
    /// These bytes came from this stream. Never fails and never waits for a viewer: what cannot be kept is counted.
    fn write(&mut self, stream: Stream, bytes: &[u8]);
}

/// An attempt's log while it is written.
pub trait StageLog: OutputSink + Send {
    /// Nothing more will come. Says how much came and how much was kept.
    fn finish(self: Box<Self>) -> LogInfo;
}

/// Makes logs for attempts that are about to start.
pub trait Logbook: Send + Sync {
    /// A log for this attempt, of at most `max` bytes. Never fails: what cannot be kept is counted.
    fn open(&self, stage: &StageName, attempt: u32, max: u64) -> Box<dyn StageLog>;

    /// The log of an attempt that had been started before, to go on with; and from which byte of its output on. What was
    /// kept of it before that byte is there.
    fn reopen(&self, stage: &StageName, attempt: u32, max: u64) -> (Box<dyn StageLog>, u64) {
        (self.open(stage, attempt, max), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_json_object() {
        let event = Event {
            seq: 3,
            at: Timestamp { unix_ms: 5, mono_us: 7 },
            kind: EventKind::StageStarted { stage: StageId(1), attempt: 1 },
        };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(text, r#"{"seq":3,"unix_ms":5,"mono_us":7,"event":"stage_started","stage":1,"attempt":1}"#);
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }

    #[test]
    fn a_kind_is_called_what_its_json_form_says() {
        let (stage, attempt) = (StageId(0), 1);
        let (reason, level) = (CancelReason::Stopped, CancelLevel::Kill);
        let (outcome, log) = (Outcome::Passed, LogInfo::default());
        let finished = StageFinished {
            stage,
            attempt,
            outcome: outcome.clone(),
            exit: None,
            duration_ms: 0,
            log,
            leaked: Vec::new(),
        };
        let news = RemoteNews::Remark { text: String::new() };
        for kind in [
            EventKind::StageStarted { stage, attempt },
            EventKind::StageRetrying { stage, attempt, outcome, duration_ms: 0, delay_ms: 0, log, leaked: Vec::new() },
            EventKind::StageFinished(finished),
            EventKind::Annotated { stage, attempt, items: Vec::new() },
            EventKind::Cancelling { reason, level },
            EventKind::Paused,
            EventKind::Resumed,
            EventKind::Notice { stage: None, text: String::new() },
            EventKind::Remote { remote: String::new(), news },
            EventKind::TakenOver { after_ms: 0, ahead_us: 0 },
            EventKind::RunFinished { verdict: Verdict::Passed, exit_code: 0, duration_ms: 0 },
        ] {
            assert_eq!(serde_json::to_value(&kind).unwrap()["event"], kind.name());
        }
    }
}
