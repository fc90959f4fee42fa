//! From pipes to chunks: reads what a process prints, in arrival order, until nobody holds the other end.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::reaper::Waker;
use crate::event::Stream;

/// What one read takes at first; most stages never print more at once.
const SMALL: usize = 16 * 1024;
/// What one read takes from a process that floods.
const LARGE: usize = 256 * 1024;

/// A process that floods writes a few kilobytes at a time, and each of them would wake us, the log and whoever follows.
/// So after a read of at least so much that did not fill the buffer, the pipe is given a moment to fill.
const WORTH_A_MOMENT: std::ops::Range<usize> = 4 * 1024..LARGE / 4;
/// How long that is: a fast writer fills the buffer in it, and nobody sees it.
const MOMENT: Duration = Duration::from_micros(200);

/// Reads a process's output.
#[derive(Debug)]
pub struct Pump {
    sources: Vec<(OwnedFd, Stream)>,
    waker: Arc<Waker>,
    buffer: Vec<u8>,
    /// How much the last reads took, together.
    last: usize,
}

impl Pump {
    /// A pump for these reading ends, whose `wait` also returns when the waker is rung.
    pub fn new(sources: Vec<(OwnedFd, Stream)>, waker: Arc<Waker>) -> Self {
        Self { sources, waker, buffer: vec![0; SMALL], last: 0 }
    }

    /// Whether anybody can still write.
    pub fn is_open(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Hands on what is in the pipes at this moment, and nothing that comes later: who never stops writing is not
    /// waited for.
    pub fn drain(&mut self, take: &mut dyn FnMut(Stream, &[u8])) {
        let buffer = &mut self.buffer;
        for (fd, stream) in &self.sources {
            let mut there = rustix::io::ioctl_fionread(fd).ok().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            while there > 0 {
                let most = there.min(buffer.len());
                match rustix::io::read(fd, &mut buffer[..most]) {
                    Ok(n) if n > 0 => {
                        there -= n;
                        take(*stream, &buffer[..n]);
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Ok(_) | Err(_) => break,
                }
            }
        }
    }

    /// Waits until there is output, the waker rings or the time is over, and hands on what is there.
    ///
    /// Says whether there was output.
    pub fn wait(&mut self, limit: Option<Duration>, take: &mut dyn FnMut(Stream, &[u8])) -> io::Result<bool> {
        if self.buffer.len() == LARGE && WORTH_A_MOMENT.contains(&self.last) {
            // The waker ends it early; what it has to say is heard below, where it is polled again.
            let moment = Timespec::try_from(MOMENT).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
            let _ = poll(&mut [PollFd::new(&*self.waker, PollFlags::IN)], Some(&moment));
        }
        let limit = limit.map(|limit| Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }));
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(self.sources.len() + 1);
        fds.push(PollFd::new(&*self.waker, PollFlags::IN));
        fds.extend(self.sources.iter().map(|(fd, _)| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let rung = !fds[0].revents().is_empty();
        let ready: Vec<bool> = fds[1..].iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        if rung {
            self.waker.clear();
        }
        let mut taken = 0;
        let mut grow = false;
        let mut ready = ready.into_iter();
        let buffer = &mut self.buffer;
        self.sources.retain(|(fd, stream)| {
            if !ready.next().unwrap_or(false) {
                return true;
            }
            match rustix::io::read(fd, &mut buffer[..]) {
                Ok(0) => false,
                Ok(n) => {
                    taken += n;
                    grow |= n == buffer.len();
                    take(*stream, &buffer[..n]);
                    true
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => true,
                // A terminal's master says EIO where a pipe says end of file: nobody has the other end open.
                Err(_) => false,
            }
        });
        if grow && self.buffer.len() < LARGE {
            self.buffer = vec![0; LARGE];
            for (fd, _) in &self.sources {
                // A larger pipe halves the number of switches between writer and reader; without it, it still works.
                let _ = rustix::pipe::fcntl_setpipe_size(fd.as_fd(), LARGE * 4);
            }
        }
        self.last = taken;
        Ok(taken > 0)
    }
}
