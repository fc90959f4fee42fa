//! What came of a run, or of a job in it, in one line.

use std::time::Duration;

use crate::cli::target::Target;
use crate::clock::{Clock, SystemClock};
use crate::journal::state::RunState;
use crate::outcome::{HumanDuration, Outcome, Verdict};
use crate::text::plain::printable;
use crate::view::{RunView, StageView, Tally};

/// The line, of what has ended. `name` is what it is called.
pub(super) fn of(target: &Target, name: &str) -> String {
    let view = &target.run.view;
    if !target.narrowed {
        return of_run(target.run.state, view, name);
    }
    let stages: Vec<&StageView> = target.stages.iter().filter_map(|id| view.stages().get(*id)).collect();
    match stages[..] {
        [only] => of_stage(only, name),
        _ => of_cells(&stages, name),
    }
}

fn of_run(state: RunState, view: &RunView, name: &str) -> String {
    let time = HumanDuration(view.elapsed(SystemClock.now()));
    let failed = || {
        let failed = view.stages().values().filter(|stage| stage.tally() == Some(Tally::Failed));
        let names: Vec<&str> =
            failed.filter(|stage| !stage.is_allowed_failure()).map(|stage| stage.info.name.as_str()).collect();
        if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
    };
    match state {
        RunState::Finished { verdict: Verdict::Passed, .. } => format!("{name} passed in {time}"),
        RunState::Finished { verdict: Verdict::Failed, .. } => format!("{name} failed in {time}{}", failed()),
        RunState::Finished { verdict: Verdict::Cancelled { reason }, .. } => {
            format!("{name} was cancelled after {time}: {reason}")
        }
        RunState::Finished { verdict: Verdict::Errored, .. } => {
            format!("{name} came to no verdict in {time}{}", failed())
        }
        RunState::Finished { verdict: Verdict::Lost, .. } | RunState::Lost if !view.left_on().is_empty() => {
            format!("{name} was left: nobody sees to it any more, and it goes on on {}", view.left_on().join(", "))
        }
        RunState::Finished { verdict: Verdict::Lost, .. } | RunState::Lost => {
            format!("{name} is lost: its supervisor is gone and left no verdict")
        }
        // Nobody asks before it has ended.
        RunState::Queued | RunState::Running => format!("{name} goes on"),
    }
}

fn of_stage(stage: &StageView, name: &str) -> String {
    let Some(finished) = stage.finished() else {
        return match stage.left_on() {
            Some(machine) => format!("{name} was left: it may run on {machine} still"),
            None => format!("{name} is lost: the run ended before it did"),
        };
    };
    let time = HumanDuration(Duration::from_millis(finished.duration_ms));
    let text = match &finished.outcome {
        Outcome::Passed => format!("{name} passed in {time}"),
        Outcome::Cached => format!("{name} was cached"),
        Outcome::Failed { failure } => format!("{name} failed in {time}: {failure}"),
        Outcome::TimedOut { .. } => format!("{name} timed out after {time}"),
        Outcome::Skipped { reason } => format!("{name} was skipped: {reason}"),
        Outcome::Cancelled { reason } => format!("{name} was cancelled: {reason}"),
        Outcome::Errored { message } => format!("{name} could not be run: {message}"),
    };
    let allowed = if stage.is_allowed_failure() { " (allowed to fail)" } else { "" };
    printable(&format!("{text}{allowed}")).into_owned()
}

/// Of the cells of a matrix there are too many for a word each.
fn of_cells(stages: &[&StageView], name: &str) -> String {
    let count = |tally| stages.iter().filter(|stage| stage.tally() == Some(tally)).count();
    let lost = stages.iter().filter(|stage| stage.finished().is_none()).count();
    let counts = [
        (count(Tally::Passed), "passed"),
        (count(Tally::Failed), "failed"),
        (count(Tally::Skipped), "skipped"),
        (count(Tally::Cached), "cached"),
        (count(Tally::Cancelled), "cancelled"),
        (lost, "lost"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("{name}: {}", counts.join(", "))
}
