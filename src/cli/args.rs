//! What can be typed. Nothing here decides what it means.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::values::{colour, count, duration, lines};
use crate::report::ColourWhen;

/// Texts are wrapped at this many columns, on wider terminals too; those below are written for it.
pub(super) const WIDTH: usize = 80;

pub(super) const USAGE: &str = "local-ci [OPTIONS] [STAGE]... [-- <ARGS>...]\n       local-ci [OPTIONS] <COMMAND>";

const AFTER_HELP: &str = "\
`local-ci [STAGE]...` is short for `local-ci run [STAGE]...`: it runs stages
with what they need, and without STAGE the default set. `local-ci run NAME`
reaches a stage that is called like a command. `local-ci run --help` has its
options, examples and exit codes.";

const AFTER_RUN: &str = "\
Examples:
  local-ci                        all stages but those with `default = false`
  local-ci fmt 'test*'            fmt, all that begin with test, their needs
  local-ci --only test -- -v      test alone, with an argument
  local-ci --tag slow --skip e2e  all that have the tag, but for one
  local-ci -q --fail-fast         as little as possible, for a hook
  local-ci --json >report.json    for programs

Exit codes:
  0              all that had to pass passed
  1              a stage failed or timed out
  2              wrong usage or wrong config; nothing ran
  3              no verdict could be had
  4              nothing is selected, or there is no config
  5              a stage is running already
  129, 130, 143  cancelled; the run ends as if by that signal

Every option is also an environment variable: --fail-fast is LOCAL_CI_FAIL_FAST.
What is typed goes first.";

const AFTER_PLAN: &str = "\
Examples:
  local-ci plan test                      test, and all that it needs
  local-ci plan --tag slow -v             with what is in each fingerprint
  local-ci plan --graph dot | dot -Tsvg   a drawing, by Graphviz";

const AFTER_LOGS: &str = "\
Examples:
  local-ci logs                  what the latest run printed
  local-ci logs -f               all that goes on here, until nothing does
  local-ci logs -f test          the latest run of test, until it ends
  local-ci logs 42/test          test in run 42
  local-ci logs --grep '^error'  only lines that match
Of several stages each line says whose it is; then `|` stands before what came
from stdout, `!` before what came from stderr.";

const AFTER_STREAM: &str = "\
Byte for byte, unless a terminal shows it. Of a job that was tried again, the
last attempt; with -f those that follow, too.";

const AFTER_AWAIT: &str = "\
Nothing is printed on stdout; what came of it is a line on stderr. The exit code
is that of the run, or of the job where one was named; 124 where --timeout is
over, 3 where the run is lost. Ctrl+C ends the waiting alone.";

const AFTER_AWAIT_ANY: &str = "\
Examples:
  n=$(local-ci await-any 41 42)  stdout is the number of the run that has ended,
                                 or its number and job where a job was named
  local-ci await-any             the first of all that go on here";

const AFTER_AWAIT_ALL: &str = "\
Examples:
  local-ci await-all && ./deploy  all that go on here
  local-ci await-all 41 42/test   these two
Runs that wait for their turn are waited for, too. With nothing to wait for, the
exit code is 0.";

const AFTER_DIFF: &str = "\
Examples:
  local-ci diff 41     run 41 and the latest
  local-ci diff 41 42  from 41 to 42
The exit code is 0 whether they differ or not. Of what stages printed, the first
line that differs is shown, for stdout and stderr each by itself.";

const AFTER_EXPLAIN: &str = "\
Examples:
  local-ci explain LC0405  what that fault is; 405 will do
  local-ci explain         all codes, a line each";

const AFTER_SCHEMA: &str = "\
Examples:
  local-ci schema >.local-ci.schema.json  then begin local-ci.toml with
                                          #:schema ./.local-ci.schema.json";

const AFTER_COMPLETIONS: &str = "\
A shell has them from its start with this line in one of its files:
  ~/.bashrc                   source <(local-ci completions bash)
  ~/.zshrc, after compinit    source <(local-ci completions zsh)
  ~/.config/fish/config.fish  local-ci completions fish | source
  $PROFILE (PowerShell)       local-ci completions powershell | Out-String | iex";

const AFTER_MAN: &str = "\
Examples:
  local-ci man | man -l -                                 to read it
  local-ci man >~/.local/share/man/man1/local-ci.1        to keep it";

const AFTER_DOCTOR: &str = "\
Exit codes:
  0  no problem was found; warnings are none
  1  a problem that makes a stage fail, or keeps the config from being read
