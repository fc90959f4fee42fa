//! One run, as far as it was told.

use std::io;

use super::Told;
use crate::clock::Clock;
use crate::event::{Event, EventKind};
use crate::ids::RunNumber;
use crate::journal::header::Header;
use crate::journal::layout::RunDir;
use crate::journal::lock;
use crate::journal::read::JournalReader;
use crate::outcome::Verdict;
use crate::view::RunView;

/// How often is looked again whether a lock was let go that was closed.
const PATIENCE: u32 = 500;

/// A run that goes on.
pub(super) struct Followed {
    dir: RunDir,
    number: RunNumber,
    project: String,
    reader: JournalReader,
    view: RunView,
    /// Where it is listened to.
    pub(super) watch: Option<i32>,
    /// Whether there is reason to look.
    is_due: bool,
    /// How often to look again, because its lock was closed and is let go in a moment.
    closing: u32,
}

impl Followed {
    /// A run whose header says whose it is.
    pub(super) fn new(dir: RunDir, number: RunNumber, watch: Option<i32>) -> io::Result<Self> {
        let header = Header::read(&dir)?;
        Ok(Self {
            reader: JournalReader::new(dir.clone()),
            project: header.project,
            view: RunView::new(),
            is_due: true,
            closing: 0,
            dir,
            number,
            watch,
        })
    }

    /// Something has changed in its directory.
    pub(super) fn hear(&mut self, name: Option<&str>) {
        self.is_due = true;
        if name == Some("lock") {
            self.closing = PATIENCE;
        }
    }

    /// It was not heard whether anything has changed.
    pub(super) fn look_again(&mut self) {
        self.is_due = true;
        self.closing = self.closing.saturating_sub(1);
    }

    /// Whether it is about to be over.
    pub(super) fn is_closing(&self) -> bool {
        self.closing > 0
    }

    /// Takes what it has said since, if there is reason to look. Says whether it is over.
    pub(super) fn take(&mut self, clock: &dyn Clock, told: &mut Vec<Told>) -> bool {
        if !std::mem::take(&mut self.is_due) {
            return false;
        }
        // The lock first: a supervisor writes its last event before it lets go.
        let is_held = lock::is_held(&self.dir.lock()).unwrap_or(false);
        // A journal that cannot be read says nothing more.
        for event in self.reader.read_new().unwrap_or_default() {
            self.tell(event, told);
        }
        if self.view.end().is_none() && !is_held {
            let event = self.view.lost_event().unwrap_or_else(|| never_began(clock));
            self.tell(event, told);
        }
        self.view.end().is_some()
    }

    fn tell(&mut self, event: Event, told: &mut Vec<Told>) {
        self.view.apply(&event);
        told.push(Told { number: self.number, project: self.project.clone(), event });
    }
}

/// The end of a run that was lost before it said anything.
fn never_began(clock: &dyn Clock) -> Event {
    let exit_code = Verdict::Lost.exit_code();
    let kind = EventKind::RunFinished { verdict: Verdict::Lost, exit_code, duration_ms: 0 };
    Event { seq: 0, at: clock.now(), kind }
}
