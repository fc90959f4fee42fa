//! A parser reads along: what an attempt prints is copied for it, and taken and read on a thread of its own. Nothing that it
//! does or fails to do holds the attempt up; what it cannot keep up with is left out, and said.
//!
//! ```text
//!  the attempt's thread ─▶ log, at once
//!                       └─▶ Gate ─▶ Queue: bytes, 64 MiB at most ─▶ the reader's thread: lines ─▶ parser ─▶ Found
//! ```
//!
//! What the parser does not want does not get past the [`Gate`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::found::Found;
use super::gate::Gate;
use super::lines::Lines;
use super::patience::Patience;
use super::{Shared, spoken};
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::{Clock, SystemClock};
use crate::event::{Annotation, Stream};
use crate::pipeline::plugin::ParserUse;
use crate::plugin::excerpt::Sieve;
use crate::plugin::fault::{Fault, FaultKind};
use crate::plugin::granted::presentable;
use crate::plugin::guests::{Around, Guests, Parser, STACK};
use crate::plugin::info::Context;

/// How much waits to be read, in bytes.
const QUEUE_MAX: usize = 64 * 1024 * 1024;
/// So much is worth waking the reader for before its time.
const PLENTY: usize = 256 * 1024;
/// How long a little waits for more: to read it alone would cost more than it is worth.
const GATHER: Duration = Duration::from_millis(5);
/// How much text is handed over at a time, in bytes.
const BATCH: usize = 256 * 1024;
/// How long the end of an attempt waits for what is not read yet, while nothing stands still.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether the attempt is to end at once.
const LOOK: Duration = Duration::from_millis(20);

/// What was printed and is not read yet.
#[derive(Default)]
struct Unread {
    bytes: Vec<u8>,
    /// Of which stream they came, in order, and how many.
    pieces: Vec<(Stream, usize)>,
    /// Bytes that there was no room for.
    left_out: u64,
    /// Whether the attempt has ended, and how.
    end: Option<End>,
    /// Nobody reads any more.
    is_closed: bool,
}

/// How an attempt ended; without a code where a signal ended it.
#[derive(Clone, Copy)]
struct End(Option<i32>);

/// What the attempt writes and the reader reads.
#[derive(Default)]
struct Queue {
    unread: Mutex<Unread>,
    changed: Condvar,
}

impl Queue {
    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, stream: Stream, bytes: &[u8]) {
        let mut unread = self.unread();
        if unread.is_closed {
            return;
        }
        let before = unread.bytes.len();
        if before + bytes.len() > QUEUE_MAX {
            unread.left_out += bytes.len() as u64;
            return;
        }
        unread.bytes.extend_from_slice(bytes);
        match unread.pieces.last_mut() {
            Some((last, length)) if *last == stream => *length += bytes.len(),
            Some(_) | None => unread.pieces.push((stream, bytes.len())),
        }
        let has_plenty = before < PLENTY && unread.bytes.len() >= PLENTY;
        drop(unread);
        if before == 0 || has_plenty {
            self.changed.notify_all();
        }
    }

    fn end(&self, exit: Option<i32>) {
        self.unread().end = Some(End(exit));
        self.changed.notify_all();
    }

    /// Waits for something to read, or the end, and takes all of it into `into`, whose memory is used again.
    fn take(&self, into: &mut Unread) {
        into.bytes.clear();
        into.pieces.clear();
        let nothing = |unread: &mut Unread| unread.bytes.is_empty() && unread.end.is_none();
        let unread = self.changed.wait_while(self.unread(), nothing).unwrap_or_else(PoisonError::into_inner);
        let little = |unread: &mut Unread| unread.bytes.len() < PLENTY && unread.end.is_none();
        let waited = self.changed.wait_timeout_while(unread, GATHER, little);
        let (mut unread, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut unread.bytes, &mut into.bytes);
        std::mem::swap(&mut unread.pieces, &mut into.pieces);
        into.end = unread.end;
        into.left_out = unread.left_out;
    }

    fn close(&self) {
        let mut unread = self.unread();
        *unread = Unread { is_closed: true, ..Unread::default() };
    }
}

/// A parser that reads along.
pub(super) struct Reader {
    used: ParserUse,
    queue: Arc<Queue>,
    cancel: CancelToken,
    /// Set once its component is loaded, which may take seconds.
    is_at_work: Arc<AtomicBool>,
    done: crossbeam_channel::Receiver<()>,
    thread: JoinHandle<(Found, Option<Fault>)>,
}

impl Reader {
    /// Has a parser read along from now on. The error says why it cannot.
    pub(super) fn start(
        guests: Arc<dyn Guests>,
        used: &ParserUse,
        env: Vec<(String, String)>,
        context: Context,
    ) -> Result<Self, Fault> {
        let (queue, cancel) = (Arc::new(Queue::default()), CancelToken::new());
        let (finished, done) = crossbeam_channel::bounded::<()>(0);
        let is_at_work = Arc::new(AtomicBool::new(false));
        let reading = Reading {
            used: used.clone(),
            env,
            context,
            queue: Arc::clone(&queue),
            cancel: cancel.clone(),
            is_at_work: Arc::clone(&is_at_work),
            found: Arc::default(),
            root: guests.root(),
        };
        let run = move || {
            let _finished = finished;
            let fault = reading.run(&*guests).err();
            reading.queue.close();
            let found = std::mem::take(&mut *reading.found());
            (found, fault)
        };
        let thread = std::thread::Builder::new().name("parser".into()).stack_size(STACK).spawn(run);
        let thread = thread.map_err(|error| {
            Fault::new(&used.plugin, FaultKind::Unable(format!("has no thread to read with: {error}")))
        })?;
        Ok(Self { used: used.clone(), queue, cancel, is_at_work, done, thread })
    }

