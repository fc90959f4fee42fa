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

impl RunLogbook {
    fn writer(&self, stage: &StageName, attempt: u32, max: u64) -> LogWriter {
        let (clock, bell) = (Arc::clone(&self.clock), Arc::clone(&self.bell));
        LogWriter::new(self.run.clone(), stage.clone(), attempt, max, clock, bell)
    }
}

impl Logbook for RunLogbook {
    fn open(&self, stage: &StageName, attempt: u32, max: u64) -> Box<dyn StageLog> {
        Box::new(self.writer(stage, attempt, max))
    }

    fn reopen(&self, stage: &StageName, attempt: u32, max: u64) -> (Box<dyn StageLog>, u64) {
        let (writer, bytes) = self.writer(stage, attempt, max).resumed();
        (Box::new(writer), bytes)
    }
}
