//! The transcript of a run for logs and for programs that read them: one flat group for each stage, then the summary.
//! The format is fixed; see `docs/events.md`.
//!
//! One stage at a time holds the stream. It is shown live, from its log; the others wait, and are written whole when
//! the stream is free, in the order in which they ended. So nothing is interleaved and nothing of a stage is ever
//! kept in memory. Events only note what has happened; all writing but that of single lines happens in `output`, in
//! steps of bounded size, so that a replayed run and a live one take the same way.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::cursor::{CHUNK, Cursor, Progress, Writing};
use super::dialect::{Section, Weight};
use super::guest::instead_of_output;
use super::remotes::{Detail, Words, told};
use super::silence::{Silence, still_running};
use super::transcript::{Block, Layout, Transcript, TranscriptOptions};
use super::verdict;
use super::{LogKey, LogPart, Logs, Reporter, announce, summary};
use crate::cancel::CancelLevel;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::ids::{DenseMap, StageId};
use crate::text::workflow::StopToken;
use crate::view::{RunView, StageView, Tally};

/// Writes a run as groups.
pub struct Grouped<W> {
    page: Transcript<W>,
    places: DenseMap<StageId, Place>,
    queue: VecDeque<StageId>,
    group: Option<Group>,
    notices: VecDeque<String>,
    phase: Phase,
    silence: Silence,
    buffer: Vec<u8>,
}

/// Where a stage is on its way into the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing of it is written.
    Unwritten,
    /// It has ended and waits for the stream.
    Queued,
    /// It holds the stream.
    Open,
    /// It is written.
    Written,
}

/// How far the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It goes on.
    Running,
    /// It has ended, and not all of it is written.
    Ended,
    /// All is written.
    Written,
}

/// One end of a group.
#[derive(Clone, Copy, Debug)]
enum Edge {
    Opens,
    Closes,
}

/// The open group.
struct Group {
    stage: StageId,
    cursor: Cursor,
    fence: Option<StopToken>,
}

impl<W: Write> Grouped<W> {
    /// A transcript on this output.
    pub fn new(out: W, options: TranscriptOptions) -> Self {
        Self {
            page: Transcript::new(out, options),
            places: DenseMap::new(),
            queue: VecDeque::new(),
            group: None,
            notices: VecDeque::new(),
            phase: Phase::Running,
            silence: Silence::default(),
            buffer: vec![0; CHUNK],
        }
    }

    /// Where it is written.
    pub(super) fn out(&mut self) -> &mut W {
        self.page.out()
    }

    fn start(&mut self, view: &RunView) {
        self.places = DenseMap::filled(view.stages().len(), Place::Unwritten);
        if self.page.options.layout != Layout::Groups {
            return;
        }
        self.page.block(Block::Lines);
        let title = match view.elsewhere() {
            Some(remote) => format!("🚀 Running local CI pipeline remotely on {}...", remote.info.host),
            None => "🚀 Running local CI pipeline...".into(),
        };
        self.page.heading(Weight::Light);
        self.page.line(&title);
    }

    /// Does the next piece of work; whether there may be more at once.
    fn step(&mut self, view: &RunView, logs: &mut dyn Logs) -> bool {
        if let Some(mut group) = self.group.take() {
            let writing = Writing::of(view, group.cursor.key(), self.phase != Phase::Running);
            let progress = group.cursor.advance(logs, writing, &mut self.buffer, self.page.lines());
            // Of an endless line there is a part. Where more is drawn below it, that begins on a line of its own.
            if self.page.options.layout != Layout::Groups && self.page.lines().last().is_some_and(|last| *last != b'\n')
            {
                group.cursor.break_line(self.page.lines());
            }
            match progress {
                Progress::More | Progress::Wait => self.group = Some(group),
                Progress::End => self.next_attempt_or_close(group, view, logs),
            }
            return progress != Progress::Wait;
        }
        while let Some(text) = self.notices.pop_front() {
            self.page.block(Block::Line);
            self.page.text("note: ", &text);
        }
        if let Some(stage) = self.queue.pop_front() {
            self.write(stage, view, logs);
            return true;
        }
        if self.page.options.layout.has_output()
            && let Some(stage) = view.running().into_iter().find(|id| self.places.get(*id) == Some(&Place::Unwritten))
        {
            self.open(stage, view);
            return true;
        }
        match self.phase {
            Phase::Running | Phase::Written => false,
            Phase::Ended => {
                self.finish(view, logs);
                true
            }
        }
    }

