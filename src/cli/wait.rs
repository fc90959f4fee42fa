//! `wait`.

use super::Ending;
use super::args::{AwaitArgs, AwaitSeveralArgs};
use super::error::CliError;
use super::project::Context;

pub(super) fn one(_context: &Context<'_>, _args: &AwaitArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}

pub(super) fn any(_context: &Context<'_>, _args: &AwaitSeveralArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}

pub(super) fn all(_context: &Context<'_>, _args: &AwaitSeveralArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
