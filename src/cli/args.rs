//! What can be typed. Nothing here decides what it means.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::report::ColourWhen;

const BARE_FORM: &str = "local-ci [OPTIONS] [STAGE]... [-- <ARGS>...]\n       local-ci [OPTIONS] <COMMAND>";

const AFTER_HELP: &str = "\
`local-ci [STAGE]...` is short for `local-ci run [STAGE]...`: it runs stages with what they need, and without STAGE the
default set. A stage that bears a command's name is reached by `local-ci run NAME`. `local-ci run --help` has all options.";

const AFTER_RUN: &str = "\
Every option is also an environment variable: --fail-fast is LOCAL_CI_FAIL_FAST. What is typed goes first.

Exit codes: 0 all passed, 1 a stage failed or timed out, 2 usage or config error, 3 no verdict could be had,
4 nothing is selected, 5 a stage is running already; a run that is stopped ends by the signal, 130 or 143.";

/// One pipeline file, the same verdict on a laptop, in a hook and in CI.
#[derive(Debug, Parser)]
#[command(
    name = "local-ci",
    version,
    about,
    override_usage = BARE_FORM,
    after_help = AFTER_HELP,
    subcommand_required = true,
    // Whoever has options in an alias can still type others: the last one holds.
    args_override_self = true,
    disable_help_subcommand = false
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
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
    /// Say more
    #[arg(short = 'v', long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

pub(super) fn colour(word: &str) -> Result<ColourWhen, String> {
    ColourWhen::from_word(word).ok_or_else(|| "expected auto, always or never".to_owned())
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run stages, with what they need
    #[command(after_help = AFTER_RUN)]
    Run(RunArgs),
    /// Show what would run, in what order, and why or why not
    Plan(PlanArgs),
    /// List the stages of this project, and what came of each the last time
    List(ListArgs),
    /// Check the config, every fault in one pass
    Validate(ValidateArgs),
    /// Show a run again as its summary
    Show(ShowArgs),
    /// Show what stages printed, now or then
    Logs(LogsArgs),
    /// Follow a run from its first byte until it ends; Ctrl+C leaves it running
    Attach(AttachArgs),
    /// Stop a run: SIGTERM, its grace, SIGKILL
    Stop(StopArgs),
}

/// Which stages, and what of them.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Stages to run: names, globs, or a matrix stage for all its cells
    #[arg(value_name = "STAGE")]
    pub(super) stages: Vec<String>,
    /// Arguments for the one stage: appended to its argv, "$@" of its script
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,
    /// Run the stages of this profile
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Run the stages with this tag (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// Leave these stages out; what needs them runs all the same (repeatable)
    #[arg(long, value_name = "STAGE")]
    pub(super) skip: Vec<String>,
    /// Leave out what the stages need
    #[arg(long)]
    pub(super) only: bool,
    /// Run the `fix` command of stages that have one, one at a time
    #[arg(long)]
    pub(super) fix: bool,
    /// How many stage threads run at a time
    #[arg(short, long, value_name = "N", value_parser = count)]
    pub(super) jobs: Option<u32>,
    /// Cancel everything at the first failure
    #[arg(long, overrides_with = "keep_going")]
    pub(super) fail_fast: bool,
    /// Go on after a failure with what does not need the failed stage
    #[arg(short, long, overrides_with = "fail_fast")]
    pub(super) keep_going: bool,
    /// End the whole run after this long, such as 30s, 20m or 1h30m
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}

/// How many: a whole number from one on.
pub(super) fn count(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "expected a whole number from 1 on, such as 4".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Run everything even where nothing has changed (nothing is cached yet)
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Run it all so many times, one after the other, to find what fails now and then
    #[arg(long, value_name = "N", value_parser = count)]
    pub(super) repeat: Option<u32>,
    /// Show failures and the summary only
    #[arg(short, long, conflicts_with_all = ["output", "json"])]
    pub(super) quiet: bool,
    /// How to show the run: auto, grouped, quiet or json (events, one object a line)
    #[arg(long, value_name = "MODE")]
    pub(super) output: Option<String>,
    /// Print one report as JSON at the end, and nothing else on stdout
    #[arg(long, conflicts_with = "output")]
    pub(super) json: bool,
    /// Show what would run instead of running it: `local-ci plan`
    #[arg(long)]
    pub(super) dry_run: bool,
    /// List the stages instead of running them: `local-ci list`
    #[arg(long)]
    pub(super) list: bool,
    #[command(flatten)]
    pub(super) later: Later,
}

/// Options that are documented and that this version cannot act on. They are known so that the answer is a sentence.
#[derive(Debug, Args)]
pub(super) struct Later {
    #[arg(short, long, hide = true)]
    pub(super) detach: bool,
    #[arg(long, hide = true)]
    pub(super) allow: bool,
    #[arg(long, hide = true)]
    pub(super) follow: bool,
    #[arg(long, hide = true)]
    pub(super) queue: bool,
    #[arg(long, hide = true, value_name = "RUN")]
    pub(super) after: Option<String>,
    #[arg(long, hide = true, value_name = "RUN")]
    pub(super) after_any: Option<String>,
    #[arg(long, hide = true, value_name = "HOST")]
    pub(super) remote: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    pub(super) session: Option<String>,
    #[arg(long, hide = true, value_name = "SECS")]
    pub(super) remote_timeout: Option<String>,
    #[arg(long, hide = true, value_name = "DIR")]
    pub(super) remote_dir: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Print the plan as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
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

fn lines(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected how many lines, such as 20".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// A run (`42`, `latest`), a stage of a run (`42/test`), or a stage for its latest run
    #[arg(value_name = "RUN|STAGE", default_value = "latest")]
    pub(super) target: String,
    /// Go on until the run ends, and exit with its code; with a stage named, until that stage ends, and with its own
    #[arg(short, long)]
    pub(super) follow: bool,
    /// Begin so many lines before the end
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(super) tail: Option<usize>,
    /// Show only lines that match this regular expression
    #[arg(long, value_name = "RE")]
    pub(super) grep: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    /// A run's number, a stage for its latest run, or `latest`
    #[arg(value_name = "RUN|STAGE", default_value = "latest")]
    pub(super) target: String,
    /// How to show the run: auto, grouped, quiet or json
    #[arg(long, value_name = "MODE")]
    pub(super) output: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    /// A run's number, a stage for the run it is running in, or `latest`
    #[arg(value_name = "RUN|STAGE")]
    pub(super) target: Option<String>,
    /// Kill at once, without a grace
    #[arg(short, long)]
    pub(super) force: bool,
}
