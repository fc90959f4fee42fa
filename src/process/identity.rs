//! Which process, beyond doubt: ids are used again, so a process is its id, its start time and the boot it lives in.

use std::io;

use serde::{Deserialize, Serialize};

use super::table;

/// A process that can be told from a later one with the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: i32,
    /// When it started, in clock ticks since the boot (field 22 of `/proc/<pid>/stat`).
    pub start_time: u64,
    /// The boot that it lives in (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}

/// This boot's id.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

impl Identity {
    /// The identity of a process that exists now.
    pub fn of(pid: i32) -> io::Result<Self> {
        let entry = table::read_entry(pid).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { pid, start_time: entry.start_time, boot_id: boot_id()? })
    }

    /// Whether that very process is still there (a zombie is not).
    pub fn is_alive(&self) -> bool {
        boot_id().is_ok_and(|boot| boot == self.boot_id)
            && table::read_entry(self.pid).is_some_and(|e| e.start_time == self.start_time && !e.is_dead())
    }

    /// Sends a signal to that very process, never to a later one with its id. Says whether it was still there.
    pub fn signal(&self, signal: i32) -> io::Result<bool> {
        if boot_id()? != self.boot_id {
            return Ok(false);
        }
        table::signal_exactly(self.pid, self.start_time, signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H31, H30: a record that points to another process's id, or to another boot, signals nobody.
    #[test]
    fn h31_a_foreign_identity_is_never_signalled() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let me = Identity::of(pid).unwrap();
        assert!(me.is_alive());
        // Signal 15 to ourselves would end the test run, so that a mistake here shows.
        let earlier = Identity { start_time: me.start_time - 1, ..me.clone() };
        assert!(!earlier.is_alive());
        assert!(!earlier.signal(15).unwrap());
        for pid in [0, -1, i32::MIN] {
            let nobody = Identity { pid, ..me.clone() };
            assert!(!nobody.is_alive());
            assert!(!nobody.signal(15).unwrap(), "{pid}");
        }
        let other_boot = Identity { boot_id: "another".into(), ..me };
        assert!(!other_boot.is_alive());
        assert!(!other_boot.signal(15).unwrap());
    }
}
