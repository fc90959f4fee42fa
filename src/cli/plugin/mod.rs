//! `plugin`: making, adding, checking and taking out WebAssembly plugins.

mod new;
mod template;

use super::Ending;
use super::args::PluginCommand;
use super::error::CliError;
use super::project::Context;

/// Does what is asked of plugins.
pub(super) fn plugin(context: &Context<'_>, command: PluginCommand) -> Result<Ending, CliError> {
    match command {
        PluginCommand::New(args) => new::new(context, &args),
        _ => Err(CliError::usage("not yet")),
    }
}
