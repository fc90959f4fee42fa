//! Tells reporters what happens in a run: each on a thread of its own, in order, as many events at a time as there are by
//! then. Nobody waits for them while the run goes on; one that fails is told nothing more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::executor::spoken;
use super::fault::{Fault, FaultKind};
use super::guests::{Around, Guests, STACK};
use super::info::Notification;
use crate::cancel::{CancelLevel, CancelToken};
use crate::event::{Event, EventKind};
use crate::executor::news::{News, Tell, bounded as cut};
use crate::ids::{StageId, StageName};

/// How many events wait for a reporter; more are left out, and counted.
const QUEUE_MAX: usize = 10_000;
/// How many are told at a time,
const BATCH: usize = 100;
/// and about how much of them, in bytes of their JSON: a reporter has all of them in its memory.
const BATCH_BYTES: usize = 1024 * 1024;
/// How many lines of a reporter are handed on in a run.
const LINES_MAX: usize = 20;

/// What a reporter was not told yet.
#[derive(Default)]
struct Untold {
    events: VecDeque<Arc<Event>>,
    left_out: usize,
    /// There will be no more.
    is_over: bool,
    /// Nobody is told any more.
    is_closed: bool,
}

#[derive(Default)]
struct Queue {
    untold: Mutex<Untold>,
    changed: Condvar,
}

impl Queue {
    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: &Arc<Event>) {
        let mut untold = self.untold();
        if untold.is_closed {
            return;
        }
        // The last one has its place.
        let is_last = matches!(event.kind, EventKind::RunFinished { .. });
        if untold.events.len() >= QUEUE_MAX && !is_last {
            untold.left_out += 1;
            return;
        }
        untold.events.push_back(Arc::clone(event));
        drop(untold);
        self.changed.notify_all();
    }

    fn end(&self) {
        self.untold().is_over = true;
        self.changed.notify_all();
    }

    fn close(&self) {
        *self.untold() = Untold { is_closed: true, ..Untold::default() };
    }

    /// Waits for events; none where there will be none, with how many were left out.
    fn take(&self) -> Result<Vec<Arc<Event>>, usize> {
        let nothing = |untold: &mut Untold| untold.events.is_empty() && !untold.is_over;
        let mut untold = self.changed.wait_while(self.untold(), nothing).unwrap_or_else(PoisonError::into_inner);
        let n = untold.events.len().min(BATCH);
        if n == 0 {
            return Err(untold.left_out);
        }
        Ok(untold.events.drain(..n).collect())
    }
}

/// A reporter at work, or about to be.
struct Line {
    plugin: String,
    /// The kinds of events that it wants; none: all.
    wanted: Vec<String>,
    queue: Arc<Queue>,
    cancel: CancelToken,
}

impl Line {
    fn push(&self, event: &Arc<Event>) {
        if self.wanted.is_empty() || self.wanted.iter().any(|kind| kind == event.kind.name()) {
            self.queue.push(event);
        }
    }
}

/// The reporters of a run.
pub struct Reporters {
    lines: Vec<Line>,
    /// Closed once all have ended.
    ended: Receiver<()>,
}

/// Ends all of them where their run is over without a last event.
impl Drop for Reporters {
    fn drop(&mut self) {
        self.lines.iter().for_each(|line| line.queue.end());
    }
}

impl Reporters {
    /// Has these plugins told what happens from now on, in a run of stages of these names.
    pub fn start(
        guests: &Arc<dyn Guests>,
        env: &[(String, String)],
        plugins: &[String],
        stages: Vec<StageName>,
        tell: &Tell,
    ) -> Self {
        let stages = Arc::new(stages);
        let (alive, ended) = bounded(0);
        let line = |plugin: &String| {
            let wanted = guests.wanted(plugin);
            let line = Line { plugin: plugin.clone(), wanted, queue: Arc::default(), cancel: CancelToken::new() };
            let teller = Teller {
                guests: Arc::clone(guests),
                plugin: plugin.clone(),
                env: env.to_vec(),
                stages: Arc::clone(&stages),
                queue: Arc::clone(&line.queue),
                cancel: line.cancel.clone(),
                tell: Arc::clone(tell),
                _alive: alive.clone(),
            };
            let thread = std::thread::Builder::new().name("reporter".into()).stack_size(STACK);
            if let Err(error) = thread.spawn(move || teller.run()) {
                line.queue.close();
                let kind = FaultKind::Unable(format!("has no thread to be told on: {error}"));
                tell(News::Aside { text: given_up(&Fault::new(plugin, kind)) });
            }
            line
        };
        let lines = plugins.iter().map(line).collect();
        drop(alive);
        Self { lines, ended }
    }

