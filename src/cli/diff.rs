//! `diff`.

use super::Ending;
use super::args::DiffArgs;
use super::error::CliError;
use super::project::Context;

pub(super) fn diff(_context: &Context<'_>, _args: &DiffArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
