//! `man`: the manual page.

use super::Ending;
use super::error::CliError;
use super::project::Context;

/// The manual page.
pub(super) fn man(_context: &Context<'_>) -> Result<Ending, CliError> {
    Err(CliError::usage("`man` is not in this version"))
}
