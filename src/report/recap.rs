//! A run again, after it: what came of each stage, in the order of the pipeline, and the summary.

use std::io::{self, Write};

use super::transcript::{Block, Transcript, TranscriptOptions};
use super::{Logs, Reporter, summary, verdict};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::view::RunView;

/// Writes what came of each stage, once the run has ended.
pub struct Recap<W> {
    page: Transcript<W>,
}

impl<W: Write> Recap<W> {
    /// On this output.
    pub fn new(out: W, options: TranscriptOptions) -> Self {
        let mut page = Transcript::new(out, options);
        // Whoever asks for the run again asks for all of it.
        page.annotations_max = usize::MAX;
        Self { page }
    }
}

impl<W: Write> Reporter for Recap<W> {
    fn event(&mut self, view: &RunView, event: &Event, logs: &mut dyn Logs) -> io::Result<()> {
        if matches!(event.kind, EventKind::RunFinished { .. }) {
            for (id, stage) in view.stages().iter() {
                // What was running when a run was lost is told as well.
                if stage.finished().is_some() || stage.started.is_some() {
                    self.page.block(Block::Line);
                    verdict::write(&mut self.page, view, id, logs);
                }
            }
            summary::write(&mut self.page, view, logs);
        }
        self.page.flush()
    }

    fn output(&mut self, _view: &RunView, _logs: &mut dyn Logs) -> io::Result<bool> {
        Ok(false)
    }

    fn tick(&mut self, _view: &RunView, _now: Timestamp) -> io::Result<()> {
        Ok(())
    }
}
