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
