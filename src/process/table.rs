//! The processes of this machine as `/proc` shows them, read when it is needed and trusted for no longer.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// One process, as `/proc/<pid>/stat` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub pid: i32,
    /// Its command name, at most 15 bytes.
    pub name: String,
    /// The state's letter; `Z` and `X` are dead.
    pub state: char,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// When it started, in clock ticks since the boot.
    pub start_time: u64,
}

impl Entry {
    /// Whether it only waits to be reaped.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Now, as [`Entry::start_time`] counts: ticks of 10 ms since the boot, which is what Linux shows everywhere.
pub fn ticks_now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(now.tv_sec * 100 + now.tv_nsec / 10_000_000).unwrap_or(0)
}

/// Reads one process, if it is there.
pub fn read_entry(pid: i32) -> Option<Entry> {
    // The name may hold anything, a newline or bytes that are no UTF-8 too.
    parse_stat(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
}

/// `pid (name) state ppid pgrp session …`, where the name may hold blanks and parentheses: proc(5).
fn parse_stat(line: &str) -> Option<Entry> {
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    // The session is field 6 of the line; the start time is field 22.
    let session = fields.next()?.parse().ok()?;
    let start_time = fields.nth(15)?.parse().ok()?;
    Some(Entry { pid: pid.parse().ok()?, name: name.to_owned(), state, parent, group, session, start_time })
}

/// A snapshot of all processes.
#[derive(Debug, Default)]
pub struct Table {
    entries: HashMap<i32, Entry>,
    children: HashMap<i32, Vec<i32>>,
}

impl Table {
    /// Reads `/proc`. Takes about 6 µs a process.
    pub fn read() -> io::Result<Self> {
        let mut table = Self::default();
        for dir in fs::read_dir("/proc")? {
            let Some(pid) = dir?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Some(entry) = read_entry(pid) {
                table.children.entry(entry.parent).or_default().push(pid);
                table.entries.insert(pid, entry);
            }
        }
        Ok(table)
    }

    /// The living processes below `root`, not through any of `except`, parents first.
    pub fn descendants(&self, root: i32, except: &[i32]) -> Vec<&Entry> {
        let mut found = Vec::new();
        let mut open = vec![root];
        while let Some(pid) = open.pop() {
            for child in self.children.get(&pid).into_iter().flatten() {
                if except.contains(child) {
                    continue;
                }
                open.push(*child);
                found.extend(self.entries.get(child).filter(|entry| !entry.is_dead()));
            }
        }
        found
    }

    /// One process.
    pub fn get(&self, pid: i32) -> Option<&Entry> {
        self.entries.get(&pid)
    }
}

/// The children of one of our own threads, as the kernel lists them: 4 µs, dead ones included.
///
/// Orphans below a sub-reaper become children of its main thread.
pub fn children_of_main_thread() -> Vec<i32> {
    let pid = std::process::id();
    match fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")) {
        Ok(list) => list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect(),
        // A kernel without that file: more is listed then, which those who ask can tell apart.
        Err(_) => {
            let us = i32::try_from(pid).unwrap_or(0);
            Table::read().map(|table| table.children.get(&us).cloned().unwrap_or_default()).unwrap_or_default()
        }
    }
}

/// Whether a process was started with all these `NAME=value` strings in its environment.
pub fn environment_has(pid: i32, all: &[String]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    all.iter().all(|want| environment.split(|byte| *byte == 0).any(|have| have == want.as_bytes()))
}

/// A handle on the process with this id *and* this start time, if it is there.
///
/// The descriptor is opened first and the start time read after, so the id cannot come to mean another process
/// unnoticed; the descriptor polls as readable once the process has ended.
pub fn open_exactly(pid: i32, start_time: u64) -> io::Result<Option<OwnedFd>> {
    // A number below one is no process: to kill(2) it would be many.
    let Some(target) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else { return Ok(None) };
    let descriptor = match pidfd_open(target, PidfdFlags::empty()) {
        Ok(descriptor) => descriptor,
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(read_entry(pid).filter(|entry| entry.start_time == start_time).map(|_| descriptor))
}

/// Sends a signal to the process with this id *and* this start time. Says whether it was there.
pub fn signal_exactly(pid: i32, start_time: u64, signal: i32) -> io::Result<bool> {
    let Some(signal) = Signal::from_named_raw(signal) else { return Err(io::ErrorKind::InvalidInput.into()) };
    let descriptor = match open_exactly(pid, start_time) {
        Ok(Some(descriptor)) => descriptor,
        Ok(None) => return Ok(false),
        // No descriptor to be had, or an old kernel: then by its number, right after looking at who that is.
        Err(_) => {
            let target = Pid::from_raw(pid).filter(|_| read_entry(pid).is_some_and(|e| e.start_time == start_time));
            let Some(target) = target else { return Ok(false) };
            return kill_process(target, signal).map(|()| true).map_err(io::Error::from);
        }
    };
    match pidfd_send_signal(&descriptor, signal) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_read() {
        let tail = "S 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        let entry = parse_stat(&format!("42 (a) b (c) {tail}")).unwrap();
        assert_eq!((entry.pid, entry.name.as_str(), entry.state), (42, "a) b (c", 'S'));
        assert_eq!((entry.parent, entry.group, entry.session, entry.start_time), (7, 8, 9, 4711));
        assert_eq!(parse_stat("42 (a"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn we_are_in_the_table_below_our_parent() {
        let me = i32::try_from(std::process::id()).unwrap();
        let table = Table::read().unwrap();
        let mine = table.get(me).unwrap();
        assert!(mine.start_time <= ticks_now() && mine.start_time + 100 * 3600 > ticks_now());
        let parent = mine.parent;
        assert!(table.descendants(parent, &[]).iter().any(|entry| entry.pid == me));
        assert!(!table.descendants(parent, &[me]).iter().any(|entry| entry.pid == me));
    }
}
