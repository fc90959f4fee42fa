//! Sleeping until something happens in any of several runs.
//!
//! One poll(2) over one inotify descriptor, whatever the number of runs, and nothing in between: who waits for a run that
//! says nothing costs nothing. What was heard is looked at again a few times soon after, each time later, because a
//! lock is let go just after its file is closed, and only the closing is heard. And all is looked at now and then, for
//! file systems that tell nobody what others do. Where the system has no watches left, all is looked at a few times a
//! second instead.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::{Clock, Timestamp};
use crate::ids::RunNumber;
use crate::journal::layout::{ProjectDir, RunDir};
use crate::journal::watch::{Heard, Watches};

/// How often all is looked at where not all can be watched.
const LOOK: Duration = Duration::from_millis(100);
/// How long after something was heard it is looked at again.
const ECHOES: [Duration; 5] = [
    Duration::from_millis(2),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_millis(1250),
];
/// How often all is looked at where all is watched, and how much longer that is for each run.
const RARELY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(20));

/// What there is to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Everything.
    All,
    /// These; nothing, where only the time is over.
    Some(BTreeSet<Heard>),
}

impl Due {
    /// Whether this run is to be looked at.
    pub fn has(&self, number: RunNumber) -> bool {
        match self {
            Self::All => true,
            Self::Some(heard) => heard.contains(&Heard::Run(number)),
        }
    }
}

/// Waits for several runs at once.
pub struct Waiting<'a> {
    clock: &'a dyn Clock,
    watches: Option<Watches>,
    /// Whether all that was asked for is watched.
    complete: bool,
    runs: u32,
    /// What was heard a short while ago, and how often it was looked at since.
    fresh: BTreeSet<Heard>,
    echoes: usize,
    heard_at: Timestamp,
    looked_at: Timestamp,
}

impl<'a> Waiting<'a> {
    /// Waits for nothing yet.
    pub fn new(clock: &'a dyn Clock) -> Self {
        let (now, watches) = (clock.now(), Watches::new().ok());
        Self {
            clock,
            complete: watches.is_some(),
            watches,
            runs: 0,
            fresh: BTreeSet::new(),
            echoes: ECHOES.len(),
            heard_at: now,
            looked_at: now,
        }
    }

    /// Waits for this run, too; with `logs` also for what its stages print. It is to be looked at after this.
    pub fn add(&mut self, number: RunNumber, run: &RunDir, logs: bool) {
        self.runs = self.runs.saturating_add(1);
        let watched = self.watches.as_mut().is_some_and(|watches| watches.add(number, run, logs).is_ok());
        self.complete &= watched;
    }

    /// Waits for runs that are still to come, too.
    pub fn add_runs(&mut self, project: &ProjectDir) {
        let watched = self.watches.as_mut().is_some_and(|watches| watches.add_runs(project).is_ok());
        self.complete &= watched;
    }

    /// Sleeps until there is something to look at, or so long at most.
    pub fn wait(&mut self, limit: Option<Duration>) -> Due {
        let now = self.clock.now();
        let rarely = RARELY.0 + RARELY.1 * self.runs;
        let all_in = if self.complete { rarely } else { LOOK }.saturating_sub(now.since(self.looked_at));
        let echo = ECHOES.get(self.echoes).map(|echo| echo.saturating_sub(now.since(self.heard_at)));
        let limit = [Some(all_in), echo, limit].into_iter().flatten().min().unwrap_or(LOOK);
        self.sleep(limit);

        let heard = self.watches.as_mut().map(Watches::heard).unwrap_or_default();
        let now = self.clock.now();
        if !heard.is_empty() {
            if self.echoes >= ECHOES.len() {
                self.fresh.clear();
            }
            self.fresh.extend(&heard);
            (self.echoes, self.heard_at) = (0, now);
        } else if ECHOES.get(self.echoes).is_some_and(|echo| now.since(self.heard_at) >= *echo) {
            self.echoes += 1;
            return Due::Some(self.fresh.clone());
        }
        if now.since(self.looked_at) >= if self.complete { rarely } else { LOOK } {
            self.looked_at = now;
            return Due::All;
        }
        Due::Some(heard.into_iter().collect())
    }

    fn sleep(&self, limit: Duration) {
        let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        // A signal that does not end us is a reason to look.
        let _ = match &self.watches {
            Some(watches) => poll(&mut [PollFd::new(watches, PollFlags::IN)], Some(&limit)),
            None => poll(&mut [], Some(&limit)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::journal::layout::create_dir;

    #[test]
    fn what_was_heard_is_looked_at_again_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::at(dir.path().to_owned());
        let runs: Vec<RunNumber> = (1..=200).map(RunNumber).collect();
        let mut waiting = Waiting::new(&SystemClock);
        for number in &runs {
            create_dir(&project.run(*number).logs()).unwrap();
            waiting.add(*number, &project.run(*number), false);
        }
        std::fs::write(project.run(runs[6]).events(), "x").unwrap();
        for _ in 0..=ECHOES.len() {
            let due = waiting.wait(None);
            assert_eq!(due, Due::Some([Heard::Run(runs[6])].into()));
            assert!(due.has(runs[6]) && !due.has(runs[7]));
        }
        assert_eq!(waiting.wait(Some(Duration::from_millis(1))), Due::Some(BTreeSet::new()));
        // What stages print is nothing to who waits for the end.
        std::fs::write(project.run(runs[6]).logs().join("a.log"), "x").unwrap();
        assert_eq!(waiting.wait(Some(Duration::from_millis(1))), Due::Some(BTreeSet::new()));
    }

    #[test]
    fn what_cannot_be_watched_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let mut waiting = Waiting::new(&SystemClock);
        waiting.add(RunNumber(1), &RunDir::new(dir.path().join("gone")), false);
        assert_eq!(waiting.wait(None), Due::All);
    }
}
