//! What can be typed. Nothing here decides what it means.

pub(super) mod hook;
mod jobs;
pub(super) mod plugin;
mod remote;
mod run;
mod texts;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use super::values::{colour, dialect, lines, report_kinds};
use crate::report::document::Kind;
use crate::report::{ColourWhen, Dialect};
pub(super) use hook::{HookArgs, HookCommand, HookInstallArgs, HookRunArgs, HookUninstallArgs};
pub(super) use jobs::{
    AddArgs, AttachArgs, AwaitArgs, AwaitSeveralArgs, DiffArgs, EventsArgs, HoldArgs, LogsArgs, NukeArgs, RemoveArgs,
    RestartArgs, SignalArgs, StartArgs, StopArgs, StreamArgs,
};
pub(super) use plugin::{Language, PluginArgs, PluginCommand, PluginNewArgs};
pub(super) use remote::{CheckArgs, RemoteArgs, RemoteCommand, RemoteListArgs};
pub(super) use run::{Elsewhere, GraphFormat, PlanArgs, Presence, Reports, RunArgs, Selection};
use texts::{
    AFTER_ADD, AFTER_AWAIT, AFTER_AWAIT_ALL, AFTER_AWAIT_ANY, AFTER_COMPLETIONS, AFTER_DIFF, AFTER_DOCTOR,
    AFTER_EXPLAIN, AFTER_HELP, AFTER_LOGS, AFTER_MAN, AFTER_PLAN, AFTER_REPORT, AFTER_RUN, AFTER_SCHEMA, AFTER_STREAM,
};

/// Texts are wrapped at this many columns, on wider terminals too; those below are written for it.
pub(super) const WIDTH: usize = 80;

pub(super) const USAGE: &str = "local-ci [OPTIONS] [STAGE]... [-- <ARGS>...]\n       local-ci [OPTIONS] <COMMAND>";

/// Runs a project's checks from one file, with the same verdict on a laptop, in a hook and in CI.
#[derive(Debug, Parser)]
#[command(
    name = "local-ci",
    version,
    about,
    args_override_self = true,
    max_term_width = WIDTH,
    override_usage = USAGE,
    after_help = AFTER_HELP,
    disable_help_flag = true,
    subcommand_required = true,
    disable_help_subcommand = false
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// Work as if started in this directory
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(super) directory: Option<PathBuf>,
    /// Read this config instead of looking for one
    #[arg(short = 'c', long = "config", value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// When to use colour: auto, always or never
    #[arg(long, value_name = "WHEN", global = true, value_parser = colour)]
    pub(super) color: Option<ColourWhen>,
    /// Write transcripts for this CI: github, gitlab, buildkite, azure, teamcity or plain [default: the one around]
    #[arg(long, value_name = "DIALECT", global = true, value_parser = dialect)]
    pub(super) ci: Option<Dialect>,
    /// Say more: live output shows all that stages print, `plan` its every reason, plugins what they look into
    #[arg(short = 'v', long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Refuse where local-ci.lock would have to change: for CI
    #[arg(long, global = true)]
    pub(super) locked: bool,
    // Declared here, so that it stands with the options of every command and not by itself.
    /// Print help
    #[arg(short = 'h', long = "help", global = true, action = ArgAction::Help)]
    _help: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run stages, with what they need
    #[command(after_help = AFTER_RUN)]
    Run(RunArgs),
    /// Show what would run, in what order, and why or why not
    #[command(after_help = AFTER_PLAN)]
    Plan(PlanArgs),
    /// List stages and ad-hoc jobs, and what came of each the last time
    List(ListArgs),
    /// Start a command in the background as a job of this directory
    #[command(after_help = AFTER_ADD)]
    Add(AddArgs),
    /// Start a run of a job in the background
    Start(StartArgs),
    /// Stop a job where it runs, and start a run of it in the background
    Restart(RestartArgs),
    /// List what came of earlier runs, or of a job in them
    Runs(RunsArgs),
    /// Show statistics of a job, and how long its next run should take
    Stats(StatsArgs),
    /// Do a run again, or what failed in it, with today's config
    Rerun(RerunArgs),
    /// Show what changed from one run to another
    #[command(after_help = AFTER_DIFF)]
    Diff(DiffArgs),
    /// Forget a job, and the runs that had nothing else
    Remove(RemoveArgs),
    /// Delete runs beyond the retention limits; their history stays
    Prune(PruneArgs),
    /// Stop everything here, and forget all jobs, runs and history
    Nuke(NukeArgs),
    /// Check the config: every fault in one pass, nothing is run
    Validate(ValidateArgs),
    /// Show a run again as its summary, and exit with its code
    Show(ShowArgs),
    /// Print or write a report of a run: for build servers, scanners, viewers
    #[command(after_help = AFTER_REPORT)]
    Report(ReportArgs),
    /// Show what stages printed, now or then
    #[command(after_help = AFTER_LOGS)]
    Logs(LogsArgs),
    /// Follow a run from its first byte on; Ctrl+C leaves it running
    Attach(AttachArgs),
    /// Print what a job wrote to its standard output, now or the last time
    #[command(after_help = AFTER_STREAM)]
    Stdout(StreamArgs),
    /// Print what a job wrote to its standard error, now or the last time
    #[command(after_help = AFTER_STREAM)]
    Stderr(StreamArgs),
    /// Print all events of all runs as they happen, one JSON object a line
    Events(EventsArgs),
    /// Wait quietly until a run or a job has ended, and exit with its code
    #[command(after_help = AFTER_AWAIT)]
    Await(AwaitArgs),
    /// Wait until the first of several has ended, and exit with its code
    #[command(after_help = AFTER_AWAIT_ANY)]
    AwaitAny(AwaitSeveralArgs),
    /// Wait until all of several have ended; exit with the first code that is not 0
    #[command(after_help = AFTER_AWAIT_ALL)]
    AwaitAll(AwaitSeveralArgs),
    /// End a run from anywhere: SIGTERM, after the stages' grace SIGKILL
    Stop(StopArgs),
    /// Have everything in a run stand still; no time counts meanwhile
    Pause(HoldArgs),
    /// Have a paused run go on
    Resume(HoldArgs),
    /// Send a signal to everything that a job has started
    Signal(SignalArgs),
    /// Write a config of what this project has, never over anything
    Init(InitArgs),
    /// Diagnose the machine: tools, directories, terminal, stages
    #[command(after_help = AFTER_DOCTOR)]
    Doctor(DoctorArgs),
    /// Show the machines that stages can run on, and try them
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Remote(RemoteArgs),
    /// Run stages before git pushes or commits: set git hooks, and take them out
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Hook(HookArgs),
    /// Make, add, check and take out WebAssembly plugins
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Plugin(PluginArgs),
    /// Explain an error code, such as LC0101
    #[command(after_help = AFTER_EXPLAIN)]
    Explain(ExplainArgs),
    /// Print the config's JSON schema, for editors
    #[command(after_help = AFTER_SCHEMA)]
    Schema(SchemaArgs),
    /// Print what a shell needs to complete stages, runs and options
    #[command(after_help = AFTER_COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = AFTER_MAN)]
    Man,
}

