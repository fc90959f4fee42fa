//! Somebody who reads along: what an attempt prints is copied, and taken and read on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::found::Found;
use super::gate::Gate;
use super::lines::{Lines, Printed};
use super::patience::Patience;
use super::queue::{End, Queue, Unread};
use super::sieve::Sieve;
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::{Clock, SystemClock};
use crate::event::{Annotation, Stream};
use crate::pipeline::plugin::Excerpt;

/// How much text is handed over at a time, in bytes.
const BATCH: usize = 256 * 1024;
/// How long the end of an attempt waits for what is not read yet, while nothing stands still.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether the attempt is to end at once.
const LOOK: Duration = Duration::from_millis(20);

/// Why a reader reads no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was asked to.
    Cancelled,
    /// It cannot; with what is wrong as a sentence, to be given to [`Reads::failed`].
    Failed(String),
}

/// Somebody who can read attempts.
pub trait Reads: Send + Sync {
    /// Who finds, where that is not said of what was found.
    fn source(&self) -> &str;
    /// Whose reading it is, as the subject of a sentence.
    fn subject(&self) -> String;
    /// What it wants to read.
    fn excerpt(&self) -> Excerpt {
        Excerpt::default()
    }
    /// What the stack of its thread has to have, in bytes.
    fn stack(&self) -> usize;
    /// Begins to read one attempt, on the thread that is to read. May take its time.
    fn begin(&self, ears: &Ears) -> Result<Box<dyn Reader>, Stop>;
    /// It failed. What is to be said of that, if something is.
    fn failed(&self, why: String) -> Option<String>;
}

