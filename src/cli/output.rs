//! What the command line itself has to say: sentences about it on stderr, what was asked for on stdout.

use std::io::{self, IsTerminal, Write};

use super::error::CliError;
use crate::env::Env;
use crate::report::ColourWhen;
use crate::text::plain::printable;

/// A sentence on stderr. That it cannot be shown is nobody's failure.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A warning on stderr.
pub(super) fn warning(text: &str) {
    say(&format!("warning: {}", printable(text)));
}

/// An error on stderr, for where there is no [`CliError`].
pub(super) fn problem(text: &str) {
    say(&format!("error: {}", printable(text)));
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

/// Text that was asked for, on stdout. Says whether anybody still reads.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How wide stderr is, in columns; 80 where it is no terminal or does not say.
fn stderr_width() -> usize {
    match rustix::termios::tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col >= 20 => usize::from(size.ws_col),
        _ => 80,
    }
}
