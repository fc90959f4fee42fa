//! Failures as they happen, and the summary; of what goes well only, once a minute, that it goes on.

use std::io::{self, Write};

use super::silence::{Silence, still_running};
use super::transcript::{Block, Transcript, TranscriptOptions};
use super::{Logs, Reporter, announce, summary, verdict};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::view::{RunView, StageView, Tally, leaked_sentence};

/// Writes failures and the summary.
pub struct Quiet<W> {
    page: Transcript<W>,
    silence: Silence,
}

impl<W: Write> Quiet<W> {
    /// On this output.
    pub fn new(out: W, options: TranscriptOptions) -> Self {
        Self { page: Transcript::new(out, options), silence: Silence::default() }
    }
}

impl<W: Write> Reporter for Quiet<W> {
    fn event(&mut self, view: &RunView, event: &Event, logs: &mut dyn Logs) -> io::Result<()> {
        match &event.kind {
            EventKind::StageFinished(finished) => {
                let tally = view.stages().get(finished.stage).and_then(StageView::tally);
                if tally == Some(Tally::Failed) {
                    self.page.block(Block::Lines);
                    verdict::write(&mut self.page, view, finished.stage, logs);
                } else if let Some(stage) = view.stages().get(finished.stage) {
                    // What was left behind is said even where all went well, and what was not brought back.
                    for process in stage.leaked() {
                        self.page.block(Block::Line);
                        self.page.line(&format!("note: {}: {}", stage.info.name, leaked_sentence(process)));
                    }
                    for notice in view.notices().iter().filter(|notice| notice.stage == Some(finished.stage)) {
                        self.page.block(Block::Line);
                        self.page.text("note: ", &format!("{}: {}", stage.info.name, notice.text));
                    }
                }
            }
            EventKind::RunFinished { .. } => {
                announce::write(&mut self.page, view);
                summary::write(&mut self.page, view, logs);
            }
            EventKind::RunStarted(_)
            | EventKind::StageStarted { .. }
            | EventKind::StageRetrying { .. }
            | EventKind::Annotated { .. }
            | EventKind::Cancelling { .. }
            | EventKind::Paused
            | EventKind::Resumed
            | EventKind::Remote { .. }
            | EventKind::TakenOver { .. }
            | EventKind::Notice { .. } => {}
        }
        self.page.flush()
    }

    fn output(&mut self, view: &RunView, logs: &mut dyn Logs) -> io::Result<bool> {
        self.silence.look(view, logs);
        Ok(false)
    }

    fn tick(&mut self, view: &RunView, now: Timestamp) -> io::Result<()> {
        let heard = self.page.take_wrote() || view.end().is_some();
        if self.silence.is_due(heard, view, now) {
            self.page.block(Block::Line);
            self.page.line(&still_running(view, now, self.page.options.style.glyphs, &self.silence));
            self.page.flush()?;
            self.page.take_wrote();
        }
        Ok(())
    }
}
