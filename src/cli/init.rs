//! `init`: writes a config of what the project has.

use super::Ending;
use super::args::InitArgs;
use super::error::CliError;
use super::project::Context;

/// Writes a config of what the project has.
pub(super) fn init(_context: &Context<'_>, _args: &InitArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`init` is not in this version"))
}
