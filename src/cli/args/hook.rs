//! What `hook` takes.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::texts::{AFTER_HOOK_INSTALL, AFTER_HOOK_RUN};

#[derive(Debug, Args)]
pub(in crate::cli) struct HookArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: HookCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum HookCommand {
    /// Set git hooks that run stages, beside those that are there
    #[command(after_help = AFTER_HOOK_INSTALL)]
    Install(HookInstallArgs),
    /// Take them out again; what was there before is back
    Uninstall(HookUninstallArgs),
    /// Do what a hook does, as git has it done
    #[command(after_help = AFTER_HOOK_RUN)]
    Run(HookRunArgs),
    /// Show which hooks there are and what they run
    List,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HookInstallArgs {
    /// Hooks of git [default: those in `[hooks]`, else pre-push]
    #[arg(value_name = "HOOK")]
    pub(in crate::cli) hooks: Vec<String>,
    /// Set them where `core.hooksPath` leads, also where others have that directory too
    #[arg(long)]
    pub(in crate::cli) anyway: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HookUninstallArgs {
    /// Hooks of git [default: all that were set]
    #[arg(value_name = "HOOK")]
    pub(in crate::cli) hooks: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HookRunArgs {
    /// A hook of git
    #[arg(value_name = "HOOK")]
    pub(in crate::cli) hook: String,
    /// What git gives the hook
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(in crate::cli) args: Vec<OsString>,
}
