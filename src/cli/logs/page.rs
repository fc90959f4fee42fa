//! What is written: bytes as they are, text made fit for a person, or lines with whose they are before them.
//!
//! Lines of several stages and streams take turns, so a line that has no end yet is held back; where it has none for a
//! moment it is shown as far as it is, for it may be a question. Whoever writes next ends it then, and what comes of it
//! later stands in a line of its own, so that nothing is shown twice and nothing stands in another's line.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::time::Duration;

use memchr::memchr_iter;
use regex::bytes::Regex;

use crate::cli::output;
use crate::clock::Timestamp;
use crate::event::Stream;
use crate::ids::{RunNumber, StageId};
use crate::report::{Prefix, Style};
use crate::text::terminal::{FilterOptions, Markers, PIECE, TerminalFilter};

/// How much is collected before it is written.
const BUFFER: usize = 256 * 1024;
/// A line without an end is shown when nothing came of it for so long.
const QUIET: Duration = Duration::from_millis(100);
/// A line that is longer is looked through in pieces.
const SEARCHED: usize = 1 << 20;

/// How output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Manner {
    /// Byte for byte.
    Raw,
    /// Filtered for a terminal.
    Text,
    /// The same, line by line.
    Lines,
}

/// Which lane: of which run, which stage, which stream.
type Key = (RunNumber, StageId, Stream);

/// One stream of output on its way to the page.
pub(in crate::cli) struct Lane {
    key: Key,
    prefix: Option<Prefix>,
    /// The prefix as it was drawn last, and for which width.
    drawn: Option<(usize, String)>,
    filter: Option<TerminalFilter>,
    /// What is filtered and is not written yet: of the open line.
    line: Vec<u8>,
    /// Whether a part of the open line is written.
    begun: bool,
    /// When the last of it came, as long as there may be something to show of the open line.
    touched: Option<Timestamp>,
}

impl Lane {
    pub(in crate::cli) fn new(key: Key, prefix: Option<Prefix>) -> Self {
        Self { key, prefix, drawn: None, filter: None, line: Vec::new(), begun: false, touched: None }
    }

    /// How long until its open line is to be shown.
    pub(in crate::cli) fn due(&self, now: Timestamp) -> Option<Duration> {
        Some(QUIET.saturating_sub(now.since(self.touched?)))
    }
}

/// Standard output.
pub(in crate::cli) struct Page<'a> {
    out: BufWriter<StdoutLock<'a>>,
    manner: Manner,
    grep: Option<Regex>,
    style: Style,
    /// How wide labels are.
    width: usize,
    /// Whether anything was shown.
    wrote: bool,
    /// Whose line is the last on the page, where it has no end.
    open: Option<Key>,
}

