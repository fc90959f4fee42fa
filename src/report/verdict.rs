//! What is said of a stage that has ended: its line, what went wrong, the last lines it printed, what it left behind.

use std::io::Write;
use std::time::Duration;

use super::Logs;
use super::excerpt::last_lines;
use super::style::Glyph;
use super::transcript::Transcript;
use crate::event::StageFinished;
use crate::ids::StageId;
use crate::outcome::{HumanDuration, Outcome};
use crate::view::{RunView, StageView, Tally, leaked_sentence};

/// A duration in milliseconds as a person reads it.
pub(super) fn human(ms: u64) -> HumanDuration {
    HumanDuration(Duration::from_millis(ms))
}

/// The stage's line: how it ended, always in words where it did not simply pass or fail.
pub(super) fn headline(stage: &StageView) -> (Glyph, String) {
    let name = &stage.info.name;
    let Some(finished) = stage.finished() else {
        return match stage.started {
            Some(_) => (Glyph::Lost, format!("{name} lost: the run ended before it did")),
            None => (Glyph::Left, format!("{name} (not started)")),
        };
    };
    let StageFinished { attempt, duration_ms, .. } = finished;
    let time = human(*duration_ms);
    match &finished.outcome {
        Outcome::Passed if stage.is_flaky() => {
            (Glyph::Passed, format!("{name} ({time}) passed on attempt {attempt} (flaky)"))
        }
        Outcome::Passed => (Glyph::Passed, format!("{name} ({time})")),
        Outcome::Cached => (Glyph::Passed, format!("{name} (cached)")),
        Outcome::Skipped { reason } => (Glyph::Skipped, format!("{name} (skipped: {reason})")),
        Outcome::Cancelled { reason } if *attempt == 0 => (Glyph::Left, format!("{name} (cancelled: {reason})")),
        Outcome::Cancelled { reason } => (Glyph::Left, format!("{name} ({time}) cancelled: {reason}")),
        Outcome::Failed { .. } => failure(stage, finished, ""),
        Outcome::TimedOut { .. } => failure(stage, finished, "timed out"),
        Outcome::Errored { .. } => failure(stage, finished, "could not be run"),
    }
}

/// The line of a stage that did not pass.
fn failure(stage: &StageView, finished: &StageFinished, how: &str) -> (Glyph, String) {
    let attempts = if finished.attempt > 1 { format!("after {} attempts", finished.attempt) } else { String::new() };
    let allowed = if stage.is_allowed_failure() { "allowed to fail" } else { "" };
    let words: Vec<&str> = [how, &attempts, allowed].into_iter().filter(|word| !word.is_empty()).collect();
    let mut line = format!("{} ({})", stage.info.name, human(finished.duration_ms));
    if !words.is_empty() {
        line = format!("{line} {}", words.join(", "));
    }
    (failure_glyph(stage, finished), line)
}

/// What the line of a stage that did not pass begins with.
pub(super) fn failure_glyph(stage: &StageView, finished: &StageFinished) -> Glyph {
    match finished.outcome {
        _ if stage.is_allowed_failure() => Glyph::Allowed,
        Outcome::TimedOut { .. } => Glyph::TimedOut,
        _ => Glyph::Failed,
    }
}

/// Writes everything that is said of a stage once it has ended.
pub(super) fn write<W: Write>(page: &mut Transcript<W>, view: &RunView, id: StageId, logs: &mut dyn Logs) {
    let Some(stage) = view.stages().get(id) else { return };
    let (glyph, line) = headline(stage);
    page.glyph_line("", glyph, &line);
    if let Some(finished) = stage.finished().filter(|_| stage.tally() == Some(Tally::Failed)) {
        if let Some(error) = finished.outcome.error() {
            page.text("  Error: ", &error);
        }
        excerpt(page, finished, logs);
    }
    for process in stage.leaked() {
        page.line(&format!("note: {}", leaked_sentence(process)));
    }
    for notice in view.notices().iter().filter(|notice| notice.stage == Some(id)) {
        page.text("note: ", &notice.text);
    }
}

/// The last lines that the stage printed, behind a fence of their own.
fn excerpt<W: Write>(page: &mut Transcript<W>, finished: &StageFinished, logs: &mut dyn Logs) {
    let filter = page.filter();
    match last_lines(logs, (finished.stage, finished.attempt), finished.log, filter) {
        Ok(lines) if lines.is_empty() => {}
        Ok(lines) => {
            let token = page.fence();
            for line in lines {
                page.quote(&line);
            }
            page.open_fence(token);
        }
        Err(error) => page.line(&format!("note: the log cannot be read: {error}")),
    }
}
