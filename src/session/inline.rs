//! A run in this process, for a plan with nothing to execute: the same engine, journal and display, and no supervisor.

use std::io;
use std::sync::Arc;

use super::book::RunLogbook;
use super::past;
use super::place::Place;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::engine::runner::{self, Identity, Ports};
use crate::event::{Event, Sink};
use crate::history::Patience;
use crate::journal::claim::release;
use crate::journal::write::JournalWriter;
use crate::outcome::Verdict;
use crate::plan::Plan;
use crate::report::display::Display;

/// The journal, where it can be written, and the display.
struct Both {
    journal: Option<JournalWriter>,
    display: Display,
}

impl Sink for Both {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if self.journal.as_mut().is_some_and(|journal| journal.event(event).is_err()) {
            self.journal = None;
        }
        Sink::event(&mut self.display, event)
    }

    fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        Sink::tick(&mut self.display, now)
    }
}

/// Runs a plan whose stages are all decided beforehand, and shows it. Returns the display too, which knows what came of it.
pub fn run(plan: Plan, place: &Place, display: Display) -> (Verdict, Display) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut sink = Both { journal: JournalWriter::open(&place.run).ok(), display };
    let logbook = Arc::new(RunLogbook { run: place.run.clone(), clock: Arc::clone(&clock), bell: Arc::new(|| {}) });
    let identity = Identity { run: place.id.clone(), number: place.number, env: Vec::new(), grace_cap: None };
    let messages = crossbeam_channel::unbounded();
    let ports =
        Ports { clock, executors: Vec::new(), logbook, sink: &mut sink, messages, lender: None, observer: None };
    let root = plan.root.clone();
    let verdict = runner::run(plan, identity, ports);
    if let (Some(project), Some(number)) = (&place.project, place.number) {
        release(project, number);
        // Somebody waits for this process to end.
        past::record(project, number, &root, Patience::Short);
    }
    (verdict, sink.display)
}
