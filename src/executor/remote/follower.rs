//! Follows all attempts of one run on one machine over one channel, and hands each what is said of it.
//!
//! A thread owns the channel: it opens it, asks for everything again after a cut, and reads. Attempts only write requests.
//! Nothing waits for anybody: each attempt is sent no more than its window ahead of what it has taken, so that a slow one
//! keeps neither the others waiting nor too much in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::line::Line;
use super::place::{Place, bare};
use super::wire::{CHUNK_MAX, Frame, Wire};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::remote::quote::quote;
use crate::remote::{Channel, Fault, FaultKind};

/// The loop there: see the file.
const FOLLOW: &str = include_str!("scripts/follow.sh");
/// The most that is on its way or waits here, of all attempts together, in bytes.
const MEMORY: u64 = 64 * 1024 * 1024;
/// The most of one attempt.
const WINDOW_MAX: u64 = 8 * 1024 * 1024;
/// As much as one attempt always may have; so many attempts that this is too much do not run at a time.
const WINDOW_MIN: u64 = 256 * 1024;
/// After so much silence the line is no line any more: there is a sign of life every 5 s.
const SILENCE: Duration = Duration::from_secs(20);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often the loop there may say what nobody understands before it is given up.
const FAULTS_MAX: u32 = 5;

/// What an attempt hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The next bytes of its output.
    Bytes(Vec<u8>),
    /// The record of how it ended, after the last byte.
    Verdict(String),
    /// There is none and will be none: `gone` or `rebooted`.
    Lost(String),
    /// There is nothing of it yet: said again and again.
    Nothing,
    /// Nobody follows it any more.
    Left(Fault),
    /// Something is asked of it.
    Woken,
}

/// Follows attempts.
pub(super) struct Follower {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    line: Arc<dyn Line>,
    place: Place,
    /// Which remote follows, as part of a file's name there.
    whose: String,
    received: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Where requests are written, while the loop there can be asked.
    input: Option<File>,
    /// What keeps the channel open.
    guard: Option<Box<dyn Send + Sync>>,
    followed: BTreeMap<u64, Followed>,
    last: u64,
    /// Since when anybody is followed.
    since: Option<Timestamp>,
    closing: bool,
}

struct Followed {
    name: String,
    to: Sender<Heard>,
    /// The next byte.
    next: u64,
    /// How much of it the attempt has taken.
    taken: u64,
    /// What was said of that there.
    told: u64,
    window: u64,
}

impl Followed {
    /// The request to follow it from where it is. What is here and was not taken counts against the window.
    fn request(&mut self, number: u64) -> String {
        self.told = self.taken;
        format!("F {number} {} {} {}\n", self.name, self.next, self.taken + self.window)
    }
}

/// Keeps an attempt followed for as long as it lives.
pub(super) struct Following {
    shared: Arc<Shared>,
    number: u64,
}

impl Follower {
    /// Follows attempts of a run over this line, which is that of the remote of this name. Opens its channel once it is asked
    /// to.
    pub(super) fn new(remote: &str, line: Arc<dyn Line>, place: Place) -> Self {
        // The same for every supervisor of the run, so that each takes away what the one before has left.
        let whose = crate::ids::hex(&blake3::hash(remote.as_bytes()).as_bytes()[..4]);
        let shared = Shared { line, place, whose, received: AtomicU64::new(0), state: Mutex::default() };
        Self { shared: Arc::new(shared), thread: Mutex::new(None) }
    }

