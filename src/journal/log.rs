//! Writes what an attempt prints: byte for byte, up to the stage's `log-max`.
//!
//! What is past the limit goes through a ring, so that the end is kept as well as the head. What the disk refuses is
//! counted and dropped, from the first refused byte on, so that the file is always a prefix of the output.

mod reopen;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::index::{IndexBuffer, TailPieces};
use super::layout::{RunDir, private_file};
use crate::clock::Clock;
use crate::event::{LogInfo, OutputSink, StageLog, Stream};
use crate::ids::StageName;

/// How much of the end of an output is kept that is longer than its limit, in bytes.
pub const TAIL_MAX: usize = 1 << 20;

/// Of a log that grows beyond this, in bytes, only so much stays in the page cache: see [`LogWriter::write_behind`].
const CACHED: u64 = 32 << 20;
/// How often a file that is full is given the time, in microseconds.
const NOTED: u64 = 5_000_000;
/// What is written back at a time, in bytes.
const WINDOW: u64 = 8 << 20;

/// Tells whoever follows the run that there is something new. Must not wait.
pub type Bell = Arc<dyn Fn() + Send + Sync>;

/// An attempt's log. The files are made when there is something to write.
pub struct LogWriter {
    run: RunDir,
    stage: StageName,
    attempt: u32,
    max: u64,
    clock: Arc<dyn Clock>,
    bell: Bell,
    file: Option<File>,
    index: IndexBuffer,
    index_file: Option<File>,
    /// Whether the index could not be written, and is left as it is.
    index_broken: bool,
    broken: bool,
    ring: VecDeque<u8>,
    ring_pieces: TailPieces,
    info: LogInfo,
    /// When the file was last given the time, though nothing was written to it: on the monotonic clock, in microseconds.
    noted_us: u64,
}

impl LogWriter {
    /// A log of this attempt, of at most `max` bytes.
    pub fn new(run: RunDir, stage: StageName, attempt: u32, max: u64, clock: Arc<dyn Clock>, bell: Bell) -> Self {
        Self {
            run,
            stage,
            attempt,
            max,
            clock,
            bell,
            file: None,
            index: IndexBuffer::default(),
            index_file: None,
            index_broken: false,
            broken: false,
            ring: VecDeque::new(),
            ring_pieces: TailPieces::default(),
            info: LogInfo::default(),
            noted_us: 0,
        }
    }

    /// Gives the file the time now and then: by that others know when something was printed the last time, also where
    /// nothing more of it is kept there.
    fn note_time(&mut self) {
        let now = self.clock.now();
        if self.noted_us > 0 && now.mono_us.saturating_sub(self.noted_us) < NOTED {
            return;
        }
        self.noted_us = now.mono_us;
        if let (Some(file), Ok(ms)) = (&self.file, u64::try_from(now.unix_ms)) {
            let _ = file.set_modified(UNIX_EPOCH + Duration::from_millis(ms));
        }
    }

    /// Has the system write a flood to the disk while it goes on, and forget what is written, instead of letting it
    /// fill the memory with pages that nobody will read again. Never waits for the disk.
    ///
    /// The advice given for a range starts to write what is dirty in it and drops what is clean; so each window gets
    /// it twice.
    fn write_behind(&self, before: u64) {
        let window = self.info.bytes / WINDOW;
        let Some(file) = self.file.as_ref().filter(|_| window > before / WINDOW) else { return };
        let advise = |end: u64, length: u64| {
            if let Some(length) = std::num::NonZeroU64::new(length.min(end)) {
                // A file system that cannot take it loses nothing but memory.
                let _ = rustix::fs::fadvise(file, end - length.get(), Some(length), rustix::fs::Advice::DontNeed);
            }
        };
        advise(window * WINDOW, WINDOW);
        advise((window * WINDOW).saturating_sub(CACHED), WINDOW);
    }

    /// Appends to the head; returns how many bytes were written.
    fn write_head(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() && !self.broken {
            match self.head().and_then(|file| file.write(&bytes[written..])) {
                Ok(0) => self.broken = true,
                Ok(n) => written += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.broken = true,
            }
        }
        written
    }

