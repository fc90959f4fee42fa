//! `remote`: the machines that stages can run on.

mod check;
mod list;

use super::Ending;
use super::args::RemoteCommand;
use super::error::CliError;
use super::project::Context;

/// Whether an entry of `[remotes]` of this name is known here.
pub(super) fn is_known(context: &Context<'_>, name: &str) -> bool {
    list::Known::here(context).is_ok_and(|known| known.remotes.contains_key(name))
}

/// Does what is asked of remotes.
pub(super) fn remote(context: &Context<'_>, command: &RemoteCommand) -> Result<Ending, CliError> {
    match command {
        RemoteCommand::List(args) => list::list(context, args),
        RemoteCommand::Check(args) => check::check(context, args),
    }
}
