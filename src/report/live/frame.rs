//! What the region shows: the stages that run, how many wait, and the run as a whole. A pure function; it never says
//! more lines than there is room for, nor wider ones.

use super::amounts::{left, passed, percent};
use super::fit::{fit, width};
use super::row::{self, Row};
use crate::cancel::CancelLevel;
use crate::clock::Timestamp;
use crate::ids::{RunNumber, StageId};
use crate::report::remotes::matter;
use crate::report::stuck::hint_of;
use crate::report::style::{Ink, Style};
use crate::report::terminal::{Mark, Size};
use crate::view::{Line, RemoteView, RunView, StageState, Tally};

/// What there is to know for drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// The run.
    pub(super) view: &'a RunView,
    /// The time.
    pub(super) now: Timestamp,
    /// How many lines there may be, and how wide.
    pub(super) room: Size,
    /// How lines look.
    pub(super) style: Style,
    /// When the run was asked to end, if it was.
    pub(super) cancelling: Option<Timestamp>,
    /// Whether Ctrl+C is for the run, and not for who looks at it.
    pub(super) is_ours: bool,
    /// Whether a key leaves the run.
    pub(super) may_leave: bool,
    /// When those stages printed last that run far too long: see [`LastPrinted`](crate::report::stuck::LastPrinted).
    pub(super) printed: &'a [(StageId, i64)],
}

/// What is said of the key that leaves the run.
const LEAVE: &str = "d detach";

/// A bar of the whole run is this long, where there is room for it.
const BAR: usize = 16;

