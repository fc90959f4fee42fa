//! Cuts what comes into lines, each stream's for itself, and keeps those that are wanted.

use memchr::{memchr, memrchr};

use super::sieve::Sieve;
use crate::event::Stream;

/// The longest line that is handed over whole, in bytes; a longer one comes in pieces of so many.
pub(super) const LONGEST: usize = 64 * 1024;

/// A line that is read, without its end, where it was put together: there are too many of them to copy each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed<'a> {
    /// Whether it came from stderr.
    pub is_err: bool,
    /// What it says; what is no UTF-8 is replaced.
    pub text: &'a str,
}

/// Lines in the making.
#[derive(Debug)]
pub(super) struct Lines {
    sieve: Sieve,
    /// The texts of the whole lines, one after the other.
    texts: String,
    /// Of each, its stream and where its text ends.
    ends: Vec<(bool, usize)>,
    /// What has no end yet, of stdout and of stderr.
    open: [Vec<u8>; 2],
}

impl Lines {
    /// Of those that pass.
    pub(super) fn new(sieve: Sieve) -> Self {
        Self { sieve, texts: String::new(), ends: Vec::new(), open: [Vec::new(), Vec::new()] }
    }

    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let is_err = stream == Stream::Stderr;
        let (mut whole, rest) = bytes.split_at(memrchr(b'\n', bytes).map_or(0, |end| end + 1));
        loop {
            if self.open[usize::from(is_err)].is_empty() {
                whole = self.sieve.skip(whole);
            }
            let Some(end) = memchr(b'\n', whole) else { break };
            self.close(is_err, &whole[..end]);
            whole = &whole[end + 1..];
        }
        let last = self.pieces(is_err, rest);
        self.open[usize::from(is_err)].extend_from_slice(last);
    }

    /// Cuts off what is too long for a line, as soon as it is there, and gives back what is left of these bytes.
    fn pieces<'b>(&mut self, is_err: bool, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        loop {
            let mut open = std::mem::take(&mut self.open[usize::from(is_err)]);
            let room = LONGEST - open.len();
            let is_too_long = rest.len() >= room;
            if is_too_long {
                open.extend_from_slice(&rest[..room]);
                self.keep(is_err, &open);
                open.clear();
                rest = &rest[room..];
            }
            self.open[usize::from(is_err)] = open;
            if !is_too_long {
                return rest;
            }
        }
    }

    /// A line ends with this.
    fn close(&mut self, is_err: bool, last: &[u8]) {
        let last = self.pieces(is_err, last);
        let mut open = std::mem::take(&mut self.open[usize::from(is_err)]);
        if open.is_empty() {
            self.keep(is_err, last);
        } else {
            open.extend_from_slice(last);
            self.keep(is_err, &open);
            open.clear();
        }
        self.open[usize::from(is_err)] = open;
    }

    /// A line, or a piece of one.
    fn keep(&mut self, is_err: bool, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.sieve.passes(line) {
            match std::str::from_utf8(line) {
                Ok(text) => self.texts.push_str(text),
                Err(_) => self.texts.push_str(&String::from_utf8_lossy(line)),
            }
            self.ends.push((is_err, self.texts.len()));
        }
    }

    /// There is nothing more to come: what has no end has one now.
    pub(super) fn end(&mut self) {
        for is_err in [false, true] {
            if !self.open[usize::from(is_err)].is_empty() {
                self.close(is_err, b"");
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How much memory the whole lines take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.texts.len() + self.ends.len() * size_of::<Printed<'_>>()
    }

    /// The whole lines.
    pub(super) fn whole(&self) -> Vec<Printed<'_>> {
        let begins = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        let line = |(begin, (is_err, end)): (usize, &(bool, usize))| {
            let text = self.texts.get(begin..*end).unwrap_or_default();
            Printed { is_err: *is_err, text }
        };
        begins.zip(&self.ends).map(line).collect()
    }

    /// They were read.
    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plugin::Excerpt;

    fn texts(lines: &mut Lines) -> Vec<(bool, String)> {
        let texts = lines.whole().into_iter().map(|line| (line.is_err, line.text.to_owned())).collect();
        lines.clear();
        texts
    }

    #[test]
    fn each_stream_is_cut_for_itself() {
        let mut lines = Lines::new(Sieve::new(&Excerpt::default()));
        lines.push(Stream::Stdout, b"one\r\ntw");
        lines.push(Stream::Stderr, b"err\n");
        lines.push(Stream::Stdout, b"o\nthr\xff");
        assert_eq!(texts(&mut lines), [(false, "one".into()), (true, "err".into()), (false, "two".into())]);
        lines.end();
        assert_eq!(texts(&mut lines), [(false, "thr\u{fffd}".into())]);
        assert!(lines.is_empty() && lines.size() == 0);
    }

    /// H160: a line without an end is no reason to keep all of it.
    #[test]
    fn h160_an_endless_line_comes_in_pieces() {
        let mut lines = Lines::new(Sieve::new(&Excerpt::default()));
        lines.push(Stream::Stdout, &vec![b'x'; 3 * LONGEST + 1]);
        assert_eq!(texts(&mut lines).len(), 3);
        lines.end();
        assert_eq!(texts(&mut lines), [(false, "x".into())]);
    }
}
