//! Everything that a child started, however it tried to get away: found, signalled, and gone.
//!
//! A sub-reaper's descendants stay its descendants: what daemonises becomes an orphan, and orphans become our children.
//! Whose orphan it is, its session tells, or the environment it was started with. One that left both behind belongs
//! to a child that was alone from its start; where several ran it is nobody's, and it is taken at the end of all.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::reaper::Reaper;
use super::table::{self, Entry, Table};

/// What belongs to one child.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The child, which leads a session of its own.
    pub leader: i32,
    /// When the child was started: [`table::ticks_now`]. What is older is not its own.
    pub since: u64,
    /// `NAME=value` strings that it and all it starts carry in their environment.
    pub cookie: Vec<String>,
}

impl Tree {
    /// The living processes of the tree, the leader among them if it lives.
    ///
    /// With `strays`, orphans that nobody can claim belong to it too, unless they are older than it.
    pub fn members(&self, reaper: &Reaper, strays: bool) -> io::Result<Vec<Entry>> {
        let running = reaper.running();
        let table = Table::read()?;
        let us = i32::try_from(std::process::id()).unwrap_or(0);
        let others: Vec<i32> = running.iter().copied().filter(|pid| *pid != self.leader).collect();
        let mut seen = HashSet::new();
        let mut members: Vec<Entry> = Vec::new();
        let mut add = |entry: &Entry| {
            if seen.insert(entry.pid) {
                members.push(entry.clone());
            }
        };
        table.get(self.leader).filter(|leader| leader.parent == us && !leader.is_dead()).into_iter().for_each(&mut add);
        table.descendants(self.leader, &[]).into_iter().for_each(&mut add);
        for entry in table.descendants(us, &others).into_iter().filter(|e| e.pid != self.leader && e.parent == us) {
            let stray = strays && entry.start_time >= self.since;
            if stray || entry.session == self.leader || table::environment_has(entry.pid, &self.cookie) {
                add(entry);
                table.descendants(entry.pid, &[]).into_iter().for_each(&mut add);
            }
        }
        Ok(members)
    }
}

/// Sends a signal to each of these very processes; those that are gone meanwhile are passed over.
pub fn signal_all(members: &[Entry], signal: i32) {
    for entry in members {
        // ESRCH is handled; EPERM is a process that changed its user, which nobody but root can reach.
        let _ = table::signal_exactly(entry.pid, entry.start_time, signal);
    }
}

/// Waits until all of these have ended, at most this long.
pub fn wait_gone(members: &[Entry], limit: Duration) {
    // A bounded number of descriptors at a time, whatever a stage has started.
    for some in members.chunks(64) {
        let handles: Vec<_> =
            some.iter().filter_map(|e| table::open_exactly(e.pid, e.start_time).ok().flatten()).collect();
        for handle in &handles {
            let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
            let _ = poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&limit));
        }
    }
}

/// Kills every process below this one that is not a running child of ours. Returns what was found.
pub fn sweep_orphans(reaper: &Reaper) -> Vec<Entry> {
    let mut swept: Vec<Entry> = Vec::new();
    // What forks while it is being killed is met in the next round; the rounds are bounded.
    for _ in 0..50 {
        let orphans = reaper.orphans();
        if orphans.is_empty() {
            break;
        }
        let us = i32::try_from(std::process::id()).unwrap_or(0);
        let all: Vec<Entry> = match Table::read() {
            Ok(table) => table.descendants(us, &reaper.running()).into_iter().cloned().collect(),
            Err(_) => orphans,
        };
        signal_all(&all, libc::SIGKILL);
        wait_gone(&all, Duration::from_millis(100));
        for entry in all {
            if !swept.iter().any(|known| known.pid == entry.pid) {
                swept.push(entry);
            }
        }
    }
    swept
}
