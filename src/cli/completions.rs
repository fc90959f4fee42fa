//! `completions`: what a shell needs to complete.

use super::Ending;
use super::args::CompletionsArgs;
use super::error::CliError;
use super::project::Context;

/// What a shell needs to complete.
pub(super) fn completions(_context: &Context<'_>, _args: &CompletionsArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`completions` is not in this version"))
}
