//! Appends events: one line, one write(2).
//!
//! Killed between two writes, the journal is a prefix of the events. A write that was cut short by a full disk is taken
//! back, or closed off with a newline before the next one, so that a line is either whole or skipped by readers.

use std::fs::File;
use std::io::{self, Write};

use super::layout::{RunDir, open_append};
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
    /// Opens the journal of a run to append to it.
    pub fn open(run: &RunDir) -> io::Result<Self> {
        let file = open_append(&run.events())?;
        let length = file.metadata()?.len();
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
