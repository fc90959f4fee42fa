//! A shell at the other end of a line, which runs scripts one after the other and says what came of each.
//!
//! Scripts are run in a subshell with nothing to read: neither `exit` nor an error in them ends the line, and a script has
//! no more to do with the next than what it has left on disk. What they print on stderr is lost. Whatever they start in
//! the background has to have all three streams redirected, since what it printed later would be taken for others' output.
//!
//! Scripts are run in the order in which they came, and may be given from many threads: they are on their way together,
//! so that each waits for one round trip and for the scripts before it, not for their round trips.

mod frame;
mod greeting;
mod wire;

use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Fault, FaultKind, Login, Transport};
use crate::clock::{Clock, SystemClock};
use crate::text::plain::printable;
use frame::{Nonce, Reader};
use greeting::{Greeting, greet};
use wire::{Asked, Over, Shared};

/// How often somebody who waits for an answer asks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(50);
/// So much of the time for opening a shell may be spent on the user's profile.
const PROFILES_PART: f32 = 0.6;

/// What came of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The script's own code, or 128 and the signal that ended it.
    pub code: i32,
    /// What it printed on stdout.
    pub output: Vec<u8>,
}

impl Answer {
    /// What it printed, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// A shell that answers. Dropping it ends its channel.
#[derive(Debug)]
pub struct Shell {
    host: String,
    login: Login,
    noise: Vec<u8>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Shell {
    /// Opens a shell over a line that is there, and waits until it has said its first word: no longer than `limit`.
    ///
    /// Where the user's profile ends a login shell, or keeps it from coming up in time, the shell is one without a profile:
    /// see [`Self::login`].
    pub fn open(transport: &dyn Transport, login: Login, limit: Duration) -> Result<Self, Fault> {
        let began = SystemClock.now();
        let first = match login {
            Login::Yes => limit.mul_f32(PROFILES_PART),
            Login::No => limit,
        };
        let failed = match Self::attempt(transport, login, first, &[])? {
            Ok(shell) => return Ok(shell),
            Err(failed) => failed,
        };
        if login == Login::No || !transport.is_up() {
            return Err(failed.fault(transport, first));
        }
        let left = limit.saturating_sub(SystemClock.now().since(began));
        Self::attempt(transport, Login::No, left, &failed.noise)?.map_err(|failed| failed.fault(transport, limit))
    }

    fn attempt(
        transport: &dyn Transport,
        login: Login,
        limit: Duration,
        earlier: &[u8],
    ) -> Result<Result<Self, Failed>, Fault> {
        let began = SystemClock.now();
        let broken = |error: std::io::Error| {
            Fault::new(FaultKind::Protocol, format!("cannot talk to a shell on {}: {error}", transport.host()))
        };
        let mut channel = transport.open(login, limit)?;
        let nonce = Nonce::new().map_err(broken)?;
        let left = limit.saturating_sub(SystemClock.now().since(began));
        let (noise, rest) = match greet(&mut channel, &nonce, left).map_err(broken)? {
            Greeting::Up { noise, rest } => (noise, rest),
            Greeting::Ended { noise } => return Ok(Err(Failed { noise, is_late: false })),
            Greeting::Silent { noise } => return Ok(Err(Failed { noise, is_late: true })),
        };
        let shared = Arc::new(Shared::new().map_err(broken)?);
        let (theirs, reader) = (Arc::clone(&shared), Reader::new(&nonce));
        let thread = std::thread::Builder::new()
            .name("shell".into())
            .stack_size(256 * 1024)
            .spawn(move || wire::run(&theirs, channel, reader, &rest))
            .map_err(broken)?;
        let noise = [earlier, &noise].concat();
        let shell = Self { host: transport.host().to_owned(), login, noise, shared, thread: Some(thread) };
        // Measures the line, and nobody waits for it.
        shell.ask(":");
        Ok(Ok(shell))
    }

    /// Runs a script and says what came of it. Where that takes longer than `limit`, the shell is of no use any more: what
    /// it does is not known. Once `cancelled` says so, this side waits no longer; the script is run all the same.
    pub fn call(&self, script: &str, limit: Duration, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        let began = SystemClock.now();
        let number = self.ask(script);
        let mut state = self.shared.state();
        loop {
            if state.asked.get(&number).is_some_and(|asked| asked.answer.is_some()) {
                let answer = state.asked.remove(&number).and_then(|asked| asked.answer);
                return answer.ok_or_else(|| self.over(&Over::Broken));
            }
            if let Some(over) = &state.over {
                return Err(self.over(over));
            }
            let left = limit.saturating_sub(SystemClock.now().since(began));
            if left.is_zero() {
                drop(state);
                let said = format!("{} has not answered for {} s", self.host, limit.as_secs_f32());
                let fault = Fault::new(FaultKind::TimedOut, said);
                self.shared.end(Over::Given(fault.clone()));
                return Err(fault);
            }
            // Not under the lock: it may ask how the line is, and who looks at that may hold another.
            drop(state);
            let is_cancelled = cancelled();
            state = self.shared.state();
            if is_cancelled {
                state.asked.remove(&number);
                return Err(Fault::new(FaultKind::Cancelled, format!("cancelled before {} had answered", self.host)));
            }
            if state.over.is_none() && state.asked.get(&number).is_some_and(|asked| asked.answer.is_none()) {
                let waited = self.shared.changed.wait_timeout(state, left.min(LOOK));
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// Puts a script on its way, and says which number its answer has.
    fn ask(&self, script: &str) -> u64 {
        let mut state = self.shared.state();
        state.last += 1;
        let number = state.last;
        // Only where it goes alone is its answer not kept waiting by others.
        let is_alone = state.asked.values().all(|asked| asked.answer.is_some());
        let said = is_alone.then(|| SystemClock.now());
        state.asked.insert(number, Asked { said, answer: None });
        state.unsaid.extend(Nonce::request(number, script));
        drop(state);
        self.shared.waker.wake();
        number
    }

    /// Whom it is on.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it has read the user's profile. No, where that was asked for and the profile did not let it.
    pub fn login(&self) -> Login {
        self.login
    }

    /// What came before its first word, the first 4 KiB of it: what login scripts print, and messages of the day.
    pub fn noise(&self) -> &[u8] {
        &self.noise
    }

    /// From a request to the first word of its answer: the median of the last that were measured. None yet where the first
    /// is on its way.
    pub fn round_trip(&self) -> Option<Duration> {
        let mut measured: Vec<Duration> = self.shared.state().round_trips.iter().copied().collect();
        measured.sort_unstable();
        measured.get(measured.len() / 2).copied()
    }

    /// Has all that wait for an answer fail with this: somebody has found that the line is gone.
    pub fn end(&self, why: Fault) {
        self.shared.end(Over::Given(why));
    }

    fn over(&self, over: &Over) -> Fault {
        match over {
            Over::Ended => Fault::new(FaultKind::Cut, format!("the line to {} was cut", self.host)),
            Over::Broken => {
                Fault::new(FaultKind::Protocol, format!("the shell on {} says what it was not asked", self.host))
            }
            Over::Given(fault) => fault.clone(),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.shared.end(Over::Ended);
        // It looks at that before anything else, and then lets go of the channel.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A shell that did not come up.
struct Failed {
    noise: Vec<u8>,
    is_late: bool,
}

impl Failed {
    fn fault(self, transport: &dyn Transport, limit: Duration) -> Fault {
        let host = transport.host();
        let text = String::from_utf8_lossy(&self.noise);
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let said = match lines.next() {
            None => "it said nothing".to_owned(),
            Some(line) => format!("it said \"{}\"", printable(line)),
        };
        if !transport.is_up() {
            return Fault::new(FaultKind::Cut, format!("the line to {host} was cut before a shell was there"));
        }
        if self.is_late {
            let message = format!("{host} gave no shell within {} s; {said}", limit.as_secs_f32());
            let by_hand = transport.by_hand("ssh");
            return Fault::new(FaultKind::TimedOut, message).cure(format!(
                "`{by_hand} exec /bin/sh -l </dev/null`: where that does not end, a start file there waits for something"
            ));
        }
        Fault::new(FaultKind::Protocol, format!("{host} gives no shell to run commands with; {said}"))
            .cure(format!(
                "`{} exec /bin/sh -s` and a line such as `id`: it has to be answered",
                transport.by_hand("ssh")
            ))
            .cure("let the user have a login shell there, without ForceCommand for this key")
    }
}

#[cfg(test)]
mod tests;
