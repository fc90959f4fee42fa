//! What is said of runs that wait for their turn: for what, and how far that is.

use std::fmt::Write as _;
use std::time::Duration;

use super::runs;
use super::turn::still_awaited;
use crate::clock::Timestamp;
use crate::ids::RunNumber;
use crate::journal::header::{Header, Waits};
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::outcome::HumanDuration;
use crate::report::About;
use crate::report::past_runs::{listed, named};

/// How often it is looked how far the others are.
const LOOK: Duration = Duration::from_secs(1);
/// How long nothing is said of a run that waits. Looks are a second apart and a little, so it is no longer than a minute.
const SILENCE: Duration = Duration::from_secs(57);

/// A run that waits, as its viewer tells of it: when it begins to, when something of what it waits for has ended, and where
/// nothing else would be said for a minute.
#[derive(Clone, Debug)]
pub struct Waiting {
    project: ProjectDir,
    number: RunNumber,
    waits: Waits,
    repeats: bool,
    looked: Option<Timestamp>,
    said: Option<(Timestamp, Vec<RunNumber>)>,
}

impl Waiting {
    /// Of this run. With `repeats` it is said again when it was not said for a minute.
    pub fn new(project: ProjectDir, number: RunNumber, waits: Waits, repeats: bool) -> Self {
        Self { project, number, waits, repeats, looked: None, said: None }
    }

    /// Of a run that somebody else has started; none where it does not wait.
    pub fn of(run: &runs::Run, repeats: bool) -> Option<Self> {
        // A run's directory is in its project's `runs`.
        let project = ProjectDir::at(run.dir.path().ancestors().nth(2)?.to_owned());
        let waits = waits_of(&project, run.number).filter(|_| run.state == RunState::Queued)?;
        Some(Self::new(project, run.number, waits, repeats))
    }

    /// What is to be said now, if anything. To be asked at least once a second.
    pub fn tick(&mut self, now: Timestamp) -> Option<String> {
        if self.looked.is_some_and(|looked| now.since(looked) < LOOK) {
            return None;
        }
        self.looked = Some(now);
        let open = still_awaited(&self.project, &self.waits);
        let due = match &self.said {
            None => true,
            Some((_, before)) if *before != open => true,
            Some((at, _)) => self.repeats && now.since(*at) >= SILENCE,
        };
        // It is about to begin.
        if !due || open.is_empty() {
            return None;
        }
        let text = sentence(&self.project, self.number, &open, now);
        self.said = Some((now, open));
        Some(text)
    }
}

/// What a queued run waits for; none where it never had to, or where that cannot be read.
pub fn waits_of(project: &ProjectDir, number: RunNumber) -> Option<Waits> {
    Header::read(&project.run(number)).ok()?.waits
}

/// For what a run waits that has just been started in the background: `Run 44 is queued after run 43.`
pub fn started(number: RunNumber, waits: &Waits) -> String {
    format!("Run {number} is queued after {}.", named(&waits.runs()))
}

/// `run 44 waits for run 43 (running for 2m05s, ~1m00s left)`
fn sentence(project: &ProjectDir, number: RunNumber, open: &[RunNumber], now: Timestamp) -> String {
    // Those that are named, and those that are only counted.
    let told: Vec<String> = open.iter().map(|other| format!("{other}{}", how_far(project, *other, now))).collect();
    format!("run {number} waits for {}", listed(&told))
}

/// How far a run is, in parentheses; nothing where that cannot be read.
fn how_far(project: &ProjectDir, number: RunNumber, now: Timestamp) -> String {
    let Ok(run) = runs::read(project, number) else { return String::new() };
    match run.state {
        RunState::Queued => " (queued)".into(),
        RunState::Running if run.view.header().is_none() => " (starting)".into(),
        RunState::Running => {
            let word = if run.view.is_paused() { "paused after" } else { "running for" };
            let mut text = format!(" ({word} {}", HumanDuration(run.view.elapsed(now)));
            if let Some(eta) = run.view.eta(now) {
                let left = u64::try_from(eta.expected.as_millis()).unwrap_or(u64::MAX);
                // Nobody is told that nothing is left of what goes on.
                let _ = write!(text, ", {} left", About(left.max(1000)));
            }
            text + ")"
        }
        RunState::Finished { .. } | RunState::Lost => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_named_and_many_are_counted() {
        let runs = |n: u64| (1..=n).map(RunNumber).collect::<Vec<_>>();
        assert_eq!(named(&runs(1)), "run 1");
        assert_eq!(named(&runs(2)), "runs 1 and 2");
        assert_eq!(named(&runs(4)), "runs 1, 2, 3 and 4");
        assert_eq!(named(&runs(9)), "runs 1, 2, 3 and 6 more");
        let waits = Waits { until_ended: runs(2), until_passed: Some(RunNumber(7)) };
        assert_eq!(started(RunNumber(8), &waits), "Run 8 is queued after runs 1, 2 and 7.");
    }
}
