//! What signals do to a command line that watches a run, on a thread of its own: they are heard while the command line
//! waits for a lock, or for somebody to read what it prints.
//!
//! To a run that it started they are for the run: once asks, twice kills, three times this process leaves at once. To one
//! that it only looks at, and to a command line that has no run yet, they are for the process itself. Whoever leaves
//! dies of the signal, so that a shell sees it. A hangup always leaves: whether the run goes on, its supervisor knows.
//! Ctrl+Z pauses a run that this process started, and then stops this process; who continues it has the run go on. One
//! that only looks on stops alone. The terminal is the shell's meanwhile, so nothing is left on it.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};

use super::ask::{AskError, ask};
use super::control::{Reply, Request};
use super::wire::Control;
use crate::journal::layout::RunDir;
use crate::process::signals::{self, Signals};
use crate::process::{die_of_signal, stop_of_signal};
use crate::report::terminal;

/// How long a run may take to stand still before this process stops all the same. Some processes take their time.
const PAUSE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a Ctrl+Z waits for the run that is just being started, so that it is for that one too.
const START_PATIENCE: Duration = Duration::from_millis(500);

/// Takes sentences for the person at the terminal.
pub type Notify = fn(&str);

/// What is said by who leaves a run. It is asked for at that moment: the run may have ended meanwhile.
struct Farewell(Box<dyn Fn() -> String + Send>);

impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Farewell")
    }
}

/// What the process is doing when a signal comes.
#[derive(Debug, Default)]
enum Watching {
    /// Nothing that a signal should not end.
    #[default]
    Nothing,
    /// It starts a run: what comes now is for that run, once there is a line to it.
    Starting(Vec<i32>),
    /// It watches the run that it started.
    Started {
        /// The line to the run.
        line: UnixStream,
        /// Where the run is.
        run: RunDir,
        /// How often it was told to end.
        times: u32,
        /// What to say when it leaves.
        farewell: String,
    },
    /// It looks on at a run, and says this when it leaves.
    Onlooker(Farewell),
    /// All is done, and it stays until it is sent away. Ctrl+C is told here; other signals end it as they would.
    Staying(Sender<()>),
}

/// Whether a run stands still because of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paused {
    Yes,
    /// It was asked to and has not answered: it may yet.
    Perhaps,
    No,
}

/// The thread that takes this process's signals.
#[derive(Clone, Debug)]
pub struct Interrupts {
    watching: Arc<(Mutex<Watching>, Condvar)>,
    notify: Notify,
}

impl Interrupts {
    /// Takes SIGHUP, SIGINT, SIGQUIT, SIGTERM and SIGTSTP from now on. To be called before any other thread is started.
    pub fn start(notify: Notify) -> io::Result<Self> {
        let wanted = [signals::HANGUP, signals::INTERRUPT, signals::QUIT, signals::TERMINATE, signals::STOP];
        let taken = Signals::take(&wanted)?;
        signals::hold_window_changes()?;
        let interrupts = Self { watching: Arc::default(), notify };
        let ours = interrupts.clone();
        std::thread::Builder::new().name("signals".into()).stack_size(128 * 1024).spawn(move || {
            loop {
                let _ = poll(&mut [PollFd::new(&taken, PollFlags::IN)], None);
                while let Some(signal) = taken.next() {
                    if signal == signals::STOP {
                        ours.stop();
                    } else {
                        ours.heard(signal);
                    }
                }
            }
        })?;
        Ok(interrupts)
    }

    fn watching(&self) -> MutexGuard<'_, Watching> {
        self.watching.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was watched before.
    fn watch(&self, next: Watching) -> Watching {
        let before = std::mem::replace(&mut *self.watching(), next);
        self.watching.1.notify_all();
        before
    }

    /// From now on signals are kept for the run that is about to be started; the third leaves all the same.
    pub fn starting(&self) {
        self.watch(Watching::Starting(Vec::new()));
    }

    /// From now on signals are for this run, at the other end of this line, also those that were kept for it. `farewell`
    /// is said by who leaves all the same.
    pub fn forward(&self, line: &UnixStream, run: &RunDir, farewell: String) -> io::Result<()> {
        let line = line.try_clone()?;
        let before = self.watch(Watching::Started { line, run: run.clone(), times: 0, farewell });
        self.replay(before);
        Ok(())
    }

    /// From now on signals are for this process, also those that were kept for a run. It says then what `farewell` makes
    /// at that moment.
    pub fn leave_with(&self, farewell: impl Fn() -> String + Send + 'static) {
        let before = self.watch(Watching::Onlooker(Farewell(Box::new(farewell))));
        self.replay(before);
    }

    /// Says this, and waits for Ctrl+C, which ends nothing here but the wait.
    pub fn stay(&self, say: impl FnOnce()) {
        let (told, leave) = channel();
        self.watch(Watching::Staying(told));
        say();
        // Nobody is left to tell where the thread that takes signals is gone.
        let _ = leave.recv();
    }

