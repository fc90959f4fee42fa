//! `pruned.jsonl`: what is known of runs whose directories were deleted, a line for each, only ever added to. With the
//! runs that are there, all that the index has can be made again from it.
//!
//! A line stands in it before its run goes. Whoever deletes may be killed between the two, so a run can be there as well
//! as its line, and even have two lines: readers take the first of a number.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use crate::history::RunRecord;
use crate::ids::RunNumber;
use crate::journal::layout::{ProjectDir, open_to_read, private_file};
use crate::journal::replace::replace;

/// A run whose directory was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When that was: milliseconds since 1970-01-01 UTC.
    pub pruned_ms: u64,
    /// What came of it.
    #[serde(flatten)]
    pub run: RunRecord,
}

/// The list, to be added to.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    length: u64,
    /// The identity of the last run in it.
    last: Option<String>,
}

impl Ledger {
    /// Opens the list of a project, and makes good what a killed writer left at its end. To be called by one at a time.
    pub fn open(project: &ProjectDir) -> io::Result<Self> {
        let mut file = private_file().read(true).append(true).create(true).open(project.pruned())?;
        let length = file.metadata()?.len();
        let whole = whole_lines(&mut file, length)?;
        if whole < length {
            file.set_len(whole)?;
        }
        let last = last_line(&mut file, whole)?.map(|line| line.run.run);
        Ok(Self { file, length: whole, last })
    }

    /// Adds a run and waits until that is on the disk, unless it was the last one added already.
    pub fn add(&mut self, line: &Line) -> io::Result<()> {
        if self.last.as_ref() == Some(&line.run.run) {
            return Ok(());
        }
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let written = match self.file.write(&text) {
            Ok(n) if n == text.len() => self.file.sync_data(),
            Ok(_) => Err(io::ErrorKind::StorageFull.into()),
            Err(error) => Err(error),
        };
        if written.is_err() {
            let _ = self.file.set_len(self.length);
            return written;
        }
        self.length += text.len() as u64;
        self.last = Some(line.run.run.clone());
        Ok(())
    }
}

/// Up to where a file has whole lines.
fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut buffer = vec![0; 64 * 1024];
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let piece = usize::try_from(end - start).unwrap_or(buffer.len());
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut buffer[..piece])?;
        if let Some(at) = memchr::memrchr(b'\n', &buffer[..piece]) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn last_line(file: &mut File, whole: u64) -> io::Result<Option<Line>> {
    if whole == 0 {
        return Ok(None);
    }
    let start = whole_lines(file, whole - 1)?;
    file.seek(SeekFrom::Start(start))?;
    let mut text = Vec::new();
    Read::by_ref(file).take(whole - start).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

/// Some lines of a list, and up to which byte they go.
#[derive(Debug, Default)]
pub struct Excerpt {
    /// The runs. A line that is none was passed over.
    pub lines: Vec<Line>,
    /// The byte after the last of them.
    pub end: u64,
}

/// Reads on in a project's list: whole lines from this byte on, and no more than about so many bytes at once. Nothing
/// where there is no list, or nothing new in it; a list that has become shorter is read from its beginning.
pub fn read_from(project: &ProjectDir, start: u64, about: u64) -> io::Result<Option<Excerpt>> {
    let length = length(project);
    if start == length {
        return Ok(None);
    }
    let mut file = open_to_read(&project.pruned())?;
    let start = if begins_a_line(&mut file, start, length)? { start } else { 0 };
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut excerpt = Excerpt { lines: Vec::new(), end: start };
    let mut text = Vec::new();
    while excerpt.end - start < about {
        text.clear();
        let n = reader.read_until(b'\n', &mut text)?;
        // A line without its end is not written yet.
        if text.last() != Some(&b'\n') {
            break;
        }
        excerpt.end += n as u64;
        excerpt.lines.extend(serde_json::from_slice::<Line>(&text));
    }
    Ok((excerpt.end > start).then_some(excerpt))
}

/// Whether a line begins at this byte. None does where lines were taken out of the list since somebody was there.
fn begins_a_line(file: &mut File, start: u64, length: u64) -> io::Result<bool> {
    if start == 0 || start > length {
        return Ok(start == 0);
    }
    let mut before = [0];
    file.seek(SeekFrom::Start(start - 1))?;
    file.read_exact(&mut before)?;
    Ok(before == [b'\n'])
}

/// Cuts every line of a list down to what `left_of` leaves of its run, and takes out those of which nothing is left. To be
/// called by who deletes runs. Says how many lines went.
pub fn rewrite(project: &ProjectDir, left_of: &dyn Fn(RunRecord) -> Option<RunRecord>) -> io::Result<usize> {
    let file = match open_to_read(&project.pruned()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let (mut kept, mut text, mut gone, mut is_changed) = (Vec::new(), Vec::new(), 0, false);
    while reader.read_until(b'\n', &mut text)? > 0 {
        match serde_json::from_slice::<Line>(&text) {
            // What is no run stays what it is.
            Err(_) => kept.append(&mut text),
            Ok(line) => match left_of(line.run.clone()) {
                None => gone += 1,
                Some(run) if run == line.run => kept.append(&mut text),
                Some(run) => {
                    is_changed = true;
                    serde_json::to_writer(&mut kept, &Line { run, ..line })?;
                    kept.push(b'\n');
                }
            },
        }
        text.clear();
    }
    if gone > 0 || is_changed {
        replace(&project.pruned(), &kept)?;
    }
    Ok(gone)
}

/// How long a project's list is, in bytes.
pub fn length(project: &ProjectDir) -> u64 {
    std::fs::metadata(project.pruned()).map_or(0, |metadata| metadata.len())
}

/// What is kept of one pruned run, if it was pruned.
pub fn find(project: &ProjectDir, number: RunNumber) -> Option<Line> {
    let file = open_to_read(&project.pruned()).ok()?;
    let mark = format!("\"number\":{number},");
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut text = Vec::new();
    loop {
        text.clear();
        if reader.read_until(b'\n', &mut text).ok()? == 0 {
            return None;
        }
        // Read as what it is only where it can be the one.
        if memchr::memmem::find(&text, mark.as_bytes()).is_some()
            && let Ok(line) = serde_json::from_slice::<Line>(&text)
            && line.run.number == number
        {
            return Some(line);
        }
    }
}
