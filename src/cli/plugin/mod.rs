//! `plugin`: making, adding, checking and taking out WebAssembly plugins. One file per command.

#[cfg(feature = "plugins")]
mod add;
#[cfg(feature = "plugins")]
mod build;
#[cfg(feature = "plugins")]
mod inspect;
#[cfg(feature = "plugins")]
mod list;
mod new;
#[cfg(feature = "plugins")]
mod remove;
#[cfg(feature = "plugins")]
mod shown;
#[cfg(feature = "plugins")]
mod stock;
#[cfg(feature = "plugins")]
mod subject;
mod template;
#[cfg(feature = "plugins")]
mod test;
#[cfg(feature = "plugins")]
mod update;
#[cfg(feature = "plugins")]
mod verify;

use super::Ending;
use super::args::PluginCommand;
use super::error::CliError;
use super::project::Context;

/// Does what is asked of plugins.
#[cfg(feature = "plugins")]
pub(super) fn plugin(context: &Context<'_>, command: &PluginCommand) -> Result<Ending, CliError> {
    match command {
        PluginCommand::New(args) => new::new(context, args),
        PluginCommand::Build(args) => build::build(context, args),
        PluginCommand::Test(args) => test::test(context, args),
        PluginCommand::Inspect(args) => inspect::inspect(context, args),
        PluginCommand::Add(args) => add::add(context, args),
        PluginCommand::Update(args) => update::update(context, args),
        PluginCommand::List(args) => list::list(context, args),
        PluginCommand::Remove(args) => remove::remove(context, args),
        PluginCommand::Verify(args) => verify::verify(context, args),
    }
}

/// Does what can be done with plugins that cannot be run: beginning one.
#[cfg(not(feature = "plugins"))]
pub(super) fn plugin(context: &Context<'_>, command: &PluginCommand) -> Result<Ending, CliError> {
    if let PluginCommand::New(args) = command {
        return new::new(context, args);
    }
    Err(CliError::usage("this build of local-ci cannot run plugins")
        .or_try("install one that was built with the feature `plugins`"))
}
