//! `streams`.

use super::Ending;
use super::args::StreamArgs;
use super::error::CliError;
use super::project::Context;

pub(super) fn stdout(_context: &Context<'_>, _args: &StreamArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}

pub(super) fn stderr(_context: &Context<'_>, _args: &StreamArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
