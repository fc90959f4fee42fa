//! Makes the logs of a run's attempts in its directory.

use std::sync::Arc;

use crate::clock::Clock;
use crate::event::{Logbook, StageLog};
use crate::ids::StageName;
use crate::journal::layout::RunDir;
use crate::journal::log::{Bell, LogWriter};

/// The logs of one run.
pub struct RunLogbook {
    /// The run's directory.
    pub run: RunDir,
    /// The time, for the logs' indexes.
    pub clock: Arc<dyn Clock>,
    /// Rung when a log has grown.
    pub bell: Bell,
}

impl Logbook for RunLogbook {
    fn open(&self, stage: &StageName, attempt: u32, max: u64) -> Box<dyn StageLog> {
        let (clock, bell) = (Arc::clone(&self.clock), Arc::clone(&self.bell));
        Box::new(LogWriter::new(self.run.clone(), stage.clone(), attempt, max, clock, bell))
    }
}
