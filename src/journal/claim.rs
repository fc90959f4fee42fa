//! Taking a number: the short step that makes a run of a request, under the project's lock.
//!
//! In order, each step harmless if it is the last: what an earlier, killed claim left is removed; runs that go on are
//! asked whether they have one of our stages, and which of them this one waits for; the number is taken and written back;
//! the directory is built where nobody looks, its lock held; the run is marked as going on; the directory is renamed to
//! where everybody looks. A run that can be seen therefore always has its header, and its lock has been held without a gap.

mod retake;

pub use retake::{RetakeError, retake};

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::Deserialize;

use super::format::{self, FORMAT};
use super::header::Waits;
use super::layout::{ProjectDir, RunDir, create_dir, numbers_in, open_to_read, private_file, read_file};
use super::lock;
use super::mark;
use super::state::{self, RunState};
use super::turn::{self, Refusal, Turn};
use crate::ids::{RunNumber, Signature, StageName};

/// How often the project's lock is taken anew where its file was replaced meanwhile.
const TRIES: u32 = 100;

/// A run that nobody has started yet, and that nobody else can have.
#[derive(Debug)]
pub struct Claim {
    /// Its directory, published.
    pub run: RunDir,
    /// Its number.
    pub number: RunNumber,
    /// Its lock, held. Whoever supervises the run is handed this.
    pub lock: File,
    /// What it waits for; none where it starts at once.
    pub waits: Option<Waits>,
}

/// Why there is no claim.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The runs that there are do not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A later version of this program keeps its state there.
    #[error(transparent)]
    Newer(#[from] format::Newer),
    /// The state directory cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a claim is made for.
pub struct Request<'a> {
    /// The project's state.
    pub project: &'a ProjectDir,
    /// The project's own directory, canonical.
    pub root: &'a Path,
    /// The jobs that the run would start.
    pub jobs: &'a [(Signature, StageName)],
    /// When it is to start.
    pub turn: &'a Turn,
}

/// Claims a run. `fill` writes what belongs into its directory before it is published.
pub fn claim(
    request: &Request<'_>,
    fill: impl FnOnce(&RunDir, RunNumber, Option<&Waits>) -> io::Result<()>,
) -> Result<Claim, ClaimError> {
    let project = request.project;
    let counter = lock_counter(project, request.root)?;
    // Under the lock: who changes the format holds it.
    format::check(project)?;
    remove_unborn(project)?;
    let waits = turn::waits(project, request.turn, request.jobs, &mark::read_all(project)?)?;
    let number = next_number(&counter, project)?;
    let unborn = RunDir::new(project.unborn().join(number.to_string()));
    create_dir(&unborn.logs())?;
    let held = lock::create_held(&unborn.lock())?;
    fill(&unborn, number, waits.as_ref())?;
    mark::write(project, number, &waits.as_ref().map(Waits::runs).unwrap_or_default(), request.jobs)?;
    let run = project.run(number);
    fs::rename(unborn.path(), run.path())?;
    Ok(Claim { run, number, lock: held, waits })
}

/// Takes the project's lock, which is held until the file is dropped, and for no longer than a few file operations: nobody
/// takes a number meanwhile, and no ad-hoc job is added. Where the project has no state yet, it has one afterwards. Fails
/// where the state is a later version's.
pub fn hold(project: &ProjectDir, root: &Path) -> io::Result<File> {
    let held = lock_counter(project, root).map_err(|error| match error {
        ClaimError::Io(error) => error,
        other => io::Error::other(other),
    })?;
    format::check(project).map_err(io::Error::other)?;
    Ok(held)
}

/// The last number that was given out, as far as that is known; zero where none was.
pub fn last_number(project: &ProjectDir) -> io::Result<RunNumber> {
    let text = read_file(&project.counter()).unwrap_or_default();
    match counted(&text) {
        Some(counted) => Ok(project.numbers()?.last().copied().unwrap_or(counted).max(counted)),
        None => uncounted(project),
    }
}

/// The names of the jobs that a run is marked with, while it goes on.
pub fn marked(project: &ProjectDir, number: RunNumber) -> Vec<StageName> {
    mark::read(project, number).1.into_iter().map(|(_, name)| name).collect()
}

