//! Shows a run as its journal has it, until it ends or the viewer leaves.
//!
//! The one loop behind `run` and `attach`. It sleeps until something is written (a bell over the private line, or
//! inotify for a run that somebody else started), until a signal comes, or for a second. It reads at its own pace:
//! a viewer that is slow, stopped or gone costs the run nothing.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::wire::{Control, Frame, Incoming};
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::layout::RunDir;
use crate::journal::lock;
use crate::journal::read::JournalReader;
use crate::journal::watch::Watch;
use crate::outcome::Verdict;
use crate::process::signals::{self, Signals};
use crate::report::display::Display;

/// How often a follower looks that cannot be woken.
const LOOK: Duration = Duration::from_millis(100);
/// How often the display hears that time passes.
const TICK: Duration = Duration::from_secs(1);

/// How following ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The run ended, with this verdict and this exit code.
    Finished(Verdict, u8),
    /// The run's supervisor is gone and left no verdict.
    Lost,
    /// The viewer was told by this signal to leave; the run goes on.
    Left(i32),
}

/// How a follower hears that there is something new.
enum Line {
    /// Over the socket to the supervisor that it started.
    Private(UnixStream, Incoming),
    /// From the file system, where that works.
    Watched(Option<Watch>),
}

/// What signals mean to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It started the run: they are for the run.
    Foreground,
    /// It only looks on: they are for itself.
    Onlooker,
}

/// A viewer of one run.
pub struct Follower<'a> {
    run: RunDir,
    reader: JournalReader,
    display: Display,
    clock: &'a dyn Clock,
    signals: &'a Signals,
    role: Role,
    line: Line,
    next_seq: u64,
    interrupts: u32,
    notify: &'a mut dyn FnMut(&str),
}

/// What a follower is made of.
pub struct Parts<'a> {
    /// The run.
    pub run: RunDir,
    /// What draws it.
    pub display: Display,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Signals for this process, taken before any thread.
    pub signals: &'a Signals,
    /// Takes sentences about the follower itself.
    pub notify: &'a mut dyn FnMut(&str),
}

impl<'a> Follower<'a> {
    /// Follows a run that this process started, over its socket.
    pub fn foreground(parts: Parts<'a>, socket: UnixStream) -> Self {
        Self::new(parts, Role::Foreground, Line::Private(socket, Incoming::default()))
    }

    /// Follows a run that somebody started.
    pub fn onlooker(parts: Parts<'a>) -> Self {
        let watch = Watch::new(&parts.run).ok();
        Self::new(parts, Role::Onlooker, Line::Watched(watch))
    }

    fn new(parts: Parts<'a>, role: Role, line: Line) -> Self {
        let Parts { run, display, clock, signals, notify } = parts;
        let reader = JournalReader::new(run.clone());
        Self { run, reader, display, clock, signals, role, line, next_seq: 0, interrupts: 0, notify }
    }

    /// Follows to the end. Returns the display too, which knows all that happened.
    pub fn follow(mut self) -> (Ending, Display) {
        let mut ticked = self.clock.now();
        let ending = loop {
            // Whether the supervisor lives is looked at before what it wrote is read: it writes first and ends then.
            let gone = !matches!(self.line, Line::Private(..)) && !lock::is_held(&self.run.lock()).unwrap_or(false);
            self.read_journal();
            let more = self.display.output();
            if let Some(ending) = self.ending() {
                while self.display.output() {}
                break ending;
            }
            if gone && !more {
                break Ending::Lost;
            }
            if let Some(ending) = self.wait(if more { Duration::ZERO } else { TICK }) {
                break ending;
            }
            let now = self.clock.now();
            if now.since(ticked) >= TICK {
                ticked = now;
                self.display.tick(now);
            }
        };
        if ending == Ending::Lost {
            self.display.lose();
            while self.display.output() {}
        }
        (ending, self.display)
    }

    fn ending(&self) -> Option<Ending> {
        let view = self.display.view();
        Some(Ending::Finished(view.verdict()?, view.exit_code()?))
    }

    fn read_journal(&mut self) {
        // A journal that cannot be read says nothing; what matters then comes over the line, or the run is lost.
        for event in self.reader.read_new().unwrap_or_default() {
            self.take(&event);
        }
    }

    fn take(&mut self, event: &Event) {
        // An event may come over the line and stand in the journal as well.
        if event.seq >= self.next_seq {
            self.next_seq = event.seq + 1;
            self.display.event(event);
        }
    }

    /// Sleeps until there is something to do. Says when the viewer is to leave.
    fn wait(&mut self, limit: Duration) -> Option<Ending> {
        let signals = PollFd::new(self.signals, PollFlags::IN);
        let heard = match &self.line {
            Line::Private(socket, _) => sleep(&mut [signals, PollFd::new(socket, PollFlags::IN)], limit),
            Line::Watched(Some(watch)) => sleep(&mut [signals, PollFd::new(watch, PollFlags::IN)], limit),
            Line::Watched(None) => sleep(&mut [signals], limit.min(LOOK)),
        };
        if !heard {
            return None;
        }
        while let Some(signal) = self.signals.next() {
            if let Some(ending) = self.signalled(signal) {
                return Some(ending);
            }
        }
        self.listen();
        None
    }

    /// Takes in what came over the line.
    fn listen(&mut self) {
        let frames = match &mut self.line {
            Line::Watched(watch) => {
                if let Some(watch) = watch {
                    watch.clear();
                }
                return;
            }
            Line::Private(socket, incoming) => {
                let mut bytes = [0; 4096];
                match recv(socket.as_fd(), &mut bytes[..], RecvFlags::DONTWAIT) {
                    Ok((n, _)) if n > 0 => incoming.push(&bytes[..n]),
                    Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return,
                    // The supervisor is gone, its guard too: what there is stands in the journal.
                    Ok(_) | Err(_) => {
                        self.line = Line::Watched(Watch::new(&self.run).ok());
                        return;
                    }
                }
            }
        };
        for frame in frames {
            match frame {
                Frame::Notice(text) => (self.notify)(&text),
                Frame::Event(event) => {
                    // What the journal still has comes before it.
                    self.read_journal();
                    self.take(&event);
                }
            }
        }
    }

    fn signalled(&mut self, signal: i32) -> Option<Ending> {
        if self.role == Role::Onlooker || signal == signals::HANGUP {
            return Some(Ending::Left(signal));
        }
        self.interrupts += 1;
        let control = match (self.interrupts, signal) {
            (1, signals::INTERRUPT) => Control::Interrupt,
            (1, _) => Control::Terminate,
            (2, _) => Control::Kill,
            _ => return Some(Ending::Left(signal)),
        };
        match control {
            Control::Interrupt => (self.notify)("cancelling (press Ctrl+C again to kill)"),
            Control::Terminate => (self.notify)("cancelling"),
            Control::Kill => (self.notify)("killing (press Ctrl+C again to leave at once)"),
        }
        if let Line::Private(socket, _) = &self.line {
            // A supervisor that is gone or does not listen is what the third signal is for.
            let _ = send(socket, &[control.letter()], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
        None
    }
}

/// Says whether anything was heard before the time was over.
fn sleep(fds: &mut [PollFd<'_>], limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    poll(fds, Some(&limit)).is_ok_and(|ready| ready > 0)
}
