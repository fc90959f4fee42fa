//! The one owner of every wait.
//!
//! The supervisor is a sub-reaper: orphans of its stages become its children, and a wait for any child sees them too.
//! So one thread waits for all. The model:
//!
//! - `spawn` holds the lock from before the child exists until it is registered, so the reaper never meets a child
//!   of ours that it does not know.
//! - The reaper looks at an ended child without taking it away, takes the lock, and only then reaps it and forgets its
//!   id. While an id is known here it therefore means that child, and `signal_group`, which holds the lock, cannot hit
//!   another. Children are told apart by a number of our own, since an id may come again while the first one's end
//!   is still being dealt with.
//! - Who waits for a child is woken through its [`Waker`], as is everybody when an orphan is reaped, since
//!   a stage that ended may be waiting for just that one.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};
use rustix::process::{Pid, Signal, kill_process_group};

use super::spawn::Program;
use super::{become_subreaper, table, unix};
use crate::outcome::Exit;

/// Wakes a thread that is blocked in poll(2).
#[derive(Debug)]
pub struct Waker(OwnedFd);

impl Waker {
    /// A waker that nobody has rung.
    pub fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes the descriptor readable.
    pub fn wake(&self) {
        // It fails only where the counter is full, and then it is readable already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Makes the descriptor unreadable again.
    pub fn clear(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[derive(Debug)]
struct Registered {
    /// How it ended, and when it was reaped: [`table::ticks_now`].
    exit: Option<(Exit, u64)>,
    waker: Arc<Waker>,
    /// Whether no other child was there at any time since it was started.
    alone: bool,
}

#[derive(Debug, Default)]
struct Children {
    by_key: HashMap<u64, Registered>,
    /// The ids of those that have not been reaped.
    running: HashMap<i32, u64>,
    /// How many were ever started: the next one's key, and what tells the reaper that there is something to wait for.
    started: u64,
    /// Orphans that may stay: id and start time.
    spared: Vec<(i32, u64)>,
}

/// Whom a look at an ended process took away.
enum Reaped {
    /// It has not ended, or somebody else was first.
    Nobody,
    /// The child with this key.
    Child(u64),
    /// Nobody's.
    Orphan,
}

impl Children {
    /// Takes an ended process away. Under the lock, so that its id is known here for exactly as long as it is its own.
    fn reap(&mut self, pid: i32) -> Reaped {
        let Some(exit) = unix::reap(pid) else { return Reaped::Nobody };
        let Some(key) = self.running.remove(&pid) else { return Reaped::Orphan };
        if let Some(child) = self.by_key.get_mut(&key) {
            child.exit = Some((exit, table::ticks_now()));
        }
        Reaped::Child(key)
    }
}

#[derive(Debug, Default)]
struct Shared {
    children: Mutex<Children>,
    spawned: Condvar,
}

impl Shared {
    fn children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts children and learns of their ends. Clones share it; there is one in a process.
#[derive(Clone, Debug)]
pub struct Reaper(Arc<Shared>);

impl Reaper {
    /// Makes this process a sub-reaper and starts the thread that waits. From here on nothing else in the process
    /// may wait for children.
    pub fn start() -> io::Result<Self> {
        become_subreaper()?;
        let reaper = Self(Arc::default());
        let shared = Arc::clone(&reaper.0);
        std::thread::Builder::new()
            .name("reaper".into())
            .stack_size(128 * 1024)
            .spawn(move || reap_for_ever(&shared))?;
        Ok(reaper)
    }

    /// Starts a program. `waker` is rung when it has ended.
    pub fn spawn(
        &self,
        program: &Program,
        descriptors: &[(BorrowedFd<'_>, RawFd)],
        waker: &Arc<Waker>,
    ) -> io::Result<Child> {
        let mut children = self.0.children();
        let pid = program.start(descriptors)?;
        let key = children.started;
        children.started += 1;
        let alone = children.by_key.is_empty();
        children.by_key.values_mut().for_each(|other| other.alone = false);
        children.by_key.insert(key, Registered { exit: None, waker: Arc::clone(waker), alone });
        children.running.insert(pid, key);
        drop(children);
        self.0.spawned.notify_one();
        Ok(Child { pid, key, reaper: self.clone() })
    }

    /// The ids of children that were started here and have not ended.
    pub fn running(&self) -> Vec<i32> {
        self.0.children().running.keys().copied().collect()
    }

    /// Orphans that may stay: id and start time.
    pub fn spared(&self) -> Vec<(i32, u64)> {
        self.0.children().spared.clone()
    }

    /// Has these orphans stay: they are nobody's any more.
    pub fn spare(&self, orphans: &[table::Entry]) {
        self.0.children().spared.extend(orphans.iter().map(|entry| (entry.pid, entry.start_time)));
    }

    /// The living processes that were handed to us when their own parents ended, but for those that may stay. Cheap
    /// where there are none.
    pub fn orphans(&self) -> Vec<table::Entry> {
        // The list first: what is started in between is then known below, and is no orphan.
        let mut listed = table::children_of_main_thread();
        if listed.is_empty() {
            return Vec::new();
        }
        let running = self.running();
        listed.retain(|pid| !running.contains(pid));
        let mut orphans: Vec<_> =
            listed.into_iter().filter_map(table::read_entry).filter(|entry| !entry.is_dead()).collect();
        let children = self.0.children();
        orphans.retain(|entry| !children.spared.contains(&(entry.pid, entry.start_time)));
        orphans
    }
}

fn reap_for_ever(shared: &Shared) {
    loop {
        let started = shared.children().started;
        match unix::peek_any_child() {
            Ok(Some(pid)) => {
                let mut children = shared.children();
                match children.reap(pid) {
                    Reaped::Nobody => {}
                    Reaped::Child(key) => {
                        if let Some(child) = children.by_key.get(&key) {
                            child.waker.wake();
                        }
                    }
                    Reaped::Orphan => children.by_key.values().for_each(|child| child.waker.wake()),
                }
            }
            // No children, so no descendants that could become children: only a spawn changes that.
            Ok(None) | Err(_) => {
                let children = shared.children();
                let wait = shared.spawned.wait_while(children, |children| children.started == started);
                drop(wait.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}

/// A program that was started here.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    key: u64,
    reaper: Reaper,
}

impl Child {
    /// Its process id; while it has not ended, also that of its process group and session if it leads one.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How it ended, once it has.
    pub fn exit(&self) -> Option<Exit> {
        self.ended().map(|(exit, _)| exit)
    }

    /// How it ended, looked at now: a process that has let go of its output is about to end, and to hear of it from
    /// the reaper would take two changes of threads more.
    pub fn look(&self) -> Option<Exit> {
        // A few microseconds lie between the one and the other.
        for _ in 0..4 {
            let mut children = self.reaper.0.children();
            if children.running.get(&self.pid) == Some(&self.key) {
                children.reap(self.pid);
            }
            if let Some((exit, _)) = children.by_key.get(&self.key).and_then(|child| child.exit) {
                return Some(exit);
            }
            drop(children);
            std::thread::yield_now();
        }
        None
    }

    /// How it ended and when it was reaped, once it was: a process with its id that started later is another one.
    pub fn ended(&self) -> Option<(Exit, u64)> {
        self.reaper.0.children().by_key.get(&self.key).and_then(|child| child.exit)
    }

    /// Whether no other child was there at any time since it was started. What cannot be told apart is then its own.
    pub fn is_alone(&self) -> bool {
        self.reaper.0.children().by_key.get(&self.key).is_some_and(|child| child.alone)
    }

    /// Sends a signal to the group it leads, unless it has ended. Says whether it did.
    pub fn signal_group(&self, signal: i32) -> bool {
        let children = self.reaper.0.children();
        let running = children.running.get(&self.pid) == Some(&self.key);
        match (running, Pid::from_raw(self.pid), Signal::from_named_raw(signal)) {
            (true, Some(pid), Some(signal)) => kill_process_group(pid, signal).is_ok(),
            _ => false,
        }
    }
}

impl Drop for Child {
    /// Whoever lets go of a child that has not ended has met an error: it is not to live on unseen.
    fn drop(&mut self) {
        self.signal_group(libc::SIGKILL);
        self.reaper.0.children().by_key.remove(&self.key);
    }
}