/// Withdraws a claim whose run was never started. Its number stays used.
pub fn withdraw(project: &ProjectDir, run: &RunDir, number: RunNumber) {
    // From one moment to the next, for who looks: a run without its header would be a damaged one. Nobody makes or clears
    // anything in `new/` as long as we have the project's lock. It is not waited for: who has it may wait for this run.
    let counter = private_file().read(true).open(project.counter());
    let is_held = counter.as_ref().is_ok_and(|counter| lock::try_exclusive(counter).unwrap_or(false));
    let unborn = project.unborn().join(number.to_string());
    let moved = is_held && fs::rename(run.path(), &unborn).is_ok();
    let _ = fs::remove_dir_all(if moved { &unborn } else { run.path() });
    release(project, number);
}

/// Takes the mark of a run away that no longer goes on.
pub fn release(project: &ProjectDir, number: RunNumber) {
    mark::remove(project, number);
}

/// The runs that are marked as going on; those of them that have ended are left out.
pub fn active(project: &ProjectDir) -> io::Result<Vec<RunNumber>> {
    let mut numbers = numbers_in(&project.active())?;
    numbers.retain(|number| state::of(&project.run(*number)).is_ok_and(RunState::is_active));
    Ok(numbers)
}

/// Takes the project's lock. Whoever has replaced its file meanwhile, or removed it, has made another lock of it, and what
/// we waited for is nobody's any more: then it begins again.
fn lock_counter(project: &ProjectDir, root: &Path) -> Result<File, ClaimError> {
    for _ in 0..TRIES {
        let counter = open_counter(project, root)?;
        lock::wait_exclusive(&counter)?;
        if lock::is_file_at(&counter, &project.counter())? {
            return Ok(counter);
        }
    }
    Err(io::Error::other("the project's lock file is replaced again and again").into())
}

/// Opens the file whose lock is the project's. It is made last of all that a project has, so that where it is, all is.
fn open_counter(project: &ProjectDir, root: &Path) -> Result<File, ClaimError> {
    let mut options = private_file();
    options.read(true).write(true);
    match options.open(project.counter()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A later version may have no such file.
            format::check(project)?;
            for dir in [project.active(), project.unborn(), project.runs()] {
                create_dir(&dir)?;
            }
            let about = serde_json::json!({ "root": root.to_string_lossy(), "format": FORMAT }).to_string();
            private_file()
                .write(true)
                .create(true)
                .truncate(true)
                .open(project.project_file())?
                .write_all(about.as_bytes())?;
            Ok(options.create(true).truncate(false).open(project.counter())?)
        }
        other => Ok(other?),
    }
}

/// A claim that was killed while it built its directory left it behind; nobody ever saw it.
fn remove_unborn(project: &ProjectDir) -> io::Result<()> {
    for number in numbers_in(&project.unborn())? {
        fs::remove_dir_all(project.unborn().join(number.to_string()))?;
    }
    Ok(())
}

/// The number after the last one given out, which is written back before it is used.
fn next_number(mut counter: &File, project: &ProjectDir) -> io::Result<RunNumber> {
    let mut text = Vec::new();
    counter.rewind()?;
    counter.read_to_end(&mut text)?;
    let last = counted(&text).map_or_else(|| uncounted(project), Ok)?;
    let next = last.0.checked_add(1).map(RunNumber).ok_or_else(|| io::Error::other("there are no numbers left"))?;
    let line = format!("{next:>20}\n");
    counter.write_all_at(line.as_bytes(), 0)?;
    counter.set_len(line.len() as u64)?;
    Ok(next)
}

/// The number that a counter's text is; none where it is no number, or one that none can come after.
fn counted(text: &[u8]) -> Option<RunNumber> {
    let number = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
    (number < u64::MAX).then_some(RunNumber(number))
}

/// The last number that was given out, where the counter was lost: never a number twice. The runs that there are say it,
/// and of those that are gone the lists of what was pruned and of what was forgotten. A run with a number from before would
/// be taken for one of those.
fn uncounted(project: &ProjectDir) -> io::Result<RunNumber> {
    /// What a line of either list says of numbers.
    #[derive(Deserialize)]
    struct Said {
        number: Option<u64>,
        through: Option<u64>,
    }
    let mut last = project.numbers()?.last().map_or(0, |number| number.0);
    for list in [project.pruned(), project.forgotten()] {
        let mut list = match open_to_read(&list) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut line = Vec::new();
        while list.read_until(b'\n', &mut line)? > 0 {
            if let Ok(Said { number, through }) = serde_json::from_slice(&line) {
                // What nothing can come after was not given out.
                let said = number.into_iter().chain(through).filter(|said| *said < u64::MAX);
                last = said.fold(last, u64::max);
            }
            line.clear();
        }
    }
    Ok(RunNumber(last))
}

#[cfg(test)]
mod tests;
