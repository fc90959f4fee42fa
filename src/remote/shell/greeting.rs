//! Getting a word out of a shell: until it has said the nonce, what comes is the user's login scripts, or no shell at all.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use memchr::memmem;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::frame::Nonce;
use crate::clock::{Clock, SystemClock};
use crate::remote::Channel;

/// How much is kept of what comes before the nonce, in bytes.
const NOISE_MAX: usize = 4096;
/// How much may come before it: whoever prints more than that is no login script.
const PATIENCE_MAX: usize = 16 * 1024 * 1024;

/// What came of it.
#[derive(Debug)]
pub(super) enum Greeting {
    /// It is a shell.
    Up {
        /// What it printed before, its beginning.
        noise: Vec<u8>,
        /// What it printed since.
        rest: Vec<u8>,
    },
    /// It is gone.
    Ended {
        /// What it printed, its beginning.
        noise: Vec<u8>,
    },
    /// It has not said the nonce in time.
    Silent {
        /// What it printed, its beginning.
        noise: Vec<u8>,
    },
}

/// Says the first words and waits for the answer, no longer than `limit`.
pub(super) fn greet(channel: &mut Channel, nonce: &Nonce, limit: Duration) -> io::Result<Greeting> {
    for stream in [&channel.input, &channel.output, &channel.errors] {
        rustix::io::ioctl_fionbio(stream, true)?;
    }
    let (words, answer) = (nonce.greeting(), nonce.greeted());
    let mut unsaid = &words[..];
    let (mut printed, mut said, mut dropped) = (Vec::new(), Vec::new(), 0);
    let mut errors_open = true;
    let began = SystemClock.now();
    let noise = |printed: &[u8], said: &[u8]| [printed, said].concat().into_iter().take(NOISE_MAX).collect();
    loop {
        let left = limit.saturating_sub(SystemClock.now().since(began));
        if left.is_zero() || dropped + printed.len() > PATIENCE_MAX {
            return Ok(Greeting::Silent { noise: noise(&printed, &said) });
        }
        let mut fds = vec![PollFd::new(&channel.output, PollFlags::IN)];
        if errors_open {
            fds.push(PollFd::new(&channel.errors, PollFlags::IN));
        }
        if !unsaid.is_empty() {
            fds.push(PollFd::from_borrowed_fd(channel.input.as_fd(), PollFlags::OUT));
        }
        match poll(&mut fds, Timespec::try_from(left).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !unsaid.is_empty() {
            match channel.input.write(unsaid) {
                Ok(written) => unsaid = &unsaid[written..],
                Err(error) if is_later(&error) => {}
                // It reads nothing any more; what it has printed says why.
                Err(_) => unsaid = &[],
            }
        }
        if errors_open {
            errors_open = read(&mut channel.errors, &mut said) != Some(0);
            said.truncate(NOISE_MAX);
        }
        let is_over = read(&mut channel.output, &mut printed) == Some(0);
        if let Some(at) = memmem::find(&printed, &answer) {
            let rest = printed.split_off(at + answer.len());
            printed.truncate(at);
            return Ok(Greeting::Up { noise: noise(&printed, &said), rest });
        }
        if is_over {
            // Its last words may come after its end.
            read(&mut channel.errors, &mut said);
            return Ok(Greeting::Ended { noise: noise(&printed, &said) });
        }
        // The beginning is kept for whoever wants to know, the end for the nonce.
        let surplus = printed.len().saturating_sub(NOISE_MAX + answer.len());
        printed.drain(NOISE_MAX.min(printed.len())..NOISE_MAX.min(printed.len()) + surplus);
        dropped += surplus;
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Reads once. How much that was; none where nothing is there now.
fn read(stream: &mut impl Read, into: &mut Vec<u8>) -> Option<usize> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(read) => {
            into.extend_from_slice(&buffer[..read]);
            Some(read)
        }
        Err(error) if is_later(&error) => None,
        Err(_) => Some(0),
    }
}
