//! An output made of lines: ours, written so that foreign content in them does nothing, and the stages', between
//! fences where a CI's runner reads along.
//!
//! Lines gather in memory and go out with [`Transcript::flush`]; nothing is written in between.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dialect::{Dialect, Weight};
use super::style::{Glyph, Style};
use super::terminal::{Host, linked};
use crate::text::plain::printable;
use crate::text::terminal::{FilterOptions, Markers, QUOTE};
use crate::text::workflow::StopToken;

/// Where random bytes come from.
pub type Randomness = Box<dyn FnMut() -> [u8; 16]>;

/// What of a run is written, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// What each stage printed, in groups, for people and for programs that read along.
    #[default]
    Groups,
    /// What came of each stage, above what live mode shows of those that run.
    Verdicts,
    /// The same, each with all that the stage printed.
    Everything,
}

impl Layout {
    /// Whether what stages print is written as they print it.
    pub(super) fn has_output(self) -> bool {
        match self {
            Self::Groups | Self::Everything => true,
            Self::Verdicts => false,
        }
    }
}

/// How a transcript is written.
pub struct TranscriptOptions {
    /// What of the run is written.
    pub layout: Layout,
    /// Set where the terminal has links to files of this machine.
    pub links: Option<Host>,
    /// How lines look.
    pub style: Style,
    /// Which CI reads along.
    pub dialect: Dialect,
    /// Whether it acts on what stages print: no fence, nothing broken. Only where the project asks for it.
    pub is_passed_through: bool,
    /// The directory that paths in its annotations are relative to; none: the project's.
    pub workspace: Option<PathBuf>,
    /// Makes stop-commands tokens. Must be the system's own randomness: a token that can be guessed is no fence.
    pub randomness: Randomness,
    /// How the program was called, up to where a command would stand: `local-ci`, or `local-ci -C sub`.
    pub program: String,
    /// Whether a word is a subcommand's name: a stage of such a name is run with `local-ci run NAME`. Asked for failures
    /// only, since finding out takes a while.
    pub is_subcommand: fn(&str) -> bool,
    /// What else it takes to run a stage again as it was run.
    pub rerun: Rerun,
}

/// What it takes to run a stage again as it was run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rerun {
    /// Options of every stage's, each with a blank before it: ` --fix`.
    pub options: String,
    /// The stage that was given arguments, and those, quoted: ` -- a 'b c'`.
    pub arguments: Option<(String, String)>,
    /// Whether what it ran is no stage of a config, and the run is done again by its number.
    pub by_number: bool,
}

/// What a block of lines is: blocks are set apart by a blank line, but for lines that stand alone side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Several lines that belong together.
    Lines,
    /// One line.
    Line,
}

/// The output.
pub(super) struct Transcript<W> {
    out: W,
    pub(super) options: TranscriptOptions,
    lines: Vec<u8>,
    last: Option<Block>,
    wrote: bool,
    /// How many annotations of a stage are written.
    pub(super) annotations_max: usize,
}

/// How many annotations of a stage are written where it ends.
const ANNOTATIONS: usize = 10;
/// How long we wait where the output is full and does not block by itself.
const FULL_PAUSE: Duration = Duration::from_millis(5);

impl<W: Write> Transcript<W> {
    pub(super) fn new(out: W, options: TranscriptOptions) -> Self {
        Self { out, options, lines: Vec::new(), last: None, wrote: false, annotations_max: ANNOTATIONS }
    }

    /// Begins a block.
    pub(super) fn block(&mut self, block: Block) {
        let apart = self.last.is_some_and(|last| last != Block::Line || block != Block::Line);
        if apart {
            self.lines.push(b'\n');
        }
        self.last = Some(block);
    }

    /// A line of ours, which may have foreign content in it.
    pub(super) fn line(&mut self, text: &str) {
        self.lines.extend_from_slice(self.options.dialect.markers().inert(&printable(text)).as_bytes());
        self.lines.push(b'\n');
    }

    /// A line of ours that begins with a glyph.
    pub(super) fn glyph_line(&mut self, indent: &str, glyph: Glyph, text: &str) {
        self.lines.extend_from_slice(indent.as_bytes());
        self.lines.extend_from_slice(self.options.style.glyph(glyph).as_bytes());
        self.lines.push(b' ');
        self.line(text);
    }

    /// What a line begins with that says what came of something; see [`Dialect::heading`].
    pub(super) fn heading(&mut self, weight: Weight) {
        self.lines.extend_from_slice(self.options.dialect.heading(weight).as_bytes());
    }

    /// A text of several lines: the first after `lead`, the others quoted.
    pub(super) fn text(&mut self, lead: &str, text: &str) {
        let mut lines = text.trim_end_matches('\n').split('\n');
        self.line(&format!("{lead}{}", lines.next().unwrap_or_default()));
        for line in lines {
            self.line(&format!("{QUOTE}{line}"));
        }
    }

