//! Where the last lines of a log begin, read from its end.

use std::io;

use super::index::IndexReader;
use crate::event::Stream;

/// How much is read at a time, in bytes.
const CHUNK: u64 = 256 * 1024;
/// How much more is looked at for each line that is wanted, in bytes.
const FAR_A_LINE: u64 = 8 * 1024;
/// What it counts to look at less than that.
const LEAST: u64 = 256;

/// Lines of one stream among those of both.
#[derive(Debug)]
pub struct OfStream<'a> {
    /// What says which bytes are whose.
    pub index: &'a mut IndexReader,
    /// Whose lines are meant.
    pub stream: Stream,
    /// Where the file begins in the whole output.
    pub base: u64,
}

/// Where the last lines of a file begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this byte.
    At(u64),
    /// Before the file: it has so many too few.
    Before(usize),
}

/// Where the last so many lines of the first `length` bytes of a file begin. A last line without an end is one too.
///
/// No more is read than about `far` bytes, and some for each line: what is one endless line begins in the middle.
pub fn start_of_last(
    lines: usize,
    length: u64,
    far: u64,
    mut of: Option<OfStream<'_>>,
    mut read: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
) -> io::Result<Start> {
    if lines == 0 || length == 0 {
        return Ok(if lines == 0 { Start::At(length) } else { Start::Before(lines) });
    }
    let mut patience = far.saturating_add(FAR_A_LINE.saturating_mul(lines as u64));
    let mut buffer = vec![0; usize::try_from(CHUNK.min(length)).unwrap_or(0)];
    let (mut end, mut wanted) = (length, lines);
    // Whether there is anything after where we look: the newline that ends the last line begins no other.
    let mut anything = false;
    while end > 0 {
        let mut start = end.saturating_sub(patience.min(buffer.len() as u64));
        if let Some(of) = &mut of {
            let (stream, begins) = of.index.before(of.base + end)?;
            // Of a damaged index nothing may be believed that leads nowhere.
            let begins = begins.saturating_sub(of.base).min(end - 1);
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

    const FAR: u64 = 1 << 20;

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
            let found = start_of_last(lines, text.len() as u64, FAR, None, reader(text.as_bytes())).unwrap();
            assert_eq!(found, expected, "{text:?}, {lines}");
        }
    }

    /// H73: what has no lines is not read to its beginning for one.
    #[test]
    fn h73_an_endless_line_begins_in_the_middle() {
        let (length, mut read) = (5_u64 << 30, 0_u64);
        let found = start_of_last(20, length, FAR, None, |_, buf: &mut [u8]| {
            read += buf.len() as u64;
            buf.fill(b'x');
            Ok(buf.len())
        });
        let far = FAR + 20 * FAR_A_LINE;
        assert_eq!(found.unwrap(), Start::At(length - far));
        assert_eq!(read, far);
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
        let found = start_of_last(1, length, FAR, Some(of), |offset, buf| {
            assert_eq!((offset, buf.len()), (0, 4));
            buf.copy_from_slice(b"a\nb\n");
            Ok(4)
        });
        assert_eq!(found.unwrap(), Start::At(2));
    }

    /// H32: what an index says is not believed where it leads nowhere.
    #[test]
    fn h32_a_damaged_index_comes_to_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.idx");
        for ends in [[9, 3, 9, 1, 40], [90, 90, 80, 0, 3], [5, 0, 0, 7, 2]] {
            let records = ends.map(|end: u64| [1_u64.to_le_bytes(), (end << 1 | end & 1).to_le_bytes()].concat());
            std::fs::write(&path, records.concat()).unwrap();
            for stream in [Stream::Stdout, Stream::Stderr] {
                let mut index = IndexReader::new(path.clone());
                let of = OfStream { index: &mut index, stream, base: 0 };
                start_of_last(3, 20, FAR, Some(of), reader(b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n")).unwrap();
            }
        }
    }

    proptest! {
        #[test]
        fn so_many_lines_come_after_the_start(
            lengths in prop::collection::vec(0..200_000_usize, 1..6),
            lines in 1..8_usize,
            ended: bool,
        ) {
            let mut text: Vec<u8> = lengths.iter().flat_map(|n| [vec![b'x'; *n], vec![b'\n']].concat()).collect();
            if !ended {
                text.extend_from_slice(b"open");
            }
            let all = lengths.len() + usize::from(!ended);
            match start_of_last(lines, text.len() as u64, FAR, None, reader(&text)).unwrap() {
                Start::Before(missing) => prop_assert_eq!(all + missing, lines),
                Start::At(offset) => {
                    let shown = text[usize::try_from(offset).unwrap()..].split_inclusive(|byte| *byte == b'\n').count();
                    prop_assert_eq!(shown, lines);
                }
            }
        }

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
            let found = start_of_last(lines, text.len() as u64, FAR, Some(of), reader(&text)).unwrap();
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
