//! A run on its way to one face: folds events into a view, and drives a reporter.
//!
//! Nothing here can fail a run. An output that is gone or full silences the display for good; it is remembered, the
//! view is still kept, and whoever follows the run still learns its end.

use std::io;
use std::time::Duration;

use super::{Logs, Reporter};
use crate::clock::Timestamp;
use crate::event::{Event, Sink};
use crate::view::RunView;

/// A view, the reporter that shows it, and the logs it reads.
pub struct Display {
    view: RunView,
    reporter: Box<dyn Reporter>,
    logs: Box<dyn Logs>,
    closed: Option<io::Error>,
}

impl Display {
    /// A display of a run of which nothing is known yet.
    pub fn new(reporter: Box<dyn Reporter>, logs: Box<dyn Logs>) -> Self {
        Self { view: RunView::new(), reporter, logs, closed: None }
    }

    /// Takes the next event of the run.
    pub fn event(&mut self, event: &Event) {
        self.view.apply(event);
        self.show(|reporter, view, logs| reporter.event(view, event, logs));
    }

    /// Shows a bounded amount of what stages printed; true if there is more at once. After the last event, this is to
    /// be called until it says false: only then everything is written.
    pub fn output(&mut self) -> bool {
        self.show(|reporter, view, logs| reporter.output(view, logs)).unwrap_or(false)
    }

    /// Time passes.
    pub fn tick(&mut self, now: Timestamp) {
        self.show(|reporter, view, _| reporter.tick(view, now));
    }

    /// How often the display wants to hear that time passes. To be asked before each wait.
    pub fn pace(&self) -> Duration {
        self.reporter.pace()
    }

    /// The run's supervisor is gone, and there will be no last event: ends the run as lost. Changes nothing where it
    /// has ended.
    pub fn lose(&mut self) {
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
