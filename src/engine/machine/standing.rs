//! A paused run: all of it stands still, and so does its own clock, which all times of the machine are on. No timer comes
//! due, no duration grows and nothing starts.
//!
//! ```text
//!  Going ──Pause──▶ Stopping: each attempt is held ──all stand still, or have ended──▶ Still ──Resume──▶ Going
//!                      └── Resume, or the run is to end ──▶ Going ◀── the run is to end ──┘
//! ```

use std::collections::BTreeSet;

use super::{Effect, Machine};
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::ids::StageId;

/// Whether the run stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Going,
    /// It is to; these have not said yet that they do.
    Stopping(BTreeSet<StageId>),
    Still,
}

impl Machine {
    /// Whether it is paused: everything stands still.
    pub fn is_still(&self) -> bool {
        self.standing == Standing::Still
    }

    /// Whether it is paused, or about to be.
    pub fn is_held(&self) -> bool {
        self.standing != Standing::Going
    }

    pub(super) fn pause(&mut self, now: Timestamp) {
        if self.is_held() || self.finished || self.scheduler.cancelled().is_some() {
            return;
        }
        self.clock.begin(now);
        let running: BTreeSet<StageId> = self.running().collect();
        self.effects.extend(running.iter().map(|stage| Effect::Hold { stage: *stage, still: true }));
        self.standing = Standing::Stopping(running);
        self.settle();
    }

    pub(super) fn resume(&mut self, now: Timestamp) {
        if !self.is_held() {
            return;
        }
        self.clock.end(now);
        if std::mem::replace(&mut self.standing, Standing::Going) == Standing::Still {
            self.emit(EventKind::Resumed);
        }
        let running: Vec<StageId> = self.running().collect();
        self.effects.extend(running.into_iter().map(|stage| Effect::Hold { stage, still: false }));
    }

    /// A stage that was to stand still does, or has ended.
    pub(super) fn has_stopped(&mut self, stage: StageId) {
        if let Standing::Stopping(open) = &mut self.standing {
            open.remove(&stage);
            self.settle();
        }
    }

    /// Says that the run is paused once all of it stands still.
    fn settle(&mut self) {
        // What has come to its end meanwhile is not paused any more.
        let is_settled = matches!(&self.standing, Standing::Stopping(open) if open.is_empty());
        if is_settled && !self.scheduler.is_done() {
            self.standing = Standing::Still;
            self.emit(EventKind::Paused);
        }
    }
}
