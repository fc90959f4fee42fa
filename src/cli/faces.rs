//! Which face a run is shown with, and on what.

use std::io::{self, IsTerminal};

use clap::CommandFactory;

use super::args::Cli;
use super::error::CliError;
use super::output;
use super::project::Context;
use crate::report::Reporter;
use crate::report::display::Display;
use crate::report::grouped::Grouped;
use crate::report::json::{JsonEvents, JsonReport};
use crate::report::quiet::Quiet;
use crate::report::recap::Recap;
use crate::report::{ColourWhen, Dialect, Glyphs, Look, Rerun, Style, TranscriptOptions};
use crate::session::logs::RunLogs;

/// A face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Grouped,
    Quiet,
    /// What came of each stage, after the run.
    Recap,
    /// Events, one object a line.
    Events,
    /// One report at the end.
    Report,
}

/// The face of this name. `auto` and nothing are grouped until there is a live one.
pub(super) fn mode(name: Option<&str>) -> Result<Mode, CliError> {
    match name {
        None | Some("auto" | "grouped") => Ok(Mode::Grouped),
        Some("quiet") => Ok(Mode::Quiet),
        Some("json") => Ok(Mode::Events),
        Some(later @ ("live" | "lines")) => {
            Err(CliError::usage(format!("output mode {later} is not in this version"))
                .or_try("use grouped, quiet or json"))
        }
        Some(other) => {
            Err(CliError::usage(format!("there is no output mode {other:?}"))
                .or_try("use auto, grouped, quiet or json"))
        }
    }
}

/// When to use colour: the command line, our own variable, the user's config; other programs' variables go after.
pub(super) fn colour_when(context: &Context<'_>) -> ColourWhen {
    context.global.color.or(context.user.color.as_deref().and_then(ColourWhen::from_word)).unwrap_or_default()
}

/// Whether stdout gets colour.
pub(super) fn colour(context: &Context<'_>) -> bool {
    colour_when(context).decide(context.env, io::stdout().is_terminal())
}

/// How a list on stdout looks.
pub(super) fn look(context: &Context<'_>) -> Look {
    let style = Style { colour: colour(context), glyphs: Glyphs::of(context.env) };
    Look { style, width: output::stdout_width() }
}

/// How a transcript on stdout is written.
pub(super) fn options(context: &Context<'_>, rerun: Rerun, glyphs: Glyphs) -> TranscriptOptions {
    TranscriptOptions {
        program: context.program(),
        style: Style { colour: colour(context), glyphs },
        dialect: Dialect::of(context.env),
        randomness: Box::new(random),
        remote: None,
        subcommands: commands(),
        rerun,
    }
}

/// The names of the commands: a stage that bears one is reached by `local-ci run NAME` only.
pub(super) fn commands() -> Vec<String> {
    let help = std::iter::once("help".to_owned());
    Cli::command().get_subcommands().map(|sub| sub.get_name().to_owned()).chain(help).collect()
}

/// The system's own randomness.
fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // It can fail on a system that has only just booted; what is drawn there is at least unique.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        bytes[..4].copy_from_slice(&std::process::id().to_le_bytes());
    }
    bytes
}

/// Standard output, unbuffered: reporters write whole blocks, which a buffer by lines would cut in two.
struct Stdout;

impl io::Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A display of a run on stdout.
pub(super) fn display(mode: Mode, context: &Context<'_>, logs: RunLogs, rerun: Rerun) -> Display {
    let out = Stdout;
    let glyphs = match mode {
        // What programs parse does not depend on a person's locale.
        Mode::Grouped => Glyphs::Unicode,
        Mode::Quiet | Mode::Recap | Mode::Events | Mode::Report => Glyphs::of(context.env),
    };
    let reporter: Box<dyn Reporter> = match mode {
        Mode::Grouped => Box::new(Grouped::new(out, options(context, rerun, glyphs))),
        Mode::Quiet => Box::new(Quiet::new(out, options(context, rerun, glyphs))),
        Mode::Recap => Box::new(Recap::new(out, options(context, rerun, glyphs))),
        Mode::Events => Box::new(JsonEvents::new(out)),
        Mode::Report => Box::new(JsonReport::new(out)),
    };
    Display::new(reporter, Box::new(logs))
}
