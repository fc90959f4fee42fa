//! `stop`: ends a run from anywhere, and waits until nothing of it is left.

use super::args::StopArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, output, target};
use crate::clock::SystemClock;
use crate::ids::RunNumber;
use crate::outcome::exit;
use crate::session::runs::{self, Stopped};

/// Stops a run.
pub(super) fn stop(context: &Context<'_>, args: &StopArgs) -> Result<Ending, CliError> {
    let project = context.project()?;
    let state = context.state(&project.root)?;
    let number = match &args.target {
        Some(word) => target::find(&state, word)?.run.number,
        None => only_active(&runs::active(&state).map_err(target::unreadable)?)?,
    };
    let was_running = runs::active(&state).map_err(target::unreadable)?.contains(&number);
    if !was_running {
        output::say(&format!("run {number} has ended already"));
        return Ok(Ending::Code(exit::PASSED));
    }
    match runs::stop(&state.run(number), args.force, None, &SystemClock) {
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

/// The run that is meant where none is named.
fn only_active(active: &[RunNumber]) -> Result<RunNumber, CliError> {
    match active {
        [only] => Ok(*only),
        [] => Err(CliError::usage("nothing is running here")),
        several => {
            let numbers: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(CliError::usage(format!("several runs go on here: {}", numbers.join(", "))).or_try("name one of them"))
        }
    }
}
