//! The other machines of a run: whether the line to each is there, and what came and went over it.

use super::{RunView, StageState, StageView};
use crate::clock::Timestamp;
use crate::event::{RemoteInfo, RemoteNews};
use crate::pipeline::remote::HERE;

/// What is known of another machine that stages of the run are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteView {
    /// As the run described it.
    pub info: RemoteInfo,
    /// How the line to it is.
    pub line: Line,
    /// What a person types there to look on, where there is something to look at.
    pub onlook: Option<String>,
    /// The work tree that was sent there, once it was.
    pub sent: Option<Amount>,
    /// What stages there made and was brought back, in all.
    pub fetched: Amount,
    /// How much came over the line as output of stages, in bytes; known at the run's end.
    pub received: u64,
    /// From a request to its answer, in microseconds; zero before it was measured.
    pub round_trip_us: u64,
}

/// How the line to another machine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// It has not been there yet.
    #[default]
    Connecting,
    /// It is there, and the work tree is on its way.
    Sending,
    /// It is there.
    Up,
    /// It was there and is gone. What runs there goes on.
    Down {
        /// Since when.
        since: Timestamp,
        /// What is wrong, as a sentence.
        why: String,
        /// How often it was tried to make it anew.
        attempt: u32,
        /// When it is tried the next time.
        next: Timestamp,
    },
    /// It was tried for long enough. What runs there goes on.
    Left {
        /// What is wrong, as a sentence.
        why: String,
    },
    /// Nothing of the run goes on there any more.
    Done,
}

/// Files that went over the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many were new or had changed.
    pub files: u64,
    /// How much that was, in bytes.
    pub bytes: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl RemoteView {
    pub(super) fn new(info: RemoteInfo) -> Self {
        Self {
            info,
            line: Line::Connecting,
            onlook: None,
            sent: None,
            fetched: Amount::default(),
            received: 0,
            round_trip_us: 0,
        }
    }

    /// A line that is there: what is to be sent comes first.
    fn there(&self) -> Line {
        if self.info.sends && self.sent.is_none() { Line::Sending } else { Line::Up }
    }

    pub(super) fn apply(&mut self, news: &RemoteNews, at: Timestamp) {
        match news {
            RemoteNews::Connected { round_trip_us, onlook } => {
                self.round_trip_us = *round_trip_us;
                self.onlook.clone_from(onlook);
                self.line = self.there();
            }
            RemoteNews::Sent { files, bytes, duration_ms } => {
                self.sent = Some(Amount { files: *files, bytes: *bytes, duration_ms: *duration_ms });
                if self.line == Line::Sending {
                    self.line = Line::Up;
                }
            }
            RemoteNews::Fetched { files, bytes, duration_ms, .. } => {
                self.fetched.files = self.fetched.files.saturating_add(*files);
                self.fetched.bytes = self.fetched.bytes.saturating_add(*bytes);
                self.fetched.duration_ms = self.fetched.duration_ms.saturating_add(*duration_ms);
            }
            RemoteNews::Remark { .. } => {}
            RemoteNews::Down { why, attempt, next_ms } => {
                let since = if let Line::Down { since, .. } = self.line { since } else { at };
                let next = at.after(std::time::Duration::from_millis(*next_ms));
                self.line = Line::Down { since, why: why.clone(), attempt: *attempt, next };
            }
            RemoteNews::Up { .. } => self.line = self.there(),
            RemoteNews::GaveUp { why } => self.line = Line::Left { why: why.clone() },
            RemoteNews::Done { received, round_trip_us } => {
                (self.received, self.round_trip_us) = (*received, *round_trip_us);
                // What was left to itself still runs.
                if !matches!(self.line, Line::Left { .. }) {
                    self.line = Line::Done;
                }
            }
        }
    }
}

impl RunView {
    /// The other machines that stages of it are on.
    pub fn remotes(&self) -> &[RemoteView] {
        &self.remotes
    }

    /// The machine that this one is called in the plan, where it is another one.
    pub fn remote(&self, name: &str) -> Option<&RemoteView> {
        self.remotes.iter().find(|remote| remote.info.name == name)
    }

    /// The other machine that all of it runs on, if it is one.
    pub fn elsewhere(&self) -> Option<&RemoteView> {
        let mut names = self.stages.values().filter(|stage| stage.info.skip.is_none()).map(StageView::executor);
        let first = names.next()?;
        let remote = self.remote(first)?;
        names.all(|name| name == first).then_some(remote)
    }

    /// The machines on which something of it may run though nobody sees to the run any more, each once.
    pub fn left_on(&self) -> Vec<&str> {
        let mut machines: Vec<&str> = self.stages.values().filter_map(StageView::left_on).collect();
        machines.sort_unstable();
        machines.dedup();
        machines
    }

    /// The machines of which there is something to say while the run goes on, that stages run on now: the line is not
    /// there yet, or not any more, or files are on their way.
    pub fn restless(&self) -> impl Iterator<Item = &RemoteView> {
        let is_wanted = |remote: &&RemoteView| {
            let runs = |stage: &StageView| {
                stage.started.is_some() && stage.finished().is_none() && stage.executor() == remote.info.name
            };
            !matches!(remote.line, Line::Up | Line::Done) && self.stages.values().any(runs)
        };
        self.remotes.iter().filter(is_wanted)
    }
}

impl StageView {
    /// Where it runs: `local`, or the name of another machine.
    pub fn executor(&self) -> &str {
        &self.info.executor
    }

    /// The other machine on which it was started and has not ended, as far as the run says: it may run there still, whatever
    /// became of the run.
    pub fn left_on(&self) -> Option<&str> {
        let is_left = matches!(self.state, StageState::Running { .. }) && self.info.executor != HERE;
        is_left.then_some(self.info.executor.as_str())
    }
}
