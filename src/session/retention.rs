//! How much is kept of a project's runs: of those beyond the limits what came of them, and no longer what they printed.
//!
//! A run goes in steps, and whoever is killed between two of them leaves it whole, or gone with its line:
//!
//! ```text
//!  line in pruned.jsonl, on the disk ─▶ runs/N renamed to gone/N ─▶ gone/N removed ─▶ the index told
//! ```
//!
//! The next one who prunes finds the line, and what is left in `gone/`. One process does it at a time. A run that goes on
//! is never touched, nor one whose supervisor is still about, nor the newest, nor one that may go on on another machine:
//! without its directory nobody would find it there again. Where the disk is so full that not even the
//! line can be written, what the run printed goes before it: that is what was to go.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use super::past;
use super::past::forgotten::Forgotten;
use super::past::ledger::{self, Ledger, Line};
use super::takeover;
use crate::clock::{Clock, Timestamp};
use crate::config::{Retention, load_user};
use crate::env::Env;
use crate::ids::RunNumber;
use crate::journal::format;
use crate::journal::layout::{ProjectDir, RunDir, create_dir};
use crate::journal::lock;
use crate::journal::state::{self, RunState};

/// What is kept of a project where nobody says otherwise.
const RUNS: u32 = 100;
/// See [`RUNS`].
const AGE: Duration = Duration::from_hours(30 * 24);
/// See [`RUNS`], in bytes.
const SIZE: u64 = 1_000_000_000;

/// How often it is looked whether anything is beyond the limits, unless a limit is exceeded by half.
const INTERVAL: Duration = Duration::from_hours(24);
/// How long a run's supervisor goes on with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much is kept of a project. What exceeds any of these goes, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many runs.
    pub runs: u32,
    /// For how long after their end.
    pub age: Duration,
    /// How many bytes on the disk.
    pub size: u64,
}

impl Limits {
    /// What the user's config says, and what holds where it says nothing.
    pub fn new(user: Retention) -> Self {
        Self { runs: user.runs.unwrap_or(RUNS), age: user.age.unwrap_or(AGE), size: user.size.unwrap_or(SIZE) }
    }
}

/// What was deleted, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The runs, oldest first.
    pub runs: Vec<RunNumber>,
    /// How many bytes they took on the disk.
    pub bytes: u64,
    /// How many runs are left.
    pub kept: usize,
    /// The runs that exceed the limits and are left all the same, since they may go on on another machine; oldest first.
    pub left: Vec<RunNumber>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// A run as far as the limits are concerned.
struct Candidate {
    number: RunNumber,
    bytes: u64,
    fate: Fate,
}

/// What is to become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
    /// It would go, but something of it may run on another machine.
    GoesOnElsewhere,
}

/// Says which runs would be deleted, and deletes none.
pub fn look(project: &ProjectDir, limits: Limits, now: Timestamp) -> io::Result<Pruned> {
    let candidates = candidates(project, limits, now)?;
    let mut pruned = Pruned::none_of(&candidates);
    for run in candidates.iter().rev().filter(|run| run.fate == Fate::Goes) {
        pruned.went(run);
    }
    Ok(pruned)
}

/// Deletes the runs that exceed the limits, once nobody else does.
pub fn prune(project: &ProjectDir, root: &Path, limits: Limits, clock: &dyn Clock) -> io::Result<Pruned> {
    if !project.path().is_dir() {
        return Ok(Pruned::default());
    }
    check(project)?;
    let held = lock::open_deleting(project)?;
    lock::wait_exclusive(&held)?;
    delete(project, root, limits, clock, None, &held)
}

/// Does so after a run, where that is due and nobody else does it, for a short time. Says what went wrong.
pub fn after_run(project: &ProjectDir, root: &Path, bytes: u64, env: &Env, clock: &dyn Clock) -> Option<String> {
    // A config that is wrong is told to who starts a run; here it says nothing.
    let limits = Limits::new(load_user(env).unwrap_or_default().retention);
    let due = || -> io::Result<bool> {
        let last = fs::metadata(project.prune_lock()).map_or(0, |metadata| metadata.mtime());
        let waited = (clock.now().unix_ms / 1000).abs_diff(last);
        let runs = project.numbers()?.len() as u64;
        let exceeded = |n: u64, limit: u64| n > limit.saturating_add(limit / 2);
        Ok(waited >= INTERVAL.as_secs() || exceeded(runs, limits.runs.into()) || exceeded(bytes, limits.size))
    };
    let work = || {
        check(project)?;
        let held = lock::open_deleting(project)?;
        if !lock::try_exclusive(&held)? {
            return Ok(Pruned::default());
        }
        delete(project, root, limits, clock, Some(PATIENCE), &held)
    };
    let done = due().and_then(|due| if due { work() } else { Ok(Pruned::default()) });
    match done {
        Ok(pruned) => pruned.warnings.into_iter().next(),
        Err(error) => Some(format!("old runs could not be deleted: {error}")),
    }
}

/// Nothing is deleted of what a later version has written.
fn check(project: &ProjectDir) -> io::Result<()> {
    format::check(project).map_err(|newer| io::Error::other(format!("the project's state was {newer}")))
}

