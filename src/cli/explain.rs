//! `explain`: the long form of an error code.

use super::Ending;
use super::args::ExplainArgs;
use super::error::CliError;
use super::project::Context;

/// The long form of an error code.
pub(super) fn explain(_context: &Context<'_>, _args: &ExplainArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`explain` is not in this version"))
}
