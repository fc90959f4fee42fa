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
use crate::journal::replace::replace_with;

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

/// What is left of a line.
enum Left {
    /// All of it. What is no run stays what it is.
    All,
    /// This.
    Less(Box<Line>),
    Nothing,
}

impl Left {
    fn of(text: &[u8], left_of: &dyn Fn(RunRecord) -> Option<RunRecord>) -> Self {
        let Ok(line) = serde_json::from_slice::<Line>(text) else { return Self::All };
        match left_of(line.run.clone()) {
            None => Self::Nothing,
            Some(run) if run == line.run => Self::All,
            Some(run) => Self::Less(Box::new(Line { run, ..line })),
        }
    }
}

/// Cuts every line of a list down to what `left_of` leaves of its run, and takes out those of which nothing is left. To be
/// called by who deletes runs. Says how many lines went.
pub fn rewrite(project: &ProjectDir, left_of: &dyn Fn(RunRecord) -> Option<RunRecord>) -> io::Result<usize> {
    let file = match open_to_read(&project.pruned()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let (mut text, mut same) = (Vec::new(), 0);
    // A list of which nothing goes is not written again.
    loop {
        text.clear();
        match reader.read_until(b'\n', &mut text)? {
            0 => return Ok(0),
            n if matches!(Left::of(&text, left_of), Left::All) => same += n as u64,
            _ => break,
        }
    }
    let mut gone = 0;
    replace_with(&project.pruned(), |kept| {
        reader.rewind()?;
        io::copy(&mut Read::by_ref(&mut reader).take(same), kept)?;
        loop {
            text.clear();
            if reader.read_until(b'\n', &mut text)? == 0 {
                return Ok(());
            }
            match Left::of(&text, left_of) {
                Left::All => kept.write_all(&text)?,
                Left::Nothing => gone += 1,
                Left::Less(line) => {
                    serde_json::to_writer(&mut *kept, &line)?;
                    kept.write_all(b"\n")?;
                }
            }
        }
    })?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    fn line(number: u64, stages: &[&str]) -> String {
        let stage = |name: &&str| {
            serde_json::json!({
                "name": name, "signature": "01".repeat(32), "executor": "local", "status": "pass", "exit_code": 0,
                "attempts": 1, "duration_ms": 1, "is_sample": true,
            })
        };
        let stages: Vec<serde_json::Value> = stages.iter().map(stage).collect();
        serde_json::json!({
            "pruned_ms": 1, "number": number, "run": "x", "started_ms": 1, "duration_ms": 1, "verdict": "passed",
            "exit_code": 0, "stages": stages,
        })
        .to_string()
            + "\n"
    }

    #[test]
    fn what_is_left_of_a_list_is_what_stays_and_a_list_that_stays_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        let without = |gone: &'static str| {
            move |mut run: RunRecord| {
                run.stages.retain(|stage| stage.name.as_str() != gone);
                (!run.stages.is_empty()).then_some(run)
            }
        };
        assert_eq!(rewrite(&project, &without("a")).unwrap(), 0, "there is none");
        crate::journal::layout::create_dir(project.path()).unwrap();
        let all = [&line(1, &["b"]), "nothing\n", &line(2, &["a"]), &line(3, &["a", "b"]), &line(4, &["b"])].concat();
        std::fs::write(project.pruned(), &all).unwrap();
        let inode = || std::fs::metadata(project.pruned()).unwrap().ino();
        let before = inode();
        assert_eq!(rewrite(&project, &without("c")).unwrap(), 0);
        assert_eq!((inode(), std::fs::read_to_string(project.pruned()).unwrap()), (before, all));
        assert_eq!(rewrite(&project, &without("a")).unwrap(), 1);
        let text = std::fs::read_to_string(project.pruned()).unwrap();
        assert!(text.starts_with(&(line(1, &["b"]) + "nothing\n")), "what stays is not written otherwise: {text}");
        let runs = read_from(&project, 0, u64::MAX).unwrap().unwrap().lines;
        let runs: Vec<(u64, usize)> = runs.iter().map(|line| (line.run.number.0, line.run.stages.len())).collect();
        assert_eq!(runs, [(1, 1), (3, 1), (4, 1)]);
    }
}
