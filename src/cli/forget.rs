//! `forget`.

use super::Ending;
use super::args::{NukeArgs, RemoveArgs};
use super::error::CliError;
use super::project::Context;

pub(super) fn remove(_context: &Context<'_>, _args: &RemoveArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}

pub(super) fn nuke(_context: &Context<'_>, _args: &NukeArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
