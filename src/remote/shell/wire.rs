//! The thread that holds a shell's channel: it writes what is to be said and hands on what is heard, so that neither waits
//! for the other and a request need not wait for the answer to the one before.
//!
//! Callers put requests into [`State`] and wait on its condition. Whatever ends the thread ends all that wait.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::Answer;
use super::frame::{Heard, Reader};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::process::reaper::Waker;
use crate::remote::{Channel, Fault};

/// How many round trips are remembered.
const SAMPLES: usize = 31;

/// What callers and the thread share.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What is to be said.
    pub(super) unsaid: Vec<u8>,
    /// Requests whose answer somebody waits for, or would.
    pub(super) asked: HashMap<u64, Asked>,
    /// The number of the last request.
    pub(super) last: u64,
    /// How long it took from a request to its first word, the newest last.
    pub(super) round_trips: VecDeque<Duration>,
    /// Why nothing comes any more, once that is so.
    pub(super) over: Option<Over>,
}

/// A request on its way.
#[derive(Debug)]
pub(super) struct Asked {
    /// When it was said, where nothing else was on its way then: it measures the line.
    pub(super) said: Option<Timestamp>,
    /// What came of it.
    pub(super) answer: Option<Answer>,
}

/// Why a shell answers no more.
#[derive(Clone, Debug)]
pub(super) enum Over {
    /// Its output has ended.
    Ended,
    /// It says what it was not asked.
    Broken,
    /// Somebody found it to be of no use.
    Given(Fault),
}

/// The shared part of a shell.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) changed: Condvar,
    pub(super) waker: Waker,
}

impl Shared {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { state: Mutex::default(), changed: Condvar::new(), waker: Waker::new()? })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it, unless it has ended already.
    pub(super) fn end(&self, over: Over) {
        self.state().over.get_or_insert(over);
        self.changed.notify_all();
        self.waker.wake();
    }
}

/// Sees a channel through to its end. What was read of it already comes first.
pub(super) fn run(shared: &Arc<Shared>, mut channel: Channel, mut reader: Reader, rest: &[u8]) {
    hear(shared, &mut reader, rest);
    let mut writing = Vec::new();
    while shared.state().over.is_none() {
        if writing.is_empty() {
            writing = std::mem::take(&mut shared.state().unsaid);
        }
        let over = match wait(shared, &channel, !writing.is_empty()) {
            Err(_) => Some(Over::Ended),
            Ok((writes, reads)) => {
                if writes {
                    write(&mut channel, &mut writing);
                }
                if reads { read(shared, &mut channel, &mut reader) } else { None }
            }
        };
        if let Some(over) = over {
            shared.end(over);
        }
    }
}

/// Waits for something to do: whether it can be written, and read.
fn wait(shared: &Shared, channel: &Channel, has_words: bool) -> io::Result<(bool, bool)> {
    let mut fds = vec![PollFd::new(&shared.waker, PollFlags::IN), PollFd::new(&channel.output, PollFlags::IN)];
    if has_words {
        fds.push(PollFd::new(&channel.input, PollFlags::OUT));
    }
    match poll(&mut fds, None) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok((false, false)),
        Err(error) => return Err(error.into()),
    }
    let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    if ready[0] {
        shared.waker.clear();
    }
    Ok((ready.get(2).copied().unwrap_or(false), ready[1]))
}

fn write(channel: &mut Channel, writing: &mut Vec<u8>) {
    match channel.input.write(writing) {
        Ok(written) => drop(writing.drain(..written)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        // Its output says that it has ended, or soon will.
        Err(_) => writing.clear(),
    }
}

fn read(shared: &Shared, channel: &mut Channel, reader: &mut Reader) -> Option<Over> {
    let mut buffer = vec![0; 64 * 1024];
    match channel.output.read(&mut buffer) {
        Ok(0) => Some(Over::Ended),
        Ok(read) => {
            hear(shared, reader, &buffer[..read]);
            None
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
        Err(_) => Some(Over::Ended),
    }
}

fn hear(shared: &Shared, reader: &mut Reader, bytes: &[u8]) {
    let now = SystemClock.now();
    for heard in reader.take(bytes) {
        let mut state = shared.state();
        match heard {
            Heard::Began(number) => {
                if let Some(said) = state.asked.get(&number).and_then(|asked| asked.said) {
                    state.round_trips.push_back(now.since(said));
                    let surplus = state.round_trips.len().saturating_sub(SAMPLES);
                    state.round_trips.drain(..surplus);
                }
            }
            Heard::Answered { number, code, output } => {
                // Who has given up waiting has taken its request away.
                if let Some(asked) = state.asked.get_mut(&number) {
                    asked.answer = Some(Answer { code, output });
                }
            }
            Heard::Broken => drop(state.over.get_or_insert(Over::Broken)),
        }
        drop(state);
        shared.changed.notify_all();
    }
}
