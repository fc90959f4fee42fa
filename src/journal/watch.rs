//! Hearing of changes in a run's directory without asking again and again.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

use super::layout::RunDir;

/// Becomes readable when something was written in a run's directory, or its lock was let go.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Watches a run. Fails where the system has no watches left; whoever follows then looks a few times a second.
    pub fn new(run: &RunDir) -> io::Result<Self> {
        let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&watch, run.path(), WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::CLOSE_WRITE)?;
        inotify::add_watch(&watch, run.logs(), WatchFlags::MODIFY | WatchFlags::CREATE)?;
        Ok(Self(watch))
    }

    /// Watches nothing yet: see [`Watch::add_end`].
    pub fn of_ends() -> io::Result<Self> {
        Ok(Self(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?))
    }

    /// Watches for the end of a run as well, and for little else: its events, and its lock. What stages print, and what
    /// programs do with the run's jobserver, wakes nobody. To be called again as long as it is waited for: a run that has
    /// said nothing yet has no events to be watched.
    pub fn add_end(&self, run: &RunDir) -> io::Result<()> {
        inotify::add_watch(&self.0, run.lock(), WatchFlags::CLOSE_WRITE)?;
        match inotify::add_watch(&self.0, run.events(), WatchFlags::MODIFY) {
            Err(rustix::io::Errno::NOENT) => inotify::add_watch(&self.0, run.path(), WatchFlags::CREATE)?,
            other => other?,
        };
        Ok(())
    }

    /// Forgets what was heard so far, so that the descriptor waits for what comes next.
    pub fn clear(&self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut buffer);
        while reader.next().is_ok() {}
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
