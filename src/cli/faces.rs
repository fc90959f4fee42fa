//! Which face a run is shown with, and on what.

use std::io::{self, IsTerminal};
use std::sync::LazyLock;

use clap::CommandFactory;

use super::args::Cli;
use super::error::CliError;
use super::output;
use super::project::Context;
use crate::clock::SystemClock;
use crate::env;
use crate::pipeline::Annotations;
use crate::report::display::Display;
use crate::report::grouped::Grouped;
use crate::report::json::{JsonEvents, JsonReport};
use crate::report::lines::Lines;
use crate::report::live::{Live, LiveOptions};
use crate::report::quiet::Quiet;
use crate::report::recap::Recap;
use crate::report::terminal::{Features, Host, Stderr};
use crate::report::{
    Aside, ColourWhen, Detail, Dialect, Glyphs, Layout, Logs, Look, Reporter, Rerun, Style, TranscriptOptions, Words,
};
use crate::session::logs::RunLogs;

/// The names of faces, as they are typed.
pub(super) const MODES: [&str; 6] = ["auto", "live", "grouped", "lines", "quiet", "json"];

/// A face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Live,
    Grouped,
    Lines,
    Quiet,
    /// What came of each stage, after the run.
    Recap,
    /// Events, one object a line.
    Events,
    /// One report at the end.
    Report,
}

/// What decides whether a run can be shown live.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Surroundings {
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    /// A person sits here, and this is no CI.
    is_interactive: bool,
    /// In the background of a shell the terminal is another program's.
    is_foreground: bool,
    /// The terminal has a cursor that can be moved.
    has_cursor: bool,
    /// Somebody has the terminal read out: nothing may move on it.
    is_accessible: bool,
}

impl Surroundings {
    fn of(context: &Context<'_>) -> Self {
        Self {
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            is_interactive: context.is_interactive(),
            is_foreground: Stderr::is_foreground(),
            has_cursor: context.env.text(env::TERM).is_some_and(|term| term != "dumb"),
            is_accessible: context.env.truthy(env::ACCESSIBLE),
        }
    }

    /// Why nothing can be drawn on stderr, if so.
    fn objection(self) -> Option<&'static str> {
        if !self.stderr_is_terminal {
            Some("stderr is no terminal")
        } else if !self.has_cursor {
            Some("TERM is not set, or is dumb")
        } else if !self.is_foreground {
            Some("this is in the background of its terminal")
        } else {
            None
        }
    }

    /// Whether a person looks at both streams, and nothing speaks against drawing.
    fn suits_live(self) -> bool {
        self.stdout_is_terminal && self.is_interactive && self.objection().is_none()
    }

    /// The face of this name, and what to say where it is not the one that was asked for.
    fn mode(self, name: Option<&str>) -> Result<(Mode, Option<String>), CliError> {
        Ok(match name.unwrap_or("auto") {
            "auto" if !self.suits_live() => (Mode::Grouped, None),
            "auto" if self.is_accessible => (Mode::Lines, None),
            "auto" => (Mode::Live, None),
            "live" => match self.objection() {
                Some(why) => (Mode::Grouped, Some(format!("output is grouped, not live: {why}"))),
                None if self.is_accessible => {
                    let why = format!("output is in lines, not live: {} is set", env::ACCESSIBLE);
                    (Mode::Lines, Some(why))
                }
                None => (Mode::Live, None),
            },
            "grouped" => (Mode::Grouped, None),
            "lines" => (Mode::Lines, None),
            "quiet" => (Mode::Quiet, None),
            "json" => (Mode::Events, None),
            other => {
                return Err(CliError::usage(format!("there is no output mode {other:?}"))
                    .or_try("use auto, live, grouped, lines, quiet or json"));
            }
        })
    }
}

/// The face of this name, as far as it can be shown here.
pub(super) fn mode(context: &Context<'_>, name: Option<&str>) -> Result<Mode, CliError> {
    // Who asks for a CI's log wants to see it.
    let asks = context.global.ci.is_some_and(|dialect| dialect != Dialect::Plain);
    let name = if asks && name.is_none_or(|name| name == "auto") { Some("grouped") } else { name };
    let (mode, note) = Surroundings::of(context).mode(name)?;
    if let Some(note) = note {
        output::say(&format!("note: {note}"));
    }
    Ok(mode)
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
    let style = |glyphs| Style { colour: colour(context), glyphs };
    // What is read out is words, all of them, and no drawing.
    if context.env.truthy(env::ACCESSIBLE) {
        return Look { style: style(Glyphs::Ascii), width: None };
    }
    Look { style: style(Glyphs::of(context.env)), width: output::stdout_width() }
}

