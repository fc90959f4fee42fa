//! What `run` and `plan` take: which stages, how they run, when, and what is shown of it.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::values::{count, duration, flaky, remote_dir, seconds, session};
use crate::pipeline::Flaky;
use crate::report::document::Target;

const WHICH: &str = "Which stages";
const HOW: &str = "How they run";
const WHERE: &str = "Where they run";
const WHEN: &str = "When it starts, and who stays with it";
const SHOWN: &str = "What is shown";

/// Which stages, and what of them.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(in crate::cli) struct Selection {
    /// Stages: names, globs such as 'test*', or a matrix stage for all its cells
    #[arg(value_name = "STAGE")]
    pub(in crate::cli) stages: Vec<String>,
    /// Arguments for the one stage that is named: appended to its command, or "$@" of its script
    #[arg(last = true, value_name = "ARGS")]
    pub(in crate::cli) args: Vec<String>,
    #[arg(help_heading = WHICH)]
    /// Run the stages of this profile
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) profile: Option<String>,
    #[arg(help_heading = WHICH)]
    /// Run the stages with this tag (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    pub(in crate::cli) tags: Vec<String>,
    #[arg(help_heading = WHICH)]
    /// Leave these stages out; what needs them runs all the same (repeatable)
    #[arg(long, value_name = "STAGE")]
    pub(in crate::cli) skip: Vec<String>,
    #[arg(help_heading = WHICH)]
    /// Run the stages alone, without what they need
    #[arg(long)]
    pub(in crate::cli) only: bool,
    #[arg(help_heading = WHICH)]
    /// Skip stages whose inputs have not changed since BASE [default: upstream, or the main branch]
    #[arg(long, value_name = "BASE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(in crate::cli) changed: Option<String>,
    #[arg(help_heading = HOW)]
    /// Run the `fix` command instead, where a stage has one; one at a time
    #[arg(long)]
    pub(in crate::cli) fix: bool,
    #[arg(help_heading = HOW)]
    /// How many stages run at a time; one with `threads` counts as so many [default: cores]
    #[arg(short, long, value_name = "N", value_parser = count)]
    pub(in crate::cli) jobs: Option<u32>,
    #[arg(help_heading = HOW)]
    /// Cancel everything at the first failure
    #[arg(long, overrides_with = "keep_going")]
    pub(in crate::cli) fail_fast: bool,
    #[arg(help_heading = HOW)]
    /// Go on after a failure with what does not need the failed stage [default]
    #[arg(short, long, overrides_with = "fail_fast")]
    pub(in crate::cli) keep_going: bool,
    #[arg(help_heading = HOW)]
    /// Whether a stage that passed only at another attempt may pass: pass, or fail to fail the run [default: pass]
    #[arg(long, value_name = "POLICY", value_parser = flaky)]
    pub(in crate::cli) flaky: Option<Flaky>,
    #[arg(help_heading = HOW)]
    /// End the whole run after this long, such as 30s, 20m or 1h30m
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(in crate::cli) timeout: Option<Duration>,
    #[command(flatten)]
    pub(in crate::cli) elsewhere: Elsewhere,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(in crate::cli) struct RunArgs {
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[arg(help_heading = HOW)]
    /// Run what has not changed, too; nothing is cached yet but what hooks remember of trees that passed
    #[arg(long)]
    pub(in crate::cli) no_cache: bool,
    #[arg(help_heading = HOW)]
    /// Run it all N times, one after the other, to find what fails now and then
    #[arg(long, value_name = "N", value_parser = count)]
    pub(in crate::cli) repeat: Option<u32>,
    #[arg(help_heading = SHOWN)]
    /// Show failures and the summary only
    #[arg(short, long, conflicts_with_all = ["output", "json"])]
    pub(in crate::cli) quiet: bool,
    #[arg(help_heading = SHOWN)]
    /// How to show the run: auto, live, grouped, lines, quiet, or json for its events, one object a line
    #[arg(long, value_name = "MODE")]
    pub(in crate::cli) output: Option<String>,
    #[arg(help_heading = SHOWN)]
    /// Print one report as JSON at the end, and nothing else on stdout
    #[arg(long, conflicts_with = "output")]
    pub(in crate::cli) json: bool,
    #[arg(help_heading = SHOWN)]
    /// Show what would run instead of running it, like `local-ci plan`
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[arg(help_heading = SHOWN)]
    /// List the stages instead of running them, like `local-ci list`
    #[arg(long)]
    pub(in crate::cli) list: bool,
    #[command(flatten)]
    pub(in crate::cli) reports: Reports,
    #[command(flatten)]
    pub(in crate::cli) presence: Presence,
}

