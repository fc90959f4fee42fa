//! `prune`: deletes runs beyond the retention limits.

use super::Ending;
use super::args::PruneArgs;
use super::error::CliError;
use super::project::Context;

/// Deletes runs beyond the retention limits.
pub(super) fn prune(_context: &Context<'_>, _args: &PruneArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`prune` is not in this version"))
}