/// A reader at work. After it has stopped it is not called again.
pub trait Reader {
    /// Gives it lines. What it finds in them.
    fn feed(&mut self, lines: &[Printed<'_>]) -> Result<Vec<Annotation>, Stop>;
    /// Tells it how the attempt ended; without a code where a signal ended it.
    fn finish(&mut self, exit: Option<i32>) -> Result<Vec<Annotation>, Stop>;
}

/// Who a reader can speak to while it reads, and who asks it to end or to stand still.
#[derive(Clone)]
pub struct Ears {
    /// Has it end, and stand still.
    pub cancel: CancelToken,
    found: Arc<Mutex<Found>>,
}

impl Ears {
    /// Takes in a sentence.
    pub fn remark(&self, text: String) {
        self.found().remark(text);
    }

    /// Takes in what was found, by `source` where it does not say.
    pub fn annotate(&self, source: &str, items: Vec<Annotation>) {
        self.found().add(source, items);
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader on its thread.
pub(super) struct AtWork {
    reads: Arc<dyn Reads>,
    excerpt: Excerpt,
    queue: Arc<Queue>,
    cancel: CancelToken,
    /// Set once it has begun, which may take seconds.
    has_begun: Arc<AtomicBool>,
    done: crossbeam_channel::Receiver<()>,
    thread: JoinHandle<(Found, Option<Stop>)>,
}

impl AtWork {
    /// Has somebody read along from now on. The error is a remark that says why it cannot.
    pub(super) fn start(reads: Arc<dyn Reads>) -> Result<Self, String> {
        let (queue, cancel) = (Arc::new(Queue::default()), CancelToken::new());
        let (finished, done) = crossbeam_channel::bounded::<()>(0);
        let has_begun = Arc::new(AtomicBool::new(false));
        let excerpt = reads.excerpt();
        let reading = Reading {
            reads: Arc::clone(&reads),
            excerpt: excerpt.clone(),
            queue: Arc::clone(&queue),
            has_begun: Arc::clone(&has_begun),
            ears: Ears { cancel: cancel.clone(), found: Arc::default() },
        };
        let run = move || {
            let _finished = finished;
            let stop = reading.run().err();
            reading.queue.close();
            let found = std::mem::take(&mut *reading.ears.found());
            (found, stop)
        };
        let thread = std::thread::Builder::new().name("reader".into()).stack_size(reads.stack()).spawn(run);
        let thread = thread.map_err(|error| format!("{} has no thread to read with: {error}", reads.subject()))?;
        Ok(Self { reads, excerpt, queue, cancel, has_begun, done, thread })
    }

    /// What lets through to [`Self::push`] what is of use.
    pub(super) fn gate(&self) -> Gate {
        Gate::new(Sieve::new(&self.excerpt))
    }

    /// Something was printed.
    pub(super) fn push(&self, stream: Stream, bytes: &[u8]) {
        self.queue.push(stream, bytes);
    }

    /// The attempt is to stand still, or to go on: so does the reader, between two moments.
    pub(super) fn hold(&self, still: bool) {
        self.cancel.hold(still);
    }

    /// The attempt has ended: there is nothing more to read.
    pub(super) fn end(&self, exit: Option<i32>) {
        self.queue.end(exit);
    }

    /// Waits until all is read, for a while, and says what was found. `attempt` is what asks the attempt to end.
    pub(super) fn finish(self, attempt: &CancelToken) -> Found {
        let mut patience = Patience::new(PATIENCE, SystemClock.now());
        let is_late = loop {
            crossbeam_channel::select! {
                recv(self.done) -> _ => break false,
                default(LOOK) => {
                    let is_held = attempt.is_held();
                    self.cancel.hold(is_held);
                    // Nothing of the attempt runs any more.
                    attempt.answer_for_nothing();
                    let is_over = patience.is_over(SystemClock.now(), is_held);
                    // What was asked to end does not wait for a reader that has yet to be compiled.
                    let has_begun = self.has_begun.load(Ordering::Acquire);
                    let ends = attempt.level().is_some_and(|level| level == CancelLevel::Kill || !has_begun);
                    if is_over || ends {
                        break true;
                    }
                }
            }
        };
        if is_late {
            self.cancel.hold(false);
            self.cancel.raise(CancelLevel::Kill);
        }
        let (mut found, stop) = self.thread.join().unwrap_or_else(|_| {
            let why = format!("{} could not be called: the supervisor's log says more", self.reads.subject());
            (Found::default(), Some(Stop::Failed(why)))
        });
        match stop {
            Some(Stop::Cancelled) => {
                found.remark(format!("{} was ended before it had read all of the output", self.reads.subject()));
            }
            Some(Stop::Failed(why)) => self.reads.failed(why).into_iter().for_each(|text| found.remark(text)),
            None => {}
        }
        found
    }
}

/// What a reader reads.
struct Reading {
    reads: Arc<dyn Reads>,
    excerpt: Excerpt,
    queue: Arc<Queue>,
    has_begun: Arc<AtomicBool>,
    ears: Ears,
}

impl Reading {
    /// Reads until the attempt has ended and nothing is left.
    fn run(&self) -> Result<(), Stop> {
        let mut at_work = self.reads.begin(&self.ears)?;
        self.has_begun.store(true, Ordering::Release);
        let (mut lines, mut taken) = (Lines::new(Sieve::new(&self.excerpt)), Unread::default());
        loop {
            self.queue.take(&mut taken);
            let mut from = 0;
            for (stream, length) in &taken.pieces {
                for part in taken.bytes[from..from + length].chunks(BATCH) {
                    lines.push(*stream, part);
                    if lines.size() >= BATCH {
                        self.feed(&mut *at_work, &mut lines)?;
                    }
                }
                from += length;
            }
            if taken.end.is_some() {
                lines.end();
            }
            if !lines.is_empty() {
                self.feed(&mut *at_work, &mut lines)?;
            }
            // With the end, all that came before it was taken.
            let Some(End(exit)) = taken.end else { continue };
            let items = at_work.finish(exit)?;
            self.ears.annotate(self.reads.source(), items);
            if taken.left_out > 0 {
                let n = taken.left_out;
                let subject = self.reads.subject();
                self.ears.remark(format!("{subject} is too slow for this output: {n} bytes of it were not read"));
            }
            return Ok(());
        }
    }

    fn feed(&self, reader: &mut dyn Reader, lines: &mut Lines) -> Result<(), Stop> {
        if self.ears.cancel.level().is_some() {
            return Err(Stop::Cancelled);
        }
        let items = reader.feed(&lines.whole())?;
        lines.clear();
        self.ears.annotate(self.reads.source(), items);
        Ok(())
    }
}
