//! Programs of this machine, and what it means when one cannot be run.

use std::io;
use std::time::Duration;

use super::order::{Hands, cancelled};
use crate::process::tool::{Ran, Tool};
use crate::remote::{Fault, FaultKind};
use crate::text::plain::printable;

/// How long a program that looks at the work tree here may take: as long as a first look at a huge one on a cold disk.
const LIMIT: Duration = Duration::from_mins(30);

impl Hands<'_> {
    /// Runs a program to its end, however that comes.
    pub(super) fn run(&self, tool: &Tool) -> Result<Ran, Fault> {
        let name = tool.argv.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        self.tools.run(tool, LIMIT, self.cancelled).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => cancelled(),
            io::ErrorKind::NotFound => missing_here(&name),
            _ => Fault::new(FaultKind::MissingTool, format!("cannot run `{}` here: {error}", printable(&name))),
        })
    }

    /// The same, to a good end.
    pub(super) fn run_well(&self, tool: &Tool, what: &str) -> Result<Ran, Fault> {
        let ran = self.run(tool)?;
        if ran.exit.success() { Ok(ran) } else { Err(failed(what, &ran)) }
    }
}

/// A program that is not installed here.
fn missing_here(name: &str) -> Fault {
    let fault = Fault::new(FaultKind::MissingTool, format!("`{}` is not installed on this machine", printable(name)));
    match name {
        "git" => fault.cure("sudo apt-get install git").cure("sync = \"rsync\", which needs no git"),
        _ => fault.cure(format!("sudo apt-get install {}", printable(name))),
    }
}

/// A program that said no.
pub(super) fn failed(what: &str, ran: &Ran) -> Fault {
    let said = ran.said();
    let said = if said.is_empty() { ran.exit.to_string() } else { lines(&said) };
    Fault::new(FaultKind::Directory, format!("cannot {what}: {said}"))
}

/// What a program said, as text that can be shown: its lines, of which the first few.
pub(super) fn lines(said: &str) -> String {
    let shown: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).take(6).map(printable).collect();
    shown.join("; ")
}