/// Whether what stages print is shown in colour.
pub(super) fn shows_colour(context: &Context<'_>, mode: Mode) -> bool {
    match mode {
        Mode::Grouped | Mode::Lines => colour(context),
        Mode::Live => colour_on_stderr(context),
        Mode::Quiet | Mode::Recap | Mode::Events | Mode::Report => false,
    }
}

fn colour_on_stderr(context: &Context<'_>) -> bool {
    colour_when(context).decide(context.env, io::stderr().is_terminal())
}

/// How a run is written in this mode.
fn options(context: &Context<'_>, rerun: Rerun, mode: Mode) -> TranscriptOptions {
    let is_live = mode == Mode::Live;
    let glyphs = match mode {
        // What programs parse does not depend on a person's locale.
        Mode::Grouped => Glyphs::Unicode,
        // What is read out is words, with whatever face.
        _ if context.env.truthy(env::ACCESSIBLE) => Glyphs::Ascii,
        Mode::Live | Mode::Lines | Mode::Quiet | Mode::Recap | Mode::Events | Mode::Report => Glyphs::of(context.env),
    };
    let dialect = context.global.ci.unwrap_or_else(|| Dialect::of(context.env));
    let workspace = dialect.workspace().and_then(|name| context.env.absolute(name));
    TranscriptOptions {
        program: context.program(),
        layout: match mode {
            Mode::Live if context.global.verbose > 0 => Layout::Everything,
            Mode::Live => Layout::Verdicts,
            Mode::Grouped | Mode::Lines | Mode::Quiet | Mode::Recap | Mode::Events | Mode::Report => Layout::Groups,
        },
        links: (is_live && Features::of(context.env).hyperlinks).then(Host::this),
        style: Style { colour: if is_live { colour_on_stderr(context) } else { colour(context) }, glyphs },
        // No CI's runner reads what is drawn on a terminal.
        dialect: if is_live { Dialect::Plain } else { dialect },
        is_passed_through: context.annotations == Annotations::Passthrough,
        // As the project's own directory is known: without links in it.
        workspace: workspace.map(|path| path.canonicalize().unwrap_or(path)),
        randomness: Box::new(random),
        is_subcommand: |word| {
            static COMMANDS: LazyLock<Vec<String>> = LazyLock::new(commands);
            COMMANDS.iter().any(|command| command == word)
        },
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

/// A display of a run that is over, or that nobody leaves by a key.
pub(super) fn display(mode: Mode, context: &Context<'_>, logs: RunLogs, rerun: Rerun) -> Display {
    foreground(mode, context, logs, rerun, false)
}

/// A display of a run that this process started, and that a key may leave.
pub(super) fn foreground(mode: Mode, context: &Context<'_>, logs: RunLogs, rerun: Rerun, may_leave: bool) -> Display {
    display_for(&Viewer { is_ours: true, may_leave }, mode, context, Box::new(logs), rerun)
}

/// A display of a run that this process only looks at: Ctrl+C leaves it.
pub(super) fn onlooker(
    mode: Mode,
    context: &Context<'_>,
    logs: Box<dyn Logs>,
    rerun: Rerun,
    may_leave: bool,
) -> Display {
    display_for(&Viewer { is_ours: false, may_leave }, mode, context, logs, rerun)
}

/// A display that shows nothing of a run.
pub(super) fn unseen(context: &Context<'_>, logs: RunLogs) -> Display {
    let options = options(context, Rerun::default(), Mode::Quiet);
    Display::new(Box::new(Quiet::new(io::sink(), options)), Box::new(logs))
}

/// Who looks at a run.
struct Viewer {
    /// Whether this process started it.
    is_ours: bool,
    /// Whether a key leaves it.
    may_leave: bool,
}

fn display_for(viewer: &Viewer, mode: Mode, context: &Context<'_>, logs: Box<dyn Logs>, rerun: Rerun) -> Display {
    let out = Stdout;
    let options = options(context, rerun, mode);
    let reporter: Box<dyn Reporter> = match mode {
        Mode::Live => match Stderr::terminal() {
            Some(terminal) => {
                let has_mark = Features::of(context.env).progress;
                let live = LiveOptions {
                    clock: Box::new(SystemClock),
                    is_ours: viewer.is_ours,
                    may_leave: viewer.may_leave,
                    has_mark,
                };
                Box::new(Live::new(terminal, options, live))
            }
            None => Box::new(Grouped::new(out, TranscriptOptions { layout: Layout::Groups, ..options })),
        },
        Mode::Grouped => Box::new(Grouped::new(out, options)),
        Mode::Lines => Box::new(Lines::new(out, options, context.env.truthy(env::ACCESSIBLE))),
        Mode::Quiet => Box::new(Quiet::new(out, options)),
        Mode::Recap => Box::new(Recap::new(out, options)),
        Mode::Events => Box::new(JsonEvents::new(out)),
        Mode::Report => Box::new(JsonReport::new(out)),
    };
    #[cfg(feature = "chaos")]
    let reporter = super::bug::armed(reporter, context.env);
    let display = Display::new(reporter, logs);
    match aside(mode, context) {
        Some(aside) => display.with_aside(aside),
        None => display,
    }
}

/// Where and how much is said of other machines, where the face itself says nothing of them and somebody looks on.
fn aside(mode: Mode, context: &Context<'_>) -> Option<Aside> {
    let detail = match mode {
        // It has them in its region and above it, or among the events; or the run is over.
        Mode::Live | Mode::Events | Mode::Recap => return None,
        Mode::Quiet | Mode::Report => Detail::Trouble,
        Mode::Grouped | Mode::Lines if context.global.verbose > 0 => Detail::All,
        Mode::Grouped | Mode::Lines => Detail::Usual,
    };
    let words = if context.env.truthy(env::ACCESSIBLE) { Words::Spoken } else { Words::Written };
    Some(Aside { say: Box::new(output::say), detail, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Surroundings = Surroundings {
        stdout_is_terminal: true,
        stderr_is_terminal: true,
        is_interactive: true,
        is_foreground: true,
        has_cursor: true,
        is_accessible: false,
    };

    /// H17, H193: a run is shown live where somebody looks at a terminal that can be drawn on, and only there.
    #[test]
    fn h17_h193_live_is_for_a_person_at_a_terminal() {
        let table = [
            (TERMINAL, Mode::Live, Mode::Live),
            (Surroundings { stdout_is_terminal: false, ..TERMINAL }, Mode::Grouped, Mode::Live),
            (Surroundings { stderr_is_terminal: false, ..TERMINAL }, Mode::Grouped, Mode::Grouped),
            (Surroundings { is_interactive: false, ..TERMINAL }, Mode::Grouped, Mode::Live),
            (Surroundings { is_foreground: false, ..TERMINAL }, Mode::Grouped, Mode::Grouped),
            (Surroundings { has_cursor: false, ..TERMINAL }, Mode::Grouped, Mode::Grouped),
            (Surroundings { is_accessible: true, ..TERMINAL }, Mode::Lines, Mode::Lines),
            (Surroundings { is_accessible: true, has_cursor: false, ..TERMINAL }, Mode::Grouped, Mode::Grouped),
        ];
        for (surroundings, auto, live) in table {
            assert_eq!(surroundings.mode(None).unwrap(), (auto, None), "{surroundings:?}");
            assert_eq!(surroundings.mode(Some("auto")).unwrap(), (auto, None), "{surroundings:?}");
            let (mode, note) = surroundings.mode(Some("live")).unwrap();
            assert_eq!((mode, note.is_some()), (live, live != Mode::Live), "{surroundings:?}");
            for (name, mode) in [("grouped", Mode::Grouped), ("lines", Mode::Lines), ("quiet", Mode::Quiet)] {
                assert_eq!(surroundings.mode(Some(name)).unwrap(), (mode, None));
            }
        }
        assert!(TERMINAL.mode(Some("shiny")).is_err());
    }
}
