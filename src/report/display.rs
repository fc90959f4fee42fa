//! A run on its way to one face: folds events into a view, and drives a reporter.
//!
//! Nothing here can fail a run. An output that is gone or full silences the display for good; it is remembered, the
//! view is still kept, and whoever follows the run still learns its end.

use std::io;
use std::time::Duration;

use super::guest::Guests;
use super::{Aside, Logs, Reporter, StageTerminal};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind, Sink};
use crate::view::RunView;

/// A view, the reporter that shows it, and the logs it reads.
pub struct Display {
    view: RunView,
    reporter: Box<dyn Reporter>,
    logs: Box<dyn Logs>,
    closed: Option<io::Error>,
    guests: Option<Guests>,
    aside: Option<Aside>,
}

/// How often a reporter with a lot to write is called before a stage gets the terminal all the same.
const TURNS: usize = 64;

impl Display {
    /// A display of a run of which nothing is known yet.
    pub fn new(reporter: Box<dyn Reporter>, logs: Box<dyn Logs>) -> Self {
        Self { view: RunView::new(), reporter, logs, closed: None, guests: None, aside: None }
    }

    /// The same, where whoever looks on has a terminal that interactive stages get. `from_start`: it is there from the
    /// run's first event on.
    #[must_use]
    pub fn with_terminal(self, terminal: Box<dyn StageTerminal>, from_start: bool) -> Self {
        Self { guests: Some(Guests::new(terminal, from_start)), ..self }
    }

    /// The same, with what is to be said of other machines said there, and not by the face.
    #[must_use]
    pub fn with_aside(self, aside: Aside) -> Self {
        Self { aside: Some(aside), ..self }
    }

    /// Takes the next event of the run. While a stage has the terminal, it waits.
    pub fn event(&mut self, event: &Event) {
        let Some(guests) = &mut self.guests else { return self.show_event(event) };
        guests.push(event);
        while let Some(event) = self.guests.as_mut().and_then(|guests| guests.next(&mut *self.logs)) {
            self.show_event(&event);
            if let Some(guests) = &mut self.guests {
                guests.shown(&event, &self.view);
            }
        }
    }

    fn show_event(&mut self, event: &Event) {
        self.view.apply(event);
        if let (Some(aside), EventKind::Remote { remote, news }) = (&mut self.aside, &event.kind) {
            aside.news(&self.view, remote, news);
        }
        self.show(|reporter, view, logs| reporter.event(view, event, logs));
    }

    /// Shows a bounded amount of what stages printed; true if there is more at once. After the last event, this is to
    /// be called until it says false: only then everything is written.
    pub fn output(&mut self) -> bool {
        if let Some(guests) = &mut self.guests {
            guests.is_up_to_date(&self.view);
            if guests.is_taken() {
                return self.serve();
            }
        }
        self.reporter_output()
    }

    fn reporter_output(&mut self) -> bool {
        self.show(|reporter, view, logs| reporter.output(view, logs)).unwrap_or(false)
    }

    /// Shows what the stage prints that has the terminal, or is to have it.
    fn serve(&mut self) -> bool {
        if self.guests.as_ref().is_some_and(Guests::is_awaited) {
            // What came before it stands above it.
            for _ in 0..TURNS {
                if !self.reporter_output() {
                    break;
                }
            }
            self.show(|reporter, view, _| reporter.make_way(view));
        }
        self.guests.as_mut().is_some_and(|guests| guests.serve(&mut *self.logs))
    }

    /// Time passes.
    pub fn tick(&mut self, now: Timestamp) {
        if self.guests.as_ref().is_some_and(Guests::is_taken) {
            return;
        }
        self.show(|reporter, view, _| reporter.tick(view, now));
    }

    /// How often the display wants to hear that time passes. To be asked before each wait.
    pub fn pace(&self) -> Duration {
        self.reporter.pace()
    }

    /// The run's supervisor is gone, and there will be no last event: ends the run as lost. Changes nothing where it
    /// has ended.
    pub fn lose(&mut self) {
        if let Some(mut guests) = self.guests.take() {
            guests.end();
            while let Some(event) = guests.next(&mut *self.logs) {
                self.show_event(&event);
            }
        }
        if let Some(event) = self.view.lost_event() {
            self.event(&event);
        }
    }

    /// The run as far as it is known.
    pub fn view(&self) -> &RunView {
        &self.view
    }

    /// Why nothing is shown any more, if so.
    pub fn closed(&self) -> Option<&io::Error> {
        self.closed.as_ref()
    }

    /// Calls the reporter, unless its output has failed before.
    fn show<T>(&mut self, call: impl FnOnce(&mut dyn Reporter, &RunView, &mut dyn Logs) -> io::Result<T>) -> Option<T> {
        if self.closed.is_some() {
            return None;
        }
        match call(&mut *self.reporter, &self.view, &mut *self.logs) {
            Ok(value) => Some(value),
            Err(error) => {
                self.closed = Some(error);
                None
            }
        }
    }
}

/// For a run in this process: everything there is to show is shown with each event.
impl Sink for Display {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        Display::event(self, event);
        while self.output() {}
        Ok(())
    }

    fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        Display::tick(self, now);
        while self.output() {}
        Ok(())
    }
}
