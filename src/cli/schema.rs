//! `schema`: the config's JSON schema.

use super::Ending;
use super::error::CliError;
use super::project::Context;

/// The config's JSON schema.
pub(super) fn schema(_context: &Context<'_>) -> Result<Ending, CliError> {
    Err(CliError::usage("`schema` is not in this version"))
}
