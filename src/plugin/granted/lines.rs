//! Bytes that a command prints, cut into lines for a plugin. A line that is too long comes in pieces, from which it can be put
//! together again: each is [`LINE_MAX`] bytes long or a little more and whole characters, and the last is shorter, empty where
//! nothing is left.
//!
//! Where the plugin does not keep up, whoever prints waits for it: nothing is lost then. But whoever prints is also who ends a
//! command and has it stand still, so as soon as that is asked for nothing is waited for: lines are put aside, and beyond a
//! bound they are counted and gone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, Sender};

use crate::cancel::CancelToken;
use crate::event::{OutputSink, Stream};
use crate::plugin::services::Line;

/// A line is shorter, in bytes of its text; a longer one comes in pieces, of which all but the last are no shorter.
pub(super) const LINE_MAX: usize = 64 << 10;

/// What stands for bytes that are no character.
const REPLACED: &str = "\u{fffd}";
/// How much is put aside, in bytes.
const ASIDE_MAX: usize = 16 << 20;
/// How often it is looked whether something is asked of the command, while the plugin is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A line or a piece of one, and how many bytes it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) line: Line,
    pub(super) bytes: u64,
}

/// Cuts what it is given into lines and sends them on. What nobody takes is counted.
pub(super) struct Lines {
    to: Sender<Cut>,
    token: CancelToken,
    aside: VecDeque<Cut>,
    aside_bytes: usize,
    dropped: Arc<AtomicU64>,
    out: Begun,
    err: Begun,
}

/// A line that has no end yet, or the last piece of one.
#[derive(Debug, Default)]
struct Begun {
    text: String,
    /// How many bytes of what was printed are in it.
    bytes: u64,
    /// The beginning of a character, of which the rest is to come.
    rest: Vec<u8>,
    /// Whether pieces of the line were sent before.
    goes_on: bool,
}

impl Begun {
    /// What was gathered, as what is sent.
    fn take(&mut self, is_err: bool) -> Cut {
        let text = std::mem::take(&mut self.text);
        Cut { line: Line { is_err, text }, bytes: std::mem::take(&mut self.bytes) }
    }

    /// Whether it is a piece. An end of a line is never on both sides of a cut.
    fn is_piece(&self) -> bool {
        self.text.len() >= LINE_MAX && (!self.text.ends_with('\r') || self.text.ends_with("\r\r"))
    }
}

impl Lines {
    /// Lines that go to this channel, of a command that this token ends.
    pub(super) fn new(to: Sender<Cut>, token: CancelToken, dropped: Arc<AtomicU64>) -> Self {
        let (aside, aside_bytes) = (VecDeque::new(), 0);
        Self { to, token, aside, aside_bytes, dropped, out: Begun::default(), err: Begun::default() }
    }

    /// Sends on what has no end of its own, and what was put aside: the command has ended, and somebody waits for that.
    pub(super) fn finish(mut self) {
        for is_err in [false, true] {
            let mut begun = std::mem::take(self.begun(is_err));
            self.give_up_rest(is_err, &mut begun);
            if begun.goes_on || !begun.text.is_empty() {
                self.close(is_err, &mut begun);
            }
        }
        for cut in std::mem::take(&mut self.aside) {
            if let Err(error) = self.to.send(cut) {
                self.drop(&error.into_inner());
            }
        }
    }

    fn begun(&mut self, is_err: bool) -> &mut Begun {
        if is_err { &mut self.err } else { &mut self.out }
    }

