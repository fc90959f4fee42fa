//! A run of an ad-hoc job again, in the foreground. The job may have been removed since: what it ran is in the run.

use std::path::PathBuf;

use super::{failed, named};
use crate::cli::args::{Command, RerunArgs, RunArgs};
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, add, argv, output, run};
use crate::outcome::exit;
use crate::plan::command_text;
use crate::session::runs::Run;
use crate::text::plain::printable;

/// What that run was.
pub(super) struct Then<'a> {
    pub(super) run: &'a Run,
    /// What it ran.
    pub(super) argv: Vec<String>,
    /// Where, absolute.
    pub(super) dir: PathBuf,
}

/// Runs the job of that run again.
pub(super) fn rerun(context: &Context<'_>, args: &RerunArgs, then: &Then<'_>) -> Result<Ending, CliError> {
    let number = then.run.number;
    if args.failed && failed::stages(then.run)?.is_empty() {
        output::say(&format!("nothing failed in run {number}"));
        return Ok(Ending::Code(exit::NOTHING_SELECTED));
    }
    // Where the job was added: it belongs to the project that is found from there.
    let there = context.in_directory(then.dir.clone());
    if args.dry_run {
        let command = crate::pipeline::Command::Argv(then.argv.clone());
        let line = format!("would run {} in {}", command_text(&command), then.dir.display());
        let _ = output::print(&format!("{}\n", printable(&line)));
        return Ok(Ending::Code(exit::PASSED));
    }
    let (anchor, job) = add::find_or_create(&there, &then.argv)?;
    add::plan(&there, &job, &anchor.root)?;
    if !args.json {
        let name = named(std::slice::from_ref(&job.name));
        output::say(&printable(&format!("rerunning run {number}: {name} ({})", command_text(&job.command()))));
    }
    let again = RunArgs {
        quiet: args.quiet,
        json: args.json,
        output: args.output.clone(),
        reports: args.reports.clone(),
        ..request(job.name.as_str())?
    };
    let directory = anchor.root.join(&job.dir).to_string_lossy().into_owned();
    let project = || job.project(&anchor.root).map_err(|error| CliError::usage(error.to_string()));
    let equivalent = add::equivalent(&directory, &job.argv);
    run::run_in(&there, &again, &run::Occasion { equivalent: &equivalent, ..Default::default() }, &project)
}

/// `run NAME`, as the ad-hoc job of that name takes it: nothing in the environment speaks to it.
fn request(name: &str) -> Result<RunArgs, CliError> {
    let typed = ["local-ci", "run", name].map(Into::into);
    match argv::parse(&typed).map(|cli| cli.command) {
        Ok(Command::Run(args)) => Ok(args),
        _ => Err(CliError::usage(format!("{name:?} cannot be run"))),
    }
}
