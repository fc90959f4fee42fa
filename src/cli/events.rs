//! `events`.

use super::Ending;
use super::args::EventsArgs;
use super::error::CliError;
use super::project::Context;

pub(super) fn events(_context: &Context<'_>, _args: &EventsArgs) -> Result<Ending, CliError> {
    Err(CliError::usage("not in this version"))
}
