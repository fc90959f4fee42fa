//! What is said of a stage that has ended: its line, what went wrong, the last lines it printed, what it left behind.

use std::io::Write;
use std::time::Duration;

use super::annotations;
use super::dialect::Weight;
use super::excerpt::last_lines;
use super::guest::instead_of_output;
use super::style::Glyph;
use super::transcript::{Layout, Transcript};
use super::{LogKey, LogPart, Logs};
use crate::event::StageFinished;
use crate::ids::StageId;
use crate::outcome::{Exit, Failure, HumanDuration, Outcome};
use crate::text::plain::printable;
use crate::view::{FailedAttempt, RunView, StageView, Tally, leaked_sentence};

/// A duration in milliseconds as a person reads it.
pub(super) fn human(ms: u64) -> HumanDuration {
    HumanDuration(Duration::from_millis(ms))
}

/// The stage's line: how it ended, always in words where it did not simply pass or fail.
pub(super) fn headline(stage: &StageView) -> (Glyph, String) {
    let name = &stage.info.name;
    let Some(finished) = stage.finished() else {
        return match stage.started {
            Some(_) => (Glyph::Lost, format!("{name} {}", lost(stage))),
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

/// What is said of a stage that was started and has no last word, in a run that has ended.
pub(super) fn lost(stage: &StageView) -> String {
    match stage.left_on() {
        Some(machine) => format!("left: it may run on {} still", printable(machine)),
        None => "lost: the run ended before it did".into(),
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
    (outcome_glyph(stage, finished), line)
}

/// The stage's line in live mode: its name, how it ended where it did not simply pass, how long it took, how long it
/// usually takes. And whether that is all there is to say of what went wrong.
pub(super) fn brief(stage: &StageView) -> (Glyph, String, bool) {
    let name = stage.info.name.as_str();
    let Some(finished) = stage.finished() else {
        return match stage.started {
            Some(_) => (Glyph::Lost, format!("{name}  {}", lost(stage)), true),
            None => (Glyph::Left, format!("{name}  not started"), true),
        };
    };
    let mut parts = vec![name.to_owned()];
    let (glyph, mut is_all) = (outcome_glyph(stage, finished), true);
    let flaky = format!("passed on attempt {} (flaky)", finished.attempt);
    match &finished.outcome {
        Outcome::Passed if stage.is_flaky() => parts.push(flaky),
        Outcome::Passed => {}
        Outcome::Cached => parts.push("cached".into()),
        Outcome::Skipped { reason } => parts.push(format!("skipped: {reason}")),
        Outcome::Cancelled { reason } => parts.push(format!("cancelled: {reason}")),
        Outcome::Failed { failure: Failure::Exit { exit: Exit::Code(code) } } => parts.push(format!("exit {code}")),
        Outcome::Failed { failure: failure @ (Failure::Exit { .. } | Failure::Leaked { .. }) } => {
            parts.push(failure.to_string());
        }
        Outcome::Failed { failure: Failure::NotStarted { .. } } => {
            parts.push("could not be started".into());
            is_all = false;
        }
        Outcome::TimedOut { limit_ms } => parts.push(format!("timed out (limit {})", human(*limit_ms))),
        Outcome::Errored { .. } => {
            parts.push("could not be run".into());
            is_all = false;
        }
    }
    if finished.attempt > 1 && stage.tally() == Some(Tally::Failed) {
        parts.push(format!("after {} attempts", finished.attempt));
    }
    if stage.is_allowed_failure() {
        parts.push("allowed to fail".into());
    }
    if finished.attempt > 0 {
        parts.push(human(finished.duration_ms).to_string());
        if let Some(usual) = stage.info.expected_ms().filter(|_| !matches!(finished.outcome, Outcome::Cancelled { .. }))
        {
            parts.push(format!("(usually {})", human(usual)));
        }
    }
    (glyph, parts.join("  "), is_all)
}

/// What the line of a stage begins with that has come to its last word.
pub(super) fn outcome_glyph(stage: &StageView, finished: &StageFinished) -> Glyph {
    match finished.outcome {
        Outcome::Passed | Outcome::Cached => Glyph::Passed,
        Outcome::Skipped { .. } => Glyph::Skipped,
        Outcome::Cancelled { .. } => Glyph::Left,
        Outcome::Failed { .. } | Outcome::TimedOut { .. } if stage.is_allowed_failure() => Glyph::Allowed,
        Outcome::TimedOut { .. } => Glyph::TimedOut,
        Outcome::Failed { .. } | Outcome::Errored { .. } => Glyph::Failed,
    }
}

/// Writes everything that is said of a stage once it has ended.
pub(super) fn write<W: Write>(page: &mut Transcript<W>, view: &RunView, id: StageId, logs: &mut dyn Logs) {
    let Some(stage) = view.stages().get(id) else { return };
    let layout = page.options.layout;
    let (glyph, line, is_all) = match layout {
        Layout::Groups => {
            let (glyph, line) = headline(stage);
            (glyph, line, false)
        }
        Layout::Verdicts | Layout::Everything => brief(stage),
    };
    if layout == Layout::Groups {
        let weight = match glyph {
            Glyph::Failed | Glyph::TimedOut | Glyph::Lost => Weight::Heavy,
            _ => Weight::Light,
        };
        page.heading(weight);
    }
    page.glyph_line("", glyph, &line);
    if let Some(finished) = stage.finished().filter(|_| stage.tally() == Some(Tally::Failed)) {
        if let Some(error) = finished.outcome.error().filter(|_| !is_all) {
            page.text("  Error: ", &error);
        }
        match layout {
            Layout::Groups => excerpt(page, view, finished, logs),
            Layout::Verdicts => {
                excerpt(page, view, finished, logs);
                log(page, finished, logs);
            }
            // It stands right above.
            Layout::Everything => log(page, finished, logs),
        }
    }
    annotations::write(page, view, stage);
    remarks(page, view, id);
}

/// That an attempt did not pass, and when there is another.
pub(super) fn again(failed: &FailedAttempt) -> String {
    let FailedAttempt { attempt, outcome, duration_ms, delay_ms, .. } = failed;
    let error = outcome.error().unwrap_or_default();
    let delay = if *delay_ms == 0 { String::new() } else { format!(" after {}", human(*delay_ms)) };
    format!("attempt {attempt} did not pass: {error} ({}); trying again{delay}", human(*duration_ms))
}

/// What a stage left behind, and what was noticed of it.
pub(super) fn remarks<W: Write>(page: &mut Transcript<W>, view: &RunView, id: StageId) {
    let Some(stage) = view.stages().get(id) else { return };
    for process in stage.leaked() {
        page.line(&format!("note: {}", leaked_sentence(process)));
    }
    for notice in view.notices().iter().filter(|notice| notice.stage == Some(id)) {
        page.text("note: ", &notice.text);
    }
}

/// Where the log of a stage is that printed something.
fn log<W: Write>(page: &mut Transcript<W>, finished: &StageFinished, logs: &dyn Logs) {
    let StageFinished { stage, attempt, .. } = *finished;
    let key = LogKey { stage, attempt, part: LogPart::Head };
    if let Some(path) = logs.path(key).filter(|_| attempt > 0 && finished.log.bytes > 0) {
        page.file("  log: ", &path);
    }
}

/// Whether this is what programs say that want to ask somebody: those that open `/dev/tty`, sudo, git, docker.
fn asks_for_a_terminal(line: &str) -> bool {
    const SAID: [&str; 4] = ["/dev/tty", "a terminal is required", "terminal prompts disabled", "not a TTY"];
    SAID.iter().any(|said| line.contains(said))
}

/// The last lines that the stage printed, behind a fence of their own.
fn excerpt<W: Write>(page: &mut Transcript<W>, view: &RunView, finished: &StageFinished, logs: &mut dyn Logs) {
    if let Some(instead) = instead_of_output(view, finished.stage, &page.options.program) {
        if finished.log.bytes > 0 {
            page.line(&format!("  {instead}"));
        }
        return;
    }
    let filter = page.repeated();
    match last_lines(logs, (finished.stage, finished.attempt), finished.log, filter) {
        Ok(lines) if lines.is_empty() => {}
        Ok(lines) => {
            let token = page.fence();
            for line in &lines {
                page.quote(line);
            }
            page.open_fence(token);
            if lines.iter().any(|line| asks_for_a_terminal(line)) {
                page.line("  note: it asked for a terminal; `interactive = true` gives it one");
            }
        }
        Err(error) => page.line(&format!("note: the log cannot be read: {error}")),
    }
}
