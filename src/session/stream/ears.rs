//! Hearing of changes in many directories over one descriptor.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// Something was heard.
pub(super) struct Heard {
    /// Where.
    pub(super) watch: i32,
    /// Of which file there, where it is about one.
    pub(super) name: Option<String>,
    /// Whether nothing more will be heard from there: the directory is gone.
    pub(super) is_end: bool,
    /// Whether more has happened than could be heard.
    pub(super) is_overflow: bool,
}

/// Why a wait is over.
pub(super) enum Woken {
    /// Something was heard.
    Heard(Vec<Heard>),
    /// The time is over.
    Late,
    /// Nobody is there any more to be told.
    Nobody,
}

/// What is listened to.
pub(super) struct Ears {
    inotify: Option<OwnedFd>,
    /// Whether all that was asked for is listened to.
    is_sharp: bool,
}

impl Ears {
    pub(super) fn new() -> Self {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        Self { is_sharp: inotify.is_some(), inotify }
    }

    /// Whether everything that is there to be listened to is heard. Where not, somebody has to look.
    pub(super) fn is_sharp(&self) -> bool {
        self.is_sharp
    }

    /// Listens for what comes into a directory. None where it is not there, or cannot be listened to.
    pub(super) fn listen_to_directory(&mut self, path: &Path) -> Option<i32> {
        let gone = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        self.listen(path, WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR | gone)
    }

    /// Listens to a run: what its supervisor writes, and that it lets its lock go. Not to what stages print.
    pub(super) fn listen_to_run(&mut self, path: &Path) -> Option<i32> {
        self.listen(path, WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::CLOSE_WRITE | WatchFlags::ONLYDIR)
    }

    fn listen(&mut self, path: &Path, flags: WatchFlags) -> Option<i32> {
        match inotify::add_watch(self.inotify.as_ref()?, path, flags) {
            Ok(watch) => Some(watch),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::ACCESS) => None,
            // The system has no more of them.
            Err(_) => {
                self.is_sharp = false;
                None
            }
        }
    }

    /// Listens there no longer.
    pub(super) fn leave(&self, watch: i32) {
        if let Some(inotify) = &self.inotify {
            // A directory that is gone has taken it along.
            let _ = inotify::remove_watch(inotify, watch);
        }
    }

    /// Waits until something is heard, the time is over, or the other end of `out` is closed.
    pub(super) fn wait(&self, out: BorrowedFd<'_>, limit: Option<Duration>) -> Woken {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut fds = vec![PollFd::from_borrowed_fd(out, PollFlags::empty())];
        fds.extend(self.inotify.as_ref().map(|inotify| PollFd::new(inotify, PollFlags::IN)));
        loop {
            match poll(&mut fds, limit.as_ref()) {
                Ok(0) => return Woken::Late,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Woken::Nobody,
                Ok(_) if fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) => {
                    return Woken::Nobody;
                }
                Ok(_) => return Woken::Heard(self.hear().unwrap_or_default()),
            }
        }
    }

    /// All that there is to be heard just now.
    fn hear(&self) -> io::Result<Vec<Heard>> {
        let Some(inotify) = &self.inotify else { return Ok(Vec::new()) };
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(inotify, &mut buffer);
        let mut heard = Vec::new();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::AGAIN) => return Ok(heard),
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let flags = event.events();
            heard.push(Heard {
                watch: event.wd(),
                name: event.file_name().and_then(|name| name.to_str().ok()).map(str::to_owned),
                is_end: flags.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF),
                is_overflow: flags.contains(ReadFlags::QUEUE_OVERFLOW),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    /// Each kind of thing that output can go to says in its own way that its other end is gone.
    #[test]
    fn that_nobody_listens_any_more_is_heard_of_pipes_and_of_sockets() {
        let ears = Ears::new();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let limit = Some(Duration::from_millis(1));
        assert!(matches!(ears.wait(ours.as_fd(), limit), Woken::Late));
        assert!(matches!(ears.wait(writer.as_fd(), limit), Woken::Late));
        drop((theirs, reader));
        assert!(matches!(ears.wait(ours.as_fd(), None), Woken::Nobody));
        assert!(matches!(ears.wait(writer.as_fd(), None), Woken::Nobody));
    }
}
