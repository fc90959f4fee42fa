//! Whether a command is started: its words, its directory and its variables.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::Links;
use super::files::Files;
use crate::plugin::authority::{Authority, place};
use crate::plugin::services::{CommandExit, CommandFailure, CommandRequest, FileFailure, Line, Process};
use crate::text::plain::printable;

/// The variables that a plugin may set: they say how something is told, and not what is done. Others may decide which program
/// runs and what it does, so no plugin sets one, whatever it may know.
const HARMLESS: [&str; 3] = ["LANG", "LC_ALL", "NO_COLOR"];

/// The request as it may be started, its directory clean.
pub(super) fn permitted(
    authority: &Authority,
    files: &mut Files,
    request: CommandRequest,
) -> Result<CommandRequest, CommandFailure> {
    let other = |sentence: &str| Err(CommandFailure::Other(sentence.to_owned()));
    if request.argv.first().is_none_or(String::is_empty) {
        return other("it names no program");
    }
    if request.argv.iter().any(|word| word.contains('\0')) {
        return other("a word of the command has a NUL in it");
    }
    authority.may_run(&request.argv).map_err(|refusal| CommandFailure::Denied(refusal.to_string()))?;
    for (name, value) in &request.env {
        may_set(name)?;
        if value.contains('\0') {
            return other(&format!("the value of `{}` has a NUL in it", printable(name)));
        }
    }
    let dir = request.dir.as_deref().map(|dir| inside(files, dir)).transpose()?;
    Ok(CommandRequest { dir, ..request })
}

fn may_set(name: &str) -> Result<(), CommandFailure> {
    let shown = printable(name);
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(CommandFailure::Other(format!("`{shown}` is no variable's name")));
    }
    if HARMLESS.contains(&name) {
        return Ok(());
    }
    let harmless = HARMLESS.join(", ");
    Err(CommandFailure::Denied(format!(
        "a plugin sets no variable of a command but {harmless}: `{shown}` may decide what the command does"
    )))
}

/// A directory of the project in its clean form; `.` is the project's own. One that is not here may be where the stage runs.
fn inside(files: &mut Files, dir: &str) -> Result<String, CommandFailure> {
    let shown = printable(dir);
    let trimmed = dir.trim_end_matches('/');
    if !dir.starts_with('/') && matches!(trimmed, "" | ".") {
        return Ok(".".to_owned());
    }
    let given = if trimmed.is_empty() { dir } else { trimmed };
    let clean = place::clean(given).map_err(|why| CommandFailure::Denied(format!("the directory `{shown}` {why}")))?;
    let beneath = files.beneath().map_err(|failure| match failure {
        FileFailure::Other(why) | FileFailure::Denied(why) => CommandFailure::Other(why),
        FileFailure::Missing | FileFailure::TooLarge(_) => CommandFailure::Other("the project is gone".to_owned()),
    })?;
    match beneath.hold(&clean, Links::Followed) {
        Ok(held) if held.kind() == FileType::Directory => Ok(clean),
        Err(Errno::NOENT) => Ok(clean),
        Ok(_) | Err(Errno::NOTDIR) => Err(CommandFailure::Other(format!("`{shown}` is no directory"))),
        Err(Errno::XDEV | Errno::LOOP) => Err(CommandFailure::Denied(format!("`{shown}` leads out of the project"))),
        Err(error) => Err(CommandFailure::Other(format!("`{shown}` cannot be opened: {error}"))),
    }
}

/// The one command of a plugin that runs. Its place is free again when it has ended, or is wanted no more.
pub(super) struct Only {
    inner: Box<dyn Process>,
    place: Taken,
}

/// Whether a command runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Arc<AtomicBool>);

struct Taken(Option<Arc<AtomicBool>>);

impl Place {
    /// Starts a command where none runs.
    pub(super) fn start(
        &self,
        start: impl FnOnce() -> Result<Box<dyn Process>, CommandFailure>,
    ) -> Result<Box<dyn Process>, CommandFailure> {
        if self.0.swap(true, Ordering::AcqRel) {
            let sentence = "a command of the plugin's runs already; they run one at a time";
            return Err(CommandFailure::Other(sentence.to_owned()));
        }
        let place = Taken(Some(Arc::clone(&self.0)));
        Ok(Box::new(Only { inner: start()?, place }))
    }
}

impl Taken {
    fn free(&mut self) {
        if let Some(place) = self.0.take() {
            place.store(false, Ordering::Release);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.free();
    }
}

impl Process for Only {
    fn next_lines(&mut self, max: u32) -> Result<Vec<Line>, CommandFailure> {
        let lines = self.inner.next_lines(max);
        if lines.as_ref().map_or(true, Vec::is_empty) {
            self.place.free();
        }
        lines
    }

    fn kill(&mut self) {
        self.inner.kill();
    }

    fn wait(&mut self) -> Result<CommandExit, CommandFailure> {
        let exit = self.inner.wait();
        self.place.free();
        exit
    }
}
