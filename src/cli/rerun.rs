//! `rerun`: a run again, with today's config.

use super::Ending;
use super::args::RerunArgs;
use super::error::CliError;
use super::project::Context;

/// A run again, with today's config.
pub(super) fn rerun(_context: &Context<'_>, _args: &RerunArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`rerun` is not in this version"))
}