#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// A stage, to list the runs that had it with what came of it there
    #[arg(value_name = "JOB")]
    pub(super) job: Option<String>,
    /// At most so many, the newest first
    #[arg(short = 'n', long, value_name = "N", value_parser = lines)]
    pub(super) limit: Option<usize>,
    /// Print the runs as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct StatsArgs {
    /// A stage; without one, all of them
    #[arg(value_name = "JOB")]
    pub(super) job: Option<String>,
    /// Show how good earlier estimates were
    #[arg(long)]
    pub(super) accuracy: bool,
    /// Print the statistics as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct RerunArgs {
    /// A run's number, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(super) run: String,
    /// Only the stages that did not pass, with what they need
    #[arg(long)]
    pub(super) failed: bool,
    /// Show failures and the summary only
    #[arg(short, long, conflicts_with_all = ["output", "json"])]
    pub(super) quiet: bool,
    /// How to show the run: auto, live, grouped, lines, quiet, or json for its events, one object a line
    #[arg(long, value_name = "MODE")]
    pub(super) output: Option<String>,
    /// Print one report as JSON at the end, and nothing else on stdout
    #[arg(long, conflicts_with = "output")]
    pub(super) json: bool,
    /// Show what would run instead of running it
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) reports: Reports,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// A run's number, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(super) run: String,
    /// Which report [default: the one that FILE's name says]
    #[arg(long, value_name = "FORMAT", value_parser = report_kinds())]
    pub(super) format: Option<Kind>,
    /// Write it into this file instead of printing it
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print what was deleted as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Print the config instead of writing it
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print the findings as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A code, or `config` for every key; without either, all codes are listed
    #[arg(value_name = "CODE")]
    pub(super) code: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Print the schema of your own config, ~/.config/local-ci/config.toml
    #[arg(long)]
    pub(super) user: bool,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// bash, zsh, fish or powershell [default: the one that SHELL names]
    #[arg(value_name = "SHELL")]
    pub(super) shell: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Those of all directories, not of this one alone
    #[arg(short, long)]
    pub(super) all: bool,
    /// Print the list as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Print the faults as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// A run's number, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(super) run: String,
    /// Print the run's report as JSON
    #[arg(long)]
    pub(super) json: bool,
}