    /// Writes a stage that has ended: as a group, or as a line where nothing of it was started.
    fn write(&mut self, stage: StageId, view: &RunView, logs: &mut dyn Logs) {
        let known = view.stages().get(stage);
        if self.page.options.layout.has_output() && known.is_some_and(|stage| stage.started.is_some()) {
            return self.open(stage, view);
        }
        let failed = known.and_then(StageView::tally) == Some(Tally::Failed);
        self.page.block(if failed { Block::Lines } else { Block::Line });
        verdict::write(&mut self.page, view, stage, logs);
        self.set(stage, Place::Written);
    }

    fn set(&mut self, stage: StageId, place: Place) {
        if let Some(slot) = self.places.get_mut(stage) {
            *slot = place;
        }
    }

    fn open(&mut self, stage: StageId, view: &RunView) {
        let Some(info) = view.stages().get(stage).map(|stage| &stage.info) else { return };
        self.set(stage, Place::Open);
        self.page.block(Block::Lines);
        let fence = if self.page.options.layout == Layout::Groups {
            self.mark(view, stage, Edge::Opens);
            let fence = self.page.fence();
            self.page.text("$ ", &info.command);
            fence
        } else {
            self.page.text(&format!("{}  $ ", info.name), &info.command);
            None
        };
        let key = LogKey { stage, attempt: 1, part: LogPart::Head };
        self.group = Some(Group { stage, cursor: self.cursor(view, key), fence });
    }

    /// The marker at one edge of a stage's group.
    fn mark(&mut self, view: &RunView, id: StageId, edge: Edge) {
        let Some((stage, run)) = view.stages().get(id).zip(view.header()) else { return };
        let at = match edge {
            Edge::Opens => stage.started,
            Edge::Closes => stage.ended.or(stage.started),
        };
        // Other runs in the same log have groups of the same titles.
        let run_id = run.id.to_string();
        let name = format!("local_ci_{}_{}_{}", run_id.get(..8).unwrap_or(&run_id), id.0, stage.info.name);
        let section = Section { title: stage.info.name.as_str(), name: &name, unix_ms: at.unwrap_or(run.at).unix_ms };
        let dialect = self.page.options.dialect;
        let marker = match edge {
            Edge::Opens => Some(dialect.open(&section)),
            Edge::Closes => dialect.close(&section),
        };
        if let Some(marker) = marker {
            self.page.marker(&marker);
        }
    }

    /// The beginning of what an attempt printed.
    fn cursor(&self, view: &RunView, key: LogKey) -> Cursor {
        let instead = instead_of_output(view, key.stage, &self.page.options.program);
        Cursor::new(key, self.page.filter()).saying_instead(instead)
    }

    /// An attempt is written: goes on with the next in the same group, or closes it.
    fn next_attempt_or_close(&mut self, mut group: Group, view: &RunView, logs: &mut dyn Logs) {
        let attempt = group.cursor.key().attempt;
        let stage = view.stages().get(group.stage);
        let failed = stage.and_then(|stage| stage.failed_attempts.iter().find(|failed| failed.attempt == attempt));
        if let Some(failed) = failed {
            let ellipsis = self.page.options.style.glyphs.ellipsis();
            self.page.line(&format!("{ellipsis} {}", verdict::again(failed)));
            let key = LogKey { stage: group.stage, attempt: attempt + 1, part: LogPart::Head };
            group.cursor = self.cursor(view, key);
            self.group = Some(group);
            return;
        }
        if self.page.options.layout == Layout::Groups {
            self.page.open_fence(group.fence.take());
            self.mark(view, group.stage, Edge::Closes);
        }
        verdict::write(&mut self.page, view, group.stage, logs);
        self.set(group.stage, Place::Written);
    }