/// What is written of a run once it has ended.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Reports {
    #[arg(help_heading = SHOWN)]
    /// Write a report at the end: junit, sarif, markdown, html or chrome-trace, such as html=run.html (repeatable)
    #[arg(long = "report", value_name = "KIND=FILE")]
    pub(in crate::cli) targets: Vec<Target>,
}

/// When a run starts, and whether somebody stays with it.
#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(in crate::cli) struct Presence {
    #[arg(help_heading = WHEN)]
    /// Start the run in the background, and print how to come back to it; with -q its number alone
    #[arg(short, long, conflicts_with_all = ["follow", "allow", "repeat", "output"])]
    pub(in crate::cli) detach: bool,
    #[arg(help_heading = WHEN)]
    /// Stay with the run until Ctrl+C, which leaves it running; the exit code is not the run's
    #[arg(long, conflicts_with_all = ["follow", "queue", "after", "after_any", "repeat", "json"])]
    pub(in crate::cli) allow: bool,
    #[arg(help_heading = WHEN)]
    /// Follow the run until it ends, and exit with its code [default]
    #[arg(long)]
    pub(in crate::cli) follow: bool,
    #[arg(help_heading = WHEN)]
    /// Wait for its turn: until all runs of this project have ended that were started before
    #[arg(long)]
    pub(in crate::cli) queue: bool,
    #[arg(help_heading = WHEN)]
    /// Start when this run has passed; where it does not, never
    #[arg(long, value_name = "RUN", conflicts_with = "after_any")]
    pub(in crate::cli) after: Option<String>,
    #[arg(help_heading = WHEN)]
    /// Start when this run has ended, however
    #[arg(long, value_name = "RUN")]
    pub(in crate::cli) after_any: Option<String>,
}

/// Where stages run, and what is said of the machine.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Elsewhere {
    #[arg(help_heading = WHERE)]
    /// Run all stages on another machine: a name in `[remotes]`, or [user@]host[:port]; `local` is this one
    #[arg(long, value_name = "HOST")]
    pub(in crate::cli) remote: Option<String>,
    #[arg(help_heading = WHERE)]
    /// The tmux session there in which a person can look on [default: onion]
    #[arg(long, value_name = "NAME", value_parser = session)]
    pub(in crate::cli) session: Option<String>,
    #[arg(help_heading = WHERE)]
    /// How long one operation over the line may take: seconds, or a duration [default: 30s]
    #[arg(long, value_name = "DUR", value_parser = seconds)]
    pub(in crate::cli) remote_timeout: Option<Duration>,
    #[arg(help_heading = WHERE)]
    /// The project's directory there [default: one of local-ci's own]
    #[arg(long, value_name = "DIR", value_parser = remote_dir)]
    pub(in crate::cli) remote_dir: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PlanArgs {
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    /// Print the plan as JSON
    #[arg(long, conflicts_with = "graph")]
    pub(in crate::cli) json: bool,
    /// Print the plan as a graph: dot, for Graphviz, or mermaid, for Markdown
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(in crate::cli) graph: Option<GraphFormat>,
}

/// A language that graphs are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GraphFormat {
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
}
