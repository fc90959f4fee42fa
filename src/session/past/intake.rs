//! Runs that the index has not seen: their directories, and the list of those that were pruned.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::forgotten::Forgotten;
use super::{ledger, record};
use crate::history::{About, Ended, Fault, History, Known, Patience};
use crate::ids::RunNumber;
use crate::journal::format;
use crate::journal::header::Header;
use crate::journal::layout::ProjectDir;
use crate::journal::lock;
use crate::journal::state::{self, RunState};
use crate::session::source;

/// How many runs a glance takes in.
const FEW: usize = 20;
/// How many bytes of the list of pruned runs a glance takes in.
const LITTLE: u64 = 64 * 1024;
/// How many runs are added in one go, so that others who write need not wait long.
const AT_ONCE: usize = 50;
/// The same for the list of pruned runs, in bytes.
const PIECE: u64 = 1024 * 1024;

/// How much is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything.
    All,
    /// What costs next to nothing, and the newest runs first.
    Recent,
}

impl Depth {
    /// How long others are waited for on the way.
    pub(super) fn patience(self) -> Patience {
        match self {
            Depth::All => Patience::Long,
            Depth::Recent => Patience::Short,
        }
    }
}

/// Whether there is anything to make an index of where there is none.
pub(super) fn is_needed(project: &ProjectDir, depth: Depth) -> bool {
    if format::check(project).is_err() {
        return false;
    }
    let numbers = project.numbers().unwrap_or_default();
    match depth {
        Depth::All => !numbers.is_empty() || ledger::length(project) > 0,
        // Not for a run whose supervisor is about to make one.
        Depth::Recent => numbers.iter().rev().take(FEW).any(|number| is_left(project, *number)),
    }
}

/// Takes in what the index has not seen. Says how many runs there are that it should have and cannot.
pub(super) fn take_in(history: &mut History, project: &ProjectDir, root: &Path, depth: Depth) -> Result<usize, Fault> {
    // What a later version has written is for that one to read.
    if format::check(project).is_err() {
        return Ok(0);
    }
    let name = project.name();
    let known = history.project(&name)?;
    let mut unseen = unseen(history, project, known.as_ref())?;
    if depth == Depth::Recent {
        unseen.retain(|number| is_left(project, *number));
        unseen = unseen.split_off(unseen.len().saturating_sub(FEW));
    }
    let mut start = known.map_or(0, |known| known.ledger);
    let pending = ledger::length(project) != start;
    let forgotten = Forgotten::read(project)?;
    if unseen.is_empty() && !pending && !forgotten.is_pending {
        return Ok(0);
    }
    if !history.is_writable() {
        return Ok(unseen.iter().filter(|number| matches!(record::read(project, **number), Ok(Some(_)))).count());
    }
    if forgotten.is_pending {
        history.forget(&name, &forgotten.told(None))?;
    }
    let repository = source::common_dir(root);
    let about = About { repository: repository.as_ref().map(|dir| dir.as_os_str().as_bytes()), ledger: None };
    if pending && (depth == Depth::All || ledger::length(project).saturating_sub(start) <= LITTLE) {
        while let Some(excerpt) = ledger::read_from(project, start, PIECE)? {
            let pruned = |line: ledger::Line| {
                let record = forgotten.left_of(line.run)?;
                Some(Ended { record, bytes: 0, pruned: true })
            };
            let runs: Vec<Ended> = excerpt.lines.into_iter().filter_map(pruned).collect();
            start = excerpt.end;
            history.add(&name, About { ledger: Some(start), ..about }, &runs)?;
        }
    }
    for numbers in unseen.chunks(AT_ONCE) {
        // One that goes on is left out, and so is one that is being deleted, or that nobody can read.
        let read = |number: &RunNumber| forgotten.left_of_ended(record::read(project, *number).ok().flatten()?);
        let runs: Vec<Ended> = numbers.iter().filter_map(read).collect();
        if !runs.is_empty() {
            history.add(&name, about, &runs)?;
        }
    }
    // Who removes a job says so first and takes rows away after: rows that were added in between are here to be seen.
    let since = Forgotten::read(project)?;
    if since != forgotten {
        history.forget(&name, &since.told(None))?;
    }
    Ok(0)
}

/// The runs that the index does not have, oldest first.
pub(super) fn unseen(history: &History, project: &ProjectDir, known: Option<&Known>) -> Result<Vec<RunNumber>, Fault> {
    let mut numbers = project.numbers()?;
    if let (Some(known), Some(first)) = (known, numbers.first()) {
        // Where the oldest is another run by now, somebody has deleted the project's state, and it began anew.
        if is_another(history.run_id(known, *first)?, project, *first) {
            return Ok(numbers);
        }
        let seen = history.known_runs(known, *first)?;
        let mut lost = history.lost_runs(known, *first)?;
        // What it has of them is what there was when they were left.
        lost.retain(|number| !matches!(state::of(&project.run(*number)), Ok(RunState::Lost) | Err(_)));
        numbers.retain(|number| seen.binary_search(number).is_err() || lost.contains(number));
    }
    Ok(numbers)
}

/// Whether a run is not the one that the index knows under its number.
fn is_another(known: Option<String>, project: &ProjectDir, number: RunNumber) -> bool {
    known.is_some_and(|known| Header::read(&project.run(number)).is_ok_and(|header| header.run.to_string() != known))
}

/// Whether nobody is there any more who would add a run.
fn is_left(project: &ProjectDir, number: RunNumber) -> bool {
    lock::is_held(&project.run(number).lock()).is_ok_and(|held| !held)
}
