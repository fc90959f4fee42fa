//! Keeps secrets out of what a run tells of itself: texts in its events that come from commands, from the config, and from
//! other machines.

use std::io;
use std::sync::Arc;

use crossbeam_channel::Receiver;

use crate::clock::Timestamp;
use crate::engine::observer::Observer;
use crate::event::{Annotation, Event, EventKind, LeakedProcess, RemoteNews, Sink};
use crate::executor::screened::Screen;
use crate::outcome::{Failure, Outcome};

/// A sink or an observer that is told of events without secrets in them.
pub(super) struct Screening<T> {
    inner: T,
    screen: Arc<Screen>,
}

impl<T> Screening<T> {
    pub(super) fn new(inner: T, screen: Arc<Screen>) -> Self {
        Self { inner, screen }
    }
}

impl<S: Sink + ?Sized> Sink for Screening<&mut S> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.inner.event(&masked(event, &self.screen).unwrap_or_else(|| event.clone()))
    }

    fn settled(&mut self) -> io::Result<()> {
        self.inner.settled()
    }

    fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        self.inner.tick(now)
    }
}

impl Observer for Screening<Box<dyn Observer>> {
    fn event(&mut self, event: &Event) {
        self.inner.event(&masked(event, &self.screen).unwrap_or_else(|| event.clone()));
    }

    fn last(&mut self, event: &Event) -> Option<Receiver<()>> {
        self.inner.last(&masked(event, &self.screen).unwrap_or_else(|| event.clone()))
    }

    fn abandon(&mut self) -> Vec<String> {
        let sentences = self.inner.abandon();
        sentences.iter().map(|text| self.screen.masked(text).into_owned()).collect()
    }
}

/// The event without secrets. None where there are none to look for.
fn masked(event: &Event, screen: &Screen) -> Option<Event> {
    if screen.needles().is_empty() {
        return None;
    }
    let mut event = event.clone();
    let hide = |text: &mut String| *text = screen.masked(text).into_owned();
    match &mut event.kind {
        EventKind::RunStarted(run) => {
            run.stages.iter_mut().for_each(|stage| hide(&mut stage.command));
        }
        EventKind::StageRetrying { outcome, leaked, .. } => {
            hide_in_outcome(outcome, &hide);
            hide_in_processes(leaked, &hide);
        }
        EventKind::StageFinished(finished) => {
            hide_in_outcome(&mut finished.outcome, &hide);
            hide_in_processes(&mut finished.leaked, &hide);
        }
        EventKind::Annotated { items, .. } => items.iter_mut().for_each(|item| hide_in_annotation(item, &hide)),
        EventKind::Notice { text, .. } => hide(text),
        EventKind::Remote { news, .. } => match news {
            RemoteNews::Remark { text } => hide(text),
            RemoteNews::Down { why, .. } | RemoteNews::GaveUp { why } => hide(why),
            RemoteNews::Connected { .. }
            | RemoteNews::Sent { .. }
            | RemoteNews::Fetched { .. }
            | RemoteNews::Up { .. }
            | RemoteNews::Done { .. } => {}
        },
        EventKind::StageStarted { .. }
        | EventKind::Cancelling { .. }
        | EventKind::Paused
        | EventKind::Resumed
        | EventKind::TakenOver { .. }
        | EventKind::RunFinished { .. } => {}
    }
    Some(event)
}

fn hide_in_annotation(item: &mut Annotation, hide: &dyn Fn(&mut String)) {
    hide(&mut item.message);
    item.code.iter_mut().chain(&mut item.title).for_each(hide);
    if let Some(at) = &mut item.at {
        hide(&mut at.path);
    }
}

fn hide_in_processes(leaked: &mut [LeakedProcess], hide: &dyn Fn(&mut String)) {
    for process in leaked {
        hide(&mut process.command);
    }
}

fn hide_in_outcome(outcome: &mut Outcome, hide: &dyn Fn(&mut String)) {
    match outcome {
        Outcome::Errored { message } | Outcome::Failed { failure: Failure::NotStarted { message, .. } } => {
            hide(message);
        }
        Outcome::Failed { .. }
        | Outcome::Passed
        | Outcome::Cached
        | Outcome::TimedOut { .. }
        | Outcome::Skipped { .. }
        | Outcome::Cancelled { .. } => {}
    }
}
