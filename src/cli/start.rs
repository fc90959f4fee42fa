//! `start`.

use super::Ending;
use super::args::{RestartArgs, StartArgs};
use super::error::CliError;
use super::project::Context;

pub(super) fn start(_context: &Context<'_>, _args: &StartArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}

pub(super) fn restart(_context: &Context<'_>, _args: &RestartArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
