//! Going on with a log that a killed writer left, behind the last byte that is there.
//!
//! The log is a prefix of the output, whatever moment it was cut off at. Its index may say more than there is, since a record
//! is written before its bytes; and less, since a piece grows without one. Both are mended before anything is added. An index
//! that makes no sense is begun anew together with its log: the whole output can be had again.

use std::fs::{self, File};
use std::io::{self, Write};

use super::LogWriter;
use crate::event::Stream;
use crate::journal::index::{self, Piece, RECORD};
use crate::journal::layout::{open_to_read, private_file, read_file};

impl LogWriter {
    /// The same log, which another writer has begun, and how many bytes of the output are in it. What cannot be gone on with
    /// is begun anew.
    pub fn resumed(mut self) -> (Self, u64) {
        let length = self.take_up().unwrap_or_else(|_| {
            self.discard();
            0
        });
        self.info.bytes = length;
        // What was kept then is kept, whatever the limit is now.
        self.max = self.max.max(length);
        (self, length)
    }

    fn take_up(&mut self) -> io::Result<u64> {
        // The end of an output is known once all of it is.
        let _ = fs::remove_file(self.run.tail(&self.stage, self.attempt));
        let length = match open_to_read(&self.run.log(&self.stage, self.attempt)) {
            Ok(log) => log.metadata()?.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let path = self.run.index(&self.stage, self.attempt);
        let bytes = match read_file(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let Mended { kept, added } =
            mend(&index::decode(&bytes), length).ok_or(io::Error::from(io::ErrorKind::InvalidData))?;
        if kept * RECORD < bytes.len() || !added.is_empty() {
            let mut file = private_file().append(true).create(true).open(&path)?;
            file.set_len((kept * RECORD) as u64)?;
            file.write_all(&index::encode(&added))?;
        }
        self.index.resume(length, (kept + added.len()) * RECORD);
        Ok(length)
    }

    fn discard(&self) {
        for path in [self.run.log(&self.stage, self.attempt), self.run.index(&self.stage, self.attempt)] {
            // Not removed: whoever has it open reads on in it.
            let _ = private_file().write(true).open(path).and_then(|file: File| file.set_len(0));
        }
    }
}

/// What becomes of an index.
struct Mended {
    /// So many of its records stay.
    kept: usize,
    /// These come after them.
    added: Vec<Piece>,
}

/// Has an index end where its log does. None where no writer has left it so.
fn mend(pieces: &[Piece], length: u64) -> Option<Mended> {
    if !pieces.is_sorted_by_key(|piece| piece.end) {
        return None;
    }
    let kept = pieces.partition_point(|piece| piece.end <= length);
    let before = kept.checked_sub(1).map(|last| pieces[last]);
    if before.map_or(0, |before| before.end) == length {
        return Some(Mended { kept, added: Vec::new() });
    }
    // The next record was written for bytes of which some came; without one, the piece before it has grown.
    let open = pieces.get(kept).copied().or(before);
    let open = open.unwrap_or(Piece { mono_us: 0, end: 0, stream: Stream::Stdout });
    Some(Mended { kept, added: vec![Piece { end: length, ..open }] })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::event::{LogInfo, OutputSink, StageLog};
    use crate::ids::StageName;
    use crate::journal::index::IndexReader;
    use crate::journal::layout::{self, RunDir};
    use std::time::Duration;

    const MAX: u64 = 100;

    fn writer(dir: &Path, max: u64, clock: &Arc<ManualClock>) -> LogWriter {
        let run = RunDir::new(dir.to_owned());
        layout::create_dir(&run.logs()).unwrap();
        LogWriter::new(run, StageName::new("s").unwrap(), 1, max, clock.clone(), Arc::new(|| {}))
    }

    fn streams(dir: &Path, length: u64) -> Vec<Stream> {
        let mut index = IndexReader::new(dir.join("logs/s.idx"));
        (0..length).map(|offset| index.at(offset).unwrap().0).collect()
    }

    /// An output of both streams, a piece at a time.
    fn pieces() -> Vec<(Stream, Vec<u8>)> {
        let of = |n: u8| if n % 5 < 3 { Stream::Stdout } else { Stream::Stderr };
        (0..20).map(|n| (of(n), vec![b'a' + n; usize::from(n % 4) + 1])).collect()
    }

    fn print(log: &mut LogWriter, from: u64, clock: &ManualClock) {
        let mut at = 0;
        for (stream, bytes) in pieces() {
            let skipped = usize::try_from(from.saturating_sub(at)).unwrap().min(bytes.len());
            at += bytes.len() as u64;
            if skipped < bytes.len() {
                log.write(stream, &bytes[skipped..]);
            }
            clock.advance(Duration::from_millis(4));
        }
    }

    /// Killed at every byte of the log and at every byte of its index that can go with that, a log is gone on with to the
    /// very bytes that it would have had, each of its own stream.
    #[test]
    fn h24_a_log_that_was_cut_off_anywhere_is_gone_on_with() {
        let whole: Vec<u8> = pieces().into_iter().flat_map(|(_, bytes)| bytes).collect();
        let whose: Vec<Stream> = pieces().into_iter().flat_map(|(stream, bytes)| vec![stream; bytes.len()]).collect();
        for cut in 0..=whole.len() {
            for torn in 0..RECORD {
                let dir = tempfile::tempdir().unwrap();
                let clock = Arc::new(ManualClock::default());
                let mut first = writer(dir.path(), MAX, &clock);
                let mut left = cut;
                for (stream, bytes) in pieces() {
                    // The last write says all of its piece, and puts a part of it there.
                    first.write(stream, &bytes);
                    clock.advance(Duration::from_millis(4));
                    if bytes.len() >= left {
                        break;
                    }
                    left -= bytes.len();
                }
                drop(first);
                let path = |name: &str| dir.path().join("logs").join(name);
                fs::write(path("s.log"), &whole[..cut]).unwrap();
                let mut index = fs::OpenOptions::new().append(true).open(path("s.idx")).unwrap();
                index.write_all(&vec![0; torn]).unwrap();

                let (mut second, from) = writer(dir.path(), MAX, &clock).resumed();
                assert_eq!(from, cut as u64);
                print(&mut second, from, &clock);
                let info = Box::new(second).finish();
                assert_eq!(info, LogInfo { bytes: whole.len() as u64, ..LogInfo::default() }, "{cut}");
                assert_eq!(fs::read(path("s.log")).unwrap(), whole, "{cut}");
                assert_eq!(streams(dir.path(), whole.len() as u64), whose, "{cut} {torn}");
            }
        }
    }

    /// H54: the head stays, and the end is the output's and not that of the part that came before.
    #[test]
    fn h54_a_capped_log_is_gone_on_with_behind_its_head() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let mut first = writer(dir.path(), 10, &clock);
        first.write(Stream::Stdout, b"0123456789abcdefghij");
        Box::new(first).finish();
        let (mut second, from) = writer(dir.path(), 4, &clock).resumed();
        assert_eq!(from, 10);
        assert!(!dir.path().join("logs/s.tail").exists());
        second.write(Stream::Stdout, b"abcdefghijklmnop");
        let info = Box::new(second).finish();
        assert_eq!(info, LogInfo { bytes: 10, omitted: 6, tail: 10, lost: 0 });
        assert_eq!(fs::read(dir.path().join("logs/s.log")).unwrap(), b"0123456789");
        assert_eq!(fs::read(dir.path().join("logs/s.tail")).unwrap(), b"ghijklmnop");
        assert_eq!(streams(dir.path(), 26), [Stream::Stdout; 26]);
    }

    #[test]
    fn what_makes_no_sense_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let mut first = writer(dir.path(), 10, &clock);
        first.write(Stream::Stdout, b"0123");
        drop(first);
        let backwards = [5, 3].map(|end| Piece { mono_us: 0, end, stream: Stream::Stderr });
        fs::write(dir.path().join("logs/s.idx"), index::encode(&backwards)).unwrap();
        let (mut second, from) = writer(dir.path(), 10, &clock).resumed();
        assert_eq!(from, 0);
        second.write(Stream::Stdout, b"012345");
        assert_eq!(Box::new(second).finish().bytes, 6);
        assert_eq!(fs::read(dir.path().join("logs/s.log")).unwrap(), b"012345");
        assert_eq!(streams(dir.path(), 6), [Stream::Stdout; 6]);
    }

    /// Nothing came before it was killed; or the log alone was lost.
    #[test]
    fn a_log_that_is_not_there_begins() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let (_, from) = writer(dir.path(), 10, &clock).resumed();
        assert_eq!(from, 0);
        assert_eq!(fs::read_dir(dir.path().join("logs")).unwrap().count(), 0);
        let said = [Piece { mono_us: 0, end: 5, stream: Stream::Stderr }];
        fs::write(dir.path().join("logs/s.idx"), index::encode(&said)).unwrap();
        let (mut log, from) = writer(dir.path(), 10, &clock).resumed();
        assert_eq!(from, 0);
        log.write(Stream::Stdout, b"01");
        assert_eq!(streams(dir.path(), 2), [Stream::Stdout; 2]);
    }
}
