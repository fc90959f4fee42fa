//! How the terminal takes what is typed while it is read here key by key, or given to a stage; and that it takes it as
//! before afterwards.
//!
//! The modes that were found are kept for the whole process, and put back on every way out: see [`super::restore()`]. What
//! a stage may have left on the screen's side (another screen, mouse reports, no cursor) is put right by a sequence.
//!
//! In the background the terminal is another program's: nothing is changed there, and nothing put back. A shell sees to
//! its modes by itself.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use super::stage_screen::StageScreen;
use crate::process::is_foreground;

/// How keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keying {
    /// Each for itself and unseen; Ctrl+C and its kin are signals as ever.
    Single,
    /// Each for itself, unseen and untouched, for a stage that has the terminal; what is written is not touched either.
    Raw,
}

/// A terminal whose keys are read.
struct Held {
    tty: Arc<File>,
    /// The modes that it was found with.
    before: Termios,
    keying: Keying,
}

/// What is done with the terminal's keys.
pub(in crate::report) struct Keyboard {
    state: Mutex<State>,
}

struct State {
    held: Option<Held>,
    /// What the stage that has the terminal left on it so far.
    screen: StageScreen,
    /// Whether this process is on a way out, or stops: nothing is taken any more.
    is_closed: bool,
}

/// How long a way out waits for who is just changing modes. It may be that very thread, which panicked.
const PATIENCE: [Duration; 10] = [Duration::from_millis(5); 10];

impl Keyboard {
    pub(in crate::report) const fn new() -> Self {
        let state = State { held: None, screen: StageScreen::new(), is_closed: false };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes the keys of this terminal. Says whether that is so now; it is not in the background, nor on a way out.
    pub(in crate::report) fn take(&self, tty: &Arc<File>, keying: Keying) -> io::Result<bool> {
        let mut state = self.state();
        if state.is_closed || !is_foreground(tty) {
            return Ok(false);
        }
        if state.held.as_ref().is_some_and(|held| held.keying == keying) {
            return Ok(true);
        }
        let before = match &state.held {
            Some(held) => held.before.clone(),
            None => tcgetattr(tty)?,
        };
        state.leave_stage();
        let mut modes = before.clone();
        match keying {
            Keying::Single => {
                modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
                modes.special_codes[SpecialCodeIndex::VMIN] = 1;
                modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
            Keying::Raw => modes.make_raw(),
        }
        // Noted before it is done, so that whoever interrupts us in the middle of it undoes it.
        state.held = Some(Held { tty: Arc::clone(tty), before, keying });
        tcsetattr(tty, OptionalActions::Now, &modes)?;
        Ok(true)
    }

    /// How keys are taken now, if they are.
    pub(in crate::report) fn keying(&self) -> Option<Keying> {
        self.state().held.as_ref().map(|held| held.keying)
    }

    /// Gives the keys back, as they were found.
    pub(in crate::report) fn give_back(&self) {
        self.state().give_back();
    }

    /// Writes what a stage printed, as it is, to the terminal that it has. Says how much of it; nothing where it does not
    /// have it just now.
    pub(in crate::report) fn write_for_stage(&self, bytes: &[u8]) -> io::Result<usize> {
        let tty = match &self.state().held {
            Some(Held { tty, keying: Keying::Raw, .. }) => Arc::clone(tty),
            Some(_) | None => return Ok(0),
        };
        // Not under the lock: a terminal that was stopped with Ctrl+S takes its time.
        let written = (&*tty).write(bytes)?;
        self.state().screen.saw(&bytes[..written]);
        Ok(written)
    }

    /// Gives the keys back as far as that is possible at once, and takes none until [`Self::reopen`].
    pub(in crate::report) fn close(&self) {
        for pause in PATIENCE {
            let mut state = match self.state.try_lock() {
                Ok(state) => state,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(pause);
                    continue;
                }
            };
            state.is_closed = true;
            state.give_back();
            return;
        }
    }

    /// Keys may be taken again.
    pub(in crate::report) fn reopen(&self) {
        self.state().is_closed = false;
    }
}

impl State {
    /// Each step is by itself: what one meets is no reason to leave out the next.
    fn give_back(&mut self) {
        self.leave_stage();
        if let Some(held) = self.held.take().filter(|held| is_foreground(&held.tty)) {
            let _ = tcsetattr(&held.tty, OptionalActions::Now, &held.before);
        }
    }

    /// Puts right what the stage that had the terminal left on its screen.
    fn leave_stage(&mut self) {
        let screen = std::mem::take(&mut self.screen);
        if let Some(Held { tty, keying: Keying::Raw, .. }) = &self.held
            && is_foreground(tty)
            && takes_something(tty)
        {
            let _ = (&**tty).write_all(&screen.put_right());
        }
    }
}

/// Whether a terminal takes something at once.
fn takes_something(tty: impl AsFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&tty, PollFlags::OUT)], Some(&now)).is_ok_and(|ready| ready > 0)
}
