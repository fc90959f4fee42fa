//! `--queue`, `--after` and `--after-any`: when a run is to start, and what is said while it waits.

use std::io::{self, IsTerminal};
use std::path::Path;

use super::args::Presence;
use super::error::CliError;
use super::output;
use super::project::Context;
use super::target::{self, unreadable};
use crate::ids::RunNumber;
use crate::journal::header::Waits;
use crate::journal::layout::ProjectDir;
use crate::journal::turn::Turn;
use crate::outcome::{CancelReason, Verdict};
use crate::report::past_runs::named;
use crate::session::place::Place;
use crate::session::queue::{Waiting, waits_of};
use crate::session::runs;
use crate::session::turn::still_awaited;

/// When a run is to start, as it was asked for. Runs that are named have to be there.
pub(super) fn turn(context: &Context<'_>, root: &Path, presence: &Presence) -> Result<Turn, CliError> {
    let run = |option: &str, word: &Option<String>| match word {
        None => Ok(None),
        Some(word) => find(&context.state(root)?, option, word).map(Some),
    };
    Ok(Turn {
        queue: presence.queue,
        after: run("--after", &presence.after)?,
        after_any: run("--after-any", &presence.after_any)?,
        outer: Vec::new(),
    })
}

/// The run that a word means: a number, `latest`, or a job for its newest run, which may be one that waits itself.
fn find(state: &ProjectDir, option: &str, word: &str) -> Result<RunNumber, CliError> {
    if word.contains('/') {
        return Err(CliError::usage(format!("{option} takes a run, and {word:?} is a stage in one"))
            .or_try("a run is a number, `latest`, or a job for its latest run"));
    }
    if word != "latest"
        && word.parse::<u64>().is_err()
        && let Some(number) = runs::newest_with(state, word).map_err(unreadable)?
    {
        return Ok(number);
    }
    Ok(target::find(state, word)?.run.number)
}

/// What is told of a run that was just started, as long as it waits.
pub(super) fn waiting(place: &Place) -> Option<Waiting> {
    let (project, number) = (place.project.clone()?, place.number?);
    Some(Waiting::new(project, number, place.waits.clone()?, repeats()))
}

/// What is told of a run that somebody has started, as long as it waits.
pub(super) fn waiting_of(run: &runs::Run) -> Option<Waiting> {
    Waiting::of(run, repeats())
}

/// What is said of a run that is queued, after its number.
pub(super) fn is_queued(state: &ProjectDir, number: RunNumber) -> String {
    let open = waits_of(state, number).map(|waits| still_awaited(state, &waits)).unwrap_or_default();
    // It is about to begin.
    if open.is_empty() { "has not begun yet".to_owned() } else { format!("is queued after {}", named(&open)) }
}

/// Says which run it was that did not pass, of one that waited for it in vain.
pub(super) fn say_in_vain(verdict: Verdict, waits: Option<&Waits>) {
    if verdict == (Verdict::Cancelled { reason: CancelReason::AwaitedNotPassed })
        && let Some(number) = waits.and_then(|waits| waits.until_passed)
    {
        output::problem(&format!("nothing was started: run {number} did not pass"));
    }
}

/// Whoever reads a log must not take a run that waits for one that hangs; a person sees what stands on the terminal.
fn repeats() -> bool {
    !io::stderr().is_terminal()
}
