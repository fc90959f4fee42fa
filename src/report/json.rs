//! A run for programs: its events as they happen, or one report at its end. Both are documented in `docs/events.md`,
//! and both leave nothing else on their output.

use std::io::{self, Write};

use super::transcript::write_out;
use super::{LogKey, LogPart, Logs, Reporter};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::view::{Report, RunView};

/// Writes every event as the journal has it, one object a line. What stages print is not among them.
pub struct JsonEvents<W> {
    out: W,
}

impl<W: Write> JsonEvents<W> {
    /// On this output.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Reporter for JsonEvents<W> {
    fn event(&mut self, _view: &RunView, event: &Event, _logs: &mut dyn Logs) -> io::Result<()> {
        write_line(&mut self.out, event)
    }

    fn output(&mut self, _view: &RunView, _logs: &mut dyn Logs) -> io::Result<bool> {
        Ok(false)
    }

    fn tick(&mut self, _view: &RunView, _now: Timestamp) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the final report once the run has ended, and nothing before.
pub struct JsonReport<W> {
    out: W,
}

impl<W: Write> JsonReport<W> {
    /// On this output.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Reporter for JsonReport<W> {
    fn event(&mut self, view: &RunView, event: &Event, logs: &mut dyn Logs) -> io::Result<()> {
        match event.kind {
            EventKind::RunFinished { .. } => write_line(&mut self.out, &report(view, logs)),
            EventKind::RunStarted(_)
            | EventKind::StageStarted { .. }
            | EventKind::StageRetrying { .. }
            | EventKind::StageFinished(_)
            | EventKind::Annotated { .. }
            | EventKind::Cancelling { .. }
            | EventKind::Paused
            | EventKind::Resumed
            | EventKind::Remote { .. }
            | EventKind::TakenOver { .. }
            | EventKind::Notice { .. } => Ok(()),
        }
    }

    fn output(&mut self, _view: &RunView, _logs: &mut dyn Logs) -> io::Result<bool> {
        Ok(false)
    }

    fn tick(&mut self, _view: &RunView, _now: Timestamp) -> io::Result<()> {
        Ok(())
    }
}

/// The report of a run, with the paths of its logs.
pub fn report(view: &RunView, logs: &dyn Logs) -> Report {
    view.report(|stage, attempt| {
        let path = logs.path(LogKey { stage, attempt, part: LogPart::Head })?;
        Some(path.to_string_lossy().into_owned())
    })
}

/// One object, one line, one write.
fn write_line<W: Write>(out: &mut W, value: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    write_out(out, &line)
}