Known tools are asked for their version, outside of the project; nothing else is run.";

const AFTER_ADD: &str = "\
Examples:
  local-ci add make test         finds or creates the job for this command here
  local-ci add -- ./serve --dev  the command begins after the dashes
  local-ci list                  shows the job with the rest";

const WHICH: &str = "Which stages";
const HOW: &str = "How they run";
const WHEN: &str = "When it starts, and who stays with it";
const SHOWN: &str = "What is shown";

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
    /// Say more: live output shows all that stages print, `plan` its every reason
    #[arg(short = 'v', long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
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

/// Which stages, and what of them.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Selection {
    /// Stages: names, globs such as 'test*', or a matrix stage for all its cells
    #[arg(value_name = "STAGE")]
    pub(super) stages: Vec<String>,
    /// Arguments for the one stage that is named: appended to its command, or "$@" of its script
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,
    #[arg(help_heading = WHICH)]
    /// Run the stages of this profile
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    #[arg(help_heading = WHICH)]
    /// Run the stages with this tag (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,
    #[arg(help_heading = WHICH)]
    /// Leave these stages out; what needs them runs all the same (repeatable)
    #[arg(long, value_name = "STAGE")]
    pub(super) skip: Vec<String>,
    #[arg(help_heading = WHICH)]
    /// Run the stages alone, without what they need
    #[arg(long)]
    pub(super) only: bool,
    #[arg(help_heading = HOW)]
    /// Run the `fix` command instead, where a stage has one; one at a time
    #[arg(long)]
    pub(super) fix: bool,
    #[arg(help_heading = HOW)]
    /// How many stages run at a time; one with `threads` counts as so many [default: cores]
    #[arg(short, long, value_name = "N", value_parser = count)]
    pub(super) jobs: Option<u32>,
    #[arg(help_heading = HOW)]
    /// Cancel everything at the first failure
    #[arg(long, overrides_with = "keep_going")]
    pub(super) fail_fast: bool,
    #[arg(help_heading = HOW)]
    /// Go on after a failure with what does not need the failed stage [default]
    #[arg(short, long, overrides_with = "fail_fast")]
    pub(super) keep_going: bool,
    #[arg(help_heading = HOW)]
    /// End the whole run after this long, such as 30s, 20m or 1h30m
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    #[arg(help_heading = HOW)]
    /// Run what has not changed, too; nothing is cached yet, so that this changes nothing
    #[arg(long)]
    pub(super) no_cache: bool,
    #[arg(help_heading = HOW)]
    /// Run it all N times, one after the other, to find what fails now and then
    #[arg(long, value_name = "N", value_parser = count)]
    pub(super) repeat: Option<u32>,
    #[arg(help_heading = SHOWN)]
    /// Show failures and the summary only
    #[arg(short, long, conflicts_with_all = ["output", "json"])]
    pub(super) quiet: bool,
    #[arg(help_heading = SHOWN)]
    /// How to show the run: auto, live, grouped, lines, quiet, or json for its events, one object a line
    #[arg(long, value_name = "MODE")]
    pub(super) output: Option<String>,
    #[arg(help_heading = SHOWN)]
    /// Print one report as JSON at the end, and nothing else on stdout
    #[arg(long, conflicts_with = "output")]
    pub(super) json: bool,
    #[arg(help_heading = SHOWN)]
    /// Show what would run instead of running it, like `local-ci plan`
    #[arg(long)]
    pub(super) dry_run: bool,
    #[arg(help_heading = SHOWN)]
    /// List the stages instead of running them, like `local-ci list`
    #[arg(long)]
    pub(super) list: bool,
    #[command(flatten)]
    pub(super) presence: Presence,
    #[command(flatten)]
    pub(super) later: Later,
}

/// When a run starts, and whether somebody stays with it.
#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Presence {
    #[arg(help_heading = WHEN)]
    /// Start the run in the background, and print how to come back to it; with -q its number alone
    #[arg(short, long, conflicts_with_all = ["follow", "allow", "repeat", "output"])]
    pub(super) detach: bool,
    #[arg(help_heading = WHEN)]
    /// Stay with the run until Ctrl+C, which leaves it running; the exit code is not the run's
    #[arg(long, conflicts_with_all = ["follow", "queue", "after", "after_any", "repeat", "json"])]
    pub(super) allow: bool,
    #[arg(help_heading = WHEN)]
    /// Follow the run until it ends, and exit with its code [default]
    #[arg(long)]
    pub(super) follow: bool,
    #[arg(help_heading = WHEN)]
    /// Wait for its turn: until all runs of this project have ended that were started before
    #[arg(long)]
    pub(super) queue: bool,
    #[arg(help_heading = WHEN)]
    /// Start when this run has passed; where it does not, never
    #[arg(long, value_name = "RUN", conflicts_with = "after_any")]
    pub(super) after: Option<String>,
    #[arg(help_heading = WHEN)]
    /// Start when this run has ended, however
    #[arg(long, value_name = "RUN")]
    pub(super) after_any: Option<String>,
}