    fn head(&mut self) -> io::Result<&mut File> {
        match self.file {
            Some(ref mut file) => Ok(file),
            None => {
                let path = self.run.log(&self.stage, self.attempt);
                Ok(self.file.insert(private_file().append(true).create(true).open(path)?))
            }
        }
    }

    /// The index is a convenience: what cannot be written of it is left out without a word, and all that would follow,
    /// for half a record would put the next ones in the wrong place.
    fn write_index(&mut self, records: &[u8]) {
        if records.is_empty() || self.index_broken {
            return;
        }
        if self.index_file.is_none() {
            let path = self.run.index(&self.stage, self.attempt);
            self.index_file = private_file().append(true).create(true).open(path).ok();
        }
        let written = self.index_file.as_mut().is_some_and(|file| file.write_all(records).is_ok());
        self.index_broken = !written;
    }

    /// Keeps the end of what does not fit, and counts what falls out of the ring.
    fn keep_tail(&mut self, stream: Stream, bytes: &[u8]) {
        let limit = TAIL_MAX.min(usize::try_from(self.max).unwrap_or(TAIL_MAX));
        let bytes = if bytes.len() > limit {
            self.info.omitted += (bytes.len() - limit) as u64;
            &bytes[bytes.len() - limit..]
        } else {
            bytes
        };
        let over = (self.ring.len() + bytes.len()).saturating_sub(limit);
        self.ring.drain(..over);
        self.info.omitted += over as u64;
        self.ring.extend(bytes);
        let start = self.info.bytes + self.info.omitted;
        self.ring_pieces.extend(self.clock.now().mono_us, stream, start + self.ring.len() as u64, start);
    }

    fn write_tail(&mut self) {
        if self.ring.is_empty() {
            return;
        }
        let path: PathBuf = self.run.tail(&self.stage, self.attempt);
        let bytes = self.ring.make_contiguous();
        let result =
            private_file().write(true).create(true).truncate(true).open(path).and_then(|mut f| f.write_all(bytes));
        let length = bytes.len() as u64;
        match result {
            Ok(()) => {
                self.info.tail = length;
                let records = self.ring_pieces.records();
                self.write_index(&records);
            }
            Err(_) => self.info.lost += length,
        }
    }
}

impl OutputSink for LogWriter {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let room = usize::try_from(self.max - self.info.bytes).unwrap_or(usize::MAX);
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        if !head.is_empty() && !self.broken && self.head().is_ok() {
            // Before the bytes: who reads those knows whose they are.
            self.index.extend(self.clock.now().mono_us, stream, self.info.bytes + head.len() as u64);
            let records = self.index.take();
            self.write_index(&records);
        }
        let written = self.write_head(head);
        if written > 0 {
            let before = self.info.bytes;
            self.info.bytes += written as u64;
            self.write_behind(before);
            (self.bell)();
        }
        if self.broken {
            self.info.lost += (bytes.len() - written) as u64;
        } else if !rest.is_empty() {
            self.keep_tail(stream, rest);
            self.note_time();
        }
    }
}

impl StageLog for LogWriter {
    fn finish(mut self: Box<Self>) -> LogInfo {
        self.index.close();
        let records = self.index.take();
        self.write_index(&records);
        self.write_tail();
        self.info
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::journal::index::IndexReader;
    use crate::journal::layout;

    fn writer(dir: &std::path::Path, max: u64) -> Box<LogWriter> {
        let run = RunDir::new(dir.to_owned());
        layout::create_dir(&run.logs()).unwrap();
        let stage = StageName::new("s").unwrap();
        Box::new(LogWriter::new(run, stage, 1, max, Arc::new(ManualClock::default()), Arc::new(|| {})))
    }

    #[test]
    fn bytes_are_kept_as_they_came_and_the_index_says_whence() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = writer(dir.path(), 100);
        log.write(Stream::Stdout, b"a\xff\0");
        log.write(Stream::Stderr, b"\x1b[31m");
        let info = log.finish();
        assert_eq!(info, LogInfo { bytes: 8, ..LogInfo::default() });
        assert_eq!(std::fs::read(dir.path().join("logs/s.log")).unwrap(), b"a\xff\0\x1b[31m");
        assert_eq!(
            streams(dir.path(), 8),
            [Stream::Stdout; 3].into_iter().chain([Stream::Stderr; 5]).collect::<Vec<_>>()
        );
    }

