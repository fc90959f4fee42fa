//! Every line of every stage as it comes, with the stage's name before it; what starts and ends, too. Stages that run at
//! the same time are shown line by line, each in its own order.
//!
//! No line of a stage's begins in column 0, so that none reads as a workflow command: no fence is needed, and what
//! programs make of the markers of groups has no place here. What counts anywhere in a line is broken. Annotations come at the
//! end, as with the other faces.

use std::collections::VecDeque;
use std::io::{self, Write};

use memchr::memchr_iter;

use super::cursor::{Cursor, Progress, Writing};
use super::guest::instead_of_output;
use super::silence::{Silence, still_running};
use super::spoken::spoken;
use super::style::{Glyph, Ink};
use super::transcript::{Block, Transcript, TranscriptOptions};
use super::verdict::{self, human};
use super::{LogKey, LogPart, Logs, Reporter, summary};
use super::{annotations, announce};
use crate::cancel::CancelLevel;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind, StageFinished};
use crate::ids::StageId;
use crate::outcome::Outcome;
use crate::text::terminal::{FilterOptions, PIECE};
use crate::view::{RunView, StageView};

/// How much of a stage's output is taken at a time, so that none waits long for another.
const TURN: usize = 16 * 1024;

/// Writes a run as lines.
pub struct Lines<W> {
    page: Transcript<W>,
    sentences: bool,
    /// What has started, or came to its last word without, and is not said yet.
    next: VecDeque<StageId>,
    open: Vec<Open>,
    is_over: bool,
    is_written: bool,
    silence: Silence,
    buffer: Vec<u8>,
}

/// A stage that is being written.
struct Open {
    stage: StageId,
    cursor: Cursor,
    /// What was filtered and is not yet a whole line.
    line: Vec<u8>,
}

impl<W: Write> Lines<W> {
    /// On this output. `sentences`: for who has them read out.
    pub fn new(out: W, options: TranscriptOptions, sentences: bool) -> Self {
        Self {
            page: Transcript::new(out, options),
            sentences,
            next: VecDeque::new(),
            open: Vec::new(),
            is_over: false,
            is_written: false,
            silence: Silence::default(),
            buffer: vec![0; TURN],
        }
    }

    /// A sentence about a stage, which has its name in it.
    fn tell(&mut self, text: &str) {
        self.page.block(Block::Line);
        self.page.text("", text);
    }

    /// A line of ours about a stage.
    fn say(&mut self, stage: &StageView, text: &str) {
        let prefix = self.prefix(stage);
        self.page.block(Block::Line);
        self.page.lines().extend_from_slice(&prefix);
        self.page.line(text);
    }

    /// A text of ours about a stage, each of its lines with the prefix.
    fn say_all(&mut self, stage: &StageView, lead: &str, text: &str) {
        for line in text.trim_end_matches('\n').split('\n') {
            self.say(stage, &format!("{lead}{line}"));
        }
    }

    /// The stage's name, in a colour that is always the same for it.
    fn prefix(&self, stage: &StageView) -> Vec<u8> {
        let name = stage.info.name.as_str();
        let style = self.page.options.style;
        format!("{} ", style.ink(ink(name), &format!("[{name}]"))).into_bytes()
    }

    /// Says that a stage has started, and begins with its output; or what came of it, where it was not started.
    fn announce(&mut self, view: &RunView, id: StageId) {
        let Some(stage) = view.stages().get(id) else { return };
        if stage.started.is_none() {
            return self.end(view, id);
        }
        if self.sentences {
            self.tell(&format!("{} started.", stage.info.name));
        } else {
            self.say_all(stage, "$ ", &stage.info.command);
        }
        let cursor = self.cursor(view, LogKey { stage: id, attempt: 1, part: LogPart::Head });
        self.open.push(Open { stage: id, cursor, line: Vec::new() });
    }

    /// The beginning of what an attempt printed.
    fn cursor(&self, view: &RunView, key: LogKey) -> Cursor {
        let instead = instead_of_output(view, key.stage, &self.page.options.program);
        Cursor::new(key, self.filter()).saying_instead(instead)
    }

    /// Says what came of a stage.
    fn end(&mut self, view: &RunView, id: StageId) {
        let Some(stage) = view.stages().get(id) else { return };
        let Some(finished) = stage.finished() else { return self.lose(stage) };
        let (glyph, text) = (verdict::outcome_glyph(stage, finished), came_of(stage, finished, self.sentences));
        self.conclude(stage, glyph, &text);
        for line in annotations::lines(stage, view, &self.page.options.program, self.page.annotations_max) {
            self.say(stage, &format!("  {line}"));
        }
        let notices = view.notices().iter().filter(|notice| notice.stage == Some(id)).map(|notice| notice.text.clone());
        let leaked = stage.leaked().map(crate::view::leaked_sentence);
        for remark in leaked.chain(notices) {
            self.say_all(stage, "note: ", &remark);
        }
    }