    /// Part of a line was printed.
    fn add(&mut self, is_err: bool, begun: &mut Begun, part: &[u8]) {
        let joined;
        let bytes = if begun.rest.is_empty() {
            part
        } else {
            joined = [&std::mem::take(&mut begun.rest), part].concat();
            &joined
        };
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            let (valid, invalid) = (chunk.valid(), chunk.invalid());
            self.put(is_err, begun, valid, valid.len());
            at += valid.len() + invalid.len();
            let may_go_on = || std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if at == bytes.len() && may_go_on() {
                invalid.clone_into(&mut begun.rest);
            } else if !invalid.is_empty() {
                self.put(is_err, begun, REPLACED, invalid.len());
            }
        }
    }

    /// More of a line's text, which stands for so many bytes. What is too long by then is sent.
    fn put(&mut self, is_err: bool, begun: &mut Begun, mut text: &str, bytes: usize) {
        let mut left = bytes;
        while !text.is_empty() {
            let room = LINE_MAX.saturating_sub(begun.text.len()).max(1);
            let (first, rest) = text.split_at(text.ceil_char_boundary(room));
            // But for one that was replaced, a character stands for its own bytes.
            let these = if rest.is_empty() { left } else { first.len() };
            begun.text.push_str(first);
            begun.bytes += these as u64;
            (text, left) = (rest, left - these);
            if begun.is_piece() {
                begun.goes_on = true;
                self.send(begun.take(is_err));
            }
        }
    }

    /// What began like a character became none.
    fn give_up_rest(&mut self, is_err: bool, begun: &mut Begun) {
        let rest = std::mem::take(&mut begun.rest);
        if !rest.is_empty() {
            self.put(is_err, begun, REPLACED, rest.len());
        }
    }

    /// The line has ended.
    fn close(&mut self, is_err: bool, begun: &mut Begun) {
        if begun.text.ends_with('\r') {
            begun.text.pop();
        }
        begun.goes_on = false;
        self.send(begun.take(is_err));
    }

    fn send(&mut self, cut: Cut) {
        self.aside_bytes += cut.line.text.len();
        self.aside.push_back(cut);
        while let Some(cut) = self.aside.pop_front() {
            self.aside_bytes -= cut.line.text.len();
            let is_asked = self.token.level().is_some() || self.token.is_held() || self.token.has_signals();
            let patience = if is_asked { Duration::ZERO } else { LOOK_EVERY };
            match self.to.send_timeout(cut, patience) {
                Ok(()) => {}
                Err(SendTimeoutError::Disconnected(cut)) => self.drop(&cut),
                Err(SendTimeoutError::Timeout(cut)) if is_asked && self.aside_bytes > ASIDE_MAX => self.drop(&cut),
                Err(SendTimeoutError::Timeout(cut)) => {
                    self.aside_bytes += cut.line.text.len();
                    self.aside.push_front(cut);
                    if is_asked {
                        return;
                    }
                }
            }
        }
    }

    fn drop(&self, cut: &Cut) {
        self.dropped.fetch_add(cut.bytes, Ordering::Relaxed);
    }
}