    /// A line that was filtered already, quoted.
    pub(super) fn quote(&mut self, line: &str) {
        self.lines.extend_from_slice(QUOTE.as_bytes());
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
    }

    /// Where a file is, as a link where the terminal has them.
    pub(super) fn file(&mut self, lead: &str, path: &Path) {
        let shown = path.to_string_lossy();
        match &self.options.links {
            Some(host) => {
                let link = linked(path, host);
                self.lines.extend_from_slice(format!("{lead}{link}\n").as_bytes());
            }
            None => self.line(&format!("{lead}{shown}")),
        }
    }

    /// A line that is to be acted on.
    pub(super) fn marker(&mut self, marker: &str) {
        self.lines.extend_from_slice(marker.as_bytes());
        self.lines.push(b'\n');
    }

    /// From here on, what is written does nothing until [`Self::open_fence`]. Every fence has a token of its own.
    pub(super) fn fence(&mut self) -> Option<StopToken> {
        if self.options.dialect != Dialect::GitHub || self.options.is_passed_through {
            return None;
        }
        let token = StopToken::from_random((self.options.randomness)());
        self.marker(&token.stop());
        Some(token)
    }

    /// Ends a fence.
    pub(super) fn open_fence(&mut self, token: Option<StopToken>) {
        if let Some(token) = token {
            self.marker(&token.resume());
        }
    }

    /// How what stages print is filtered, where it is theirs alone.
    pub(super) fn filter(&self) -> FilterOptions {
        // Wrappers parse what no service reads.
        if self.options.is_passed_through && self.options.dialect != Dialect::Plain {
            return FilterOptions { colour: self.options.style.colour, markers: Markers::Keep };
        }
        FilterOptions { colour: self.options.style.colour, markers: self.options.dialect.markers() }
    }

    /// How it is filtered where we repeat it, quoted: nothing of it is acted on a second time.
    pub(super) fn repeated(&self) -> FilterOptions {
        let markers = match self.options.dialect {
            // What is quoted is no heading.
            Dialect::Buildkite => Markers::Keep,
            dialect => dialect.markers(),
        };
        FilterOptions { colour: self.options.style.colour, markers }
    }

    /// How it is filtered where something of ours stands before it on each line.
    pub(super) fn behind_a_prefix(&self) -> FilterOptions {
        let markers = match self.options.dialect {
            // What counts by where it stands on a line has no effect behind it.
            Dialect::Plain | Dialect::GitHub => Markers::Fenced,
            Dialect::Buildkite => Markers::Keep,
            Dialect::GitLab | Dialect::Azure | Dialect::TeamCity => self.options.dialect.markers(),
        };
        FilterOptions { colour: self.options.style.colour, markers }
    }

    /// Where filtered output goes.
    pub(super) fn lines(&mut self) -> &mut Vec<u8> {
        &mut self.lines
    }

    /// Writes out what has gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        self.wrote = true;
        write_out(&mut self.out, &lines)?;
        self.lines = lines;
        self.lines.clear();
        Ok(())
    }

    /// Where it is written.
    pub(super) fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Whether anything was written since this was last asked.
    pub(super) fn take_wrote(&mut self) -> bool {
        std::mem::take(&mut self.wrote)
    }
}

/// Writes all of it and flushes, however slowly the reader takes it.
pub(super) fn write_out(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match out.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => rest = &rest[n..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another program has set the descriptor that we share to non-blocking. The reader is slow, not gone.
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(FULL_PAUSE),
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time, and is full every other time.
    struct Full(Vec<u8>, bool);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let n = bytes.len().min(3);
            self.0.extend_from_slice(&bytes[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn options(dialect: Dialect) -> TranscriptOptions {
        TranscriptOptions {
            layout: Layout::Groups,
            links: None,
            program: "local-ci".into(),
            style: Style::default(),
            dialect,
            is_passed_through: false,
            workspace: None,
            randomness: Box::new(|| [0xab; 16]),
            is_subcommand: |_| false,
            rerun: Rerun::default(),
        }
    }

    /// H55: a full pipe that does not block costs time and no bytes.
    #[test]
    fn h55_a_full_output_is_waited_for() {
        let mut transcript = Transcript::new(Full(Vec::new(), false), options(Dialect::Plain));
        transcript.line("a line of text");
        transcript.flush().unwrap();
        assert_eq!(transcript.out.0, b"a line of text\n");
    }

    /// H61, H66: foreign content in our own lines does nothing.
    #[test]
    fn h61_our_own_lines_are_inert() {
        let mut transcript = Transcript::new(Vec::new(), options(Dialect::Plain));
        transcript.line("note: a\x1b[2J\n::error::x ##[group]y \u{202e}z");
        transcript.text("$ ", "echo one\n::endgroup::\n");
        transcript.flush().unwrap();
        let text = String::from_utf8(transcript.out).unwrap();
        assert_eq!(text, "note: a\\u{1b}[2J\\n::error::x ## [group]y \\u{202e}z\n$ echo one\n  | ::endgroup::\n");
    }
}