    fn lose(&mut self, stage: &StageView) {
        let text = verdict::lost(stage);
        if self.sentences {
            self.tell(&format!("{} was {text}.", stage.info.name));
        } else {
            self.conclude(stage, Glyph::Lost, &text);
        }
    }

    fn conclude(&mut self, stage: &StageView, glyph: Glyph, text: &str) {
        if self.sentences {
            return self.tell(text);
        }
        let glyph = self.page.options.style.glyph(glyph);
        let mut lines = text.trim_end_matches('\n').split('\n');
        let prefix = self.prefix(stage);
        self.page.block(Block::Line);
        self.page.lines().extend_from_slice(&prefix);
        self.page.lines().extend_from_slice(format!("{glyph} ").as_bytes());
        self.page.line(lines.next().unwrap_or_default());
        for line in lines {
            self.say(stage, line);
        }
    }

    /// Gives every open stage a turn; whether any may have more at once.
    fn turn(&mut self, view: &RunView, logs: &mut dyn Logs) -> bool {
        let mut more = false;
        for mut open in std::mem::take(&mut self.open) {
            let Some(stage) = view.stages().get(open.stage) else { continue };
            let writing = Writing::of(view, open.cursor.key(), self.is_over);
            let progress = open.cursor.advance(logs, writing, &mut self.buffer, &mut open.line);
            self.whole_lines(stage, &mut open.line);
            more |= progress != Progress::Wait;
            match progress {
                Progress::More | Progress::Wait => self.open.push(open),
                Progress::End => self.next_attempt_or_end(open, view),
            }
        }
        more
    }

    /// Writes the lines that are whole, and of one that is too long to be held back as much as there is.
    fn whole_lines(&mut self, stage: &StageView, line: &mut Vec<u8>) {
        let prefix = self.prefix(stage);
        let mut done = 0;
        for end in memchr_iter(b'\n', line) {
            self.line(&prefix, &line[done..end]);
            done = end + 1;
        }
        if line.len() - done >= PIECE {
            let rest = line.split_off(done);
            self.line(&prefix, &rest);
            done = line.len();
        }
        line.drain(..done);
    }

    fn line(&mut self, prefix: &[u8], text: &[u8]) {
        self.page.block(Block::Line);
        let out = self.page.lines();
        out.extend_from_slice(prefix);
        out.extend_from_slice(text);
        if text.contains(&b'\x1b') {
            // A piece of a longer line may leave its colour on.
            out.extend_from_slice(b"\x1b[0m");
        }
        out.push(b'\n');
    }

    /// An attempt is written: goes on with the next, or says what came of the stage.
    fn next_attempt_or_end(&mut self, mut open: Open, view: &RunView) {
        let attempt = open.cursor.key().attempt;
        let Some(stage) = view.stages().get(open.stage) else { return };
        let Some(failed) = stage.failed_attempts.iter().find(|failed| failed.attempt == attempt) else {
            return self.end(view, open.stage);
        };
        let again = verdict::again(failed);
        if self.sentences {
            self.tell(&format!("{}: {again}.", stage.info.name));
        } else {
            let ellipsis = self.page.options.style.glyphs.ellipsis();
            self.say(stage, &format!("{ellipsis} {again}"));
        }
        open.cursor = self.cursor(view, LogKey { attempt: attempt + 1, part: LogPart::Head, ..open.cursor.key() });
        self.open.push(open);
    }

    /// How what stages print is filtered: the prefix takes the effect of the newer form of a command away.
    fn filter(&self) -> FilterOptions {
        self.page.behind_a_prefix()
    }

    /// A line of ours about the run.
    fn remark(&mut self, text: &str) {
        self.page.block(Block::Line);
        self.page.text("", text);
    }
}

