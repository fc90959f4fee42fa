//! The marks of runs that go on, in `active/`: a file for each, with what the next claim has to know of it.
//!
//! A line for each job, its signature and its name; before them, of a run that waits for others, a line with their
//! numbers: `waits 41 42`. Versions that do not know that line take it for no job.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};

use super::layout::{ProjectDir, numbers_in, private_file, read_file};
use super::state::{self, RunState};
use crate::ids::{RunNumber, Signature, StageName};

/// What begins the line of numbers.
const WAITS: &str = "waits";

/// A run that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active {
    /// Its number.
    pub number: RunNumber,
    /// Whether it waits for its turn.
    pub is_queued: bool,
    /// The runs that it waited for when it was started.
    pub waits: Vec<RunNumber>,
    /// What it runs, as its names.
    pub jobs: Vec<(Signature, StageName)>,
}

impl Active {
    /// The first of its jobs that is one of these.
    pub(super) fn first_of(&self, is_ours: impl Fn(&Signature) -> bool) -> Option<&StageName> {
        self.jobs.iter().find(|(signature, _)| is_ours(signature)).map(|(_, name)| name)
    }
}

/// Marks a run as going on, before it can be seen.
pub(super) fn write(
    project: &ProjectDir,
    number: RunNumber,
    waits: &[RunNumber],
    jobs: &[(Signature, StageName)],
) -> io::Result<()> {
    let mut text = String::with_capacity(jobs.len() * 80);
    if !waits.is_empty() {
        text.push_str(WAITS);
        for number in waits {
            let _ = write!(text, " {number}");
        }
        text.push('\n');
    }
    for (signature, name) in jobs {
        let _ = writeln!(text, "{signature} {name}");
    }
    let path = project.active().join(number.to_string());
    private_file().write(true).create(true).truncate(true).open(path)?.write_all(text.as_bytes())
}

/// The runs that go on, oldest first. Marks of those that have ended are taken away.
pub(super) fn read_all(project: &ProjectDir) -> io::Result<Vec<Active>> {
    let mut found = Vec::new();
    for number in numbers_in(&project.active())? {
        let is_queued = match state::of(&project.run(number)) {
            Ok(RunState::Queued) => true,
            Ok(RunState::Running) => false,
            Ok(RunState::Finished { .. } | RunState::Lost) => {
                remove(project, number);
                continue;
            }
            // Not known to go on, and not known to have ended.
            Err(_) => continue,
        };
        let (waits, jobs) = read(project, number);
        found.push(Active { number, is_queued, waits, jobs });
    }
    Ok(found)
}

/// What the mark of a run says: the runs that it waited for when it was started, and its jobs. Nothing where it has none.
pub(super) fn read(project: &ProjectDir, number: RunNumber) -> (Vec<RunNumber>, Vec<(Signature, StageName)>) {
    let text = read_file(&project.active().join(number.to_string())).unwrap_or_default();
    let (mut waits, mut jobs) = (Vec::new(), Vec::new());
    for line in String::from_utf8_lossy(&text).lines() {
        match line.split_once(' ') {
            Some((WAITS, numbers)) => waits.extend(numbers.split(' ').filter_map(|n| n.parse().ok()).map(RunNumber)),
            Some((signature, name)) => {
                let signature = Signature::try_from(signature.to_owned()).ok();
                jobs.extend(signature.zip(StageName::new(name).ok()));
            }
            None => {}
        }
    }
    (waits, jobs)
}

/// Takes the mark of a run away that no longer goes on. One that stays is found to be stale by the next claim.
pub(super) fn remove(project: &ProjectDir, number: RunNumber) {
    let _ = fs::remove_file(project.active().join(number.to_string()));
}
