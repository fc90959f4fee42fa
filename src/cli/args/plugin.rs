//! What `plugin` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::texts::{
    AFTER_PLUGIN, AFTER_PLUGIN_ADD, AFTER_PLUGIN_INSPECT, AFTER_PLUGIN_NEW, AFTER_PLUGIN_TEST, AFTER_PLUGIN_UPDATE,
    AFTER_PLUGIN_VERIFY,
};

#[derive(Debug, Args)]
#[command(after_help = AFTER_PLUGIN)]
pub(in crate::cli) struct PluginArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PluginCommand {
    /// Begin a plugin of one's own, never over anything
    #[command(after_help = AFTER_PLUGIN_NEW)]
    New(PluginNewArgs),
    /// Make a component of a plugin's sources, with the tools of its language
    Build(PluginBuildArgs),
    /// Run the examples that a plugin carries, and those in its `fixtures`
    #[command(after_help = AFTER_PLUGIN_TEST)]
    Test(PluginTestArgs),
    /// Show what a plugin is, what it can ask for and what it needs
    #[command(after_help = AFTER_PLUGIN_INSPECT)]
    Inspect(PluginInspectArgs),
    /// Use a plugin in this project: into `local-ci.toml` and `local-ci.lock`
    #[command(after_help = AFTER_PLUGIN_ADD)]
    Add(PluginAddArgs),
    /// Fetch plugins anew, and lock what they are now
    #[command(after_help = AFTER_PLUGIN_UPDATE)]
    Update(PluginUpdateArgs),
    /// List the plugins of this project
    List(PluginListArgs),
    /// Take a plugin that nothing uses out of this project
    Remove(PluginRemoveArgs),
    /// Check that plugins are what was locked; nothing is fetched
    #[command(after_help = AFTER_PLUGIN_VERIFY)]
    Verify(PluginVerifyArgs),
}

/// What a plugin can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Language {
    /// Rust, with the SDK beside the plugin
    Rust,
    /// JavaScript
    Js,
    /// Python
    Python,
    /// C
    C,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginNewArgs {
    /// What it is called: letters, digits and dashes
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: String,
    /// What it is written in
    #[arg(long, value_name = "LANG", value_enum, default_value = "rust")]
    pub(in crate::cli) lang: Language,
    /// Where it goes [default: plugins/NAME]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginBuildArgs {
    /// The plugin's directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub(in crate::cli) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginTestArgs {
    /// A plugin of this project, the directory of one, or a component's file
    #[arg(value_name = "PLUGIN", default_value = ".")]
    pub(in crate::cli) plugin: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginInspectArgs {
    /// A plugin of this project, the directory of one, or a component's file
    #[arg(value_name = "PLUGIN")]
    pub(in crate::cli) plugin: String,
    /// Print it as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginAddArgs {
    /// Where it comes from: path:DIR, path:FILE.wasm or https://…
    #[arg(value_name = "SOURCE")]
    pub(in crate::cli) source: String,
    /// What it is called here [default: as its source says]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// Grant all that it says it needs, without asking
    #[arg(long, visible_alias = "grant-all")]
    pub(in crate::cli) yes: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginUpdateArgs {
    /// Plugins of this project; without one, all of them
    #[arg(value_name = "PLUGIN")]
    pub(in crate::cli) plugins: Vec<String>,
    /// Grant all that they say they need, without asking
    #[arg(long, visible_alias = "grant-all", conflicts_with = "as_granted")]
    pub(in crate::cli) yes: bool,
    /// Approve them with what local-ci.toml grants, though they ask for more
    #[arg(long)]
    pub(in crate::cli) as_granted: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginListArgs {
    /// Print the list as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginRemoveArgs {
    /// A plugin of this project
    #[arg(value_name = "PLUGIN")]
    pub(in crate::cli) plugin: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PluginVerifyArgs {
    /// Plugins of this project; without one, all of them
    #[arg(value_name = "PLUGIN")]
    pub(in crate::cli) plugins: Vec<String>,
    /// Print what came of it as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
