//! What is typed on the terminal of whoever looks on at a run: to a stage that has the terminal it goes untouched, with
//! the terminal's size; else `d` leaves the run, where that is offered, and `?` says so.
//!
//! A thread of its own reads it, and only while there is something to read for: a terminal whose keys nobody asked for is
//! left as it is. In the background of a shell nothing is read, and nothing changed; it is looked now and then whether that
//! is still so. Modes are changed under one lock, by whoever decides and by that thread alone, so that none is left
//! behind: see [`crate::report::terminal`].

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Signal, getpid, kill_process};

use super::ask::Line;
use super::control::{Reply, Request};
use super::interrupts::Notify;
use crate::journal::layout::RunDir;
use crate::process::pty::Size;
use crate::process::reaper::Waker;
use crate::process::signals::{self, Signals};
use crate::report::StageTerminal;
use crate::report::terminal::{self, Keying};

/// How often it is looked whether the terminal is ours, where it is not, or may have been another's meanwhile.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };
/// How long a supervisor may take to answer. A stage that is slow to read is waited for there.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much is read at a time, in bytes: what is pasted may be long.
const MOST: usize = 4 * 1024;
/// What Ctrl+C is to a terminal that gives keys untouched.
const INTERRUPT: u8 = 3;

/// A wish to leave a run that goes on, and what wakes who follows it. Clones share it.
#[derive(Clone, Debug)]
pub struct Leave(Arc<(AtomicBool, Waker)>);

impl Leave {
    /// Nobody wishes to leave.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new((AtomicBool::new(false), Waker::new()?))))
    }

    fn wish(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.wake();
    }

    /// Whether somebody wishes to.
    pub fn is_wished(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }
}

impl AsFd for Leave {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.1.as_fd()
    }
}

/// A terminal that somebody types on, in the foreground of which this process is.
#[derive(Debug)]
pub struct Seat {
    tty: Arc<File>,
    input: File,
}

impl Seat {
    /// The one that this process was started on, if it is in its foreground.
    pub fn find() -> Option<Self> {
        let tty = File::options().read(true).write(true).open("/dev/tty").ok()?;
        // Another description of the same: only reading is not to wait.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let input = rustix::fs::open("/dev/tty", flags, Mode::empty()).ok()?.into();
        crate::process::is_foreground(&tty).then(|| Self { tty: Arc::new(tty), input })
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        Size::of(&self.tty)
    }
}

/// What is done with what is typed.
#[derive(Debug)]
pub struct Wishes {
    /// The run that stages may have the terminal of.
    pub run: RunDir,
    /// Whether `d` leaves it.
    pub may_leave: bool,
    /// What `?` says.
    pub help: String,
    /// Takes that sentence.
    pub notify: Notify,
}

/// The keys of a terminal, until this is dropped.
pub struct Keys(Arc<Shared>);

struct Shared {
    seat: Seat,
    wishes: Wishes,
    leave: Leave,
    state: Mutex<State>,
    /// To the run, while a stage of it may have the terminal.
    line: Mutex<Option<Line>>,
    /// Rung where the state has changed.
    waker: Waker,
}

#[derive(Default)]
struct State {
    /// Whether a stage has the terminal.
    is_handed_over: bool,
    /// Whether nothing is read any more.
    is_over: bool,
}

impl Keys {
    /// Reads the keys of this terminal from now on, as far as anybody wants them.
    pub fn start(seat: Seat, wishes: Wishes) -> io::Result<Self> {
        signals::ignore_terminal_stops();
        let resized = Signals::take(&[signals::WINDOW])?;
        let (leave, waker) = (Leave::new()?, Waker::new()?);
        let shared = Shared { seat, wishes, leave, state: Mutex::default(), line: Mutex::default(), waker };
        let shared = Arc::new(shared);
        let ours = Arc::clone(&shared);
        std::thread::Builder::new().name("keys".into()).stack_size(128 * 1024).spawn(move || ours.listen(&resized))?;
        Ok(Self(shared))
    }

    /// Where a wish to leave is told.
    pub fn leave(&self) -> Leave {
        self.0.leave.clone()
    }

    /// The terminal, for stages of the run.
    pub fn for_stages(&self) -> Box<dyn StageTerminal> {
        Box::new(ForStages(Arc::clone(&self.0)))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_over = true;
        terminal::give_keys_back();
        drop(state);
        self.0.waker.wake();
    }
}

