//! What the commands take that start, follow, end and forget runs and jobs.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use crate::cli::values::{duration, lines};

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// The command with its arguments, as they are: no shell reads them
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(in crate::cli) command: Vec<OsString>,
    /// Print what was started as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StartArgs {
    /// A stage, or an ad-hoc job by its name
    #[arg(value_name = "JOB")]
    pub(in crate::cli) job: String,
    /// Print what was started as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RestartArgs {
    /// A stage, or an ad-hoc job by its name
    #[arg(value_name = "JOB")]
    pub(in crate::cli) job: String,
    /// Kill at once what runs, without a grace
    #[arg(short, long)]
    pub(in crate::cli) force: bool,
    /// Print what was started as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StreamArgs {
    /// A run (`42`, `latest`), a job of a run (`42/test`), or a job for its latest run
    #[arg(value_name = "JOB")]
    pub(in crate::cli) target: String,
    /// Go on until it ends
    #[arg(short, long)]
    pub(in crate::cli) follow: bool,
    /// Begin N lines before the end
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(in crate::cli) tail: Option<usize>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EventsArgs {
    /// Those of all directories, not of this one alone
    #[arg(short, long)]
    pub(in crate::cli) all: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AwaitArgs {
    /// A run's number, a job for its latest run, or `latest`
    #[arg(value_name = "RUN|JOB", default_value = "latest")]
    pub(in crate::cli) target: String,
    /// Give up after this long, with exit code 124
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(in crate::cli) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AwaitSeveralArgs {
    /// Runs and jobs; without any, all that go on here
    #[arg(value_name = "RUN|JOB")]
    pub(in crate::cli) targets: Vec<String>,
    /// Give up after this long, with exit code 124
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub(in crate::cli) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HoldArgs {
    /// A run's number, a job for the run it is running in, or `latest` [default: the only run that
    /// goes on]
    #[arg(value_name = "RUN|JOB")]
    pub(in crate::cli) target: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SignalArgs {
    /// A job that is running, or a run for all of it
    #[arg(value_name = "JOB")]
    pub(in crate::cli) target: String,
    /// By name, such as TERM or SIGUSR1, or by number
    #[arg(value_name = "SIG", allow_hyphen_values = true)]
    pub(in crate::cli) signal: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// The earlier run
    #[arg(value_name = "RUN")]
    pub(in crate::cli) from: String,
    /// The later run
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(in crate::cli) to: String,
    /// Print the differences as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RemoveArgs {
    /// Ad-hoc jobs by their names, or stages
    #[arg(value_name = "JOB", required = true)]
    pub(in crate::cli) jobs: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct NukeArgs {
    /// In all directories, not in this one alone
    #[arg(short, long)]
    pub(in crate::cli) all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LogsArgs {
    /// A run (`42`, `latest`), a job of a run (`42/test`), or a job for its latest run [default: the
    /// latest run; with -f all that go on]
    #[arg(value_name = "RUN|JOB")]
    pub(in crate::cli) target: Option<String>,
    /// Go on until the run ends
    #[arg(short, long)]
    pub(in crate::cli) follow: bool,
    /// Begin N lines before the end
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(in crate::cli) tail: Option<usize>,
    /// Show only lines that match this regular expression
    #[arg(long, value_name = "RE")]
    pub(in crate::cli) grep: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AttachArgs {
    /// A run's number, a job for its latest run, or `latest` [default: the newest run that goes on, or
    /// else the latest]
    #[arg(value_name = "RUN|JOB")]
    pub(in crate::cli) target: Option<String>,
    /// Begin N lines before the end of what each stage has printed
    #[arg(long, value_name = "N", value_parser = lines)]
    pub(in crate::cli) tail: Option<usize>,
    /// How to show the run: auto, live, grouped, lines, quiet or json
    #[arg(long, value_name = "MODE")]
    pub(in crate::cli) output: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StopArgs {
    /// A run's number, a job for the run it is running in, or `latest` [default: the only run that
    /// goes on]
    #[arg(value_name = "RUN|JOB")]
    pub(in crate::cli) target: Option<String>,
    /// Kill at once, without a grace
    #[arg(short, long)]
    pub(in crate::cli) force: bool,
}
