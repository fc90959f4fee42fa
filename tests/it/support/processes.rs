//! Processes as /proc shows them: whose they are, whether they live, and ending those that a test left.

use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::wait::{holds_within, wait_until};

/// One process, for as long as it is that one: a process id alone may come to name another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    pub(crate) start: u64,
}

impl Identity {
    /// Reads what `chaos --pid-file` wrote, once it is there.
    #[track_caller]
    pub(crate) fn from_file(file: &Path) -> Self {
        wait_until(&format!("{} to be written", file.display()), || file.exists());
        let text = fs::read_to_string(file).unwrap();
        let (pid, start) = text.trim().split_once(' ').unwrap();
        Self { pid: pid.parse().unwrap(), start: start.parse().unwrap() }
    }

    /// The process with this id that started at this time.
    pub(crate) fn new(pid: i32, start: u64) -> Self {
        Self { pid, start }
    }

    /// The identity of a process that exists.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, start: Stat::of(pid)?.start })
    }

    /// Whether it still runs. What is dead and not yet waited for does not.
    pub(crate) fn is_alive(self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.start == self.start && !stat.is_dead())
    }

    /// Its state as `ps` shows it: `S` sleeping, `T` stopped; none when it is gone.
    pub(crate) fn state(self) -> Option<char> {
        Stat::of(self.pid).filter(|stat| stat.start == self.start).map(|stat| stat.state)
    }

    /// Waits until it is gone, and fails if it stays.
    #[track_caller]
    pub(crate) fn assert_gone(self) {
        wait_until(&format!("process {} ({}) to be gone", self.pid, command_line(self.pid)), || !self.is_alive());
    }

    /// The process that would be told of its end.
    pub(crate) fn parent(self) -> Option<Self> {
        Self::of(Stat::of(self.pid).filter(|stat| stat.start == self.start)?.parent)
    }

    /// Sends it a signal, if it is still that process.
    pub(crate) fn kill(self, signal: Signal) {
        if self.is_alive() {
            // Gone since the look: then there is nothing to signal.
            let _ = kill_process(Pid::from_raw(self.pid).unwrap(), signal);
        }
    }
}

/// Sends each of them a signal.
pub(crate) fn signal_all(processes: &[Identity], signal: Signal) {
    for process in processes {
        process.kill(signal);
    }
}

/// The children of a process, dead ones too that nobody has waited for.
pub(crate) fn children_of(parent: i32) -> Vec<i32> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| Stat::of(*pid).is_some_and(|stat| stat.parent == parent)).collect()
}

/// The parent of a process that exists.
pub(crate) fn parent_of(pid: i32) -> i32 {
    Stat::of(pid).unwrap().parent
}

/// The most memory that a process has ever had resident, in KiB (`VmHWM`, proc(5)).
pub(crate) fn peak_memory_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")).unwrap();
    peak.trim().parse().unwrap()
}

/// What we read of /proc/PID/stat.
struct Stat {
    state: char,
    parent: i32,
    start: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = text.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        Some(Self { state, parent, start: fields.nth(17)?.parse().ok()? })
    }

    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

fn command_line(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// A living process that belongs to a test, as a failure shows it.
#[derive(Clone, Debug)]
pub(crate) struct Living {
    pub(crate) identity: Identity,
    why: &'static str,
}

impl fmt::Display for Living {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.identity.state().unwrap_or('?');
        write!(f, "{} [{state}] {} ({})", self.identity.pid, command_line(self.identity.pid), self.why)
    }
}

/// All living processes that were started in a directory's name: they work below it, or their environment names a
/// state directory below it, as every stage's does that carries `LOCAL_CI_RUN_ID`.
pub(crate) fn belonging_to(root: &Path) -> Vec<Living> {
    let mark = [b"LOCAL_CI_STATE_DIR=", root.as_os_str().as_bytes()].concat();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let found = pids.filter(|pid: &i32| u32::try_from(*pid) != Ok(std::process::id())).filter_map(|pid| {
        let identity = Identity::of(pid)?;
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let variables = || environment.split(|byte| *byte == 0);
        let why = if variables().any(|variable| variable.starts_with(&mark)) {
            if variables().any(|v| v.starts_with(b"LOCAL_CI_RUN_ID=")) {
                "carries a run's id"
            } else {
                "our environment"
            }
        } else if fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|dir| dir.starts_with(root)) {
            "works in our directory"
        } else {
            return None;
        };
        Some(Living { identity, why }).filter(|_| identity.is_alive())
    });
    found.collect()
}

/// Kills all processes of a test until none is left.
pub(crate) fn kill_all(root: &Path) {
    holds_within(Duration::from_secs(10), || {
        let living = belonging_to(root);
        for living in &living {
            living.identity.kill(Signal::KILL);
        }
        living.is_empty()
    });
}
