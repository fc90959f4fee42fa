//! Stopping a tree of processes so that nothing in it runs, and having it go on again.
//!
//! SIGSTOP takes effect when a process next runs, and what it forks before that is stopped by nobody; so a tree is looked
//! at and stopped in rounds, until two looks in a row have met nothing that runs. One is not enough: what was forked while
//! the table was read may stand before the place that was being read.
//!
//! Parents are stopped before their children and go on after them. A shell with job control would otherwise see its job
//! stop, and take it for a Ctrl+Z.

use std::collections::HashMap;

use super::table::Entry;
use super::tree::signal_all;

/// After so many rounds a child is stopped although its parent still runs: that may be waiting for it in the kernel, as
/// one that has called vfork(2) does.
const ROUNDS_AHEAD: u32 = 5;
/// So many looks in a row have to meet nothing that runs.
const LOOKS: u32 = 2;

/// A process, for as long as it is that one.
type Known = (i32, u64);

/// A tree that is being stopped, or that was.
#[derive(Debug, Default)]
pub struct Still {
    /// Those that stood still by themselves before, and are not to go on with the others.
    before: Vec<Known>,
    /// When each was first told to stop.
    told: HashMap<Known, u32>,
    /// Those that may not be signalled, since they have changed their user.
    refused: Vec<Known>,
    round: u32,
    quiet: u32,
}

impl Still {
    /// Stops what runs of these, the living processes of the tree; to be called with what there is then, until it says
    /// that all of them stand still.
    pub fn stop(&mut self, members: &[Entry]) -> bool {
        if self.round == 0 {
            self.before = members.iter().filter(|entry| entry.state == 'T').map(known).collect();
        }
        self.round += 1;
        let running: Vec<&Entry> = self.restless(members).collect();
        if running.is_empty() {
            self.quiet += 1;
            return self.quiet >= LOOKS;
        }
        self.quiet = 0;
        let told_long_ago =
            |parent: &Entry| self.told.get(&known(parent)).is_some_and(|since| self.round - since >= ROUNDS_AHEAD);
        let is_next = |entry: &&Entry| {
            running.iter().find(|other| other.pid == entry.parent).is_none_or(|parent| told_long_ago(parent))
        };
        let next: Vec<Entry> = running.iter().copied().filter(is_next).cloned().collect();
        let refused = signal_all(&next, libc::SIGSTOP);
        self.refused.extend(refused.iter().map(known));
        for entry in &next {
            self.told.entry(known(entry)).or_insert(self.round);
        }
        false
    }

    /// Those of the living processes of the tree that run, although they could be stopped.
    pub fn restless<'a>(&self, members: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
        // `t`: held by somebody who traces it.
        members.iter().filter(|entry| !matches!(entry.state, 'T' | 't') && !self.refused.contains(&known(entry)))
    }

    /// How many may not be stopped.
    pub fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Has these, the living processes of the tree, go on, but for those that stood still before.
    pub fn resume(self, members: &[Entry]) {
        let mut ours: Vec<Entry> =
            members.iter().filter(|entry| !self.before.contains(&known(entry))).cloned().collect();
        // They come with parents before their children.
        ours.reverse();
        signal_all(&ours, libc::SIGCONT);
    }
}

fn known(entry: &Entry) -> Known {
    (entry.pid, entry.start_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that is not there: nobody gets its signals.
    fn entry(pid: i32, parent: i32, state: char) -> Entry {
        let (group, session) = (i32::MAX, i32::MAX);
        Entry { pid: i32::MAX - pid, name: "x".into(), state, parent: i32::MAX - parent, group, session, start_time: 1 }
    }

    fn told(still: &Still) -> Vec<i32> {
        let mut told: Vec<i32> = still.told.keys().map(|(pid, _)| i32::MAX - pid).collect();
        told.sort_unstable();
        told
    }

    /// H12: one quiet look is not enough, and what comes up between two is met.
    #[test]
    fn h12_a_tree_stands_still_when_two_looks_have_met_nothing_that_runs() {
        let mut still = Still::default();
        assert!(!still.stop(&[entry(1, 0, 'S')]));
        assert!(!still.stop(&[entry(1, 0, 'T')]));
        assert!(!still.stop(&[entry(1, 0, 'T'), entry(2, 1, 'R')]));
        assert!(!still.stop(&[entry(1, 0, 'T'), entry(2, 1, 't')]));
        assert!(still.stop(&[entry(1, 0, 'T'), entry(2, 1, 'T')]));
        assert_eq!(told(&still), [1, 2]);
        assert!(!Still::default().stop(&[]) && still.stop(&[]), "where nothing is left, all of it stands still");
    }

    #[test]
    fn parents_are_stopped_before_their_children_unless_they_take_long() {
        let mut still = Still::default();
        let tree = [entry(1, 0, 'D'), entry(2, 1, 'S'), entry(3, 2, 'S'), entry(9, 7, 'R')];
        for _ in 0..ROUNDS_AHEAD {
            still.stop(&tree);
            assert_eq!(told(&still), [1, 9]);
        }
        still.stop(&tree);
        assert_eq!(told(&still), [1, 2, 9]);
        let names: Vec<i32> = still.restless(&tree).map(|entry| i32::MAX - entry.pid).collect();
        assert_eq!(names, [1, 2, 3, 9]);
    }

    #[test]
    fn what_stood_still_before_is_left_as_it_was() {
        let mut still = Still::default();
        still.stop(&[entry(1, 0, 'S'), entry(2, 1, 'T')]);
        still.stop(&[entry(1, 0, 'T'), entry(2, 1, 'T'), entry(3, 1, 'T')]);
        assert_eq!(still.before, [known(&entry(2, 1, 'T'))]);
    }
}