    /// Which stream each byte of the output came from.
    fn streams(dir: &std::path::Path, length: u64) -> Vec<Stream> {
        let mut index = IndexReader::new(dir.join("logs/s.idx"));
        (0..length).map(|offset| index.at(offset).unwrap().0).collect()
    }

    /// H68: whoever reads while the log is written knows of every byte whence it came, and so does who reads the tail.
    #[test]
    fn h68_every_byte_is_told_apart_as_soon_as_it_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = writer(dir.path(), 20);
        let (mut printed, mut whose) = (Vec::new(), Vec::new());
        for n in 0..60_usize {
            let stream = if n % 7 < 4 { Stream::Stdout } else { Stream::Stderr };
            let piece = b"ab"[..n % 3].to_vec();
            log.write(stream, &piece);
            whose.extend(vec![stream; piece.len()]);
            printed.extend(piece);
            let readable = std::fs::read(dir.path().join("logs/s.log")).unwrap_or_default();
            assert_eq!(readable, printed[..printed.len().min(20)]);
            assert_eq!(streams(dir.path(), readable.len() as u64), whose[..readable.len()], "{n}");
        }
        let info = log.finish();
        assert_eq!((info.bytes, info.tail), (20, 20));
        let tail = streams(dir.path(), printed.len() as u64).split_off(printed.len() - 20);
        assert_eq!(tail, whose[whose.len() - 20..]);
    }

    /// Whoever asks when something was printed last is told so by the file's time, also where it is full.
    #[test]
    fn a_full_file_is_given_the_time_of_what_is_printed() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = writer(dir.path(), 3);
        log.write(Stream::Stdout, b"abc");
        let path = dir.path().join("logs/s.log");
        let modified = || std::fs::metadata(&path).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let before = modified();
        log.write(Stream::Stdout, b"d");
        // The clock of tests says that it is long ago.
        assert!(modified() < before);
        drop(log);
    }

    /// H54: the head is kept, the end is kept, and what lies between is counted.
    #[test]
    fn h54_a_capped_log_keeps_head_and_tail() {
        for step in [1, 3, 7, 26] {
            let dir = tempfile::tempdir().unwrap();
            let mut log = writer(dir.path(), 10);
            for piece in b"abcdefghijklmnopqrstuvwxyz".chunks(step) {
                log.write(Stream::Stdout, piece);
            }
            let info = log.finish();
            assert_eq!(info, LogInfo { bytes: 10, omitted: 6, tail: 10, lost: 0 }, "step {step}");
            assert_eq!(std::fs::read(dir.path().join("logs/s.log")).unwrap(), b"abcdefghij");
            assert_eq!(std::fs::read(dir.path().join("logs/s.tail")).unwrap(), b"qrstuvwxyz");
        }
    }

    /// H74: a log that cannot be written costs its bytes, counted, and nothing else.
    #[test]
    fn h74_what_the_disk_refuses_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = writer(dir.path(), 100);
        std::fs::create_dir(dir.path().join("logs/s.log")).unwrap();
        log.write(Stream::Stdout, b"hello");
        log.write(Stream::Stdout, b"world!");
        assert_eq!(log.finish(), LogInfo { lost: 11, ..LogInfo::default() });
    }

    #[test]
    fn nothing_printed_makes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(writer(dir.path(), 10).finish(), LogInfo::default());
        assert_eq!(std::fs::read_dir(dir.path().join("logs")).unwrap().count(), 0);
    }
}
