//! `doctor`: what is there and what is missing.

use super::Ending;
use super::args::DoctorArgs;
use super::error::CliError;
use super::project::Context;

/// What is there and what is missing.
pub(super) fn doctor(_context: &Context<'_>, _args: &DoctorArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("`doctor` is not in this version"))
}