    /// What lets through to [`Self::push`] what is of use.
    pub(super) fn gate(&self) -> Gate {
        Gate::new(Sieve::new(&self.used.excerpt))
    }

    /// Something was printed.
    pub(super) fn push(&self, stream: Stream, bytes: &[u8]) {
        self.queue.push(stream, bytes);
    }

    /// The attempt is to stand still, or to go on: so does the parser, between two moments.
    pub(super) fn hold(&self, still: bool) {
        self.cancel.hold(still);
    }

    /// The attempt has ended: there is nothing more to read.
    pub(super) fn end(&self, exit: Option<i32>) {
        self.queue.end(exit);
    }

    /// Waits until all is read, for a while, and says what was found. `attempt` is what asks the attempt to end.
    pub(super) fn finish(self, shared: &Shared, attempt: &CancelToken) -> Found {
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
                    // What was asked to end does not wait for a parser that has yet to be compiled.
                    let is_at_work = self.is_at_work.load(Ordering::Acquire);
                    let ends = attempt.level().is_some_and(|level| level == CancelLevel::Kill || !is_at_work);
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
        let (mut found, fault) = self.thread.join().unwrap_or_else(|_| {
            let kind = FaultKind::Unable("could not be called: the supervisor's log says more".into());
            (Found::default(), Some(Fault::new(&self.used.plugin, kind)))
        });
        match fault {
            Some(Fault { kind: FaultKind::Cancelled, plugin }) => {
                let parser = &self.used.parser;
                found.remark(format!(
                    "plugin {plugin}: its parser {parser} was ended before it had read all of the output"
                ));
            }
            Some(fault) if shared.put_out_of_action(&self.used.plugin) => {
                found.remark(format!("{fault}; what stages print is read by it no more in this run"));
            }
            Some(_) | None => {}
        }
        found
    }
}

/// What a parser reads, for whom.
struct Reading {
    used: ParserUse,
    env: Vec<(String, String)>,
    context: Context,
    queue: Arc<Queue>,
    cancel: CancelToken,
    is_at_work: Arc<AtomicBool>,
    found: Arc<Mutex<Found>>,
    /// The project's directory.
    root: PathBuf,
}

impl Reading {
    fn found(&self) -> MutexGuard<'_, Found> {
        locked(&self.found)
    }

    /// Reads until the attempt has ended and nothing is left.
    fn run(&self, guests: &dyn Guests) -> Result<(), Fault> {
        let (plugin, parser) = (&self.used.plugin, &self.used.parser);
        let source = format!("{plugin}:{parser}");
        let (said, noted) = (Arc::clone(&self.found), Arc::clone(&self.found));
        let (name, by) = (plugin.clone(), source.clone());
        let around = Around {
            env: self.env.clone(),
            cancel: self.cancel.clone(),
            log: Box::new(move |line| locked(&said).remark(spoken(&name, line))),
            annotate: Box::new(move |items| locked(&noted).add(&by, items)),
            commands: None,
        };
        let mut at_work = guests.parser(&self.used, around, &self.context)?;
        self.is_at_work.store(true, Ordering::Release);
        let (mut lines, mut taken) = (Lines::new(Sieve::new(&self.used.excerpt)), Unread::default());
        loop {
            self.queue.take(&mut taken);
            let mut from = 0;
            for (stream, length) in &taken.pieces {
                for part in taken.bytes[from..from + length].chunks(BATCH) {
                    lines.push(*stream, part);
                    if lines.size() >= BATCH {
                        self.feed(&mut *at_work, &mut lines, &source)?;
                    }
                }
                from += length;
            }
            if taken.end.is_some() {
                lines.end();
            }
            if !lines.is_empty() {
                self.feed(&mut *at_work, &mut lines, &source)?;
            }
            // With the end, all that came before it was taken.
            let Some(End(exit)) = taken.end else { continue };
            let items = at_work.finish(exit)?;
            self.keep(&source, items);
            if taken.left_out > 0 {
                let n = taken.left_out;
                let text = format!(
                    "plugin {plugin}: its parser {parser} is too slow for this output: {n} bytes of it were not read"
                );
                self.found().remark(text);
            }
            return Ok(());
        }
    }

    fn feed(&self, parser: &mut dyn Parser, lines: &mut Lines, source: &str) -> Result<(), Fault> {
        if self.cancel.level().is_some() {
            return Err(Fault::new(&self.used.plugin, FaultKind::Cancelled));
        }
        let items = parser.feed(&lines.whole())?;
        lines.clear();
        self.keep(source, items);
        Ok(())
    }

    /// Keeps what was found, about places in the project alone.
    fn keep(&self, source: &str, items: Vec<Annotation>) {
        let items = items.into_iter().map(|item| presentable(item, &self.root)).collect();
        self.found().add(source, items);
    }
}

fn locked(found: &Mutex<Found>) -> MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}
