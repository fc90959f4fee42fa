//! A streaming allow-list filter: what stages print, made fit for a person's terminal or a log.
//!
//! Only SGR sequences, line feeds, tabs and printable UTF-8 leave it. It knows nothing of where the bytes come from;
//! the log keeps them as they were. Invariants:
//! - The same bytes give the same text, however they are cut into pushes.
//! - What leaves it is valid UTF-8, ends with a line feed after [`TerminalFilter::finish`], and every line of it
//!   stands for itself: colours are set anew on each line that has them and reset before its end, so that a line of
//!   ours after it begins in column 0 and without colour.
//! - Memory is bounded: [`PIECE`] for the open line, [`STRING_MAX`] swallowed by a control string.
//!
//! A line is held back until its end, because a carriage return starts it again: of a progress bar the last state is
//! shown. A line longer than [`PIECE`] is let through in pieces.

use memchr::{memchr, memrchr};

use super::markers::Breaker;
pub use super::markers::{Markers, QUOTE};
use super::sgr::Sgr;

/// How much of a line is held back, in bytes.
pub const PIECE: usize = 64 * 1024;
/// How much a control string that does not end may swallow, in bytes. It never goes on over the end of a line.
pub const STRING_MAX: u16 = 4096;
/// The longest control sequence, in bytes.
const SEQUENCE_MAX: u16 = 256;
/// How text is filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterOptions {
    /// Whether SGR sequences are let through.
    pub colour: bool,
    /// What is done about workflow commands.
    pub markers: Markers,
}

/// Where in the input we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Text.
    Ground,
    /// After ESC.
    Escape,
    /// After ESC and intermediate bytes: so many.
    Intermediate(u16),
    /// After ESC `[`: so many bytes.
    Sequence(u16),
    /// In a control string: so many bytes, and whether the last was the first half of U+009C.
    Text(u16, bool),
    /// After ESC in a control string.
    TextEscape,
}

/// The filter of one stream of bytes. See the module.
#[derive(Clone, Debug)]
pub struct TerminalFilter {
    options: FilterOptions,
    state: State,
    /// Parameters of the control sequence so far; none where it cannot be SGR.
    parameters: Option<Vec<u8>>,
    /// The beginning of a character that the last push cut.
    partial: Vec<u8>,
    /// The open line, as far as it is held back.
    line: Vec<u8>,
    /// Whether a part of the open line is out already.
    open: bool,
    /// Whether a carriage return came; the next text starts the line again.
    carriage_return: bool,
    /// Whether the open line was started again.
    is_rewritten: bool,
    /// The colours that the next character is to have.
    wanted: Sgr,
    /// The colours at the end of `line`.
    shown: Sgr,
    /// The colours at the end of what is out of the open line.
    left: Sgr,
    breaker: Breaker,
}

impl TerminalFilter {
    /// A filter at the beginning of its stream.
    pub fn new(options: FilterOptions) -> Self {
        Self {
            options,
            state: State::Ground,
            parameters: None,
            partial: Vec::new(),
            line: Vec::new(),
            open: false,
            carriage_return: false,
            is_rewritten: false,
            wanted: Sgr::default(),
            shown: Sgr::default(),
            left: Sgr::default(),
            breaker: Breaker::new(options.markers),
        }
    }