    /// The run has ended and what ended in it is written: what has no last word, then the summary.
    fn finish(&mut self, view: &RunView, logs: &mut dyn Logs) {
        let left: Vec<StageId> = self.places.ids().filter(|id| self.places[*id] == Place::Unwritten).collect();
        for stage in left {
            self.page.block(Block::Line);
            verdict::write(&mut self.page, view, stage, logs);
            self.set(stage, Place::Written);
        }
        announce::write(&mut self.page, view);
        summary::write(&mut self.page, view, logs);
        self.phase = Phase::Written;
    }

    /// A line of ours at once, wherever we are. In a group it stands among the stage's lines, in a fence it is inert.
    fn interject(&mut self, line: &str) {
        match &mut self.group {
            Some(group) => group.cursor.break_line(self.page.lines()),
            None => self.page.block(Block::Line),
        }
        self.page.line(line);
    }
}

impl<W: Write> Reporter for Grouped<W> {
    fn event(&mut self, view: &RunView, event: &Event, _logs: &mut dyn Logs) -> io::Result<()> {
        match &event.kind {
            EventKind::RunStarted(_) => self.start(view),
            // Where output is written, this is said at its end.
            EventKind::StageRetrying { stage, .. } if !self.page.options.layout.has_output() => {
                if let Some(stage) = view.stages().get(*stage)
                    && let Some(failed) = stage.failed_attempts.last()
                {
                    let ellipsis = self.page.options.style.glyphs.ellipsis();
                    self.interject(&format!("{ellipsis} {}  {}", stage.info.name, verdict::again(failed)));
                }
            }
            EventKind::StageStarted { .. }
            | EventKind::StageRetrying { .. }
            | EventKind::TakenOver { .. }
            | EventKind::Annotated { .. } => {}
            // A transcript is the same wherever its stages ran; above the region of live mode there is nothing else.
            EventKind::Remote { .. } if self.page.options.layout == Layout::Groups => {}
            EventKind::Remote { remote, news } => {
                let is_all = self.page.options.layout == Layout::Everything;
                let detail = if is_all { Detail::All } else { Detail::Usual };
                if let Some(text) = told(view, remote, news, detail, Words::Written) {
                    self.interject(&text);
                }
            }
            EventKind::StageFinished(finished) => {
                if self.places.get(finished.stage) == Some(&Place::Unwritten) {
                    self.set(finished.stage, Place::Queued);
                    self.queue.push_back(finished.stage);
                }
            }
            // Live mode shows these in its region, for as long as they last.
            EventKind::Cancelling { .. } | EventKind::Paused | EventKind::Resumed
                if self.page.options.layout != Layout::Groups => {}
            EventKind::Cancelling { reason, level } => {
                let how = match level {
                    CancelLevel::Interrupt | CancelLevel::Terminate => "cancelling",
                    CancelLevel::Kill => "killing what still runs",
                };
                self.interject(&format!("… {how}: {reason}"));
            }
            EventKind::Paused => self.interject("… paused"),
            EventKind::Resumed => self.interject("… resumed"),
            EventKind::Notice { stage, text } => match stage.and_then(|id| Some((id, view.stages().get(id)?))) {
                // It is written with what else is said of its stage.
                Some((id, _)) if self.places.get(id) != Some(&Place::Written) => {}
                Some((_, stage)) => self.notices.push_back(format!("{}: {text}", stage.info.name)),
                None => self.notices.push_back(text.clone()),
            },
            EventKind::RunFinished { .. } => self.phase = Phase::Ended,
        }
        self.page.flush()
    }

    fn output(&mut self, view: &RunView, logs: &mut dyn Logs) -> io::Result<bool> {
        self.silence.look(view, logs);
        let more = self.step(view, logs);
        self.page.flush()?;
        Ok(more)
    }

    fn tick(&mut self, view: &RunView, now: Timestamp) -> io::Result<()> {
        let heard = self.page.take_wrote() || self.phase == Phase::Written;
        if self.silence.is_due(heard, view, now) {
            self.interject(&still_running(view, now, self.page.options.style.glyphs, &self.silence));
            self.page.flush()?;
            self.page.take_wrote();
        }
        Ok(())
    }
}
