//! `stop`: ends a run from anywhere, and waits until nothing of it is left.

use super::args::StopArgs;
use super::error::CliError;
use super::project::Context;
use super::run::interrupts;
use super::takeover::{self, Place};
use super::target::Target;
use super::{Ending, output, target};
use crate::clock::SystemClock;
use crate::ids::{RunNumber, StageId};
use crate::journal::layout::ProjectDir;
use crate::outcome::exit;
use crate::session::runs::{self, Left, Stopped};

/// Stops a run.
pub(super) fn stop(context: &Context<'_>, args: &StopArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let number = match &args.target {
        Some(word) => {
            // The run that a job is running in need not be the last one that had it.
            let mut target = match active_with(&state, word)? {
                Some(target) => target,
                None => target::find(&state, word)?,
            };
            target.run = takeover::settled(&state, target.run)?;
            let number = target.run.number;
            if takeover::left(&target.run).is_some() {
                refuse_bystanders(context, &target, "stop")?;
                return end_left(&Place { context, root: &anchor.root, state: &state, number }, args.force);
            }
            if !target.run.state.is_active() {
                output::say(&format!("run {number} has ended already"));
                return Ok(Ending::Code(exit::PASSED));
            }
            refuse_bystanders(context, &target, "stop")?;
            number
        }
        None => {
            let active = settled_active(&state)?;
            if active.is_empty()
                && let Some(number) = left_last(&state)?
            {
                return end_left(&Place { context, root: &anchor.root, state: &state, number }, args.force);
            }
            only_active(&active)?
        }
    };
    end(context, &state, number, args.force)?;
    Ok(ended(&state, number))
}

/// The runs that go on here, without those whose supervisor was killed a moment ago.
fn settled_active(state: &ProjectDir) -> Result<Vec<RunNumber>, CliError> {
    let active = runs::active(state).map_err(target::unreadable)?;
    let mut still = Vec::new();
    for number in active {
        if !runs::settle(&state.run(number), &SystemClock).map_err(target::unreadable)? {
            still.push(number);
        }
    }
    Ok(still)
}

/// The newest run, where it was left and may go on elsewhere.
fn left_last(state: &ProjectDir) -> Result<Option<RunNumber>, CliError> {
    let Some(number) = runs::latest(state).map_err(target::unreadable)? else { return Ok(None) };
    // One that cannot be read is told of where it is named.
    Ok(runs::read(state, number).ok().filter(|run| takeover::left(run).is_some()).map(|run| run.number))
}

/// Ends a run that was left, wherever it is.
fn end_left(place: &Place<'_>, force: bool) -> Result<Ending, CliError> {
    if !takeover::end(place, force, &interrupts()?)? {
        end(place.context, place.state, place.number, force)?;
    }
    Ok(ended(place.state, place.number))
}

/// Says that a run has ended, and what of it is there all the same.
fn ended(state: &ProjectDir, number: RunNumber) -> Ending {
    output::say(&format!("run {number} has ended"));
    let left = runs::left_running(state, number);
    if !left.is_empty() {
        output::say(&format!("left running: {}", named(&left)));
    }
    Ending::Code(exit::PASSED)
}

/// The run that goes on in which a job of this name has not ended yet, if there is one.
pub(super) fn active_with(state: &ProjectDir, word: &str) -> Result<Option<Target>, CliError> {
    for number in runs::active(state).map_err(target::unreadable)?.into_iter().rev() {
        // One that cannot be read is told of where it is named.
        let Ok(run) = runs::read(state, number) else { continue };
        let meant = runs::meant(run.names.values().cloned(), word);
        let is_open = |id: StageId| run.view.stages().get(id).is_none_or(|stage| stage.finished().is_none());
        let stages: Vec<StageId> =
            run.names.iter().filter(|(id, name)| meant.contains(name) && is_open(*id)).map(|(id, _)| id).collect();
        if run.state.is_active() && !stages.is_empty() {
            return Ok(Some(Target { run, stages, narrowed: true }));
        }
    }
    Ok(None)
}

/// Ends a run, and waits until nothing of it is left.
pub(super) fn end(context: &Context<'_>, state: &ProjectDir, number: RunNumber, force: bool) -> Result<(), CliError> {
    match runs::stop(&state.run(number), force, &SystemClock) {
        Ok(Stopped::Ended) => Ok(()),
        Ok(Stopped::StillThere(left)) if left.is_empty() => {
            Err(CliError::infrastructure(format!("run {number} does not end"))
                .or_try("something in it cannot be killed; `ps` shows processes in state D"))
        }
        Ok(Stopped::StillThere(left)) => {
            Err(CliError::infrastructure(format!("run {number} does not end; what cannot be killed: {}", named(&left)))
                .or_try(format!("`{} stop -f {number}` tries again", context.program())))
        }
        Ok(Stopped::NotFound) => Err(CliError::infrastructure(format!(
            "nobody was signalled: the supervisor of run {number} is not where the run says it is"
        ))),
        Err(error) => Err(CliError::infrastructure(format!("run {number} cannot be stopped: {error}"))),
    }
}

fn named(left: &[Left]) -> String {
    let named: Vec<String> = left.iter().map(|one| format!("{} (pid {})", one.name, one.pid)).collect();
    named.join(", ")
}

/// A run is stopped, and paused, as a whole: where a stage was named, nothing else of its run may be going on.
pub(super) fn refuse_bystanders(context: &Context<'_>, target: &Target, verb: &str) -> Result<(), CliError> {
    let (run, number) = (&target.run, target.run.number);
    // One that waits for its turn has said nothing yet of its stages.
    let is_open = |id: StageId| run.view.stages().get(id).is_none_or(|stage| stage.finished().is_none());
    let others = run.names.iter().filter(|(id, _)| !target.stages.contains(id) && is_open(*id));
    let others: Vec<&str> = others.map(|(_, name)| name.as_str()).collect();
    if !target.narrowed || others.is_empty() {
        return Ok(());
    }
    Err(CliError::usage(format!("run {number} has more to do than that: {}", others.join(", ")))
        .or_try(format!("`{} {verb} {number}` {verb}s all of it", context.program())))
}

/// The run that is meant where none is named.
pub(super) fn only_active(active: &[RunNumber]) -> Result<RunNumber, CliError> {
    match active {
        [only] => Ok(*only),
        [] => Err(CliError::usage("nothing is running here")),
        several => {
            let numbers: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(CliError::usage(format!("several runs go on here: {}", numbers.join(", "))).or_try("name one of them"))
        }
    }
}
