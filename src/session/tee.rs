//! Hands each event to the journal and to whoever follows, and says once what a failing journal means.

use std::io;
use std::sync::Arc;

use super::wire::{Doorbell, Frame};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind, Sink};

/// The supervisor's sink.
pub struct Tee<J> {
    journal: J,
    bell: Arc<Doorbell>,
    /// Done before the last event: when that is written, nothing of the run may be left.
    before_end: Box<dyn FnMut()>,
    failing: bool,
}

impl<J: Sink> Tee<J> {
    /// A sink that writes to `journal`, rings `bell`, and calls `before_end` before it writes the last event.
    pub fn new(journal: J, bell: Arc<Doorbell>, before_end: impl FnMut() + 'static) -> Self {
        Self { journal, bell, before_end: Box::new(before_end), failing: false }
    }

    /// Does what is done before the last event, where there is none: what is left of the run is not here.
    pub fn end_here(&mut self) {
        (self.before_end)();
    }
}

impl<J: Sink> Sink for Tee<J> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if matches!(event.kind, EventKind::RunFinished { .. }) {
            (self.before_end)();
        }
        let written = self.journal.event(event);
        match &written {
            Ok(()) if !self.failing => {}
            Ok(()) => self.bell.frame(&Frame::Event(event.clone())),
            Err(error) => {
                if !self.failing {
                    self.failing = true;
                    let text = format!(
                        "warning: the record of this run will be incomplete: its journal cannot be written ({error})"
                    );
                    self.bell.frame(&Frame::Notice(text));
                }
                self.bell.frame(&Frame::Event(event.clone()));
            }
        }
        written
    }

    fn settled(&mut self) -> io::Result<()> {
        self.bell.ring();
        Ok(())
    }

    fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        if self.failing {
            self.bell.ring();
        }
        self.journal.tick(now)
    }
}
