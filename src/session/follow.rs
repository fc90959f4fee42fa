//! Shows a run as its journal has it, until it ends or the viewer leaves.
//!
//! The one loop behind `run` and `attach`. It sleeps until something is written (a bell over the private line, or
//! inotify for a run that somebody else started), or for a second; signals are [`super::interrupts`]' affair. It reads
//! at its own pace: a viewer that is slow, stopped or gone costs the run nothing.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};

use super::keys::Leave;
use super::queue::Waiting;
use super::wire::{Frame, Incoming};
use crate::clock::Clock;
use crate::event::Event;
use crate::journal::layout::RunDir;
use crate::journal::lock;
use crate::journal::read::JournalReader;
use crate::journal::watch::Watch;
use crate::outcome::Verdict;
use crate::report::display::Display;

/// How often a follower looks that has nothing to draw.
const SELDOM: Duration = Duration::from_secs(1);
/// How often a follower looks that cannot be woken.
const LOOK: Duration = Duration::from_millis(100);
/// Being woken again within so short a time, [`MANY`] times in a row, is to be woken for less than anybody can see.
const RAPID: Duration = Duration::from_millis(2);
/// See [`RAPID`].
const MANY: u32 = 8;
/// How much is then taken in at once.
const BATCH: Duration = Duration::from_millis(4);

/// How following ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The run ended, with this verdict and this exit code.
    Finished(Verdict, u8),
    /// The run's supervisor is gone and left no verdict.
    Lost,
    /// The viewer left, and the run goes on.
    Left,
}

/// How a follower hears that there is something new.
enum Line {
    /// Over the socket to the supervisor that it started.
    Private(UnixStream, Incoming),
    /// From the file system, where that works.
    Watched(Option<Watch>),
}

/// A viewer of one run.
pub struct Follower<'a> {
    run: RunDir,
    reader: JournalReader,
    display: Display,
    clock: &'a dyn Clock,
    line: Line,
    next_seq: u64,
    /// Events that came before one that comes before them.
    early: BTreeMap<u64, Event>,
    /// What it tells until the run has begun, of one that waits for its turn.
    waiting: Option<Waiting>,
    /// Tells that the viewer wishes to leave, where that can be told.
    leave: Option<Leave>,
    /// Whether there is nothing to follow for once nobody takes what is shown.
    leaves: bool,
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
    /// Takes sentences about the follower itself.
    pub notify: &'a mut dyn FnMut(&str),
}

impl<'a> Follower<'a> {
    /// Follows a run that this process started, over its socket.
    pub fn foreground(parts: Parts<'a>, socket: UnixStream) -> Self {
        Self::new(parts, Line::Private(socket, Incoming::default()))
    }

    /// Follows a run that somebody started.
    pub fn onlooker(parts: Parts<'a>) -> Self {
        let watch = Watch::new(&parts.run).ok();
        Self::new(parts, Line::Watched(watch))
    }

    /// Tells for what the run waits, until it has begun.
    #[must_use]
    pub fn telling(self, waiting: Option<Waiting>) -> Self {
        Self { waiting, ..self }
    }

    fn new(parts: Parts<'a>, line: Line) -> Self {
        let Parts { run, display, clock, notify } = parts;
        let reader = JournalReader::new(run.clone());
        let (early, waiting, leave, leaves) = (BTreeMap::new(), None, None, false);
        Self { run, reader, display, clock, line, next_seq: 0, early, waiting, leave, leaves, notify }
    }

    /// The same, who leaves the run where what is shown cannot be written any more.
    #[must_use]
    pub fn leaving_when_closed(self) -> Self {
        Self { leaves: true, ..self }
    }

    /// The same, who leaves when it is told here.
    #[must_use]
    pub fn leaving_by(self, leave: Option<Leave>) -> Self {
        Self { leave, ..self }
    }