fn delete(
    project: &ProjectDir,
    root: &Path,
    limits: Limits,
    clock: &dyn Clock,
    patience: Option<Duration>,
    held: &File,
) -> io::Result<Pruned> {
    let began = clock.now();
    // What was being deleted when somebody was killed.
    remove(&project.gone())?;
    let candidates = candidates(project, limits, began)?;
    let mut pruned = Pruned::none_of(&candidates);
    let mut list = None;
    for run in candidates.iter().rev().filter(|run| run.fate == Fate::Goes) {
        if patience.is_some_and(|patience| clock.now().since(began) >= patience) {
            break;
        }
        match delete_one(project, run.number, &mut list, clock.now()) {
            Ok(true) => pruned.went(run),
            Ok(false) => {}
            Err(error) => {
                pruned.warnings.push(format!("run {} could not be deleted: {error}", run.number));
                // It is no better for the next one.
                if is_full(&error) {
                    break;
                }
            }
        }
    }
    let times = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    futimens(held, &Timestamps { last_access: times, last_modification: times })?;
    if ledger::length(project) > 0
        && let Err(fault) = past::catch_up(project, root)
    {
        pruned.warnings.push(format!("the history is brought up to date later ({fault})"));
    }
    Ok(pruned)
}

impl Pruned {
    fn none_of(candidates: &[Candidate]) -> Self {
        let left = candidates.iter().rev().filter(|run| run.fate == Fate::GoesOnElsewhere).map(|run| run.number);
        Self { kept: candidates.len(), left: left.collect(), ..Self::default() }
    }

    fn went(&mut self, run: &Candidate) {
        self.runs.push(run.number);
        self.bytes = self.bytes.saturating_add(run.bytes);
        self.kept = self.kept.saturating_sub(1);
    }
}

/// Deletes a run. Says whether it did: one that has become somebody's, or nobody's, meanwhile is none.
fn delete_one(project: &ProjectDir, number: RunNumber, list: &mut Option<Ledger>, now: Timestamp) -> io::Result<bool> {
    let run = project.run(number);
    match past::outcome_of(project, number) {
        Ok(None) => return Ok(false),
        Ok(Some(ended)) => {
            let pruned_ms = u64::try_from(now.unix_ms).unwrap_or(0);
            // Of what is forgotten no line is kept.
            let left = Forgotten::read(project)?.left_of(ended.record);
            if let Some(line) = left.map(|run| Line { pruned_ms, run }) {
                match add_line(project, list, &line) {
                    Err(error) if is_full(&error) => {
                        remove(&run.logs())?;
                        add_line(project, list, &line)?;
                    }
                    other => other?,
                }
            }
        }
        // It does not even say which run it was: a loss of power, or somebody's hands. There is nothing to be kept of it.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {}
        Err(error) => return Err(error),
    }
    take_away(project, number)?;
    Ok(true)
}

/// Takes a run's directory away. To be called by who holds the lock of those that delete.
pub(super) fn take_away(project: &ProjectDir, number: RunNumber) -> io::Result<()> {
    create_dir(&project.gone())?;
    let gone = project.gone().join(number.to_string());
    fs::rename(project.run(number).path(), &gone)?;
    fs::remove_dir_all(gone)
}

/// Adds a line to the list, which is opened for the first of them.
fn add_line(project: &ProjectDir, list: &mut Option<Ledger>, line: &Line) -> io::Result<()> {
    let list = match list {
        Some(list) => list,
        None => list.insert(Ledger::open(project)?),
    };
    list.add(line)
}

/// Whether an error says that there is no room.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Removes a directory with all in it, where it is there.
pub(super) fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// All runs, the newest first, with what may go of them.
fn candidates(project: &ProjectDir, limits: Limits, now: Timestamp) -> io::Result<Vec<Candidate>> {
    let mut runs: Vec<Candidate> = Vec::new();
    let mut total = 0_u64;
    for (rank, number) in project.numbers()?.into_iter().rev().enumerate() {
        let run = project.run(number);
        let bytes = disk_usage(run.path());
        total = total.saturating_add(bytes);
        let exceeds = rank as u64 >= limits.runs.into() || total > limits.size || age(&run, now) > limits.age;
        let fate = match rank > 0 && exceeds && is_over(&run) {
            false => Fate::Stays,
            true if goes_on_elsewhere(&run) => Fate::GoesOnElsewhere,
            true => Fate::Goes,
        };
        runs.push(Candidate { number, bytes, fate });
    }
    Ok(runs)
}

/// Whether a run has ended and nobody is about it any more. Where that cannot be told, it is not over.
fn is_over(run: &RunDir) -> bool {
    state::of(run).is_ok_and(|state| !state.is_active()) && lock::is_held(&run.lock()).is_ok_and(|held| !held)
}

/// Whether something of a run that is over here may run on another machine still.
pub fn goes_on_elsewhere(run: &RunDir) -> bool {
    let is_lost = state::of(run).is_ok_and(|state| state == RunState::Lost);
    let left = is_lost.then(|| takeover::past::said(run).ok().and_then(|view| takeover::look_in(run, &view)));
    left.flatten().is_some_and(|left| !left.elsewhere.is_empty())
}

/// How long ago the last was written into a run's journal; where it has none, since it was started. A clock that was set
/// back makes it new.
fn age(run: &RunDir, now: Timestamp) -> Duration {
    let written = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.mtime());
    let last = written(&run.events()).or_else(|| written(&run.header()));
    let secs = last.map_or(0, |last| (now.unix_ms / 1000).saturating_sub(last));
    Duration::from_secs(u64::try_from(secs).unwrap_or(0))
}

/// How much room a directory takes on the disk with all in it, in bytes.
pub(super) fn disk_usage(dir: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(dir) else { return 0 };
    let own = metadata.blocks().saturating_mul(512);
    if !metadata.is_dir() {
        return own;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| disk_usage(&entry.path())).fold(own, u64::saturating_add)
}
