//! What `remote` takes.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::texts::{AFTER_REMOTE_CHECK, AFTER_REMOTE_LIST};
use crate::cli::values::seconds;

#[derive(Debug, Args)]
pub(in crate::cli) struct RemoteArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: RemoteCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RemoteCommand {
    /// List the machines of `[remotes]`, without connecting to any
    #[command(after_help = AFTER_REMOTE_LIST)]
    List(RemoteListArgs),
    /// Connect to machines and say what stages would find there
    #[command(after_help = AFTER_REMOTE_CHECK)]
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RemoteListArgs {
    /// Print the list as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// A name in `[remotes]`, or [user@]host[:port]; without one, all of `[remotes]`
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: Option<String>,
    /// How long one operation over the line may take: seconds, or a duration [default: 30s]
    #[arg(long, value_name = "DUR", value_parser = seconds)]
    pub(in crate::cli) remote_timeout: Option<Duration>,
    /// Print what was found as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
