//! Looks up which stream bytes of a log came from, in an index that may still grow.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::{Piece, RECORD, decode};
use crate::event::Stream;
use crate::journal::layout::private_file;

/// How many records are read at a time.
const BLOCK: u64 = 256;

/// Reads one index, a block at a time. Made for offsets that ascend; others are searched for.
#[derive(Debug)]
pub struct IndexReader {
    path: PathBuf,
    file: Option<File>,
    block: Vec<Piece>,
    /// Which record the block begins with.
    block_start: u64,
    /// Which record is looked at first, and where the piece before it ends.
    next: u64,
    before: Option<Piece>,
}

impl IndexReader {
    /// A reader of this file, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, block: Vec::new(), block_start: 0, next: 0, before: None }
    }

    /// Which stream the byte at this offset of the output came from, and up to which offset the same holds. Of bytes that
    /// were read from the log before this is asked all is known; those after the last record have no end.
    pub fn at(&mut self, offset: u64) -> io::Result<(Stream, u64)> {
        if self.before.is_some_and(|before| before.end > offset) {
            self.back(offset)?;
        }
        let mut hops = 0;
        while let Some(piece) = self.record(self.next)? {
            if piece.end > offset {
                return Ok((piece.stream, piece.end));
            }
            self.before = Some(piece);
            self.next += 1;
            hops += 1;
            if hops > BLOCK {
                self.leap(offset)?;
            }
        }
        Ok((self.before.map_or(Stream::Stdout, |last| last.stream), u64::MAX))
    }

    /// Which stream the byte before this offset came from, and from which offset on the same holds at least. To be asked
    /// of an offset that is not 0.
    pub fn before(&mut self, offset: u64) -> io::Result<(Stream, u64)> {
        let (stream, _) = self.at(offset.saturating_sub(1))?;
        Ok((stream, self.before.map_or(0, |before| before.end)))
    }

    /// Whether a record is there and its piece ends before this offset.
    fn is_before(&mut self, number: u64, offset: u64) -> io::Result<bool> {
        Ok(self.record(number)?.is_some_and(|piece| piece.end <= offset))
    }

    /// Moves back to the first piece that ends after this offset.
    fn back(&mut self, offset: u64) -> io::Result<()> {
        // Who goes backwards wants the one before.
        match self.next.checked_sub(2) {
            Some(last) if self.is_before(last, offset)? => self.go_to(last + 1),
            _ => self.search(0, self.next, offset),
        }
    }

    /// Moves on to the first piece that ends after this offset, or behind the last: in leaps, each twice as far.
    fn leap(&mut self, offset: u64) -> io::Result<()> {
        let mut step = BLOCK;
        while self.is_before(self.next.saturating_add(step), offset)? {
            step = step.saturating_mul(2);
        }
        self.search(self.next, self.next.saturating_add(step), offset)
    }

    /// Moves to the first piece of these that ends after this offset, or behind them.
    fn search(&mut self, mut low: u64, mut high: u64, offset: u64) -> io::Result<()> {
        while low < high {
            let middle = low + (high - low) / 2;
            if self.is_before(middle, offset)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.go_to(low)
    }

    fn go_to(&mut self, number: u64) -> io::Result<()> {
        self.next = number;
        self.before = match number.checked_sub(1) {
            Some(last) => self.record(last)?,
            None => None,
        };
        Ok(())
    }

    /// A record; none where it is not written yet.
    fn record(&mut self, number: u64) -> io::Result<Option<Piece>> {
        let in_block = |reader: &Self| {
            let at = usize::try_from(number.checked_sub(reader.block_start)?).ok()?;
            reader.block.get(at).copied()
        };
        if let Some(piece) = in_block(self) {
            return Ok(Some(piece));
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => match private_file().read(true).open(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        self.block_start = number - number % BLOCK;
        let mut bytes = vec![0; RECORD * 256];
        let mut length = 0;
        while length < bytes.len() {
            match file.read_at(&mut bytes[length..], self.block_start * RECORD as u64 + length as u64) {
                Ok(0) => break,
                Ok(n) => length += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.block = decode(&bytes[..length]);
        Ok(in_block(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(file: &mut File, pieces: &[(u64, Stream)]) {
        for (end, stream) in pieces {
            file.write_all(&Piece { mono_us: 1, end: *end, stream: *stream }.encode()).unwrap();
        }
    }

    #[test]
    fn an_index_is_read_while_it_grows_and_backwards() {
        use Stream::{Stderr, Stdout};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.idx");
        let mut reader = IndexReader::new(path.clone());
        assert_eq!(reader.at(0).unwrap(), (Stdout, u64::MAX), "there is none yet");
        let mut file = File::create(path).unwrap();
        write(&mut file, &[(3, Stdout), (5, Stderr)]);
        assert_eq!(reader.at(0).unwrap(), (Stdout, 3));
        assert_eq!(reader.at(4).unwrap(), (Stderr, 5));
        assert_eq!(reader.at(5).unwrap(), (Stderr, u64::MAX), "what came after the last record is of its stream");
        file.write_all(&[0; 15]).unwrap();
        assert_eq!(reader.at(5).unwrap(), (Stderr, u64::MAX), "a torn record is not there");
        file.set_len(32).unwrap();
        let mut file = File::options().append(true).open(dir.path().join("s.idx")).unwrap();
        write(&mut file, &[(9, Stderr), (10, Stdout)]);
        assert_eq!(reader.at(5).unwrap(), (Stderr, 9));
        assert_eq!(reader.at(9).unwrap(), (Stdout, 10));
        assert_eq!(reader.at(10).unwrap(), (Stdout, u64::MAX));
        assert_eq!(reader.at(1).unwrap(), (Stdout, 3), "and back");
        assert_eq!(reader.at(3).unwrap(), (Stderr, 5));
        assert_eq!(
            [12, 9, 5, 4, 3].map(|offset| reader.before(offset).unwrap()),
            [(Stdout, 10), (Stderr, 5), (Stderr, 3), (Stderr, 3), (Stdout, 0)]
        );
    }

    #[test]
    fn every_byte_of_a_long_index_is_found_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.idx");
        let stream = |n: u64| if n.is_multiple_of(3) { Stream::Stderr } else { Stream::Stdout };
        let mut file = File::create(&path).unwrap();
        let pieces: Vec<(u64, Stream)> = (0..1000).map(|n| ((n + 1) * 2, stream(n))).collect();
        write(&mut file, &pieces);
        let mut reader = IndexReader::new(path);
        for n in (0..2000).chain((0..2000).rev()).chain([1999, 3, 1024, 511, 512, 0]) {
            assert_eq!(reader.at(n).unwrap(), (stream(n / 2), (n / 2 + 1) * 2), "{n}");
            assert_eq!(reader.before(n + 1).unwrap(), (stream(n / 2), n / 2 * 2), "{n}");
        }
    }
}
