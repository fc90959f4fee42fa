//! The line of one stage that runs: a spinner, its name, how long it has run and is expected to, and a bar.
//!
//! Everything is said in words; the bar and its colours say it again.

use std::time::Duration;

use super::amounts::{about, passed, percent, usual};
use super::fit::{fit, padded, width};
use crate::clock::Timestamp;
use crate::event::{Basis, Estimate};
use crate::report::style::{Glyphs, Ink, Style};
use crate::view::{StageState, StageView};

/// A bar is no longer than this.
const BAR_MOST: usize = 24;
/// And where there is no room for so much, there is none.
const BAR_LEAST: usize = 6;
/// Below so many columns there are only names.
const LEAST: usize = 16;
/// From so many columns on, a long name gives way to a bar.
const WIDE: usize = 60;
/// The spinner, its blank; `" 99%"`; the gap between columns.
const SPINNER: usize = 2;
const PERCENT: usize = 4;
const GAP: usize = 2;

/// What is said of a stage that runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row<'a> {
    name: &'a str,
    /// Seconds since it started: the spinner turns with them.
    seconds: u64,
    /// What is said of time, the most detailed first.
    notes: Vec<String>,
    /// How far it is, in per cent, where there is something to go by.
    percent: Option<u8>,
    /// It takes longer than usual, or is tried again.
    is_odd: bool,
}

impl<'a> Row<'a> {
    /// The row of a stage that has started and not ended. `unknown` is said where nothing is expected of it.
    pub(super) fn new(stage: &'a StageView, now: Timestamp, unknown: &str, cancelling: bool) -> Self {
        let name = stage.info.name.as_str();
        match &stage.state {
            StageState::Running { attempt, since } => {
                let elapsed = now.since(*since);
                let estimate = stage.info.estimate.as_ref().filter(|_| !cancelling);
                let is_late = estimate.is_some_and(|estimate| estimate.is_late(elapsed));
                let mut notes = if cancelling { vec![passed(elapsed)] } else { notes(estimate, elapsed, unknown) };
                if *attempt > 1 {
                    let again = format!("attempt {attempt}, ");
                    notes = notes.iter().map(|note| again.clone() + note).chain(notes.last().cloned()).collect();
                }
                Self {
                    name,
                    seconds: elapsed.as_secs(),
                    notes,
                    percent: estimate.map(|estimate| percent(estimate.fraction(elapsed))),
                    is_odd: is_late || *attempt > 1,
                }
            }
            StageState::Retrying { attempt, since } => {
                let waited = now.since(*since);
                let delay = stage
                    .failed_attempts
                    .last()
                    .map_or(Duration::ZERO, |failed| Duration::from_millis(failed.delay_ms).saturating_sub(waited));
                let soon = if delay.is_zero() { "at once".into() } else { format!("in {}", about(delay)) };
                let notes = vec![format!("attempt {attempt} {soon}"), format!("attempt {attempt}"), "again".into()];
                Self { name, seconds: waited.as_secs(), notes, percent: None, is_odd: true }
            }
            StageState::Waiting | StageState::Finished(_) => {
                Self { name, seconds: 0, notes: vec![String::new()], percent: None, is_odd: false }
            }
        }
    }
}

impl Row<'_> {
    /// The same row with this said of its stage, if anything is.
    pub(super) fn seems_stuck(mut self, hint: Option<String>) -> Self {
        if let Some(hint) = hint {
            let time = self.notes.last().cloned().unwrap_or_default();
            self.notes.splice(0..0, [format!("{time}, {hint}"), format!("{time}, seems stuck")]);
            self.is_odd = true;
        }
        self
    }
}

/// What is said of how long a stage has run and will, the most detailed first.
fn notes(estimate: Option<&Estimate>, elapsed: Duration, unknown: &str) -> Vec<String> {
    let time = passed(elapsed);
    let Some(estimate) = estimate else { return vec![format!("{time}, {unknown}"), time] };
    let expected = Duration::from_millis(estimate.expected_ms);
    if estimate.is_late(elapsed) {
        // Longer than it usually takes, not than it may well take: the sum is one that anybody can do.
        let late = passed(elapsed.saturating_sub(expected));
        return vec![format!("{time}, {late} longer than usual"), format!("{time}, {late} longer"), time];
    }
    let usual = match estimate.given(elapsed) {
        Some(whole) => format!("{time} of ~{}", usual(whole)),
        None => format!("{time}, usually {}", usual(expected)),
    };
    let mut notes = Vec::with_capacity(3);
    if let Some(caveat) = caveat(estimate) {
        notes.push(format!("{usual} ({caveat})"));
    }
    notes.extend([usual, time]);
    notes
}