    /// Something happened.
    pub fn event(&self, event: &Event) {
        if self.lines.is_empty() {
            return;
        }
        let event = Arc::new(event.clone());
        self.lines.iter().for_each(|line| line.push(&event));
    }

    /// This is the last event. What is closed once all were told; none where there is nobody to tell.
    pub fn last(&self, event: &Event) -> Option<Receiver<()>> {
        self.event(event);
        self.lines.iter().for_each(|line| line.queue.end());
        (!self.lines.is_empty()).then(|| self.ended.clone())
    }

    /// Nobody waits any more. Says who was not told everything.
    pub fn abandon(&self) -> Vec<String> {
        let late = |line: &&Line| !line.queue.untold().is_closed;
        let sentence = |line: &Line| {
            line.cancel.raise(CancelLevel::Kill);
            format!("plugin {} had not been told everything when the run ended, and was not waited for", line.plugin)
        };
        self.lines.iter().filter(late).map(sentence).collect()
    }
}

/// What is said of a reporter that failed.
fn given_up(fault: &Fault) -> String {
    format!("{fault}; it is told nothing more of this run")
}

/// The thread of one reporter.
struct Teller {
    guests: Arc<dyn Guests>,
    plugin: String,
    env: Vec<(String, String)>,
    stages: Arc<Vec<StageName>>,
    queue: Arc<Queue>,
    cancel: CancelToken,
    tell: Tell,
    _alive: Sender<()>,
}

impl Teller {
    fn run(self) {
        let said = Arc::new(AtomicUsize::new(0));
        if let Err(fault) = self.tell_all(&said)
            && fault.kind != FaultKind::Cancelled
        {
            self.remark(given_up(&fault));
        }
        let more = said.load(Ordering::Relaxed).saturating_sub(LINES_MAX);
        if more > 0 {
            let (plugin, lines) = (&self.plugin, if more == 1 { "line" } else { "lines" });
            self.remark(format!("plugin {plugin} said {more} more {lines}, which were left out"));
        }
        self.queue.close();
    }

    fn remark(&self, text: String) {
        (self.tell)(News::Aside { text: cut(text) });
    }

    /// `said` counts its lines.
    fn tell_all(&self, said: &Arc<AtomicUsize>) -> Result<(), Fault> {
        let (tell, plugin, said) = (Arc::clone(&self.tell), self.plugin.clone(), Arc::clone(said));
        let around = Around {
            env: self.env.clone(),
            cancel: self.cancel.clone(),
            log: Box::new(move |line| {
                if said.fetch_add(1, Ordering::Relaxed) < LINES_MAX {
                    tell(News::Aside { text: cut(spoken(&plugin, line)) });
                }
            }),
            // A reporter looks at a run, and not at the project.
            annotate: Box::new(|_| ()),
            commands: None,
        };
        let mut listener = self.guests.reporter(&self.plugin, around)?;
        loop {
            match self.queue.take() {
                Ok(events) => {
                    let (mut batch, mut bytes) = (Vec::new(), 0);
                    for told in events.iter().map(|event| notification(event, &self.stages)) {
                        bytes += told.data.len();
                        if bytes > BATCH_BYTES && !batch.is_empty() {
                            listener.notify(&std::mem::take(&mut batch))?;
                            bytes = told.data.len();
                        }
                        batch.push(told);
                    }
                    listener.notify(&batch)?;
                }
                Err(0) => return Ok(()),
                Err(left_out) => {
                    let plugin = &self.plugin;
                    self.remark(format!("plugin {plugin} is too slow: it was not told of {left_out} events"));
                    return Ok(());
                }
            }
        }
    }
}

/// An event as a reporter is told of it.
fn notification(event: &Event, stages: &[StageName]) -> Notification {
    let name = |stage: StageId| stages.get(stage.0 as usize).map(ToString::to_string);
    Notification {
        seq: event.seq,
        at_ms: u64::try_from(event.at.unix_ms).unwrap_or(0),
        kind: event.kind.name().to_owned(),
        stage: about(&event.kind).and_then(name),
        data: serde_json::to_string(event).unwrap_or_default(),
    }
}

/// The stage that an event is about.
fn about(kind: &EventKind) -> Option<StageId> {
    match kind {
        EventKind::StageStarted { stage, .. }
        | EventKind::StageRetrying { stage, .. }
        | EventKind::Annotated { stage, .. } => Some(*stage),
        EventKind::StageFinished(finished) => Some(finished.stage),
        EventKind::Notice { stage, .. } => *stage,
        EventKind::RunStarted(_)
        | EventKind::Cancelling { .. }
        | EventKind::Paused
        | EventKind::Resumed
        | EventKind::Remote { .. }
        | EventKind::TakenOver { .. }
        | EventKind::RunFinished { .. } => None,
    }
}

#[cfg(test)]
mod tests;
