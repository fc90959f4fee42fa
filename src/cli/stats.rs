//! `stats`: what came of one job, and how long its next run should take.

use super::Ending;
use super::args::StatsArgs;
use super::error::CliError;
use super::project::Context;

/// What came of one job, and how long its next run should take.
pub(super) fn stats(_context: &Context<'_>, _args: &StatsArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`stats` is not in this version"))
}
