//! What the command line itself has to say: sentences about it on stderr, what was asked for on stdout.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;

use super::error::CliError;
use crate::env::Env;
use crate::ids::RunNumber;
use crate::journal::header::Header;
use crate::journal::layout::RunDir;
use crate::report::{ColourWhen, Display, terminal};
use crate::session::runs;
use crate::session::takeover::{self, Left};
use crate::text::plain::printable;
use crate::view::RunView;

/// A sentence on stderr. That it cannot be shown is nobody's failure.
pub(super) fn say(text: &str) {
    let _ = terminal::say(text);
}

/// A warning on stderr.
pub(super) fn warning(text: &str) {
    say(&format!("warning: {}", printable(text)));
}

/// An error on stderr, for where there is no [`CliError`].
pub(super) fn problem(text: &str) {
    say(&format!("error: {}", printable(text)));
}

/// Asks on stderr, and reads a line from stdin. None where there is no answer to come.
pub(super) fn ask(question: &str) -> Option<String> {
    let mut out = io::stderr().lock();
    out.write_all(format!("{question} ").as_bytes()).and_then(|()| out.flush()).ok()?;
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(1..) => Some(answer.trim().to_owned()),
        Ok(0) | Err(_) => {
            say("");
            None
        }
    }
}

/// What went wrong and what to do, on stderr.
pub(super) fn fault(error: &CliError, colour: ColourWhen, env: &Env) {
    match error {
        // Drawn on the file; the drawing has made foreign text harmless.
        CliError::Config(faults) if !faults.is_not_found() => {
            let terminal = io::stderr().is_terminal();
            let width = stderr_width();
            say(faults.render(colour.decide(env, terminal), width).trim_end());
        }
        _ => problem(&error.to_string()),
    }
    if let Some(hint) = error.hint() {
        say(&format!("  hint: {hint}"));
    }
}

/// Says of a lost run what its faces cannot: that it is lost, where it never said anything, for they show a run from its first
/// event on; and how to go on with it, where that can be done.
pub(super) fn lost(run: &RunDir, number: Option<RunNumber>, view: &RunView) {
    if view.header().is_some() {
        if let (Some(number), Some(left)) = (number, takeover::look_in(run, view)) {
            say(&printable(&way_back(number, &left)));
        }
        return;
    }
    let which = number.map_or("the run".to_owned(), |number| format!("run {number}"));
    // One that waited for its turn died with nothing to be sorry for.
    if Header::read(run).is_ok_and(|header| header.waits.is_some()) && !run.events().exists() {
        problem(&format!("{which} is lost: it never started, its supervisor died while it waited for its turn"));
        return;
    }
    let complaint = runs::last_complaint(run).map_or(String::new(), |line| format!(" ({line})"));
    problem(&format!("{which} is lost: its supervisor died before it could start anything{complaint}"));
}

/// How it is with a run that was left, and what goes on with it.
pub(super) fn way_back(number: RunNumber, left: &Left) -> String {
    let verb = if left.elsewhere.is_empty() { "goes on with it" } else { "takes it over" };
    format!("run {number} {}; `local-ci attach {number}` {verb}", left.sentence())
}

/// Warns where what was shown of a run is not all of it, since it could not be written. Who has stopped reading is told
/// nothing. Says whether there was something to tell.
pub(super) fn incomplete(display: &Display) -> bool {
    match display.closed().filter(|error| error.kind() != ErrorKind::BrokenPipe) {
        Some(error) => {
            warning(&format!("the output is incomplete, it could not be written: {error}"));
            true
        }
        None => false,
    }
}

/// Text that was asked for, on stdout. Says whether anybody still reads.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How wide stderr is, in columns; 80 where it is no terminal or does not say.
fn stderr_width() -> usize {
    width(&io::stderr())
}

/// How wide stdout is, in columns, where it is a terminal; 80 where that does not say.
pub(super) fn stdout_width() -> Option<usize> {
    let stdout = io::stdout();
    stdout.is_terminal().then(|| width(&stdout))
}

fn width(stream: &impl AsFd) -> usize {
    match rustix::termios::tcgetwinsize(stream) {
        Ok(size) if size.ws_col >= 20 => usize::from(size.ws_col),
        _ => 80,
    }
}
