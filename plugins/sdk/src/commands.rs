//! Commands of the machine where the stage runs. Grant: `commands = [patterns]`, each a command in words, where `*` stands for
//! any one word and `**` at the end for any number. No shell is involved. What a command prints goes to the stage's log
//! as well, unless it is [`quiet`](Command::quiet).
//!
//! ```no_run
//! # fn main() -> Result<(), local_ci_plugin::Problem> {
//! use local_ci_plugin::commands::Command;
//!
//! let output = Command::new("git").args(["rev-parse", "HEAD"]).output()?;
//! let head = output.success()?.stdout();
//! # Ok(()) }
//! ```

use std::fmt;

use crate::backend;
use crate::types::{Channel, Line, Problem};

/// Why a command is not run, or no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not granted; with what would have to be.
    Denied(String),
    /// There is no such program.
    NotFound(String),
    /// The stage is to end. Whoever gets this should end as well.
    Cancelled,
    /// Anything else, as a sentence.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(what) => write!(f, "not granted: {what}"),
            Self::NotFound(program) => write!(f, "there is no program {program}"),
            Self::Cancelled => f.write_str("the stage was cancelled"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::Denied(_) => "denied",
            Failure::NotFound(_) => "not-found",
            Failure::Cancelled => "cancelled",
            Failure::Other(_) => "command",
        };
        Self::new(code, failure.to_string())
    }
}

/// A command to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Relative to the project's directory; none: the stage's own.
    pub dir: Option<String>,
    /// Variables on top of the stage's.
    pub env: Vec<(String, String)>,
    /// How long it may take, in milliseconds; none: as long as the stage.
    pub timeout_ms: Option<u64>,
    /// Whether what it prints on stdout is for the plugin alone, and not for the stage's log.
    pub quiet: bool,
}

impl Command {
    /// A program, as PATH finds it.
    pub fn new(program: impl Into<String>) -> Self {
        Self { argv: vec![program.into()], ..Self::default() }
    }

    /// With another argument.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.argv.push(argument.into());
        self
    }

    /// With other arguments.
    pub fn args<I: IntoIterator<Item: Into<String>>>(mut self, arguments: I) -> Self {
        self.argv.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// In this directory, relative to the project's.
    pub fn dir(mut self, dir: impl Into<String>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// With this variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// For so many milliseconds at most.
    pub fn timeout_ms(mut self, timeout: u64) -> Self {
        self.timeout_ms = Some(timeout);
        self
    }

    /// Keeps what it prints on stdout out of the stage's log: the plugin reads it, and says what there is to say.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Starts it. There is one at a time.
    pub fn spawn(self) -> Result<Process, Failure> {
        backend::spawn(self).map(Process)
    }

    /// Runs it to its end and gives what it printed. For a command that prints much, read [`Command::spawn`]'s lines.
    pub fn output(self) -> Result<Output, Failure> {
        let name = self.argv.join(" ");
        let mut process = self.spawn()?;
        let mut lines = Vec::new();
        loop {
            let more = process.next_lines(1000)?;
            if more.is_empty() {
                break;
            }
            lines.extend(more);
        }
        Ok(Output { name, lines, exit: process.wait()? })
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its code, where no signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether its time was up.
    pub timed_out: bool,
    /// Bytes of its output that came faster than they were read, and are lost.
    pub dropped_bytes: u64,
}

/// A command that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Process(backend::Process);

impl Process {
    /// Waits for output, and gives at most `max` lines of it, or pieces of lines; none where the command has ended and all was given.
    pub fn next_lines(&mut self, max: u32) -> Result<Vec<Line>, Failure> {
        self.0.next_lines(max)
    }

    /// Has it end, whatever it does.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<Exit, Failure> {
        self.0.wait()
    }
}

/// What a command that has ended came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    name: String,
    /// What it printed, a long line in pieces: see [`Line::goes_on`].
    pub lines: Vec<Line>,
    /// How it ended.
    pub exit: Exit,
}

impl Output {
    /// What it printed on standard output, as one text with an end of line after each line.
    pub fn stdout(&self) -> String {
        self.text(Channel::Out)
    }

    /// What it printed on standard error.
    pub fn stderr(&self) -> String {
        self.text(Channel::Err)
    }

    fn text(&self, channel: Channel) -> String {
        let of_channel = self.lines.iter().filter(|line| line.channel == channel);
        of_channel.flat_map(|line| [line.text.as_str(), if line.goes_on() { "" } else { "\n" }]).collect()
    }

    /// The same where it ended with code 0 and nothing of its output is lost; otherwise a problem, with the last line that
    /// it printed on standard error.
    pub fn success(self) -> Result<Self, Problem> {
        let how = match self.exit {
            Exit { timed_out: true, .. } => "took too long".to_owned(),
            Exit { dropped_bytes: 0, code: Some(0), .. } => return Ok(self),
            Exit { code: Some(0), dropped_bytes, .. } => {
                format!("printed {dropped_bytes} bytes too fast, and they are lost")
            }
            Exit { code: Some(code), .. } => format!("ended with code {code}"),
            Exit { signal: Some(signal), .. } => format!("was ended by signal {signal}"),
            Exit { .. } => "did not end by itself".to_owned(),
        };
        let said = self.lines.iter().rev().find(|line| line.channel == Channel::Err && !line.text.trim().is_empty());
        let said = said.map(|line| format!(": {}", line.text.trim())).unwrap_or_default();
        Err(Problem::new("command", format!("`{}` {how}{said}", self.name)))
    }
}