impl Page<'_> {
    pub(in crate::cli) fn new(manner: Manner, grep: Option<Regex>, style: Style) -> Self {
        let out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        Self { out, manner, grep, style, width: 0, wrote: false, open: None }
    }

    /// Makes room for this label.
    pub(in crate::cli) fn make_room(&mut self, prefix: &Prefix) {
        self.width = self.width.max(prefix.width());
    }

    pub(in crate::cli) fn wrote(&self) -> bool {
        self.wrote
    }

    pub(in crate::cli) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Takes what was printed.
    pub(in crate::cli) fn push(&mut self, lane: &mut Lane, bytes: &[u8], now: Timestamp) -> io::Result<()> {
        if self.manner == Manner::Raw {
            self.wrote |= !bytes.is_empty();
            return self.out.write_all(bytes);
        }
        lane.touched = Some(now);
        let options = FilterOptions { colour: self.style.colour, markers: Markers::Keep };
        let mut shown = Vec::new();
        lane.filter.get_or_insert_with(|| TerminalFilter::new(options)).push(bytes, &mut shown);
        self.text(lane, shown)
    }

    /// Shows the open line as far as it is, where nothing came of it for a moment.
    pub(in crate::cli) fn show_quiet(&mut self, lane: &mut Lane, now: Timestamp) -> io::Result<()> {
        if lane.due(now).is_none_or(|due| !due.is_zero()) {
            return Ok(());
        }
        lane.touched = None;
        // Whether a line matches is known at its end.
        if self.grep.is_some() {
            return Ok(());
        }
        let mut shown = Vec::new();
        if let Some(filter) = &mut lane.filter {
            filter.show_open(&mut shown);
        }
        self.text(lane, shown)?;
        self.part(lane)
    }

    /// Ends the open line: nothing more comes of this lane for now.
    pub(in crate::cli) fn end(&mut self, lane: &mut Lane) -> io::Result<()> {
        lane.touched = None;
        let mut shown = Vec::new();
        if let Some(mut filter) = lane.filter.take() {
            filter.finish(&mut shown);
        }
        self.text(lane, shown)
    }

    /// A line of ours among what was printed; where that is written as it is, on stderr.
    pub(in crate::cli) fn say(&mut self, lane: &mut Lane, line: &str) -> io::Result<()> {
        self.end(lane)?;
        if self.manner == Manner::Raw {
            self.out.flush()?;
            output::say(line);
            return Ok(());
        }
        self.text(lane, format!("{line}\n").into_bytes())
    }

    /// Writes filtered text.
    fn text(&mut self, lane: &mut Lane, mut shown: Vec<u8>) -> io::Result<()> {
        if self.manner != Manner::Lines {
            self.wrote |= !shown.is_empty();
            return self.out.write_all(&shown);
        }
        lane.line.append(&mut shown);
        let line = std::mem::take(&mut lane.line);
        let mut start = 0;
        for end in memchr_iter(b'\n', &line) {
            self.line(lane, &line[start..end])?;
            start = end + 1;
        }
        lane.line = line;
        lane.line.drain(..start);
        match &self.grep {
            // What has no end for that long is searched, and shown, as if it had one.
            Some(_) if lane.line.len() >= SEARCHED => {
                let line = std::mem::take(&mut lane.line);
                self.line(lane, &line)
            }
            None if lane.line.len() >= PIECE => self.part(lane),
            Some(_) | None => Ok(()),
        }
    }

    /// Writes the end of a line, which is all of it where nothing of it is written yet.
    fn line(&mut self, lane: &mut Lane, text: &[u8]) -> io::Result<()> {
        let begun = std::mem::take(&mut lane.begun);
        if self.grep.as_ref().is_some_and(|grep| !grep.is_match(text)) {
            return Ok(());
        }
        if self.open == Some(lane.key) {
            self.open = None;
        } else if begun && text.is_empty() {
            // Another line came meanwhile, and has ended this one.
            return Ok(());
        } else {
            self.begin(lane)?;
        }
        self.wrote = true;
        self.out.write_all(text)?;
        self.out.write_all(b"\n")
    }

    /// Writes what there is of a line that has no end yet.
    fn part(&mut self, lane: &mut Lane) -> io::Result<()> {
        if lane.line.is_empty() {
            return Ok(());
        }
        if self.open != Some(lane.key) {
            self.begin(lane)?;
        }
        (self.open, lane.begun, self.wrote) = (Some(lane.key), true, true);
        self.out.write_all(&std::mem::take(&mut lane.line))
    }

    /// Begins a line, after the end of what is open.
    fn begin(&mut self, lane: &mut Lane) -> io::Result<()> {
        if self.open.take().is_some() {
            // A piece of a longer line may leave its colour on.
            let reset: &[u8] = if self.style.colour { b"\x1b[0m\n" } else { b"\n" };
            self.out.write_all(reset)?;
        }
        let Some(prefix) = &lane.prefix else { return Ok(()) };
        // Millions of lines have the same.
        let drawn = match lane.drawn.take().filter(|(width, _)| *width == self.width) {
            Some((_, drawn)) => drawn,
            None => prefix.draw(self.width, lane.key.2, self.style),
        };
        self.out.write_all(drawn.as_bytes())?;
        lane.drawn = Some((self.width, drawn));
        Ok(())
    }
}
