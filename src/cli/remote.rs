//! `remote`: the machines that stages can run on.

mod check;
mod list;

use super::Ending;
use super::args::RemoteCommand;
use super::error::CliError;
use super::project::Context;

/// Does what is asked of remotes.
pub(super) fn remote(context: &Context<'_>, command: &RemoteCommand) -> Result<Ending, CliError> {
    match command {
        RemoteCommand::List(args) => list::list(context, args),
        RemoteCommand::Check(args) => check::check(context, args),
    }
}