impl Scene<'_> {
    /// The lines of the region: none before the run has said what its stages are, and after its end.
    pub(super) fn lines(&self) -> Vec<String> {
        if self.view.header().is_none() || self.view.end().is_some() {
            return Vec::new();
        }
        let (rows, columns) = (usize::from(self.room.rows), usize::from(self.room.columns));
        let running = self.view.running();
        let waiting = self.view.stages().values().filter(|stage| stage.state == StageState::Waiting).count();
        // The last line is the run's. What waits is said where there is a line for it.
        let free = rows.saturating_sub(1);
        let matters = self.matters(free, columns);
        let free = free - matters.len();
        let shown = match running.len() {
            n if n <= free => n,
            _ => free.saturating_sub(1),
        };
        let mut lines = self.stages(&running, shown, columns);
        let hidden = running.len() - shown;
        if lines.len() < free && (hidden > 0 || waiting > 0) {
            lines.push(self.others(hidden, shown, waiting, columns));
        }
        lines.extend(matters);
        lines.push(self.whole(columns));
        lines
    }

    /// The lines of so many stages, of those that run: where it cannot be all, those of which most is expected, and of
    /// which nothing is known. They stand in the order in which they started.
    fn stages(&self, running: &[StageId], shown: usize, columns: usize) -> Vec<String> {
        let stages = self.view.stages();
        let expected = |id: StageId| stages.get(id).and_then(|stage| stage.info.expected_ms()).unwrap_or(u64::MAX);
        let mut chosen: Vec<usize> = (0..running.len()).collect();
        chosen.sort_by_key(|at| (std::cmp::Reverse(expected(running[*at])), *at));
        chosen.truncate(shown);
        chosen.sort_unstable();
        let chosen = chosen.into_iter().filter_map(|at| Some((running[at], stages.get(running[at])?)));
        let is_first = self.view.header().is_some_and(|run| run.number == Some(RunNumber(1)));
        // In a later run a stage may be new, or may have failed whenever it ran.
        let unknown = if is_first { "first run" } else { "no estimate yet" };
        let now = self.view.on_its_clock(self.now);
        let row = |(id, stage)| {
            let hint = hint_of(self.printed, id, stage, now).filter(|_| self.cancelling.is_none());
            Row::new(stage, now, unknown, self.cancelling.is_some()).seems_stuck(hint)
        };
        let rows: Vec<Row<'_>> = chosen.map(row).collect();
        row::lines(&rows, columns, self.style)
    }

    /// What is the matter with other machines, a line each, as far as there is room: nothing goes on without that.
    fn matters(&self, most: usize, columns: usize) -> Vec<String> {
        let line = |remote: &RemoteView| {
            let ink = match remote.line {
                Line::Connecting | Line::Sending => Ink::DIM,
                Line::Down { .. } | Line::Left { .. } | Line::Up | Line::Done => Ink::YELLOW,
            };
            let text = format!("  {}", matter(remote, self.now)?);
            Some(self.style.ink(ink, &fit(&text, columns, self.style.glyphs.ellipsis())))
        };
        self.view.restless().filter_map(line).take(most).collect()
    }

    /// The line of what has none of its own.
    fn others(&self, hidden: usize, shown: usize, waiting: usize, columns: usize) -> String {
        let ellipsis = self.style.glyphs.ellipsis();
        let more = match (hidden, shown) {
            (0, _) => String::new(),
            (hidden, 0) => format!("{hidden} running"),
            (hidden, _) => format!("{ellipsis} and {hidden} more"),
        };
        let waiting = if waiting > 0 { format!("{waiting} waiting") } else { String::new() };
        let parts: Vec<String> = [more, waiting].into_iter().filter(|part| !part.is_empty()).collect();
        let text = fit(&format!("  {}", parts.join(", ")), columns, ellipsis);
        self.style.ink(Ink::DIM, &text)
    }

    /// The run's own line.
    fn whole(&self, columns: usize) -> String {
        let counts = self.view.counts();
        let done = counts.passed + counts.failed + counts.skipped + counts.cached + counts.cancelled;
        let failed = self.failures();
        let mut start = vec![format!("{done}/{}", counts.total)];
        if failed > 0 {
            start.push(format!("{failed} failed"));
        }
        let separator = self.style.glyphs.separator();
        let text = |parts: &[&str]| {
            let parts = start.iter().map(String::as_str).chain(parts.iter().copied()).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join(separator)
        };
        let elapsed = passed(self.view.elapsed(self.now));
        let candidates = match self.ending() {
            Some(endings) => endings.iter().map(|ending| text(&[ending])).chain([text(&[])]).collect(),
            None => {
                let mut lefts = match self.view.paused_for(self.now) {
                    Some(paused) => vec![format!("paused for {}", passed(paused)), "paused".into()],
                    None => self.left(),
                };
                lefts.push(String::new());
                lefts.iter().map(|left| text(&[&elapsed, left])).chain([text(&[])]).collect::<Vec<String>>()
            }
        };
        let fits = candidates.iter().find(|text| width(text) <= columns);
        let line = match fits.or(candidates.last()) {
            Some(text) => fit(text, columns, self.style.glyphs.ellipsis()),
            None => String::new(),
        };
        let bar = self.percent().filter(|_| self.cancelling.is_none() && columns >= width(&line) + 1 + BAR);
        let coloured = self.coloured(&line, failed);
        let taken = width(&line) + bar.map_or(0, |_| 1 + BAR);
        let whole = match bar {
            Some(percent) => {
                let ink = if failed > 0 { Ink::RED } else { Ink::GREEN };
                format!("{coloured} {}", row::drawn(percent, BAR, ink, self.style))
            }
            None => coloured,
        };
        if self.may_leave && columns >= taken + 2 + LEAVE.len() {
            format!("{whole}  {}", self.style.ink(Ink::DIM, LEAVE))
        } else {
            whole
        }
    }

    /// The line with the number of failures set off.
    fn coloured(&self, line: &str, failed: usize) -> String {
        let failures = format!("{failed} failed");
        match line.split_once(&failures).filter(|_| failed > 0) {
            Some((before, after)) => format!("{before}{}{after}", self.style.ink(Ink::RED, &failures)),
            None => line.to_owned(),
        }
    }

    /// What is said while the run ends early, the most detailed first.
    fn ending(&self) -> Option<[String; 2]> {
        let (reason, level) = self.view.cancelling()?;
        let since = self.cancelling.map_or(String::new(), |since| format!(" for {}", passed(self.now.since(since))));
        let (word, key) = match level {
            CancelLevel::Interrupt | CancelLevel::Terminate => ("cancelling", ", press Ctrl+C again to kill"),
            CancelLevel::Kill => ("killing", ", press Ctrl+C again to leave at once"),
        };
        let key = if self.is_ours { key.to_owned() } else { format!(": {reason}") };
        Some([format!("{word}{since}{key}"), format!("{word}{since}")])
    }

    /// How much is left, the most detailed first; nothing where nobody knows.
    fn left(&self) -> Vec<String> {
        let Some(eta) = self.view.eta(self.now) else { return Vec::new() };
        let dash = self.style.glyphs.dash();
        let short = left(eta.expected, None, dash);
        if eta.unknown > 0 || eta.is_rough {
            // A band would be one around a guess.
            return vec![format!("{short}, a guess"), short];
        }
        vec![left(eta.expected, Some((eta.low, eta.high)), dash), short]
    }

    /// How far the run is, in per cent, where there is something to go by.
    fn percent(&self) -> Option<u8> {
        let left = self.view.eta(self.now)?.expected.as_secs_f64();
        let elapsed = self.view.elapsed(self.now).as_secs_f64();
        Some(percent(elapsed / (elapsed + left)))
    }

    /// How many stages have failed that must not.
    fn failures(&self) -> usize {
        let failed =
            |stage: &&crate::view::StageView| stage.tally() == Some(Tally::Failed) && !stage.is_allowed_failure();
        self.view.stages().values().filter(failed).count()
    }

    /// The mark that goes with the lines.
    pub(super) fn mark(&self) -> Mark {
        if self.view.header().is_none() || self.view.end().is_some() {
            return Mark::None;
        }
        match (self.percent(), self.failures()) {
            (percent, _) if self.view.is_paused() => Mark::Paused(percent.unwrap_or(0)),
            (Some(percent), 0) => Mark::Percent(percent),
            (None, 0) => Mark::Unknown,
            (percent, _) => Mark::Failing(percent.unwrap_or(0)),
        }
    }
}