/// Why an estimate is to be taken with a grain of salt, if it is.
fn caveat(estimate: &Estimate) -> Option<&'static str> {
    match (estimate.basis, estimate.samples) {
        (Basis::OtherWorktree, _) => Some("other work tree"),
        (Basis::EarlierCommand, _) => Some("earlier command"),
        (Basis::OtherMachine, _) => Some("other machine"),
        (Basis::Own, 0 | 1) => Some("1 sample"),
        (Basis::Own, 2) => Some("2 samples"),
        (Basis::Own, _) => None,
    }
}

/// The rows as lines of so many columns, in line with one another.
pub(super) fn lines(rows: &[Row<'_>], columns: usize, style: Style) -> Vec<String> {
    let ellipsis = style.glyphs.ellipsis();
    if columns < LEAST {
        return rows.iter().map(|row| fit(row.name, columns, ellipsis)).collect();
    }
    let text = columns - SPINNER;
    let longest = rows.iter().map(|row| width(row.name)).max().unwrap_or(0);
    let most = if columns >= WIDE && rows.iter().any(|row| row.percent.is_some()) {
        text * 2 / 5
    } else {
        // It gives way to what is said of it, but not for more than the half.
        ((text - GAP) / 2).max(text.saturating_sub(GAP + 16))
    };
    let name = longest.min(most);
    let room = text.saturating_sub(name + GAP);
    let notes: Vec<&str> = rows.iter().map(|row| row.note(room)).collect();
    let note = notes.iter().map(|note| width(note)).max().unwrap_or(0).min(room);
    let bar = room.saturating_sub(note + GAP + PERCENT).min(BAR_MOST);
    let line = |(row, said): (&Row<'_>, &str)| {
        let spinner = spinner(row.seconds, style.glyphs);
        let ink = if row.is_odd { Ink::YELLOW } else { Ink::CYAN };
        let shown = padded(&fit(row.name, name, ellipsis), name);
        let said = fit(said, room, ellipsis);
        let start = format!("{} {shown}{:GAP$}", style.ink(ink, spinner), "");
        match row.percent.filter(|_| bar >= BAR_LEAST) {
            Some(percent) => {
                format!("{start}{}{:GAP$}{} {percent:>2}%", padded(&said, note), "", drawn(percent, bar, ink, style))
            }
            None => start + &said,
        }
    };
    rows.iter().zip(notes).map(line).collect()
}

impl Row<'_> {
    /// The most that can be said of it in so many columns.
    fn note(&self, room: usize) -> &str {
        let fits = self.notes.iter().find(|note| width(note) <= room);
        fits.or(self.notes.last()).map_or("", String::as_str)
    }
}

/// A bar of so many columns.
pub(super) fn drawn(percent: u8, columns: usize, ink: Ink, style: Style) -> String {
    let (full, empty, ends) = style.glyphs.either(("█", "░", ["", ""]), ("#", ".", ["[", "]"]));
    let inside = columns - ends.concat().len();
    let done = inside * usize::from(percent) / 100;
    let (done, rest) = (full.repeat(done), empty.repeat(inside - done));
    format!("{}{}{}{}", ends[0], style.ink(ink, &done), style.ink(Ink::DIM, &rest), ends[1])
}

/// The spinner after so many seconds. It shows that time passes where what is said of it changes by the minute.
fn spinner(seconds: u64, glyphs: Glyphs) -> &'static str {
    let turns: &[&str] = match glyphs {
        Glyphs::Unicode => &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        Glyphs::Ascii => &["|", "/", "-", "\\"],
    };
    let turn = usize::try_from(seconds).unwrap_or(0) % turns.len();
    turns[turn]
}
