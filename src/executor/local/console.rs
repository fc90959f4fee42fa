//! The terminals that people have attached to a run, as its interactive stage has them: how many there are, how large
//! the one is that counts, and where what is typed goes.
//!
//! One stage is on the console at a time; that is its lock's affair. What it prints is its log's: whoever has a terminal
//! reads it there. A terminal that goes away takes nothing along, and the stage goes on.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::executor::ExecError;
use crate::process::pty::{self, Size};

/// How long a stage that does not read what is typed is waited for. What it has not taken by then is lost, as on any
/// terminal that is full.
const PATIENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// How long what is typed waits for a stage to come: who types has the terminal when the stage is announced, and that is
/// before it is there.
const AHEAD: Duration = Duration::from_millis(200);

/// What is attached to a run. Clones share it.
#[derive(Clone, Default)]
pub struct Console(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Somebody waits for a stage to come.
    came: Condvar,
}

#[derive(Default)]
struct State {
    /// The terminals, and their sizes; the last to come or to change counts.
    terminals: Vec<(u64, Size)>,
    /// How many there ever were.
    count: u64,
    /// Our end of the running stage's terminal.
    stage: Option<Arc<OwnedFd>>,
}

impl State {
    fn size(&self) -> Option<Size> {
        self.terminals.last().map(|(_, size)| *size)
    }

    fn tell_size(&self) {
        if let (Some(stage), Some(size)) = (&self.stage, self.size()) {
            // A stage that has just ended needs no size.
            let _ = pty::resize(stage, size);
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("terminals", &self.state().terminals).finish_non_exhaustive()
    }
}

/// A terminal that is attached, until this is dropped.
#[derive(Debug)]
pub struct Attached {
    console: Console,
    key: u64,
}

impl Console {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A terminal of this size is there. A stage that runs is told, and draws anew.
    pub fn attach(&self, size: Size) -> Attached {
        let mut state = self.state();
        let key = state.count;
        state.count += 1;
        state.terminals.push((key, size.sound()));
        state.tell_size();
        drop(state);
        Attached { console: self.clone(), key }
    }

    /// Gives the console to a stage that is about to be started; refuses where nobody would see it.
    pub(super) fn take(&self) -> Result<OnConsole<'_>, ExecError> {
        if self.state().terminals.is_empty() {
            return Err(ExecError::Infrastructure { message: nobody() });
        }
        Ok(OnConsole(self))
    }
}

/// What to say where a stage wants to talk and nobody is there.
fn nobody() -> String {
    "it is interactive, and no terminal is attached to the run: start the run from a terminal, without --detach, --allow \
     and --json"
        .into()
}

impl Attached {
    /// The terminal has this size now.
    pub fn resize(&self, size: Size) {
        let mut state = self.console.state();
        state.terminals.retain(|(key, _)| *key != self.key);
        state.terminals.push((self.key, size.sound()));
        state.tell_size();
    }

    /// This was typed. Waits for a stage that is slow to read, and drops what nobody reads.
    pub fn keys(&self, bytes: &[u8]) {
        let state = self.console.state();
        let waited = self.console.0.came.wait_timeout_while(state, AHEAD, |state| state.stage.is_none());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let Some(stage) = state.stage.clone() else { return };
        drop(state);
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(&stage, rest) {
                Ok(written) => rest = &rest[written..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    if !matches!(poll(&mut [PollFd::new(&*stage, PollFlags::OUT)], Some(&PATIENCE)), Ok(1..)) {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut state = self.console.state();
        let before = state.size();
        state.terminals.retain(|(key, _)| *key != self.key);
        if state.size() != before {
            state.tell_size();
        }
    }
}

/// The console, while a stage is on it.
pub(super) struct OnConsole<'a>(&'a Console);

impl OnConsole<'_> {
    /// A terminal for the stage, of the size of that of the person who types: our end, and the stage's.
    pub(super) fn pair(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        let (ours, theirs) = pty::pair(self.0.state().size().unwrap_or(Size::USUAL))?;
        pty::take_utf8(&theirs)?;
        // Who types waits for the stage, and not in a call of the system that nothing ends.
        rustix::io::ioctl_fionbio(&ours, true)?;
        Ok((ours, theirs))
    }

    /// What is typed goes to this terminal from now on. Before there is a process on it, Ctrl+C would be for nobody.
    pub(super) fn put_on(&self, ours: OwnedFd) {
        let mut state = self.0.state();
        let is_other = state.size().is_some_and(|size| size != Size::of(&ours));
        state.stage = Some(Arc::new(ours));
        if is_other {
            state.tell_size();
        }
        drop(state);
        self.0.0.came.notify_all();
    }
}

impl Drop for OnConsole<'_> {
    fn drop(&mut self) {
        self.0.state().stage = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { rows: 10, columns: 20 };
    const LARGE: Size = Size { rows: 50, columns: 200 };

    /// What is typed and how large the terminal is: that of whom came or changed last, of those who are there.
    #[test]
    fn a_stage_has_the_keys_of_all_and_the_size_of_the_last() {
        let console = Console::default();
        let first = console.attach(SMALL);
        let stage = console.take().unwrap();
        let (ours, theirs) = stage.pair().unwrap();
        stage.put_on(ours);
        assert_eq!(Size::of(&theirs), SMALL);
        let second = console.attach(LARGE);
        assert_eq!(Size::of(&theirs), LARGE);
        first.keys(b"ab");
        second.keys(b"c\n");
        let mut typed = [0; 16];
        let length = rustix::io::read(&theirs, &mut typed).unwrap();
        assert_eq!(&typed[..length], b"abc\n");
        drop(second);
        assert_eq!(Size::of(&theirs), SMALL);
        first.resize(Size { rows: 0, columns: 0 });
        assert_eq!(Size::of(&theirs), Size::USUAL);
        drop(first);
        assert_eq!(Size::of(&theirs), Size::USUAL, "nobody is there, and it is as it was");
    }

    #[test]
    fn where_nobody_is_there_it_is_said_what_to_do() {
        let console = Console::default();
        drop(console.attach(SMALL));
        let Err(ExecError::Infrastructure { message }) = console.take() else {
            panic!("a stage got a console that nobody sees")
        };
        assert!(message.starts_with("it is interactive, and no terminal is attached to the run: start the run from"));
    }

    /// Who types more than a stage reads is not kept for ever, nor is anybody else.
    #[test]
    fn what_nobody_reads_is_dropped_after_a_while() {
        let console = Console::default();
        let person = console.attach(SMALL);
        let stage = console.take().unwrap();
        let (ours, theirs) = stage.pair().unwrap();
        stage.put_on(ours);
        // Line by line the system drops what is too much by itself.
        let mut modes = rustix::termios::tcgetattr(&theirs).unwrap();
        modes.make_raw();
        rustix::termios::tcsetattr(&theirs, rustix::termios::OptionalActions::Now, &modes).unwrap();
        person.keys(&vec![b'x'; 1 << 20]);
        drop(stage);
        person.keys(b"nobody is on the console");
    }
}