/// Options that are documented and that this version cannot act on. They are known so that the answer is a sentence.
#[derive(Debug, Args)]
pub(super) struct Later {
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
    #[arg(long, conflicts_with = "graph")]
    pub(super) json: bool,
    /// Print the plan as a graph: dot, for Graphviz, or mermaid, for Markdown
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(super) graph: Option<GraphFormat>,
}

/// A language that graphs are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
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
pub(super) struct AddArgs {
    /// The command with its arguments, as they are: no shell reads them
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<OsString>,
    /// Print what was started as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct StartArgs {
    /// A stage, or an ad-hoc job by its name
    #[arg(value_name = "JOB")]
    pub(super) job: String,
    /// Print what was started as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RestartArgs {
    /// A stage, or an ad-hoc job by its name
    #[arg(value_name = "JOB")]
    pub(super) job: String,
    /// Kill at once what runs, without a grace
    #[arg(short, long)]
    pub(super) force: bool,
    /// Print what was started as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct StreamArgs {
    /// A run (`42`, `latest`), a job of a run (`42/test`), or a job for its latest run
    #[arg(value_name = "JOB")]
    pub(super) target: String,
    /// Go on until it ends
    #[arg(short, long)]
    pub(super) follow: bool,
    /// Begin N lines before the end
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(super) tail: Option<usize>,
}

#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Those of all directories, not of this one alone
    #[arg(short, long)]
    pub(super) all: bool,
}

#[derive(Debug, Args)]
pub(super) struct AwaitArgs {
    /// A run's number, a job for its latest run, or `latest`
    #[arg(value_name = "RUN|JOB", default_value = "latest")]
    pub(super) target: String,
    /// Give up after this long, with exit code 124
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct AwaitSeveralArgs {
    /// Runs and jobs; without any, all that go on here
    #[arg(value_name = "RUN|JOB")]
    pub(super) targets: Vec<String>,
    /// Give up after this long, with exit code 124
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct HoldArgs {
    /// A run's number, a job for the run it is running in, or `latest` [default: the only run that
    /// goes on]
    #[arg(value_name = "RUN|JOB")]
    pub(super) target: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SignalArgs {
    /// A job that is running, or a run for all of it
    #[arg(value_name = "JOB")]
    pub(super) target: String,
    /// By name, such as TERM or SIGUSR1, or by number
    #[arg(value_name = "SIG")]
    pub(super) signal: String,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The earlier run
    #[arg(value_name = "RUN")]
    pub(super) from: String,
    /// The later run
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(super) to: String,
    /// Print the differences as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// Ad-hoc jobs by their names, or stages
    #[arg(value_name = "JOB", required = true)]
    pub(super) jobs: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct NukeArgs {
    /// In all directories, not in this one alone
    #[arg(short, long)]
    pub(super) all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
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

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// A run (`42`, `latest`), a job of a run (`42/test`), or a job for its latest run [default: the
    /// latest run; with -f all that go on]
    #[arg(value_name = "RUN|JOB")]
    pub(super) target: Option<String>,
    /// Go on until the run ends
    #[arg(short, long)]
    pub(super) follow: bool,
    /// Begin N lines before the end
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(super) tail: Option<usize>,
    /// Show only lines that match this regular expression
    #[arg(long, value_name = "RE")]
    pub(super) grep: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    /// A run's number, a job for its latest run, or `latest` [default: the newest run that goes on, or
    /// else the latest]
    #[arg(value_name = "RUN|JOB")]
    pub(super) target: Option<String>,
    /// Begin N lines before the end of what each stage has printed
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(super) tail: Option<usize>,
    /// How to show the run: auto, live, grouped, lines, quiet or json
    #[arg(long, value_name = "MODE")]
    pub(super) output: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    /// A run's number, a job for the run it is running in, or `latest` [default: the only run that
    /// goes on]
    #[arg(value_name = "RUN|JOB")]
    pub(super) target: Option<String>,
    /// Kill at once, without a grace
    #[arg(short, long)]
    pub(super) force: bool,
}