    /// Filters these bytes, and appends to `out` what can be shown of them now.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            let used = if self.state != State::Ground {
                usize::from(self.in_sequence(*first))
            } else if !self.partial.is_empty() {
                usize::from(self.continue_character(*first, out))
            } else {
                self.in_text(rest, out)
            };
            rest = &rest[used..];
        }
    }

    /// The stream is over: appends what was held back, ends the last line and resets colours.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.partial.is_empty() {
            self.partial.clear();
            self.append("\u{fffd}".as_bytes(), out);
        }
        if self.open || !self.line.is_empty() {
            self.end_line(out);
        }
        self.state = State::Ground;
        self.carriage_return = false;
        self.wanted = Sgr::default();
    }

    /// Ends the open line where it is, so that another may follow; what comes later goes on as a line of its own.
    pub fn break_line(&mut self, out: &mut Vec<u8>) {
        if self.open || !self.line.is_empty() {
            self.end_line(out);
        }
    }

    /// Lets through what is held back of the open line and leaves it open: somebody may be waiting for an answer to it.
    /// Not of a line that is written over again and again: of that the last state is shown, once it has ended.
    pub fn show_open(&mut self, out: &mut Vec<u8>) {
        if self.line.is_empty() || self.carriage_return || self.is_rewritten {
            return;
        }
        Sgr::default().write(self.shown, &mut self.line);
        self.shown = Sgr::default();
        self.let_through(false, out);
    }

    /// Takes bytes outside of sequences; returns how many.
    fn in_text(&mut self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        let plain = plain_run(rest);
        if plain > 0 {
            self.plain(&rest[..plain], out);
            return plain;
        }
        match rest[0] {
            0x80.. => {
                let run = rest.iter().position(u8::is_ascii).unwrap_or(rest.len());
                self.not_ascii(&rest[..run], run == rest.len(), out);
                return run;
            }
            b'\x1b' => self.state = State::Escape,
            b'\r' => self.carriage_return = true,
            0 => self.append("␀".as_bytes(), out),
            // Bells, backspaces, shifts and the rest say nothing that could be shown.
            _ => {}
        }
        1
    }

    #[expect(clippy::match_same_arms, reason = "a block per state, in the order in which they count")]
    /// Takes one byte within a sequence; false where the byte ended it and is text itself.
    fn in_sequence(&mut self, byte: u8) -> bool {
        let (next, taken) = match (self.state, byte) {
            // CAN and SUB cancel any sequence.
            (_, 0x18 | 0x1a) => (State::Ground, true),
            // A sequence never takes the end of a line with it, nor anything that is not ASCII.
            (_, b'\n' | b'\r') => (State::Ground, false),
            (State::Ground, _) => (State::Ground, false),

            (State::Escape, b'[') => {
                self.parameters = Some(Vec::new());
                (State::Sequence(0), true)
            }
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (State::Text(0, false), true),
            (State::Escape, 0x20..=0x2f) => (State::Intermediate(0), true),
            (State::Escape, 0x30..=0x7e) => (State::Ground, true),

            (State::Intermediate(n), 0x20..=0x2f) if n < SEQUENCE_MAX => (State::Intermediate(n + 1), true),
            (State::Intermediate(_), 0x20..=0x7e) => (State::Ground, true),

            (State::Sequence(_), b'm') => {
                if let Some(parameters) = self.parameters.take()
                    && self.options.colour
                {
                    self.wanted.apply(&parameters);
                }
                (State::Ground, true)
            }
            (State::Sequence(n), 0x20..=0x3f) if n < SEQUENCE_MAX => {
                match &mut self.parameters {
                    Some(parameters) if byte.is_ascii_digit() || matches!(byte, b';' | b':') => parameters.push(byte),
                    other => *other = None,
                }
                (State::Sequence(n + 1), true)
            }
            (State::Sequence(_), 0x20..=0x7e) => (State::Ground, true),

            (State::Text(..), 0x07) | (State::Text(_, true), 0x9c) | (State::TextEscape, b'\\') => {
                (State::Ground, true)
            }
            (State::Text(..), b'\x1b') => (State::TextEscape, true),
            (State::Text(n, _), _) if n < STRING_MAX => (State::Text(n + 1, byte == 0xc2), true),
            (State::Text(..), _) => (State::Ground, true),
            (State::TextEscape, _) => (State::Escape, false),

            (_, b'\x1b') => (State::Escape, true),
            (_, b'\t' | 0x80..) => (State::Ground, false),
            // A terminal would obey other controls and go on with the sequence.
            (state, 0x00..=0x1f | 0x7f) => (state, true),
        };
        self.state = next;
        taken
    }

    /// Takes one byte after the beginning of a character; false where it does not belong to it.
    fn continue_character(&mut self, byte: u8, out: &mut Vec<u8>) -> bool {
        self.partial.push(byte);
        let bytes = std::mem::take(&mut self.partial);
        match std::str::from_utf8(&bytes) {
            Ok(text) => self.wide(text, out),
            Err(error) if error.error_len().is_none() => self.partial = bytes,
            Err(_) => {
                self.append("\u{fffd}".as_bytes(), out);
                return false;
            }
        }
        true
    }

    /// Takes a run of bytes that are not ASCII; a character that is cut at the end of the push waits for the next.
    fn not_ascii(&mut self, mut run: &[u8], last: bool, out: &mut Vec<u8>) {
        loop {
            let error = match std::str::from_utf8(run) {
                Ok(text) => return self.wide(text, out),
                Err(error) => error,
            };
            let (valid, bad) = run.split_at(error.valid_up_to());
            if let Ok(text) = std::str::from_utf8(valid) {
                self.wide(text, out);
            }
            match error.error_len() {
                None if last => return self.partial.extend_from_slice(bad),
                None => return self.append("\u{fffd}".as_bytes(), out),
                Some(length) => {
                    self.append("\u{fffd}".as_bytes(), out);
                    run = &bad[length..];
                }
            }
        }
    }

    /// Takes valid text that is not ASCII. C1 controls, and what some readers take for a line's end, are made visible.
    fn wide(&mut self, text: &str, out: &mut Vec<u8>) {
        let mut done = 0;
        for (at, c) in text.char_indices() {
            let shown = match c {
                '\u{80}'..='\u{9f}' => "\u{fffd}",
                '\u{2028}' | '\u{2029}' => "␤",
                _ => continue,
            };
            self.append(&text.as_bytes()[done..at], out);
            self.append(shown.as_bytes(), out);
            done = at + c.len_utf8();
        }
        self.append(&text.as_bytes()[done..], out);
    }

    /// Takes a run of printable ASCII, tabs and line feeds.
    fn plain(&mut self, mut run: &[u8], out: &mut Vec<u8>) {
        while self.open || self.carriage_return || !self.line.is_empty() || self.wanted != Sgr::default() {
            let Some(end) = memchr(b'\n', run) else { return self.append(run, out) };
            self.append(&run[..end], out);
            self.end_line(out);
            run = &run[end + 1..];
        }
        let whole = memrchr(b'\n', run).map_or(0, |end| end + 1);
        self.whole_lines(&run[..whole], out);
        self.append(&run[whole..], out);
    }

    /// Takes whole lines of plain text, where nothing is held back and no colour is on: the fast path. Gives what
    /// `append` and `end_line` would give line by line.
    fn whole_lines(&mut self, lines: &[u8], out: &mut Vec<u8>) {
        let broken = self.breaker.is_in(lines);
        if !broken && !self.options.markers.has_beginnings() {
            out.extend_from_slice(lines);
            return;
        }
        let (mut copied, mut start) = (0, 0);
        while let Some(length) = memchr(b'\n', &lines[start..]) {
            let line = &lines[start..start + length];
            if broken || length >= PIECE || self.options.markers.begins(line, true) {
                out.extend_from_slice(&lines[copied..start]);
                self.append(line, out);
                self.end_line(out);
                copied = start + length + 1;
            }
            start += length + 1;
        }
        out.extend_from_slice(&lines[copied..]);
    }

    /// Appends text to the open line. Text is UTF-8, without controls but for tabs.
    fn append(&mut self, mut text: &[u8], out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        if self.carriage_return {
            self.carriage_return = false;
            self.line.clear();
            self.shown = self.left;
            if self.open {
                self.end_line(out);
            }
            self.is_rewritten = true;
        }
        self.wanted.write(self.shown, &mut self.line);
        self.shown = self.wanted;
        while !text.is_empty() {
            // A piece ends with the character that fills it, so that where it ends does not depend on the pushes.
            let mut cut = PIECE.saturating_sub(self.line.len()).clamp(1, text.len());
            while text.get(cut).is_some_and(|byte| byte & 0xc0 == 0x80) {
                cut += 1;
            }
            self.line.extend_from_slice(&text[..cut]);
            text = &text[cut..];
            if self.line.len() >= PIECE {
                self.let_through(false, out);
            }
        }
    }

    /// Ends the open line.
    fn end_line(&mut self, out: &mut Vec<u8>) {
        Sgr::default().write(self.shown, &mut self.line);
        self.let_through(true, out);
        out.push(b'\n');
        self.shown = Sgr::default();
        self.left = Sgr::default();
        self.open = false;
        self.breaker.end_line();
        self.carriage_return = false;
        self.is_rewritten = false;
    }

    /// Appends what is held back of the open line to the output; `whole` where the line ends there.
    fn let_through(&mut self, whole: bool, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        let (markers, start) = (self.options.markers, out.len());
        let broken = self.breaker.push(&line, whole, out);
        if !self.open && ((broken && markers.sets_off_broken()) || markers.begins(&line, whole)) {
            out.splice(start..start, QUOTE.bytes());
        }
        self.open = true;
        self.left = self.shown;
        self.line = line;
        self.line.clear();
    }
}

/// How many bytes from the start are printable ASCII, tabs and line feeds.
fn plain_run(bytes: &[u8]) -> usize {
    // Without branches inside a block, the compiler makes vector instructions of it.
    const BLOCK: usize = 64;
    let special = |byte: u8| matches!(byte, 0..=8 | 11..=31 | 127..);
    let mut start = 0;
    for block in bytes.chunks_exact(BLOCK) {
        if block.iter().fold(false, |any, byte| any | special(*byte)) {
            break;
        }
        start += BLOCK;
    }
    bytes[start..].iter().position(|byte| special(*byte)).map_or(bytes.len(), |at| start + at)
}

#[cfg(test)]
mod tests;
