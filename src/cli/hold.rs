//! `hold`.

use super::Ending;
use super::args::{HoldArgs, SignalArgs};
use super::error::CliError;
use super::project::Context;

pub(super) fn pause(_context: &Context<'_>, _args: &HoldArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}

pub(super) fn resume(_context: &Context<'_>, _args: &HoldArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}

pub(super) fn signal(_context: &Context<'_>, _args: &SignalArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
