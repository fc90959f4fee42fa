//! Writes what an attempt prints: byte for byte, up to the stage's `log-max`.
//!
//! What is past the limit goes through a ring, so that the end is kept as well as the head. What the disk refuses is
//! counted and dropped, from the first refused byte on, so that the file is always a prefix of the output.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::index::IndexBuffer;
use super::layout::{RunDir, private_file};
use crate::clock::Clock;
use crate::event::{LogInfo, OutputSink, StageLog, Stream};
use crate::ids::StageName;

/// How much of the end of an output is kept that is longer than its limit, in bytes.
pub const TAIL_MAX: usize = 1 << 20;
/// Index records wait for so many bytes of them, or for the end.
const INDEX_BATCH: usize = 4096;

/// Of a log that grows beyond this, in bytes, only so much stays in the page cache: see [`LogWriter::write_behind`].
const CACHED: u64 = 32 << 20;
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
    broken: bool,
    ring: VecDeque<u8>,
    info: LogInfo,
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
            broken: false,
            ring: VecDeque::new(),
            info: LogInfo::default(),
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

    /// The index is a convenience: what cannot be written of it is left out without a word.
    fn write_index(&mut self, all: bool) {
        let records = self.index.take(all);
        if records.is_empty() {
            return;
        }
        if self.index_file.is_none() {
            let path = self.run.index(&self.stage, self.attempt);
            self.index_file = private_file().append(true).create(true).open(path).ok();
        }
        if let Some(file) = &mut self.index_file {
            let _ = file.write_all(&records);
        }
    }

    /// Keeps the end of what does not fit, and counts what falls out of the ring.
    fn keep_tail(&mut self, bytes: &[u8]) {
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
            Ok(()) => self.info.tail = length,
            Err(_) => self.info.lost += length,
        }
    }
}

impl OutputSink for LogWriter {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let room = usize::try_from(self.max - self.info.bytes).unwrap_or(usize::MAX);
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        let written = self.write_head(head);
        if written > 0 {
            let before = self.info.bytes;
            self.info.bytes += written as u64;
            self.write_behind(before);
            self.index.extend(self.clock.now().mono_us, stream, self.info.bytes);
            if self.index.waiting() >= INDEX_BATCH {
                self.write_index(false);
            }
            (self.bell)();
        }
        if self.broken {
            self.info.lost += (bytes.len() - written) as u64;
        } else if !rest.is_empty() {
            self.keep_tail(rest);
        }
    }
}

impl StageLog for LogWriter {
    fn finish(mut self: Box<Self>) -> LogInfo {
        self.write_index(true);
        self.write_tail();
        self.info
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::journal::{index, layout};

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
        let pieces = index::decode(&std::fs::read(dir.path().join("logs/s.idx")).unwrap());
        assert_eq!(
            pieces.iter().map(|p| (p.end, p.stream)).collect::<Vec<_>>(),
            [(3, Stream::Stdout), (8, Stream::Stderr)]
        );
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
