//! How a run is done again, as its summary says it: a stage by its name and where it ran, a command that was given as a job by
//! the number of its run.

use super::args::{Cli, Command, Elsewhere};
use super::argv;
use crate::journal::header::Header;
use crate::plan::quote;
use crate::report::Rerun;
use crate::session::runs::Run;

/// What it takes to do this run again, as its summary says it.
pub(super) fn of_run(run: &Run) -> Rerun {
    let Ok(header) = Header::read(&run.dir) else { return Rerun::default() };
    let by_number = is_of_command(&header.equivalent);
    let words = if header.equivalent.is_empty() { &header.argv } else { &header.equivalent };
    let options = match parsed(words).map(|cli| cli.command) {
        Some(Command::Run(args)) => elsewhere(&args.selection.elsewhere),
        _ => String::new(),
    };
    Rerun { options, by_number, ..Rerun::default() }
}

/// The options that say where stages run and not where they say themselves, each with a blank before it.
pub(super) fn elsewhere(given: &Elsewhere) -> String {
    let Elsewhere { remote, session, remote_timeout: _, remote_dir } = given;
    let options = [("--remote", remote), ("--session", session), ("--remote-dir", remote_dir)];
    let given = options.into_iter().filter_map(|(option, value)| Some(format!(" {option} {}", quote(value.as_ref()?))));
    given.collect()
}

/// Whether the command line that does a run again is one that starts a command, and no stage.
pub(super) fn is_of_command(equivalent: &[String]) -> bool {
    parsed(equivalent).is_some_and(|cli| matches!(cli.command, Command::Add(_)))
}

fn parsed(words: &[String]) -> Option<Cli> {
    let words: Vec<std::ffi::OsString> = words.iter().map(Into::into).collect();
    if words.is_empty() { None } else { argv::parse(&words).ok() }
}
