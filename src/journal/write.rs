//! Appends events: one line, one write(2).
//!
//! Killed between two writes, the journal is a prefix of the events. A write that was cut short by a full disk is taken
//! back, or closed off with a newline before the next one, so that a line is either whole or skipped by readers. Whoever goes
//! on with a journal cuts off what was not said to its end.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::layout::{RunDir, open_append, open_to_read};
use crate::clock::Timestamp;
use crate::event::{Event, Sink};

/// The writer of a run's journal.
#[derive(Debug)]
pub struct JournalWriter {
    file: File,
    length: u64,
    torn: bool,
    line: Vec<u8>,
}

impl JournalWriter {
    /// Opens the journal of a run to append to it. A line at its end that is not whole is cut off: nobody has read it.
    pub fn open(run: &RunDir) -> io::Result<Self> {
        let file = open_append(&run.events())?;
        let mut length = file.metadata()?.len();
        if length > 0 {
            let whole = whole_lines(&open_to_read(&run.events())?, length)?;
            if whole < length {
                file.set_len(whole)?;
                length = whole;
            }
        }
        Ok(Self { file, length, torn: false, line: Vec::new() })
    }

    fn append(&mut self) -> io::Result<()> {
        loop {
            match self.file.write(&self.line) {
                Ok(n) if n == self.line.len() => {
                    self.length += n as u64;
                    self.torn = false;
                    return Ok(());
                }
                Ok(n) => {
                    self.torn = self.file.set_len(self.length).is_err();
                    if self.torn {
                        self.length += n as u64;
                    }
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Up to where a file of this length has whole lines.
fn whole_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut buffer = [0; 16 * 1024];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let piece = usize::try_from(end - start).unwrap_or(buffer.len());
        file.read_exact_at(&mut buffer[..piece], start)?;
        if let Some(at) = memchr::memrchr(b'\n', &buffer[..piece]) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

impl Sink for JournalWriter {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.line.clear();
        if self.torn {
            self.line.push(b'\n');
        }
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        self.append()
    }

    fn tick(&mut self, _now: Timestamp) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;
    use crate::journal::layout::create_dir;
    use crate::journal::read::read_all;

    fn event(seq: u64, text: &str) -> Event {
        let kind = EventKind::Notice { stage: None, text: text.into() };
        Event { seq, at: Timestamp { unix_ms: 1, mono_us: seq }, kind }
    }

    /// H27: killed at any byte, a journal is gone on with behind its last whole event, and readers find all of both.
    #[test]
    fn h27_a_journal_cut_anywhere_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path().join("1"));
        create_dir(run.path()).unwrap();
        let long = "long ".repeat(10_000);
        let first = [event(0, "a"), event(1, "b"), event(2, &long)];
        let mut writer = JournalWriter::open(&run).unwrap();
        for event in &first {
            writer.event(event).unwrap();
        }
        drop(writer);
        let whole = std::fs::read(run.events()).unwrap();
        let cuts = (0..300).chain((300..whole.len()).step_by(4999)).chain(whole.len() - 2..=whole.len());
        for cut in cuts {
            std::fs::write(run.events(), &whole[..cut]).unwrap();
            let before = read_all(&run).unwrap();
            let next = event(before.len() as u64, "next");
            JournalWriter::open(&run).unwrap().event(&next).unwrap();
            let expected: Vec<Event> = before.into_iter().chain([next]).collect();
            assert_eq!(read_all(&run).unwrap(), expected, "cut at {cut}");
            assert_eq!(expected[..expected.len() - 1], first[..expected.len() - 1], "cut at {cut}");
        }
    }
}