impl OutputSink for Lines {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let is_err = stream == Stream::Stderr;
        let mut begun = std::mem::take(self.begun(is_err));
        let mut bytes = bytes;
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.add(is_err, &mut begun, &bytes[..end]);
            self.give_up_rest(is_err, &mut begun);
            begun.bytes += 1;
            self.close(is_err, &mut begun);
            bytes = &bytes[end + 1..];
        }
        self.add(is_err, &mut begun, bytes);
        *self.begun(is_err) = begun;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(writes: &[(Stream, Vec<u8>)]) -> Vec<Cut> {
        let (to, from) = crossbeam_channel::unbounded();
        let mut lines = Lines::new(to, CancelToken::new(), Arc::default());
        for (stream, bytes) in writes {
            lines.write(*stream, bytes);
        }
        lines.finish();
        from.iter().collect()
    }

    /// H160: whatever a command prints, a plugin gets text, in pieces of a bounded length.
    #[test]
    fn h160_bytes_become_lines_of_text_that_are_never_too_long() {
        let (out, err) = (Stream::Stdout, Stream::Stderr);
        let writes = [
            (out, b"a\r\nb".to_vec()),
            (err, b"\xff\xfe\n".to_vec()),
            (out, b"c\n\n\x1b[2J::error::x\0".to_vec()),
            (out, vec![b'x'; LINE_MAX]),
        ];
        let texts: Vec<_> = cut(&writes).into_iter().map(|cut| (cut.line.is_err, cut.line.text)).collect();
        assert_eq!(texts[0], (false, "a".to_owned()));
        assert_eq!(texts[1], (true, "\u{fffd}\u{fffd}".to_owned()));
        assert_eq!(texts[2..4], [(false, "bc".to_owned()), (false, String::new())]);
        assert!(texts[4].1.starts_with("\x1b[2J::error::x\0x"));
        assert_eq!((texts[4].1.len(), texts[5].1.len(), texts.len()), (LINE_MAX, 15, 6));
    }

    /// The lines that pieces are of.
    fn joined(cuts: &[Cut]) -> Vec<String> {
        let (mut lines, mut goes_on) = (Vec::<String>::new(), false);
        for Cut { line, .. } in cuts {
            match lines.last_mut().filter(|_| goes_on) {
                Some(last) => last.push_str(&line.text),
                None => lines.push(line.text.clone()),
            }
            goes_on = line.text.len() >= LINE_MAX;
        }
        assert!(!goes_on, "the last piece of a line is shorter");
        lines
    }

    /// H160: a long line comes in pieces, and is whole again when they are put together, whatever is in it.
    #[test]
    fn h160_a_long_line_can_be_put_together_again_from_its_pieces() {
        let mut text = "ä€\u{10ffff}x".repeat(30_000).into_bytes();
        text.extend_from_slice(&[b"\xff\xe2\x82".repeat(40_000), vec![b'\r'; 3], b"\n".to_vec()].concat());
        text.extend_from_slice(&[vec![b'y'; LINE_MAX], b"\nz\n".to_vec()].concat());
        text.extend_from_slice(&[vec![b'w'; LINE_MAX - 1], b"\r\n".to_vec()].concat());
        text.extend_from_slice(&[vec![b'v'; LINE_MAX], b"\xe2".to_vec()].concat());
        let expected = String::from_utf8_lossy(&text).into_owned();
        for size in [1, 7, 8192, text.len()] {
            let writes: Vec<_> = text.chunks(size).map(|piece| (Stream::Stdout, piece.to_vec())).collect();
            let cuts = cut(&writes);
            assert_eq!(cuts.iter().map(|cut| cut.bytes).sum::<u64>(), text.len() as u64, "{size}");
            assert!(cuts.iter().all(|cut| cut.line.text.len() < LINE_MAX + 4), "{size}");
            assert_eq!(joined(&cuts), expected.lines().collect::<Vec<_>>(), "{size}");
        }
    }

    #[test]
    fn what_nobody_takes_is_counted() {
        let (to, from) = crossbeam_channel::unbounded();
        drop(from);
        let dropped = Arc::default();
        let mut lines = Lines::new(to, CancelToken::new(), Arc::clone(&dropped));
        lines.write(Stream::Stdout, b"abc\nd");
        lines.finish();
        assert_eq!(dropped.load(Ordering::Relaxed), 5);
    }

    /// Whoever ends a command is not kept waiting by a plugin that fetches nothing.
    #[test]
    fn nothing_is_waited_for_once_the_command_is_to_end() {
        let (to, from) = crossbeam_channel::bounded(1);
        let token = CancelToken::new();
        let mut lines = Lines::new(to, token.clone(), Arc::default());
        token.raise(crate::cancel::CancelLevel::Terminate);
        lines.write(Stream::Stdout, b"a\nb\nc\n");
        assert_eq!((from.len(), lines.aside.len()), (1, 2));
        let rest = std::thread::spawn(move || from.iter().map(|cut| cut.line.text).collect::<String>());
        lines.finish();
        assert_eq!(rest.join().unwrap(), "abc");
    }

    proptest! {
        /// However the bytes come, the lines are those of the text as a whole, and every byte is counted once.
        #[test]
        fn lines_do_not_depend_on_how_bytes_come(pieces in proptest::collection::vec("[ab\n]{0,6}", 0..12)) {
            let whole = pieces.concat();
            let writes: Vec<_> = pieces.iter().map(|piece| (Stream::Stdout, piece.clone().into_bytes())).collect();
            let cuts = cut(&writes);
            prop_assert_eq!(cuts.iter().map(|cut| cut.line.text.as_str()).collect::<Vec<_>>(), whole.lines().collect::<Vec<_>>());
            prop_assert_eq!(cuts.iter().map(|cut| cut.bytes).sum::<u64>(), whole.len() as u64);
        }
    }
}
