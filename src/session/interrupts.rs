//! What signals do to a command line that watches a run, on a thread of its own: they are heard while the command line
//! waits for a lock, or for somebody to read what it prints.
//!
//! To a run that it started they are for the run: once asks, twice kills, three times this process leaves at once. To one
//! that it only looks at, and to a command line that has no run yet, they are for the process itself. Whoever leaves
//! dies of the signal, so that a shell sees it. A hangup always leaves: whether the run goes on, its supervisor knows.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{SendFlags, send};

use super::wire::Control;
use crate::process::die_of_signal;
use crate::process::signals::{self, Signals};

/// Takes sentences for the person at the terminal.
pub type Notify = fn(&str);

/// What the process is doing when a signal comes.
#[derive(Debug, Default)]
struct Watching {
    /// The line to the run that it started.
    line: Option<UnixStream>,
    /// How often it was told to end since.
    times: u32,
    /// What to say when it leaves.
    farewell: Option<String>,
}

/// The thread that takes this process's signals.
#[derive(Clone, Debug)]
pub struct Interrupts(Arc<Mutex<Watching>>);

impl Interrupts {
    /// Takes SIGHUP, SIGINT, SIGQUIT and SIGTERM from now on. To be called before any other thread is started.
    pub fn start(notify: Notify) -> io::Result<Self> {
        let signals = Signals::take(&[signals::HANGUP, signals::INTERRUPT, signals::QUIT, signals::TERMINATE])?;
        let watching = Arc::new(Mutex::new(Watching::default()));
        let shared = Self(Arc::clone(&watching));
        std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(move || {
            loop {
                let _ = poll(&mut [PollFd::new(&signals, PollFlags::IN)], None);
                while let Some(signal) = signals.next() {
                    shared.heard(signal, notify);
                }
            }
        })?;
        Ok(Self(watching))
    }

    fn watching(&self) -> MutexGuard<'_, Watching> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on signals are for the run at the other end of this line. `farewell` is said by who leaves all the same.
    pub fn forward(&self, line: &UnixStream, farewell: String) -> io::Result<()> {
        *self.watching() = Watching { line: Some(line.try_clone()?), times: 0, farewell: Some(farewell) };
        Ok(())
    }

    /// From now on signals are for this process, which says this when it leaves.
    pub fn leave_with(&self, farewell: String) {
        *self.watching() = Watching { line: None, times: 0, farewell: Some(farewell) };
    }

    /// The run is over: signals are for this process again, and there is nothing to say.
    pub fn done(&self) {
        *self.watching() = Watching::default();
    }

    fn heard(&self, signal: i32, notify: Notify) {
        let mut watching = self.watching();
        watching.times += 1;
        let control = match (&watching.line, watching.times, signal) {
            (None, _, _) | (_, _, signals::HANGUP) => None,
            (_, 1, signals::INTERRUPT) => Some(Control::Interrupt),
            (_, 1, _) => Some(Control::Terminate),
            (_, 2, _) => Some(Control::Kill),
            (_, _, _) => None,
        };
        match (control, &watching.line) {
            (Some(control), Some(line)) => {
                notify(match control {
                    Control::Interrupt => "cancelling (press Ctrl+C again to kill)",
                    Control::Terminate => "cancelling",
                    Control::Kill => "killing (press Ctrl+C again to leave at once)",
                });
                // A supervisor that is gone or does not listen is what the third signal is for.
                let _ = send(line, &[control.letter()], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
            }
            _ => {
                // A closed terminal is told nothing.
                if let Some(farewell) = watching.farewell.as_deref().filter(|_| signal != signals::HANGUP) {
                    notify(farewell);
                }
                die_of_signal(signal);
            }
        }
    }
}
