//! `stop`: ends a run from anywhere, and waits until nothing of it is left.

use super::args::StopArgs;
use super::error::CliError;
use super::project::Context;
use super::target::Target;
use super::{Ending, output, target};
use crate::clock::SystemClock;
use crate::ids::RunNumber;
use crate::outcome::exit;
use crate::session::runs::{self, Stopped};

/// Stops a run.
pub(super) fn stop(context: &Context<'_>, args: &StopArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let number = match &args.target {
        Some(word) => {
            let target = target::find(&state, word)?;
            let number = target.run.number;
            if !target.run.state.is_active() {
                output::say(&format!("run {number} has ended already"));
                return Ok(Ending::Code(exit::PASSED));
            }
            refuse_bystanders(&target, "stop")?;
            number
        }
        None => only_active(&runs::active(&state).map_err(target::unreadable)?)?,
    };
    match runs::stop(&state.run(number), args.force, &SystemClock) {
        Ok(Stopped::Ended) => {
            output::say(&format!("run {number} has ended"));
            Ok(Ending::Code(exit::PASSED))
        }
        Ok(Stopped::StillThere) => Err(CliError::infrastructure(format!("run {number} does not end"))
            .or_try("something in it cannot be killed; `ps` shows processes in state D")),
        Ok(Stopped::NotFound) => Err(CliError::infrastructure(format!(
            "nobody was signalled: the supervisor of run {number} is not where the run says it is"
        ))),
        Err(error) => Err(CliError::infrastructure(format!("run {number} cannot be stopped: {error}"))),
    }
}

/// A run is stopped, and paused, as a whole: where a stage was named, nothing else of its run may be going on.
pub(super) fn refuse_bystanders(target: &Target, verb: &str) -> Result<(), CliError> {
    let (run, number) = (&target.run, target.run.number);
    let others =
        run.view.stages().iter().filter(|(id, stage)| !target.stages.contains(id) && stage.finished().is_none());
    let others: Vec<&str> = others.map(|(_, stage)| stage.info.name.as_str()).collect();
    if !target.narrowed || others.is_empty() {
        return Ok(());
    }
    Err(CliError::usage(format!("run {number} has more to do than that: {}", others.join(", ")))
        .or_try(format!("`local-ci {verb} {number}` {verb}s all of it")))
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
