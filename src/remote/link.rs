//! A shell that comes back: whoever wants something of the machine waits while the line is down, and what was cut off is
//! asked again. So scripts have to be harmless when they are run twice.
//!
//! ```text
//!              call, open            lost, or a call cut off
//!   New ─────▶ Making ──────▶ Up ───────────────▶ Making ──▶ … ──▶ Over
//!                 ▲  │ failed                                     tried for long enough, or it cannot pass
//!                 └──┘ waits longer from try to try
//! ```
//!
//! One thread makes the line, from when it is wanted until it is there or never will be. So who is cancelled stops waiting
//! at once, however long that takes.

mod backoff;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::shell::{Answer, Shell};
use super::{Channel, Fault, FaultKind, Login, Transport};
use crate::clock::{Clock, SystemClock, Timestamp};
use backoff::Backoff;

/// How often somebody who waits asks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(50);
/// How long a line that came back may take to show that anything comes over it. Longer than a slow profile takes, and
/// shorter than what one operation may: a line that does not work is better made anew than waited for.
const PROOF: Duration = Duration::from_secs(15);
/// How often a script may take longer than one operation may before that is the answer.
const TIMEOUTS: u32 = 2;

/// What becomes known of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkNews {
    /// It is there for the first time.
    Connected,
    /// It is gone, or could not be made.
    Down {
        /// What is wrong.
        why: Fault,
        /// How often it was tried to make it anew.
        attempt: u32,
        /// How long from now it is tried the next time.
        next: Duration,
    },
    /// It is there again.
    Up {
        /// For how long it was not.
        after: Duration,
    },
    /// It is not tried any more.
    Over(Fault),
}

/// How a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Nobody has wanted it yet.
    New,
    /// It is being made, for the first time or again; why the last try failed.
    Making(Option<Fault>),
    /// It is there.
    Up,
    /// It is not tried any more.
    Over(Fault),
}

/// How patient a link is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long one operation may take.
    pub operation: Duration,
    /// For how long a line that was lost is tried again.
    pub give_up: Duration,
}

type Tell = Box<dyn Fn(LinkNews) + Send + Sync>;

/// Which line something came over: it grows with each that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

impl From<Generation> for u64 {
    fn from(generation: Generation) -> Self {
        generation.0
    }
}

impl From<u64> for Generation {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

/// A shell that comes back. May be used from many threads.
pub struct Link {
    inner: Arc<Inner>,
    maker: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    transport: Arc<dyn Transport>,
    patience: Patience,
    tell: Tell,
    line: Mutex<Line>,
    changed: Condvar,
}

#[derive(Debug)]
struct Line {
    state: State,
    /// How many lines there have been.
    generation: u64,
    /// What was measured on those that are gone.
    round_trip: Option<Duration>,
    /// What came before the first word of the last shell.
    noise: Vec<u8>,
    is_closed: bool,
}

#[derive(Debug)]
enum State {
    New,
    Making(Option<Fault>),
    Up(Arc<Shell>),
    Over(Fault),
}

impl Inner {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> Fault {
        Fault::new(FaultKind::Cancelled, format!("nothing is wanted of {} any more", self.transport.host()))
    }
}

impl Link {
    /// A link over this transport, which makes its line when it is first wanted. `tell` hears what becomes of it, from
    /// threads of the link's own or of whoever calls; it must not wait for the link.
    pub fn new(
        transport: Arc<dyn Transport>,
        patience: Patience,
        tell: impl Fn(LinkNews) + Send + Sync + 'static,
    ) -> Self {
        let line = Line { state: State::New, generation: 0, round_trip: None, noise: Vec::new(), is_closed: false };
        let (line, changed, tell) = (Mutex::new(line), Condvar::new(), Box::new(tell));
        Self { inner: Arc::new(Inner { transport, patience, tell, line, changed }), maker: Mutex::default() }
    }

    /// The machine as a person knows it.
    pub fn host(&self) -> &str {
        self.inner.transport.host()
    }

    /// The way there, for what brings its own protocol.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.inner.transport
    }

    /// How it is now.
    pub fn state(&self) -> LinkState {
        match &self.inner.line().state {
            State::New => LinkState::New,
            State::Making(why) => LinkState::Making(why.clone()),
            State::Up(_) => LinkState::Up,
            State::Over(why) => LinkState::Over(why.clone()),
        }
    }

