//! How a run is done again, as its summary says it: a stage by its name, a command that was given as a job by the number
//! of its run.

use super::args::Command;
use super::argv;
use crate::journal::header::Header;
use crate::report::Rerun;
use crate::session::runs::Run;

/// What it takes to do this run again, as its summary says it.
pub(super) fn of_run(run: &Run) -> Rerun {
    let by_number = Header::read(&run.dir).is_ok_and(|header| is_of_command(&header.equivalent));
    Rerun { by_number, ..Rerun::default() }
}

/// Whether the command line that does a run again is one that starts a command, and no stage.
pub(super) fn is_of_command(equivalent: &[String]) -> bool {
    let words: Vec<std::ffi::OsString> = equivalent.iter().map(Into::into).collect();
    !words.is_empty() && argv::parse(&words).is_ok_and(|cli| matches!(cli.command, Command::Add(_)))
}
