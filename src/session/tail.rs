//! The end of what a run has printed: for who comes late and does not want all of it.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use super::logs::RunLogs;
use super::runs::Run;
use crate::event::LogInfo;
use crate::ids::StageId;
use crate::report::{Beginning, LogKey, LogPart, Logs, Mishap};
use crate::view::StageState;

/// How much is read at a time, in bytes.
const CHUNK: u64 = 64 * 1024;
/// How far back a line is looked for at least, and for each line that is wanted, in bytes. What is one endless line
/// begins in the middle.
const FAR: u64 = 1 << 20;
/// See [`FAR`].
const FAR_A_LINE: u64 = 8 * 1024;

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
            match start_of_last(wanted, log.tail, |offset, buf| self.logs.read(tail, offset, buf))? {
                Start::At(offset) => return Ok((LogPart::Tail, offset)),
                Start::Before(missing) => wanted = missing,
            }
        }
        let head = LogKey { part: LogPart::Head, ..key };
        Ok(match start_of_last(wanted, log.bytes, |offset, buf| self.logs.read(head, offset, buf))? {
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

/// Where the last lines of a file begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// At this byte.
    At(u64),
    /// Before the file: it has so many too few.
    Before(usize),
}

/// Where the last so many lines of the first `length` bytes begin. A last line without an end is one too.
fn start_of_last(
    lines: usize,
    length: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
) -> io::Result<Start> {
    if lines == 0 || length == 0 {
        return Ok(if lines == 0 { Start::At(length) } else { Start::Before(lines) });
    }
    let farthest = length.saturating_sub(FAR.saturating_add(FAR_A_LINE.saturating_mul(lines as u64)));
    let mut buffer = vec![0; usize::try_from(CHUNK.min(length)).unwrap_or(0)];
    let (mut end, mut wanted) = (length, lines);
    while end > farthest {
        let start = end.saturating_sub(buffer.len() as u64);
        let block = usize::try_from(end - start).unwrap_or(0).min(buffer.len());
        let n = read(start, &mut buffer[..block])?;
        for at in memchr::memrchr_iter(b'\n', &buffer[..n]) {
            let next = start + at as u64 + 1;
            // The newline that ends the last line begins no other.
            if next == length {
                continue;
            }
            wanted -= 1;
            if wanted == 0 {
                return Ok(Start::At(next));
            }
        }
        end = start;
    }
    Ok(match (farthest, wanted) {
        // The file's first line is one too.
        (0, 1) => Start::At(0),
        (0, wanted) => Start::Before(wanted - 1),
        (farthest, _) => Start::At(farthest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start(text: &[u8], lines: usize) -> Start {
        let read = |offset: u64, buf: &mut [u8]| {
            let rest = &text[usize::try_from(offset).unwrap()..];
            let n = rest.len().min(buf.len());
            buf[..n].copy_from_slice(&rest[..n]);
            Ok(n)
        };
        start_of_last(lines, text.len() as u64, read).unwrap()
    }

    #[test]
    fn the_last_lines_begin_after_a_newline() {
        for (text, lines, expected) in [
            ("", 3, Start::Before(3)),
            ("a\nb\nc\n", 0, Start::At(6)),
            ("a\nb\nc\n", 1, Start::At(4)),
            ("a\nb\nc", 1, Start::At(4)),
            ("a\nb\nc\n", 3, Start::At(0)),
            ("a\nb\nc\n", 5, Start::Before(2)),
            ("\n\n", 1, Start::At(1)),
        ] {
            assert_eq!(start(text.as_bytes(), lines), expected, "{text:?}, {lines}");
        }
    }

    /// H73: what has no lines is not read to its beginning for one.
    #[test]
    fn h73_an_endless_line_begins_in_the_middle() {
        let (length, mut read) = (5_u64 << 30, 0_u64);
        let found = start_of_last(20, length, |_, buf| {
            read += buf.len() as u64;
            buf.fill(b'x');
            Ok(buf.len())
        });
        assert_eq!(found.unwrap(), Start::At(length - FAR - 20 * FAR_A_LINE));
        assert!(read <= 2 * (FAR + 20 * FAR_A_LINE), "{read}");
    }

    proptest! {
        #[test]
        fn so_many_lines_come_after_the_start(lengths in prop::collection::vec(0..40_000_usize, 1..12), lines in 1..14_usize, ended: bool) {
            let mut text: Vec<u8> = lengths.iter().flat_map(|n| [vec![b'x'; *n], vec![b'\n']].concat()).collect();
            if !ended {
                text.extend_from_slice(b"open");
            }
            let all = lengths.len() + usize::from(!ended);
            match start(&text, lines) {
                Start::Before(missing) => prop_assert_eq!(all + missing, lines),
                Start::At(offset) => {
                    let shown = text[usize::try_from(offset).unwrap()..].split_inclusive(|byte| *byte == b'\n').count();
                    prop_assert_eq!(shown, lines);
                }
            }
        }
    }
}
