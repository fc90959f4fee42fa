//! The private line between a command line and the supervisor it started: an unnamed pair of sockets.
//!
//! Towards the supervisor: the assignment, its length first, then single letters of [`Control`]. The end of that
//! direction is the leash: the starter is gone. Towards the command line: [`BELL`] when there is something new to read,
//! and, only where the journal cannot be written, what would have stood there: [`FRAME`], length, a [`Frame`] as JSON.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};
use serde::{Deserialize, Serialize};

use crate::cancel::CancelLevel;
use crate::event::Event;

/// There is something new to read.
pub const BELL: u8 = b'!';
/// A frame follows: four bytes of length, little-endian, then JSON.
pub const FRAME: u8 = b'F';

/// What the journal should have had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// An event.
    Event(Event),
    /// Why events come this way.
    Notice(String),
}

/// What a command line asks of its supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Ctrl+C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// Kill everything at once, for the reason given before.
    Kill,
}

impl Control {
    /// The letter on the wire.
    pub fn letter(self) -> u8 {
        match self {
            Control::Interrupt => b'i',
            Control::Terminate => b't',
            Control::Kill => b'k',
        }
    }

    /// The control of a letter.
    pub fn of(letter: u8) -> Option<Self> {
        [Control::Interrupt, Control::Terminate, Control::Kill].into_iter().find(|control| control.letter() == letter)
    }

    /// How firmly it asks.
    pub fn level(self) -> CancelLevel {
        match self {
            Control::Interrupt => CancelLevel::Interrupt,
            Control::Terminate => CancelLevel::Terminate,
            Control::Kill => CancelLevel::Kill,
        }
    }
}

/// Sends a message with its length before it.
pub fn send_message(mut to: &UnixStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| io::Error::other("the plan is larger than 4 GiB"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(message)
}

/// Receives a message with its length before it.
pub fn receive_message(from: &UnixStream) -> io::Result<Vec<u8>> {
    receive_at_most(from, u32::MAX as usize)
}

/// The same from somebody who might say any length: a message that is longer is an error, and nothing of it is read.
pub fn receive_at_most(mut from: &UnixStream, most: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        let text = format!("a message of {length} bytes, where {most} are the most");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(message)
}

/// The supervisor's end, towards the command line. Never waits: who does not listen is not waited for.
#[derive(Debug)]
pub struct Doorbell {
    socket: OwnedFd,
    /// Frames that did not fit yet.
    waiting: Mutex<VecDeque<u8>>,
}

impl Doorbell {
    /// A doorbell on this socket.
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, waiting: Mutex::default() }
    }

    /// Says that there is something new to read. A bell that does not fit is not missed: others are unheard before it.
    pub fn ring(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() {
            let _ = send(&self.socket, &[BELL], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        } else {
            self.flush(&mut waiting);
        }
    }

    /// Sends what could not be written to the journal. What does not fit goes with a later call.
    pub fn frame(&self, frame: &Frame) {
        let Ok(text) = serde_json::to_vec(frame) else { return };
        let Ok(length) = u32::try_from(text.len()) else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(FRAME);
        waiting.extend(length.to_le_bytes());
        waiting.extend(text);
        self.flush(&mut waiting);
    }

    /// Sends what did not fit, waiting for as long as somebody reads. For the end of a run: there is no later call.
    pub fn finish(&self) {
        loop {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            self.flush(&mut waiting);
            if waiting.is_empty() {
                return;
            }
            drop(waiting);
            // Who takes nothing for so long is stopped, and may be for ever; a run must not look alive for it.
            let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
            if poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], Some(&patience)) == Ok(0) {
                return;
            }
        }
    }

    fn flush(&self, waiting: &mut VecDeque<u8>) {
        while !waiting.is_empty() {
            let (front, _) = waiting.as_slices();
            match send(&self.socket, front, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => drop(waiting.drain(..sent)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                // Nobody will ever read it.
                Err(_) => waiting.clear(),
            }
        }
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What the command line has received and not yet taken apart.
#[derive(Debug, Default)]
pub struct Incoming(Vec<u8>);

impl Incoming {
    /// Takes in received bytes and returns the frames that are complete; bells are only noise that wakes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        self.0.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut rest = &self.0[..];
        loop {
            match rest {
                [FRAME, a, b, c, d, tail @ ..] => {
                    let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
                    let Some((text, after)) = tail.split_at_checked(length) else { break };
                    frames.extend(serde_json::from_slice(text).ok());
                    rest = after;
                }
                [FRAME, ..] | [] => break,
                [_, after @ ..] => rest = after,
            }
        }
        self.0 = rest.to_vec();
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::event::EventKind;

    fn frame(seq: u64) -> Frame {
        let kind = EventKind::Notice { stage: None, text: "x".repeat(300) };
        Frame::Event(Event { seq, at: Timestamp { unix_ms: 1, mono_us: 2 }, kind })
    }

    /// A command line that does not read is not waited for, and misses no event once it does.
    #[test]
    fn events_reach_a_slow_reader_whole_and_in_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let bell = Doorbell::new(ours.into());
        let count = 5000;
        for seq in 0..count {
            bell.ring();
            bell.frame(&frame(seq));
        }
        theirs.set_nonblocking(true).unwrap();
        let mut incoming = Incoming::default();
        let mut seen = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            match (&theirs).read(&mut buffer) {
                Ok(n) => seen.extend(incoming.push(&buffer[..n])),
                Err(_) if seen.len() as u64 == count => break,
                Err(_) => bell.ring(),
            }
        }
        assert!(seen.into_iter().eq((0..count).map(frame)));
    }
}
