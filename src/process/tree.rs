//! Everything that a child started, however it tried to get away: found, signalled, and gone.
//!
//! A sub-reaper's descendants stay its descendants: what daemonises becomes an orphan, and orphans become our children.
//! Whose orphan it is, its session tells, or the environment it was started with. One that left both behind belongs
//! to a child that was alone from its start; where several ran it is nobody's, and it is taken at the end of all.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::reaper::{Child, Reaper};
use super::table::{self, Entry, Table};

/// What belongs to one child, which leads a session of its own.
#[derive(Clone, Debug)]
pub struct Tree {
    /// When the child was started: [`table::ticks_now`]. What is older is not its own.
    pub since: u64,
    /// The orphans that were there before it was started, with their start times. A tick is long enough for another child
    /// to leave one and for this one to start.
    pub earlier: Vec<(i32, u64)>,
    /// The `NAME=value` string that every child and all they start carry in their environment.
    pub kin: String,
    /// `NAME=value` strings that only this child and all it starts carry in their environment.
    pub cookie: Vec<String>,
}

impl Tree {
    /// The living processes of the tree, the child among them if it lives.
    ///
    /// What is known of the children is asked for after the table was read: a child is registered before anybody can
    /// ask, so every child in the table is then known, and a new one is never taken for somebody's orphan.
    pub fn members(&self, reaper: &Reaper, child: &Child) -> io::Result<Vec<Entry>> {
        let table = Table::read()?;
        let alone = child.is_alone();
        let others: Vec<i32> = reaper.running().into_iter().filter(|pid| *pid != child.pid()).collect();
        // The id may be another's by now; then neither that process nor its session is of this tree.
        let ended = child.ended().map(|(_, at)| at);
        let leader = table.get(child.pid());
        let is_ours = ended.is_none_or(|at| leader.is_none_or(|leader| leader.start_time <= at));
        let us = i32::try_from(std::process::id()).unwrap_or(0);
        let mut found = Found::default();
        if is_ours {
            leader.filter(|leader| leader.parent == us && !leader.is_dead()).into_iter().for_each(|e| found.add(e));
            table.descendants(child.pid(), &[]).into_iter().for_each(|entry| found.add(entry));
        }
        let orphans = table.descendants(us, &others).into_iter().filter(|e| e.parent == us && e.pid != child.pid());
        for entry in orphans {
            let in_session = is_ours && entry.session == child.pid();
            let stray = || {
                alone
                    && entry.start_time >= self.since
                    && !self.earlier.contains(&(entry.pid, entry.start_time))
                    && !table::environment_has(entry.pid, std::slice::from_ref(&self.kin))
            };
            if in_session || table::environment_has(entry.pid, &self.cookie) || stray() {
                found.add(entry);
                table.descendants(entry.pid, &[]).into_iter().for_each(|entry| found.add(entry));
            }
        }
        let spared = reaper.spared();
        found.entries.retain(|entry| !spared.contains(&(entry.pid, entry.start_time)));
        Ok(found.entries)
    }
}

/// Processes, each once.
#[derive(Default)]
struct Found {
    seen: HashSet<i32>,
    entries: Vec<Entry>,
}

impl Found {
    fn add(&mut self, entry: &Entry) {
        if self.seen.insert(entry.pid) {
            self.entries.push(entry.clone());
        }
    }
}

/// Sends a signal to each of these very processes, and returns those that it may not be sent to: they have changed
/// their user. Those that are gone meanwhile are passed over.
pub fn signal_all(members: &[Entry], signal: i32) -> Vec<Entry> {
    let refused = |entry: &&Entry| {
        let sent = table::signal_exactly(entry.pid, entry.start_time, signal);
        sent.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    members.iter().filter(refused).cloned().collect()
}

/// Waits until one of these has ended, at most this long. Who waits for all of them looks again.
pub fn wait_gone(members: &[Entry], limit: Duration) {
    // One descriptor, whatever a stage has started.
    let Some(handle) = members.iter().find_map(|e| table::open_exactly(e.pid, e.start_time).ok().flatten()) else {
        return;
    };
    let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    let _ = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit));
}

/// Kills every process below this one that is not a running child of ours, was not spared, and is not exempt. Returns
/// what was found.
pub fn sweep_orphans(reaper: &Reaper, is_exempt: &dyn Fn(&Entry) -> bool) -> Vec<Entry> {
    let mut swept: Vec<Entry> = Vec::new();
    let us = i32::try_from(std::process::id()).unwrap_or(0);
    // What forks while it is being killed is met in the next round; the rounds are bounded.
    for _ in 0..50 {
        let mut orphans = reaper.orphans();
        orphans.retain(|entry| !is_exempt(entry));
        if orphans.is_empty() {
            break;
        }
        let table = Table::read().unwrap_or_default();
        let below = orphans.iter().flat_map(|orphan| table.descendants(orphan.pid, &[])).filter(|e| e.parent != us);
        let all: Vec<Entry> = orphans.iter().chain(below).cloned().collect();
        let refused = signal_all(&all, libc::SIGKILL);
        if refused.len() == all.len() {
            break;
        }
        wait_gone(&all, Duration::from_millis(100));
        for entry in all {
            if !refused.contains(&entry) && !swept.iter().any(|known| known.pid == entry.pid) {
                swept.push(entry);
            }
        }
    }
    swept
}