    /// The run is over, or there was none: signals are for this process again.
    pub fn done(&self) {
        let before = self.watch(Watching::Nothing);
        self.replay(before);
    }

    /// Ctrl+Z: the run first, then this process, until somebody continues it.
    fn stop(&self) {
        let run = self.started();
        // First: where others were stopped with us, a shell has the terminal before the run stands still.
        let suspended = terminal::suspend();
        let paused = run.as_ref().map_or(Paused::No, |run| self.pause(run));
        suspended.leave_mark(paused == Paused::Yes);
        // Where it cannot be blocked again the next one stops us all the same.
        let _ = stop_of_signal(signals::STOP);
        drop(suspended);
        // One that somebody else had paused before is theirs to resume.
        if let Some(run) = run.filter(|_| paused != Paused::No) {
            match ask(&run, &Request::Resume, PAUSE_PATIENCE) {
                Ok(_) | Err(AskError::Ended) => {}
                Err(error) => self.say(&format!("the run does not go on: {error}")),
            }
        }
    }

    /// The run that this process started; one that it is just starting is waited for, but not for long.
    fn started(&self) -> Option<RunDir> {
        let is_starting = |watching: &mut Watching| matches!(watching, Watching::Starting(_));
        let waited = self.watching.1.wait_timeout_while(self.watching(), START_PATIENCE, is_starting);
        let (watching, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &*watching {
            Watching::Started { run, .. } => Some(run.clone()),
            Watching::Nothing | Watching::Starting(_) | Watching::Onlooker(_) | Watching::Staying(_) => None,
        }
    }

    /// Has the run stand still, and says whether it does because of that.
    fn pause(&self, run: &RunDir) -> Paused {
        let (why, paused) = match ask(run, &Request::Pause, PAUSE_PATIENCE) {
            Ok(Reply::Done) => return Paused::Yes,
            Ok(Reply::Already | Reply::Signalled { .. }) | Err(AskError::Ended | AskError::Queued) => {
                return Paused::No;
            }
            Ok(Reply::Refused { why }) => (why, Paused::No),
            Err(error @ AskError::Silent) => (error.to_string(), Paused::Perhaps),
            Err(error) => (error.to_string(), Paused::No),
        };
        self.say(&format!("the run is not paused, only what you see of it: {why}"));
        paused
    }

    /// Deals with what was kept while a run was started.
    fn replay(&self, before: Watching) {
        if let Watching::Starting(kept) = before {
            for signal in kept {
                self.heard(signal);
            }
        }
    }

    fn heard(&self, signal: i32) {
        let mut watching = self.watching();
        let farewell = match &mut *watching {
            Watching::Starting(kept) if kept.len() < 2 && signal != signals::HANGUP => {
                kept.push(signal);
                return;
            }
            Watching::Staying(told) if signal == signals::INTERRUPT => {
                let _ = told.send(());
                return;
            }
            Watching::Nothing | Watching::Starting(_) | Watching::Staying(_) => String::new(),
            // A closed terminal is told nothing.
            Watching::Onlooker(_) if signal == signals::HANGUP => String::new(),
            Watching::Onlooker(Farewell(make)) => make(),
            Watching::Started { line, times, farewell, .. } => {
                *times += 1;
                let control = match (*times, signal) {
                    (_, signals::HANGUP) => None,
                    (1, signals::INTERRUPT) => Some(Control::Interrupt),
                    (1, _) => Some(Control::Terminate),
                    (2, _) => Some(Control::Kill),
                    (_, _) => None,
                };
                if let Some(control) = control {
                    // A supervisor that is gone or does not listen is what the third signal is for.
                    let _ = send(&*line, &[control.letter()], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
                    drop(watching);
                    self.say(match control {
                        Control::Interrupt => "cancelling (press Ctrl+C again to kill)",
                        Control::Terminate => "cancelling",
                        Control::Kill => "killing (press Ctrl+C again to leave at once)",
                    });
                    return;
                }
                std::mem::take(farewell)
            }
        };
        drop(watching);
        // First: a stage that has the terminal may have drawn all over it. Nothing else is done on this way out.
        terminal::restore();
        // A closed terminal is told nothing.
        if !farewell.is_empty() && signal != signals::HANGUP {
            self.say(&farewell);
            // Who draws does so until the very end.
            terminal::restore();
        }
        die_of_signal(signal);
    }

    /// Says something, unless that would have to wait for somebody to read for longer than a moment.
    fn say(&self, text: &str) {
        // A terminal that another thread or program is just writing to takes nothing for that moment.
        let moment = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        let stderr = rustix::stdio::stderr();
        if poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&moment)).is_ok_and(|ready| ready > 0) {
            (self.notify)(text);
        }
    }
}
