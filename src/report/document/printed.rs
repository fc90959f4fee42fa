//! The end of what an attempt printed, without colours and controls.

use super::attempts::Attempt;
use crate::event::LogInfo;
use crate::ids::StageId;
use crate::report::{LogKey, LogPart, Logs, excerpt};
use crate::text::terminal::FilterOptions;

/// The last lines, at most so many bytes of them. Empty where nothing was printed.
pub(super) fn last(logs: &mut dyn Logs, stage: StageId, attempt: &Attempt<'_>, most: u64) -> String {
    let log = match attempt.outcome {
        // How much it printed is told at its end.
        None => found(logs, stage, attempt.number),
        Some(_) => attempt.log,
    };
    match excerpt::last_text(logs, (stage, attempt.number), log, FilterOptions::default(), most) {
        Ok((text, false)) => text.trim_end().to_owned(),
        Ok((text, true)) => format!("[the beginning is left out]\n{}", text.trim_end()),
        Err(error) => format!("[what it printed cannot be read: {error}]"),
    }
}

/// How much there is of a log about which nothing is said: the last byte is looked for by halves.
fn found(logs: &mut dyn Logs, stage: StageId, attempt: u32) -> LogInfo {
    let key = LogKey { stage, attempt, part: LogPart::Head };
    let mut is_there = |offset| matches!(logs.read(key, offset, &mut [0]), Ok(1..));
    if !is_there(0) {
        return LogInfo::default();
    }
    let (mut inside, mut outside) = (0, 1_u64);
    while outside < 1 << 62 && is_there(outside) {
        (inside, outside) = (outside, outside * 2);
    }
    while outside - inside > 1 {
        let middle = inside + (outside - inside) / 2;
        if is_there(middle) { inside = middle } else { outside = middle }
    }
    LogInfo { bytes: outside, ..LogInfo::default() }
}
