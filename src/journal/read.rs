//! Reads events as they are appended. A torn last line is "not yet"; a line of an unknown kind is passed over.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::layout::{RunDir, open_to_read};
use crate::event::{Event, EventKind};

/// Reads a journal from its first event on, again and again.
#[derive(Debug)]
pub struct JournalReader {
    run: RunDir,
    file: Option<File>,
    partial: Vec<u8>,
}

impl JournalReader {
    /// A reader of this run's journal, which need not be there yet.
    pub fn new(run: RunDir) -> Self {
        Self { run, file: None, partial: Vec::new() }
    }

    /// The events that were appended since the last call.
    pub fn read_new(&mut self) -> io::Result<Vec<Event>> {
        let file = match &mut self.file {
            Some(file) => file,
            None => match open_to_read(&self.run.events()) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error),
            },
        };
        // Asked for on every wake-up, and most of the time there is nothing: that costs one system call.
        let mut buffer = [0; 16 * 1024];
        let mut any = false;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    any = true;
                    self.partial.extend_from_slice(&buffer[..n]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if !any {
            return Ok(Vec::new());
        }
        let Some(whole) = memchr::memrchr(b'\n', &self.partial).map(|at| at + 1) else { return Ok(Vec::new()) };
        let events = parse(&self.partial[..whole]);
        self.partial.drain(..whole);
        Ok(events)
    }
}

/// The events of whole lines. What is no event that this version knows is passed over.
fn parse(lines: &[u8]) -> Vec<Event> {
    lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The last event of a journal, if it is the one that ends a run. Reads the end of the file only.
pub fn last_word(run: &RunDir) -> io::Result<Option<Event>> {
    const ENOUGH: u64 = 4096;
    let mut file = match open_to_read(&run.events()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(ENOUGH)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let Some(whole) = memchr::memrchr(b'\n', &end).map(|at| at + 1) else { return Ok(None) };
    Ok(parse(&end[..whole]).pop().filter(|event| matches!(event.kind, EventKind::RunFinished { .. })))
}

/// All events of a run so far.
pub fn read_all(run: &RunDir) -> io::Result<Vec<Event>> {
    JournalReader::new(run.clone()).read_new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::event::Sink;
    use crate::ids::StageId;
    use crate::journal::layout::create_dir;
    use crate::journal::write::JournalWriter;
    use crate::outcome::Verdict;
    use std::io::Write;

    fn event(seq: u64, kind: EventKind) -> Event {
        Event { seq, at: Timestamp { unix_ms: 1, mono_us: seq }, kind }
    }

    fn some_events() -> Vec<Event> {
        vec![
            event(0, EventKind::StageStarted { stage: StageId(0), attempt: 1 }),
            event(1, EventKind::Notice { stage: None, text: "a \"quoted\"\nline, ünï".into() }),
            event(2, EventKind::RunFinished { verdict: Verdict::Passed, exit_code: 0, duration_ms: 3 }),
        ]
    }

    fn run_dir() -> (tempfile::TempDir, RunDir) {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path().join("1"));
        create_dir(run.path()).unwrap();
        (dir, run)
    }

    /// H27: cut at every byte, a journal is a prefix of its events, and never an error.
    #[test]
    fn h27_a_journal_cut_anywhere_is_a_prefix() {
        let (_dir, run) = run_dir();
        let mut writer = JournalWriter::open(&run).unwrap();
        for event in some_events() {
            writer.event(&event).unwrap();
        }
        let whole = std::fs::read(run.events()).unwrap();
        let mut most = 0;
        for cut in 0..=whole.len() {
            std::fs::write(run.events(), &whole[..cut]).unwrap();
            let events = read_all(&run).unwrap();
            assert_eq!(events, some_events()[..events.len()], "cut at {cut}");
            assert!(events.len() >= most, "cut at {cut}");
            most = events.len();
            assert_eq!(last_word(&run).unwrap().is_some(), cut == whole.len(), "cut at {cut}");
        }
        assert_eq!(most, 3);
    }

    #[test]
    fn a_reader_goes_on_where_it_was_in_the_middle_of_a_line() {
        let (_dir, run) = run_dir();
        let mut reader = JournalReader::new(run.clone());
        assert!(reader.read_new().unwrap().is_empty());
        let line = serde_json::to_vec(&some_events()[0]).unwrap();
        let mut file = super::super::layout::open_append(&run.events()).unwrap();
        file.write_all(&line[..10]).unwrap();
        assert!(reader.read_new().unwrap().is_empty());
        file.write_all(&line[10..]).unwrap();
        assert!(reader.read_new().unwrap().is_empty());
        file.write_all(b"\n").unwrap();
        assert_eq!(reader.read_new().unwrap(), some_events()[..1]);
        assert!(reader.read_new().unwrap().is_empty());
    }

    #[test]
    fn unknown_kinds_and_torn_lines_are_passed_over() {
        let (_dir, run) = run_dir();
        let known = serde_json::to_string(&some_events()[0]).unwrap();
        let text = format!(
            "{{\"seq\":0,\"unix_ms\":1,\"mono_us\":1,\"event\":\"from_the_future\"}}\n{{\"seq\":1,\"un\n{known}\n"
        );
        std::fs::write(run.events(), text).unwrap();
        assert_eq!(read_all(&run).unwrap(), some_events()[..1]);
    }
}
