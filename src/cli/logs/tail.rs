//! Where the last lines of a log begin, read from its end.

use std::io;

use crate::event::Stream;
use crate::journal::index::IndexReader;

/// How much is read at a time, in bytes.
const CHUNK: u64 = 256 * 1024;
/// How much is looked at for a line at least, and for each line that is wanted, in bytes. What is one endless line begins
/// in the middle.
const FAR: u64 = 16 << 20;
/// See [`FAR`].
const FAR_A_LINE: u64 = 8 * 1024;
/// What it counts to look at less than that.
const LEAST: u64 = 256;

/// Lines of one stream among those of both.
pub(super) struct OfStream<'a> {
    pub(super) index: &'a mut IndexReader,
    pub(super) stream: Stream,
    /// Where the file begins in the whole output.
    pub(super) base: u64,
}

/// Where the last lines of a file begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At this byte.
    At(u64),
    /// Before the file: it has so many too few.
    Before(usize),
}

/// Where the last so many lines of a file of this length begin. A last line without an end is one too.
pub(super) fn start_of_last(
    lines: usize,
    length: u64,
    mut of: Option<OfStream<'_>>,
    mut read: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
) -> io::Result<Start> {
    if lines == 0 || length == 0 {
        return Ok(if lines == 0 { Start::At(length) } else { Start::Before(lines) });
    }
    let mut patience = FAR.saturating_add(FAR_A_LINE.saturating_mul(lines as u64));
    let mut buffer = vec![0; usize::try_from(CHUNK.min(length)).unwrap_or(0)];
    let (mut end, mut wanted) = (length, lines);
    // Whether there is anything after where we look: the newline that ends the last line begins no other.
    let mut anything = false;
    while end > 0 {
        let mut start = end.saturating_sub(buffer.len() as u64);
        if let Some(of) = &mut of {
            let (stream, begins) = of.index.before(of.base + end)?;
            let begins = begins.saturating_sub(of.base);
            if stream != of.stream {
                end = begins;
                continue;
            }
            start = start.max(begins);
        }
        let block = usize::try_from(end - start).unwrap_or(0).min(buffer.len());
        let n = read(start, &mut buffer[..block])?;
        for at in memchr::memrchr_iter(b'\n', &buffer[..n]) {
            let next = at + 1;
            if !anything && next == n {
                continue;
            }
            wanted -= 1;
            if wanted == 0 {
                return Ok(Start::At(start + next as u64));
            }
        }
        anything |= n > 0;
        end = start;
        patience = patience.saturating_sub((n as u64).max(LEAST));
        if patience == 0 {
            return Ok(Start::At(end));
        }
    }
    Ok(match wanted {
        // The first line is one too, where there is one.
        wanted if !anything => Start::Before(wanted),
        1 => Start::At(0),
        wanted => Start::Before(wanted - 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reader(text: &[u8]) -> impl FnMut(u64, &mut [u8]) -> io::Result<usize> {
        |offset, buf| {
            let rest = &text[usize::try_from(offset).unwrap()..];
            let n = rest.len().min(buf.len());
            buf[..n].copy_from_slice(&rest[..n]);
            Ok(n)
        }
    }

    #[test]
    fn the_last_lines_begin_after_a_newline() {
        for (text, lines, expected) in [
            ("", 3, Start::Before(3)),
            ("a\nb\nc\n", 0, Start::At(6)),
            ("a\nb\nc\n", 1, Start::At(4)),
            ("a\nb\nc", 1, Start::At(4)),
            ("a\nb\nc\n", 3, Start::At(0)),
            ("a\nb\nc\n", 5, Start::Before(2)),
            ("\n\n", 1, Start::At(1)),
        ] {
            let found = start_of_last(lines, text.len() as u64, None, reader(text.as_bytes())).unwrap();
            assert_eq!(found, expected, "{text:?}, {lines}");
        }
    }

    /// H73: what has no lines is not read to its beginning for one.
    #[test]
    fn h73_an_endless_line_begins_in_the_middle() {
        let (length, mut read) = (5_u64 << 30, 0_u64);
        let found = start_of_last(20, length, None, |_, buf: &mut [u8]| {
            read += buf.len() as u64;
            buf.fill(b'x');
            Ok(buf.len())
        });
        let far = FAR + 20 * FAR_A_LINE;
        assert!(matches!(found, Ok(Start::At(offset)) if offset >= length - 2 * far), "{found:?}");
        assert!(read <= 2 * far, "{read}");
    }

    /// What another stream printed in between is not read.
    #[test]
    fn h73_a_line_of_one_stream_is_found_behind_gigabytes_of_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.idx");
        let length = 5_u64 << 30;
        let records = [8, length << 1 | 1].map(|end: u64| [1_u64.to_le_bytes(), end.to_le_bytes()].concat());
        std::fs::write(&path, records.concat()).unwrap();
        let mut index = IndexReader::new(path);
        let of = OfStream { index: &mut index, stream: Stream::Stdout, base: 0 };
        let found = start_of_last(1, length, Some(of), |offset, buf| {
            assert_eq!((offset, buf.len()), (0, 4));
            buf.copy_from_slice(b"a\nb\n");
            Ok(4)
        });
        assert_eq!(found.unwrap(), Start::At(2));
    }

    proptest! {
        /// Lines of one stream are counted where those of another stand between.
        #[test]
        fn of_one_stream_as_if_it_were_alone(
            pieces in prop::collection::vec((any::<bool>(), "[a\n]{0,4}"), 0..30),
            lines in 0..8_usize,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("s.idx");
            let (mut text, mut records, mut errors) = (Vec::new(), Vec::new(), Vec::new());
            for (is_error, piece) in &pieces {
                if piece.is_empty() {
                    continue;
                }
                text.extend_from_slice(piece.as_bytes());
                records.extend_from_slice(&1_u64.to_le_bytes());
                records.extend_from_slice(&((text.len() as u64) << 1 | u64::from(*is_error)).to_le_bytes());
                if *is_error {
                    errors.extend_from_slice(piece.as_bytes());
                }
            }
            std::fs::write(&path, records).unwrap();
            let mut index = IndexReader::new(path);
            let of = OfStream { index: &mut index, stream: Stream::Stderr, base: 0 };
            let found = start_of_last(lines, text.len() as u64, Some(of), reader(&text)).unwrap();
            let from = match found {
                Start::At(offset) => usize::try_from(offset).unwrap(),
                Start::Before(_) => 0,
            };
            let is_error = |at: usize| index.at(at as u64).unwrap().0 == Stream::Stderr;
            let of_errors: Vec<bool> = (0..text.len()).map(is_error).collect();
            let rest = text.iter().zip(of_errors).skip(from);
            let shown: Vec<u8> = rest.filter(|(_, is_error)| *is_error).map(|(byte, _)| *byte).collect();
            let all: Vec<&[u8]> = errors.split_inclusive(|byte| *byte == b'\n').collect();
            let expected = all[all.len().saturating_sub(lines)..].concat();
            prop_assert_eq!(shown, expected);
            if let Start::Before(missing) = found {
                prop_assert_eq!(missing, lines - all.len());
            }
        }
    }
}
