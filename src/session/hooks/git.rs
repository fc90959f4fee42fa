//! Asking git, and what it means when it does not answer.

use std::io;
use std::time::Duration;

use crate::process::tool::{Ran, Tool, Tools};
use crate::text::plain::printable;

/// How long git may take: as long as a first checkout of a huge tree on a cold disk.
const LIMIT: Duration = Duration::from_mins(30);

/// Why something cannot be had of a repository, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GitError(pub String);

impl GitError {
    /// Git could not do this.
    pub(super) fn of(what: &str, ran: &Ran) -> Self {
        let said = ran.said();
        let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(6).collect::<Vec<_>>().join("; ");
        Self(format!("cannot {what}: {}", printable(said.strip_prefix("fatal: ").unwrap_or(&said))))
    }

    /// The system could not do this with a file of ours.
    pub(super) fn io(what: &str, error: &io::Error) -> Self {
        Self(format!("cannot {what}: {error}"))
    }
}

/// Runs git to its end, however that comes.
pub fn run(tools: &Tools, tool: &Tool) -> Result<Ran, GitError> {
    tools.run(tool, LIMIT, &|| false).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitError("git is not installed, or not on the PATH".to_owned()),
        _ => GitError(format!("git cannot be run: {error}")),
    })
}

/// Runs git, which has to succeed. `what` reads after "cannot".
pub fn run_well(tools: &Tools, tool: &Tool, what: &str) -> Result<Ran, GitError> {
    let ran = run(tools, tool)?;
    if ran.exit.success() { Ok(ran) } else { Err(GitError::of(what, &ran)) }
}

/// What git printed, as text without the line's end.
pub fn line(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.stdout).trim_end_matches('\n').to_owned()
}
