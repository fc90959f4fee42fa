//! Bytes that a command prints, cut into lines for a plugin.
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

/// The longest line, in bytes; what is longer comes in pieces.
pub(super) const LINE_MAX: usize = 64 << 10;

/// How much is put aside, in bytes.
const ASIDE_MAX: usize = 16 << 20;
/// How often it is looked whether something is asked of the command, while the plugin is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A line, and how many bytes it was.
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
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Lines {
    /// Lines that go to this channel, of a command that this token ends.
    pub(super) fn new(to: Sender<Cut>, token: CancelToken, dropped: Arc<AtomicU64>) -> Self {
        let (aside, aside_bytes) = (VecDeque::new(), 0);
        Self { to, token, aside, aside_bytes, dropped, out: Vec::new(), err: Vec::new() }
    }

    /// Sends on what has no end of its own, and what was put aside: the command has ended, and somebody waits for that.
    pub(super) fn finish(mut self) {
        for is_err in [false, true] {
            let rest = std::mem::take(if is_err { &mut self.err } else { &mut self.out });
            if !rest.is_empty() {
                self.send(is_err, &rest);
            }
        }
        for cut in std::mem::take(&mut self.aside) {
            if let Err(error) = self.to.send(cut) {
                self.drop(&error.into_inner());
            }
        }
    }

    fn send(&mut self, is_err: bool, line: &[u8]) {
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let line = Line { is_err, text: String::from_utf8_lossy(text).into_owned() };
        self.aside_bytes += line.text.len();
        self.aside.push_back(Cut { line, bytes });
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
        let mut buffer = std::mem::take(if is_err { &mut self.err } else { &mut self.out });
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let room = LINE_MAX - buffer.len();
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1).min(room);
            let (first, rest) = bytes.split_at(end);
            bytes = rest;
            buffer.extend_from_slice(first);
            if buffer.ends_with(b"\n") || buffer.len() == LINE_MAX {
                self.send(is_err, &buffer);
                buffer.clear();
            }
        }
        *(if is_err { &mut self.err } else { &mut self.out }) = buffer;
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