impl<W: Write> Reporter for Lines<W> {
    fn event(&mut self, view: &RunView, event: &Event, _logs: &mut dyn Logs) -> io::Result<()> {
        match &event.kind {
            EventKind::RunStarted(_)
            | EventKind::StageRetrying { .. }
            | EventKind::Remote { .. }
            | EventKind::Annotated { .. }
            | EventKind::TakenOver { .. } => {}
            EventKind::StageStarted { stage, attempt } => {
                if *attempt == 1 {
                    self.next.push_back(*stage);
                }
            }
            EventKind::StageFinished(finished) => {
                let was_started = view.stages().get(finished.stage).is_some_and(|stage| stage.started.is_some());
                // What was started says how it ended once all of its output is written.
                if !was_started {
                    self.next.push_back(finished.stage);
                }
            }
            EventKind::Cancelling { reason, level } => {
                let how = match level {
                    CancelLevel::Interrupt | CancelLevel::Terminate => "cancelling",
                    CancelLevel::Kill => "killing what still runs",
                };
                let text = if self.sentences {
                    format!("The run is being ended ({how}): {reason}.")
                } else {
                    format!("{} {how}: {reason}", self.page.options.style.glyphs.ellipsis())
                };
                self.remark(&text);
            }
            EventKind::Paused | EventKind::Resumed => {
                let is_paused = view.is_paused();
                let text = match (self.sentences, is_paused) {
                    (true, true) => "The run is paused.".to_owned(),
                    (true, false) => "The run goes on.".to_owned(),
                    (false, true) => format!("{} paused", self.page.options.style.glyphs.ellipsis()),
                    (false, false) => format!("{} resumed", self.page.options.style.glyphs.ellipsis()),
                };
                self.remark(&text);
            }
            EventKind::Notice { stage: None, text } => self.remark(&format!("note: {text}")),
            // It is said with what else is said of its stage, unless that was said already.
            EventKind::Notice { stage: Some(id), text } => {
                let stage = view.stages().get(*id);
                let is_to_come = self.next.contains(id) || self.open.iter().any(|open| open.stage == *id);
                if let Some(stage) = stage.filter(|stage| stage.finished().is_some() && !is_to_come) {
                    self.say_all(stage, "note: ", text);
                }
            }
            EventKind::RunFinished { .. } => self.is_over = true,
        }
        self.page.flush()
    }

    fn output(&mut self, view: &RunView, logs: &mut dyn Logs) -> io::Result<bool> {
        self.silence.look(view, logs);
        let mut more = self.turn(view, logs);
        // What ended before something else began is shown before it.
        let is_ending = |open: &Open| view.stages().get(open.stage).is_none_or(|stage| stage.finished().is_some());
        while !self.open.iter().any(is_ending)
            && let Some(stage) = self.next.pop_front()
        {
            self.announce(view, stage);
            more = true;
        }
        if self.is_over && self.open.is_empty() && self.next.is_empty() && !self.is_written {
            announce::write(&mut self.page, view);
            summary::write(&mut self.page, view, logs);
            self.is_written = true;
            more = false;
        }
        self.page.flush()?;
        Ok(more)
    }

    fn tick(&mut self, view: &RunView, now: Timestamp) -> io::Result<()> {
        let heard = self.page.take_wrote() || self.is_written;
        if self.silence.is_due(heard, view, now) {
            let text = still_running(view, now, self.page.options.style.glyphs, &self.silence);
            self.remark(&text);
            self.page.flush()?;
            self.page.take_wrote();
        }
        Ok(())
    }
}

/// The colour of a name: one of eight that say nothing else, always the same for it (FNV-1a).
pub(super) fn ink(name: &str) -> Ink {
    const INKS: [u8; 8] = [32, 33, 34, 35, 36, 94, 95, 96];
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Ink(INKS[usize::try_from(hash % 8).unwrap_or(0)])
}

/// What came of a stage, in words.
fn came_of(stage: &StageView, finished: &StageFinished, sentences: bool) -> String {
    let time = if sentences { spoken(finished.duration_ms) } else { human(finished.duration_ms).to_string() };
    let attempts = match (finished.attempt, &finished.outcome) {
        (0 | 1, _) => String::new(),
        (attempt, Outcome::Passed) => format!(" on attempt {attempt} (flaky)"),
        (attempt, _) => format!(" after {attempt} attempts"),
    };
    let allowed = if stage.is_allowed_failure() { ", which is allowed" } else { "" };
    let text = match &finished.outcome {
        Outcome::Passed => format!("passed in {time}{attempts}"),
        Outcome::Cached => "cached".into(),
        Outcome::Skipped { reason } => format!("skipped: {reason}"),
        Outcome::Cancelled { reason } if finished.attempt == 0 => format!("cancelled: {reason}"),
        Outcome::Cancelled { reason } => format!("cancelled after {time}: {reason}"),
        Outcome::Failed { failure } => format!("failed in {time}{attempts}{allowed}: {failure}"),
        Outcome::TimedOut { limit_ms } => {
            let limit = if sentences { spoken(*limit_ms) } else { human(*limit_ms).to_string() };
            format!("timed out after {time}{attempts}{allowed} (limit {limit})")
        }
        Outcome::Errored { message } => format!("could not be run: {message}"),
    };
    if !sentences {
        return text;
    }
    let verb = match &finished.outcome {
        Outcome::Cached | Outcome::Skipped { .. } | Outcome::Cancelled { .. } => "was ",
        Outcome::Passed | Outcome::Failed { .. } | Outcome::TimedOut { .. } | Outcome::Errored { .. } => "",
    };
    format!("{} {verb}{text}.", stage.info.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_colour() {
        assert_eq!(ink("test"), ink("test"));
        let inks: Vec<u8> = ["fmt", "clippy", "test", "doc", "deny", "e2e"].map(|name| ink(name).0).to_vec();
        assert!(inks.iter().any(|ink| *ink != inks[0]), "{inks:?}");
    }
}
