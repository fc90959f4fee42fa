//! Cuts what comes into lines, each stream's for itself.

use memchr::memchr;

use crate::event::Stream;
use crate::plugin::services::Line;

/// The longest line that is handed over whole, in bytes; a longer one comes in pieces.
const LONGEST: usize = 64 * 1024;

/// Lines in the making.
#[derive(Debug, Default)]
pub(super) struct Lines {
    whole: Vec<Line>,
    size: usize,
    /// What has no end yet, of stdout and of stderr.
    open: [Vec<u8>; 2],
}

impl Lines {
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let is_err = stream == Stream::Stderr;
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            self.close(is_err, &rest[..end]);
            rest = &rest[end + 1..];
        }
        for piece in rest.chunks(LONGEST) {
            self.open[usize::from(is_err)].extend_from_slice(piece);
            if self.open[usize::from(is_err)].len() >= LONGEST {
                self.close(is_err, b"");
            }
        }
    }

    /// A line ends with this.
    fn close(&mut self, is_err: bool, last: &[u8]) {
        let open = &mut self.open[usize::from(is_err)];
        let text = if open.is_empty() {
            text(last)
        } else {
            open.extend_from_slice(last);
            let text = text(open);
            open.clear();
            text
        };
        self.size += text.len() + size_of::<Line>();
        self.whole.push(Line { is_err, text });
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
        self.whole.is_empty()
    }

    /// How much memory the whole lines take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The whole lines.
    pub(super) fn take(&mut self) -> Vec<Line> {
        self.size = 0;
        std::mem::take(&mut self.whole)
    }
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &mut Lines) -> Vec<(bool, String)> {
        lines.take().into_iter().map(|line| (line.is_err, line.text)).collect()
    }

    #[test]
    fn each_stream_is_cut_for_itself() {
        let mut lines = Lines::default();
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
        let mut lines = Lines::default();
        lines.push(Stream::Stdout, &vec![b'x'; 3 * LONGEST + 1]);
        assert_eq!(lines.take().len(), 3);
        lines.end();
        assert_eq!(texts(&mut lines), [(false, "x".into())]);
    }
}
