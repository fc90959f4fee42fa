//! A place in what one attempt printed. It moves on by a bounded amount at a time: through the head of the log, over
//! what was left out, through the tail.

use std::io::ErrorKind;

use super::{LogKey, LogPart, Logs, Mishap};
use crate::event::LogInfo;
use crate::text::terminal::{FilterOptions, TerminalFilter};
use crate::view::RunView;

/// How much is read at a time, in bytes.
pub(super) const CHUNK: usize = 256 * 1024;

/// How an attempt is, as far as its log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// More may come.
    On,
    /// It has ended; this is what was kept.
    Ended(LogInfo),
    /// Nobody knows how it ended: what is there is all there is.
    Abandoned,
}

impl Writing {
    /// Whether more may come of the log that this key names. `is_over`: the run has ended.
    pub(super) fn of(view: &RunView, key: LogKey, is_over: bool) -> Self {
        let Some(stage) = view.stages().get(key.stage) else { return Self::Abandoned };
        match stage.attempt_log(key.attempt) {
            Some(log) => Self::Ended(log),
            // The stage ended before this attempt came to be, or the run did before the stage.
            None if stage.finished().is_some() || is_over => Self::Abandoned,
            None => Self::On,
        }
    }
}

/// What came of moving on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more at once.
    More,
    /// There is no more yet.
    Wait,
    /// There will be no more.
    End,
}

/// The place.
pub(super) struct Cursor {
    key: LogKey,
    offset: u64,
    options: FilterOptions,
    filter: TerminalFilter,
    begun: bool,
    unreadable: bool,
    /// Whether it was said that the log is gone.
    removed: bool,
    /// What is said instead of what was printed.
    instead: Option<String>,
}

impl Cursor {
    /// The beginning of a log.
    pub(super) fn new(key: LogKey, options: FilterOptions) -> Self {
        let filter = TerminalFilter::new(options);
        Self { key, offset: 0, options, filter, begun: false, unreadable: false, removed: false, instead: None }
    }

    /// The same, where this is said, if anything was printed, instead of what was.
    pub(super) fn saying_instead(self, instead: Option<String>) -> Self {
        Self { instead, ..self }
    }

    /// Which log it is in.
    pub(super) fn key(&self) -> LogKey {
        self.key
    }

    /// Shows the open line as far as it is there and ends it, so that a line of ours may follow.
    pub(super) fn break_line(&mut self, out: &mut Vec<u8>) {
        self.filter.break_line(out);
    }

    /// Reads on, at most one `buffer`, and appends what is to be shown. A log that cannot be read is said in its place.
    pub(super) fn advance(
        &mut self,
        logs: &mut dyn Logs,
        writing: Writing,
        buffer: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Progress {
        if let Some(instead) = &self.instead {
            match writing {
                Writing::On => return Progress::Wait,
                Writing::Ended(LogInfo { bytes: 0, lost: 0, .. }) => {}
                Writing::Ended(_) | Writing::Abandoned => out.extend_from_slice(format!("{instead}\n").as_bytes()),
            }
            return Progress::End;
        }
        if !std::mem::replace(&mut self.begun, true)
            && let Some(beginning) = logs.beginning(self.key)
        {
            (self.key.part, self.offset) = (beginning.part, beginning.offset);
            self.say(&beginning.note, out);
        }
        let left = match writing {
            Writing::Ended(log) if self.key.part == LogPart::Head => log.bytes.saturating_sub(self.offset),
            Writing::Ended(log) => log.tail.saturating_sub(self.offset),
            Writing::On | Writing::Abandoned => u64::MAX,
        };
        if left == 0 || self.unreadable {
            return self.end_of_part(writing, out);
        }
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match logs.read(self.key, self.offset, &mut buffer[..want]) {
            Ok(0) if self.meets(logs.mishap(self.key, self.offset), out) => Progress::More,
            Ok(0) if writing == Writing::On => Progress::Wait,
            Ok(0) => {
                if let Writing::Ended(_) = writing {
                    self.say(&format!("[the log ends early: {left} bytes of it are missing]"), out);
                }
                self.unreadable = true;
                self.end_of_part(writing, out)
            }
            Ok(n) => {
                self.filter.push(&buffer[..n], out);
                self.offset += n as u64;
                Progress::More
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Progress::More,
            Err(error) => {
                self.say(&format!("[the log cannot be read: {error}]"), out);
                self.unreadable = true;
                self.end_of_part(writing, out)
            }
        }
    }

    /// Says what was done to the log, if anything, and goes on with what there is now. Whether that may be more at once.
    fn meets(&mut self, mishap: Option<Mishap>, out: &mut Vec<u8>) -> bool {
        match mishap {
            None => false,
            Some(Mishap::Truncated) => {
                self.say("[the log was truncated; what it has now follows]", out);
                self.offset = 0;
                true
            }
            Some(Mishap::Replaced) => {
                self.say("[the log was replaced by another file, which follows]", out);
                (self.offset, self.removed) = (0, false);
                true
            }
            Some(Mishap::Removed) => {
                if !std::mem::replace(&mut self.removed, true) {
                    self.say("[the log was removed; it is followed for as long as it can be]", out);
                }
                false
            }
        }
    }

    fn end_of_part(&mut self, writing: Writing, out: &mut Vec<u8>) -> Progress {
        let log = match writing {
            Writing::On => return Progress::Wait,
            Writing::Ended(log) => log,
            Writing::Abandoned => LogInfo::default(),
        };
        self.filter.finish(out);
        if self.key.part == LogPart::Head && (log.omitted > 0 || log.tail > 0) {
            let LogInfo { bytes, omitted, tail, .. } = log;
            self.say(
                &format!("[{omitted} bytes omitted; the log keeps the first {bytes} and the last {tail} (log-max)]"),
                out,
            );
            self.key.part = LogPart::Tail;
            self.offset = 0;
            self.unreadable = false;
            self.filter = TerminalFilter::new(self.options);
            return Progress::More;
        }
        if log.lost > 0 {
            self.say(&format!("[{} bytes lost: they could not be written to the log]", log.lost), out);
        }
        Progress::End
    }

    /// A line of ours among the stage's.
    fn say(&mut self, line: &str, out: &mut Vec<u8>) {
        self.filter.finish(out);
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
}
