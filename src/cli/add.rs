//! `add`.

use super::Ending;
use super::args::AddArgs;
use super::error::CliError;
use super::project::Context;

pub(super) fn add(_context: &Context<'_>, _args: &AddArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