    /// Has the channel opened, so that it is there when it is needed.
    pub(super) fn warm_up(&self) -> io::Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let shared = Arc::clone(&self.shared);
            let run = move || shared.run();
            *thread = Some(std::thread::Builder::new().name("follower".into()).stack_size(256 * 1024).spawn(run)?);
        }
        Ok(())
    }

    /// Follows an attempt from this byte on: what is said of it goes there.
    pub(super) fn follow(&self, name: &str, from: u64, to: Sender<Heard>) -> io::Result<Following> {
        self.warm_up()?;
        let mut state = self.shared.state();
        let reserved: u64 = state.followed.values().map(|followed| followed.window).sum();
        let window = (MEMORY.saturating_sub(reserved) / 4).clamp(WINDOW_MIN, WINDOW_MAX);
        state.last += 1;
        let number = state.last;
        let mut followed = Followed { name: name.to_owned(), to, next: from, taken: from, told: from, window };
        let request = followed.request(number);
        state.followed.insert(number, followed);
        state.since.get_or_insert_with(|| SystemClock.now());
        state.say(&request);
        Ok(Following { shared: Arc::clone(&self.shared), number })
    }

    /// How much came, in bytes.
    pub(super) fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closing = true;
        state.input = None;
        let guard = state.guard.take();
        drop(state);
        drop(guard);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Following {
    /// So many bytes were written down and need no room any more.
    pub(super) fn take(&self, bytes: usize) {
        let mut state = self.shared.state();
        let Some(followed) = state.followed.get_mut(&self.number) else { return };
        followed.taken += bytes as u64;
        if followed.taken - followed.told >= followed.window / 4 {
            followed.told = followed.taken;
            let request = format!("A {} {}\n", self.number, followed.taken + followed.window);
            state.say(&request);
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.followed.remove(&self.number).is_some() {
            state.say(&format!("U {}\n", self.number));
        }
        if state.followed.is_empty() {
            state.since = None;
        }
    }
}

impl State {
    /// Puts a request on its way, where there is one. A line that does not take it is one that ends soon, and then everything
    /// is asked again.
    fn say(&mut self, request: &str) {
        if self.input.as_mut().is_some_and(|input| write_all(input, request.as_bytes()).is_err()) {
            self.input = None;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: one channel after the other, until nobody wants one any more.
    fn run(&self) {
        // Its shell reads no profile, and that of stages may: they have to mean the same directory.
        let place = match self.place.resolve(&*self.line, &|| self.state().closing) {
            Ok(place) => place,
            Err(fault) => return self.leave(&fault),
        };
        let mut faults = 0;
        loop {
            if self.state().closing {
                return;
            }
            let opened = self.line.open(&|| self.state().closing);
            let (channel, generation) = match opened {
                Ok(opened) => opened,
                Err(fault) => return self.leave(&fault),
            };
            let fault = match self.see_through(channel, &place) {
                Ok(()) => return,
                Err(fault) => fault,
            };
            let guard = {
                let mut state = self.state();
                state.input = None;
                state.guard.take()
            };
            drop(guard);
            if self.state().closing {
                return;
            }
            faults = if fault.kind == FaultKind::Cut { 0 } else { faults + 1 };
            let is_final = !fault.kind.may_pass() && fault.kind != FaultKind::Protocol;
            if is_final || faults > FAULTS_MAX {
                return self.leave(&fault);
            }
            self.line.lost(generation, fault);
        }
    }

    /// Tells all that they are not followed any more.
    fn leave(&self, fault: &Fault) {
        let mut state = self.state();
        state.followed.values().for_each(|followed| drop(followed.to.send(Heard::Left(fault.clone()))));
        state.followed.clear();
        state.since = None;
    }

    /// Follows over one channel, until that ends.
    fn see_through(&self, channel: Channel, place: &Place) -> Result<(), Fault> {
        let Channel { mut input, output, errors, guard } = channel;
        let mark = mark();
        let mut wire = Wire::new(output, &mark, SILENCE);
        {
            let mut state = self.state();
            if state.closing {
                return Ok(());
            }
            state.guard = Some(guard);
        }
        write_all(&mut input, follow(place, &self.whose, &mark).as_bytes()).map_err(|error| self.cut(&error))?;
        // What login scripts say there has to have room; the loop has its own end of it closed.
        let mut errors = Some(errors);
        let mut heard_at = SystemClock.now();
        loop {
            errors.as_mut().map(drain);
            match wire.next(LOOK, errors.is_some()).map_err(|error| self.cut(&error))? {
                Some(Frame::Ready) => {
                    errors = None;
                    let mut state = self.state();
                    let requests: String =
                        state.followed.iter_mut().map(|(number, followed)| followed.request(*number)).collect();
                    if state.closing {
                        return Ok(());
                    }
                    write_all(&mut input, requests.as_bytes()).map_err(|error| self.cut(&error))?;
                    state.input = input.try_clone().ok();
                }
                Some(frame) => self.hand_on(frame)?,
                None => {
                    let now = SystemClock.now();
                    let state = self.state();
                    if state.closing {
                        return Ok(());
                    }
                    let busy = state.since.map_or(Duration::ZERO, |since| now.since(since));
                    let silent = now.since(heard_at).min(if errors.is_some() { Duration::MAX } else { busy });
                    if silent >= SILENCE {
                        let said = format!("{} has said nothing for {} s", self.line.host(), SILENCE.as_secs());
                        return Err(Fault::new(FaultKind::TimedOut, said));
                    }
                    continue;
                }
            }
            heard_at = SystemClock.now();
        }
    }

    /// Hands a frame to whom it is about. What was about somebody who has gone is nothing.
    fn hand_on(&self, frame: Frame) -> Result<(), Fault> {
        let mut state = self.state();
        let (number, heard) = match frame {
            Frame::Ready | Frame::Alive => return Ok(()),
            Frame::Fault { kind, text } => return Err(super::fault::told(self.line.host(), &kind, &text)),
            Frame::Bytes { number, offset, bytes } => {
                self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                let Some(followed) = state.followed.get_mut(&number) else { return Ok(()) };
                if offset != followed.next {
                    return Err(self.nonsense());
                }
                followed.next += bytes.len() as u64;
                (number, Heard::Bytes(bytes))
            }
            Frame::Verdict { number, record } => (number, Heard::Verdict(record)),
            Frame::Lost { number, why } => (number, Heard::Lost(why)),
            Frame::Nothing { number } => (number, Heard::Nothing),
        };
        if let Some(followed) = state.followed.get(&number) {
            // It has gone, and takes itself off the list in a moment.
            let _ = followed.to.send(heard);
        }
        Ok(())
    }

    fn cut(&self, error: &io::Error) -> Fault {
        match error.kind() {
            ErrorKind::InvalidData => self.nonsense(),
            ErrorKind::UnexpectedEof => Fault::new(FaultKind::Cut, format!("the line to {} was cut", self.line.host())),
            _ => Fault::new(FaultKind::Cut, format!("the line to {} was cut: {error}", self.line.host())),
        }
    }

    fn nonsense(&self) -> Fault {
        let said = format!("what follows the stages on {} says what it was not asked", self.line.host());
        Fault::new(FaultKind::Protocol, said)
    }
}

/// The text that follows attempts there for the remote that is part of a file's name there, and says what there is of them
/// behind this mark.
pub(super) fn follow(place: &Place, whose: &str, mark: &str) -> String {
    format!(
        "{{\nexec 2>/dev/null\n{}__mark={} __whose={} __chunk={CHUNK_MAX}\n{}__follow\nexit\n}}\n",
        place.script(),
        quote(mark),
        quote(whose),
        bare(FOLLOW)
    )
}

/// A word that nobody guesses.
fn mark() -> String {
    let mut random = [0; 16];
    // Blocks for no longer than it takes the kernel to come up.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    crate::ids::hex(&random)
}

/// Reads and forgets what is there.
fn drain(file: &mut File) {
    let mut there = [0; 4096];
    while poll(&mut [PollFd::new(&*file, PollFlags::IN)], Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
        if !matches!(file.read(&mut there), Ok(1..)) {
            return;
        }
    }
}

/// Writes all of it, whether or not the file waits by itself.
fn write_all(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(&*file, PollFlags::OUT)], None)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
