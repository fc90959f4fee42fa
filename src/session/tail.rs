//! The end of what a run has printed: for who comes late and does not want all of it.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use super::logs::RunLogs;
use super::runs::Run;
use crate::event::LogInfo;
use crate::ids::StageId;
use crate::journal::last_lines::{Start, start_of_last};
use crate::report::{Beginning, LogKey, LogPart, Logs, Mishap};
use crate::view::StageState;

/// How far back lines are looked for in the log of each stage, in bytes.
const FAR: u64 = 1 << 20;

/// The logs of a run from so many lines before the end on that each stage's had at a certain moment. What is printed
/// after that is shown from its first byte on, and nothing of what is left out is read.
#[derive(Debug)]
pub struct TailLogs {
    logs: RunLogs,
    lines: usize,
    stages: HashMap<StageId, Known>,
    /// How all of a stage's output is seen; the stage's name comes after it.
    whole: String,
}

/// What a stage had printed at that moment.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    /// Of each attempt, in order.
    attempts: Vec<LogInfo>,
}

impl TailLogs {
    /// The last `lines` of each stage's latest attempt, as of now. `whole` is what to type to see all of a stage's
    /// output, up to the stage's name.
    pub fn of(run: &Run, logs: RunLogs, lines: usize, whole: String) -> Self {
        let mut stages = HashMap::new();
        for (id, stage) in run.view.stages().iter() {
            let (last, goes_on) = match &stage.state {
                StageState::Waiting => continue,
                StageState::Running { attempt, .. } => (*attempt, true),
                StageState::Retrying { attempt, .. } => (attempt - 1, false),
                StageState::Finished(finished) => (finished.attempt, false),
            };
            let log = |attempt| match stage.attempt_log(attempt) {
                Some(log) => log,
                // A stage that was cut off has no last word of its log either.
                None if goes_on && attempt == last => {
                    let path = logs.path(LogKey { stage: id, attempt, part: LogPart::Head });
                    let bytes = path.and_then(|path| path.metadata().ok()).map_or(0, |file| file.len());
                    LogInfo { bytes, ..LogInfo::default() }
                }
                None => LogInfo::default(),
            };
            let known = Known { name: stage.info.name.to_string(), attempts: (1..=last).map(log).collect() };
            stages.insert(id, known);
        }
        Self { logs, lines, stages, whole }
    }

    /// Where the last lines begin: in the log's tail, or in its head where that has too few.
    fn last_lines(&mut self, key: LogKey, log: LogInfo) -> io::Result<(LogPart, u64)> {
        let mut wanted = self.lines;
        if log.tail > 0 {
            let tail = LogKey { part: LogPart::Tail, ..key };
            match start_of_last(wanted, log.tail, FAR, None, |offset, buf| self.logs.read(tail, offset, buf))? {
                Start::At(offset) => return Ok((LogPart::Tail, offset)),
                Start::Before(missing) => wanted = missing,
            }
        }
        let head = LogKey { part: LogPart::Head, ..key };
        Ok(match start_of_last(wanted, log.bytes, FAR, None, |offset, buf| self.logs.read(head, offset, buf))? {
            Start::At(offset) => (LogPart::Head, offset),
            Start::Before(_) => (LogPart::Head, 0),
        })
    }
}

impl Logs for TailLogs {
    fn beginning(&mut self, log: LogKey) -> Option<Beginning> {
        let known = self.stages.get(&log.stage)?;
        let last = known.attempts.len();
        let at = usize::try_from(log.attempt).ok()?.checked_sub(1)?;
        let info = *known.attempts.get(at)?;
        let end = if info.tail > 0 { (LogPart::Tail, info.tail) } else { (LogPart::Head, info.bytes) };
        // A log that cannot be read says so where it is read.
        let (part, offset) = if at + 1 < last { end } else { self.last_lines(log, info).ok()? };
        let skipped = match part {
            LogPart::Head => offset,
            LogPart::Tail => info.bytes + info.omitted + offset,
        };
        let name = self.stages.get(&log.stage).map(|known| known.name.as_str()).unwrap_or_default();
        let note = format!("[{skipped} bytes of earlier output are left out; `{}{name}` shows them]", self.whole);
        (skipped > 0).then_some(Beginning { part, offset, note })
    }

    fn read(&mut self, log: LogKey, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.logs.read(log, offset, buf)
    }

    fn mishap(&mut self, log: LogKey, offset: u64) -> Option<Mishap> {
        self.logs.mishap(log, offset)
    }

    fn path(&self, log: LogKey) -> Option<PathBuf> {
        self.logs.path(log)
    }

    fn is_kept(&self) -> bool {
        self.logs.is_kept()
    }
}