    /// From a request to the first word of its answer: the median of the last that were measured, once one was.
    pub fn round_trip(&self) -> Option<Duration> {
        let line = self.inner.line();
        let now = match &line.state {
            State::Up(shell) => shell.round_trip(),
            State::New | State::Making(_) | State::Over(_) => None,
        };
        now.or(line.round_trip)
    }

    /// What came before the first word of the last shell that was opened.
    pub fn noise(&self) -> Vec<u8> {
        self.inner.line().noise.clone()
    }

    /// Runs a script there, in the time that one operation may take. While the line is down it waits, and asks again what
    /// was cut off; so it fails only where that is cancelled, the line is over, or the script itself takes too long.
    pub fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        self.call_within(script, self.inner.patience.operation, cancelled)
    }

    /// The same for a script that may take so long.
    pub fn call_within(&self, script: &str, limit: Duration, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        let mut timeouts = 0;
        loop {
            let (shell, generation) = self.shell(cancelled)?;
            let asked = SystemClock.now();
            let fault = match shell.call(script, limit, cancelled) {
                Ok(answer) => return Ok(answer),
                Err(fault) if fault.kind == FaultKind::Cancelled => return Err(fault),
                Err(fault) => fault,
            };
            drop(shell);
            // Where others found the line to be silent, that says nothing of this script.
            let is_own = fault.kind == FaultKind::TimedOut && SystemClock.now().since(asked) >= limit;
            timeouts += u32::from(is_own);
            self.lost(generation, fault.clone());
            if timeouts >= TIMEOUTS {
                return Err(fault);
            }
        }
    }

    /// Opens a shell for somebody who follows something over it, with nothing said to it yet. Waits while the line is down.
    /// Whoever sees its channel end, or go silent, says so with [`Self::lost`].
    pub fn open(&self, login: Login, cancelled: &dyn Fn() -> bool) -> Result<(Channel, Generation), Fault> {
        loop {
            let (_, generation) = self.shell(cancelled)?;
            match self.inner.transport.open(login, self.inner.patience.operation) {
                Ok(channel) => return Ok((channel, generation)),
                Err(fault) if fault.kind.may_pass() && fault.kind != FaultKind::Busy => self.lost(generation, fault),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Nothing comes any more over the line of that generation: it is made anew, unless that has been done already.
    pub fn lost(&self, generation: Generation, why: Fault) {
        let mut line = self.inner.line();
        if line.generation != generation.0 || !matches!(line.state, State::Up(_)) {
            return;
        }
        let old = std::mem::replace(&mut line.state, State::Making(Some(why.clone())));
        if let State::Up(shell) = &old {
            line.round_trip = shell.round_trip().or(line.round_trip);
            shell.end(why.clone());
        }
        drop(line);
        self.inner.transport.suspect();
        // Its thread is waited for, and others may want the line meanwhile.
        drop(old);
        self.make(Some(why));
    }

    /// Makes sure that nothing is made or waited for any more, and ends the line as far as it is ours. Whoever waits fails.
    pub fn close(&self) {
        let mut line = self.inner.line();
        line.is_closed = true;
        let closed = State::Over(self.inner.closed());
        let old = match line.state {
            State::Over(_) => None,
            State::New | State::Making(_) | State::Up(_) => Some(std::mem::replace(&mut line.state, closed)),
        };
        drop(line);
        self.inner.changed.notify_all();
        drop(old);
        self.inner.transport.close();
        let maker = self.maker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(maker) = maker {
            let _ = maker.join();
        }
    }

    /// The shell of the present line, waiting for it.
    fn shell(&self, cancelled: &dyn Fn() -> bool) -> Result<(Arc<Shell>, Generation), Fault> {
        let mut line = self.inner.line();
        loop {
            match &line.state {
                State::Up(shell) => return Ok((Arc::clone(shell), Generation(line.generation))),
                State::Over(why) => return Err(why.clone()),
                State::New => {
                    line.state = State::Making(None);
                    drop(line);
                    self.make(None);
                    line = self.inner.line();
                }
                State::Making(_) => {}
            }
            // Not under the lock: it may ask how the link is.
            drop(line);
            if cancelled() {
                let message = format!("cancelled while there was no line to {}", self.host());
                return Err(Fault::new(FaultKind::Cancelled, message));
            }
            line = self.inner.line();
            if matches!(line.state, State::Making(_)) {
                let waited = self.inner.changed.wait_timeout(line, LOOK);
                line = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// Starts the thread that makes the line. To be called by whoever has changed the state to making, and nobody else.
    fn make(&self, lost: Option<Fault>) {
        let inner = Arc::clone(&self.inner);
        let thread = std::thread::Builder::new().name("link".into()).stack_size(512 * 1024);
        match thread.spawn(move || inner.make(lost)) {
            // The one before has done its work: it is its last act to change the state.
            Ok(thread) => drop(self.maker.lock().unwrap_or_else(PoisonError::into_inner).replace(thread)),
            Err(error) => {
                let message = format!("cannot make a line to {}: {error}", self.host());
                self.inner.over(Fault::new(FaultKind::Protocol, message));
            }
        }
    }
}

impl Inner {
    fn over(&self, why: Fault) {
        let mut line = self.line();
        if line.is_closed {
            return;
        }
        line.state = State::Over(why.clone());
        drop(line);
        (self.tell)(LinkNews::Over(why));
        self.changed.notify_all();
    }

    /// Makes the line, however often that has to be tried. `lost` says why there is none, where there was one.
    fn make(&self, lost: Option<Fault>) {
        let began = SystemClock.now();
        let mut backoff = Backoff::new();
        let was_there = lost.is_some();
        if let Some(why) = lost {
            (self.tell)(LinkNews::Down { why, attempt: 0, next: Duration::ZERO });
        }
        let mut is_proven = false;
        loop {
            if self.line().is_closed {
                return;
            }
            let limit = if was_there { self.patience.operation.min(PROOF) } else { self.patience.operation };
            let fault = match self.attempt(limit) {
                Ok(shell) => {
                    let after = SystemClock.now().since(began);
                    if self.line().is_closed {
                        return;
                    }
                    // Told before anybody can find it lost again.
                    (self.tell)(if was_there { LinkNews::Up { after } } else { LinkNews::Connected });
                    let mut line = self.line();
                    if line.is_closed {
                        return;
                    }
                    line.generation += 1;
                    line.noise = shell.noise().to_vec();
                    line.state = State::Up(Arc::new(shell));
                    drop(line);
                    self.changed.notify_all();
                    return;
                }
                Err(fault) => fault,
            };
            let tried = SystemClock.now().since(began);
            // A line that others have left may be dead, and nobody knows yet: then one of our own is worth a try.
            if !was_there && !is_proven && matches!(fault.kind, FaultKind::Cut | FaultKind::TimedOut) {
                is_proven = true;
                self.transport.suspect();
                continue;
            }
            // Who never was there is not waited for: it is said what is wrong.
            if !was_there || !fault.kind.may_pass() {
                return self.over(fault);
            }
            if tried >= self.patience.give_up {
                let message = format!(
                    "no line to {} for {} s, and it was not to be tried for longer; last: {}",
                    self.transport.host(),
                    tried.as_secs(),
                    fault.message
                );
                return self.over(Fault { kind: FaultKind::GaveUp, message, cures: fault.cures });
            }
            let next = backoff.next().min(self.patience.give_up.saturating_sub(tried));
            (self.tell)(LinkNews::Down { why: fault.clone(), attempt: backoff.attempt(), next });
            if self.is_closed_within(next, fault) {
                return;
            }
            self.transport.suspect();
        }
    }

    /// One try: what is new has to show within the limit that anything comes over it.
    fn attempt(&self, limit: Duration) -> Result<Shell, Fault> {
        self.transport.connect(self.patience.operation)?;
        Shell::open(&*self.transport, Login::Yes, limit)
    }

    /// Waits so long, unless nothing is wanted any more before.
    fn is_closed_within(&self, wait: Duration, why: Fault) -> bool {
        let began: Timestamp = SystemClock.now();
        let mut line = self.line();
        if !line.is_closed {
            line.state = State::Making(Some(why));
        }
        loop {
            let left = wait.saturating_sub(SystemClock.now().since(began));
            if line.is_closed || left.is_zero() {
                return line.is_closed;
            }
            let waited = self.changed.wait_timeout(line, left);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests;
