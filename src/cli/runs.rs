//! `runs`: what came of earlier runs.

use super::Ending;
use super::args::RunsArgs;
use super::error::CliError;
use super::project::Context;

/// What came of earlier runs.
pub(super) fn runs(_context: &Context<'_>, _args: &RunsArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`runs` is not in this version"))
}