    /// Follows to the end. Returns the display too, which knows all that happened.
    pub fn follow(mut self) -> (Ending, Display) {
        let mut ticked = self.clock.now();
        let (mut woken, mut rapid) = (ticked, 0_u32);
        let ending = loop {
            // Whether the supervisor lives is looked at before what it wrote is read: it writes first and ends then.
            let gone = !matches!(self.line, Line::Private(..))
                && !lock::is_held(&self.run.lock())
                    // Where there are no locks, a run is followed by who started it, and its line has ended.
                    .unwrap_or_else(|error| !lock::is_unsupported(&error));
            self.read_journal();
            self.tell_what_it_waits_for();
            let more = self.display.output();
            if let Some(ending) = self.ending() {
                while self.display.output() {}
                break ending;
            }
            if gone && !more {
                break Ending::Lost;
            }
            let is_idle = self.leaves && self.display.closed().is_some();
            if is_idle || self.leave.as_ref().is_some_and(Leave::is_wished) {
                break Ending::Left;
            }
            // Asked for anew: what could not be shown just now is shown soon.
            let pace = self.display.pace();
            self.wait(match self.waiting {
                _ if more => Duration::ZERO,
                Some(_) => SELDOM,
                None => pace,
            });
            let now = self.clock.now();
            rapid = if now.since(woken) < RAPID { rapid.saturating_add(1) } else { 0 };
            woken = now;
            if rapid > MANY && !more {
                // Nobody reads so fast, and the stages want the processor.
                sleep(&mut [], BATCH);
            }
            if now.since(ticked) >= pace {
                ticked = now;
                // Nothing has begun that a face could show.
                if self.waiting.is_none() {
                    self.display.tick(now);
                }
            }
        };
        if ending == Ending::Lost {
            self.display.lose();
            while self.display.output() {}
        }
        (ending, self.display)
    }

    fn tell_what_it_waits_for(&mut self) {
        if self.next_seq > 0 {
            self.waiting = None;
        }
        if let Some(waiting) = &mut self.waiting
            && let Some(text) = waiting.tick(self.clock.now())
        {
            (self.notify)(&text);
        }
    }

    fn ending(&self) -> Option<Ending> {
        let view = self.display.view();
        Some(Ending::Finished(view.verdict()?, view.exit_code()?))
    }

    fn read_journal(&mut self) {
        // A journal that cannot be read says nothing; what matters then comes over the line, or the run is lost.
        for event in self.reader.read_new().unwrap_or_default() {
            self.take(event);
        }
    }

    /// Takes an event from either side. It may come from both; and where the journal has a hole, what fills it comes over
    /// the line, perhaps after what follows it.
    fn take(&mut self, event: Event) {
        if event.seq >= self.next_seq {
            self.early.insert(event.seq, event);
            self.show_due();
        }
    }

    fn show_due(&mut self) {
        while let Some(next) = self.early.first_entry() {
            // What is missing can only come over the line of who started the run.
            if *next.key() > self.next_seq && matches!(self.line, Line::Private(..)) {
                break;
            }
            let event = next.remove();
            self.next_seq = event.seq + 1;
            self.display.event(&event);
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&mut self, limit: Duration) {
        let (mut fds, limit) = match &self.line {
            Line::Private(socket, _) => (vec![PollFd::new(socket, PollFlags::IN)], limit),
            Line::Watched(Some(watch)) => (vec![PollFd::new(watch, PollFlags::IN)], limit),
            Line::Watched(None) => (Vec::new(), limit.min(LOOK)),
        };
        fds.extend(self.leave.iter().map(|leave| PollFd::new(leave, PollFlags::IN)));
        let heard = sleep(&mut fds, limit);
        drop(fds);
        if heard {
            self.listen();
        }
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
                        self.read_journal();
                        self.show_due();
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
                    self.take(event);
                }
            }
        }
    }
}

/// Says whether anything was heard before the time was over.
fn sleep(fds: &mut [PollFd<'_>], limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    poll(fds, Some(&limit)).is_ok_and(|ready| ready > 0)
}