/// What the thread is to do next.
struct Now {
    /// What keys are read for, if for anything.
    wanted: Option<Keying>,
    /// Whether they can be read.
    has_them: bool,
    /// Whether that is new.
    is_new: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self) -> MutexGuard<'_, Option<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the terminal take keys as they are wanted now; none where nothing is read any more.
    fn settle(&self, state: &State) -> Option<Now> {
        let wanted = match state {
            State { is_over: true, .. } => return None,
            State { is_handed_over: true, .. } => Some(Keying::Raw),
            State { .. } => self.wishes.may_leave.then_some(Keying::Single),
        };
        let before = terminal::keying();
        let has_them = match wanted {
            Some(keying) => terminal::take_keys(&self.seat.tty, keying).unwrap_or(false),
            None => {
                terminal::give_keys_back();
                false
            }
        };
        Some(Now { wanted, has_them, is_new: has_them && before != wanted })
    }

    fn listen(&self, resized: &Signals) {
        loop {
            let now = self.settle(&self.state());
            let Some(now) = now else { return };
            if now.is_new && now.wanted == Some(Keying::Raw) {
                // It was another's meanwhile, and has its own idea of what stands there.
                self.announce();
            }
            let limit = now.wanted.map(|_| LOOK);
            let mut fds = vec![PollFd::new(&self.waker, PollFlags::IN), PollFd::new(resized, PollFlags::IN)];
            if now.has_them {
                fds.push(PollFd::new(&self.seat.input, PollFlags::IN));
            }
            let _ = poll(&mut fds, limit.as_ref());
            let is_typed = fds.get(2).is_some_and(|input| !input.revents().is_empty());
            drop(fds);
            self.waker.clear();
            let mut is_resized = false;
            while resized.next().is_some() {
                is_resized = true;
            }
            if is_resized {
                self.announce();
            }
            // Who was stopped in between may have come back in the background.
            if is_typed && terminal::keying() == now.wanted && crate::process::is_foreground(&self.seat.tty) {
                let mut typed = [0; MOST];
                match (&self.seat.input).read(&mut typed) {
                    Ok(n) if n > 0 => self.typed(now.wanted, &typed[..n]),
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    // The terminal is gone.
                    Ok(_) | Err(_) => return,
                }
            }
        }
    }

    fn typed(&self, wanted: Option<Keying>, typed: &[u8]) {
        match wanted {
            Some(Keying::Raw) => {
                // One that could not be reached may be again, and has a stage that waits for this. Not for who wishes to
                // end it: a supervisor that hangs would keep that one waiting.
                if !typed.contains(&INTERRUPT) {
                    self.connect();
                }
                let sent = self.ask(&Request::Keys { typed: typed.to_vec() });
                // A stage that cannot be reached is not to keep who would leave it.
                if !sent && typed.contains(&INTERRUPT) {
                    let _ = kill_process(getpid(), Signal::INT);
                }
            }
            Some(Keying::Single) if typed.contains(&b'd') => self.leave.wish(),
            Some(Keying::Single) if typed.iter().any(|key| b"?h".contains(key)) => {
                (self.wishes.notify)(&self.wishes.help);
            }
            Some(Keying::Single) | None => {}
        }
    }

    /// Tells the run how large the terminal is, where it knows of it.
    fn announce(&self) {
        if self.line().is_some() {
            self.ask(&Request::Terminal(self.seat.size()));
        }
    }

    /// Asks over the line, which is let go of where that fails. Whether it was done.
    fn ask(&self, request: &Request) -> bool {
        let mut line = self.line();
        match line.as_mut().map(|line| line.ask(request)) {
            Some(Ok(Reply::Done)) => true,
            Some(Ok(_) | Err(_)) | None => {
                *line = None;
                false
            }
        }
    }

    /// Opens the line, where there is none, and says that there is a terminal.
    fn connect(&self) {
        let mut line = self.line();
        if line.is_none() {
            *line = Line::open(&self.wishes.run, PATIENCE).ok();
            drop(line);
            self.announce();
        }
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        let mut state = self.state();
        how(&mut state);
        self.settle(&state);
        drop(state);
        self.waker.wake();
    }
}

/// The terminal, as a display hands it to stages.
struct ForStages(Arc<Shared>);

impl StageTerminal for ForStages {
    fn expect(&mut self, more: bool) {
        if more {
            self.0.connect();
        } else {
            *self.0.line() = None;
        }
    }

    fn hand_over(&mut self) {
        self.0.connect();
        self.0.change(|state| state.is_handed_over = true);
    }

    fn redraw(&mut self) {
        self.0.announce();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        terminal::write_for_stage(bytes)
    }

    fn take_back(&mut self) {
        self.0.change(|state| state.is_handed_over = false);
    }

    fn say(&mut self, text: &str) {
        (self.0.wishes.notify)(text);
    }
}
