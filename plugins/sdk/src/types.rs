//! The words that plugins and local-ci share: what a call is about, and what may come of it.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// May be wrong.
    Warning,
    /// Is wrong.
    Error,
}

/// A place in a file. Lines and columns count from one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Relative to the project's directory, with `/`.
    pub path: String,
    /// Where it begins.
    pub line: Option<u32>,
    /// Where it begins in that line, in characters.
    pub column: Option<u32>,
    /// Where it ends.
    pub end_line: Option<u32>,
    /// Where it ends in that line.
    pub end_column: Option<u32>,
}

impl Span {
    /// A file as a whole.
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// A line of a file.
    pub fn line(path: impl Into<String>, line: u32) -> Self {
        Self { line: Some(line), ..Self::file(path) }
    }

    /// The same from this column on.
    pub fn column(mut self, column: u32) -> Self {
        self.column = Some(column);
        self
    }
}

/// Something to be told of the project, best with the place where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, in a sentence.
    pub message: String,
    /// What the rule is called, such as `E0308`.
    pub code: Option<String>,
    /// A line that stands above the message.
    pub title: Option<String>,
    /// Where it is.
    pub at: Option<Span>,
    /// For what later versions may want to know.
    pub extra: Vec<(String, String)>,
}

impl Annotation {
    /// Something to be told, of this severity.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self { severity, message: message.into(), code: None, title: None, at: None, extra: Vec::new() }
    }

    /// Something that is wrong.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// Something that may be wrong.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    /// Something worth knowing.
    pub fn note(message: impl Into<String>) -> Self {
        Self::new(Severity::Note, message)
    }

    /// With the rule's name.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With a line above the message.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// With the place.
    pub fn at(mut self, at: Span) -> Self {
        self.at = Some(at);
        self
    }
}

/// What a call is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The run's identifier; empty where nothing runs yet, as for an expander.
    pub run: String,
    /// The stage's name; empty for an expander.
    pub stage: String,
    /// Counted from one.
    pub attempt: u32,
    /// `with`, a JSON object as text. [`Context::params`] reads it.
    pub params: String,
    /// More of it, by name. [`Context::fix`] and [`Context::dir`] read what there is today.
    pub extra: Vec<(String, String)>,
}

impl Context {
    /// The settings of this use (`with`) as a type of the plugin's. With `#[serde(default, deny_unknown_fields)]` and
    /// `rename_all = "kebab-case"` on it, faults are named as the pipeline's author wrote them.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let text = if self.params.trim().is_empty() { "{}" } else { &self.params };
        serde_json::from_str(text).map_err(|error| Problem::new("params", format!("`with` does not fit: {error}")))
    }

    /// Whether the stage is to mend what it finds (`--fix`).
    pub fn fix(&self) -> bool {
        self.get("fix") == Some("true")
    }

    /// The stage's directory, relative to the project's; empty where it is the same.
    pub fn dir(&self) -> &str {
        match self.get("dir") {
            Some(".") | None => "",
            Some(dir) => dir,
        }
    }

    /// A value of `extra`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.extra.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Why there is no result: the plugin is at fault, or what it stands on. A check that found something has an [`Outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem, in kebab-case, for programs.
    pub code: String,
    /// What is wrong and what to do, in a sentence.
    pub message: String,
    /// Whether another try may help. Nothing is tried again for it yet.
    pub retryable: bool,
    /// For what later versions may want to know.
    pub extra: Vec<(String, String)>,
}

impl Problem {
    /// A problem that another try does not help.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), retryable: false, extra: Vec::new() }
    }

    /// The same, where another try may help.
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Problem {}

/// Whether a stage is content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All is well.
    Passed,
    /// Something is not.
    Failed,
    /// There was nothing to look at.
    Skipped,
}

/// What a stage came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it is content.
    pub verdict: Verdict,
    /// The same in a line, for who reads only that.
    pub summary: Option<String>,
    /// Named results. No stage can use them yet: the log of this one says so.
    pub outputs: Vec<(String, String)>,
    /// For what later versions may want to know.
    pub extra: Vec<(String, String)>,
}

impl Outcome {
    fn new(verdict: Verdict, summary: impl Into<String>) -> Self {
        Self { verdict, summary: Some(summary.into()), outputs: Vec::new(), extra: Vec::new() }
    }

    /// All is well.
    pub fn passed(summary: impl Into<String>) -> Self {
        Self::new(Verdict::Passed, summary)
    }

    /// Something is not.
    pub fn failed(summary: impl Into<String>) -> Self {
        Self::new(Verdict::Failed, summary)
    }

    /// There was nothing to look at.
    pub fn skipped(summary: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, summary)
    }

    /// With a named result.
    pub fn output(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.outputs.push((name.into(), value.into()));
        self
    }
}

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A line is shorter, in bytes; so is the last piece of a longer one, and no other.
pub(crate) const PIECE: usize = 64 * 1024;

/// A line of output, without its end. What was no UTF-8 has been replaced. A command's line of 64 KiB or more comes in pieces:
/// see [`Line::goes_on`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was written.
    pub channel: Channel,
    /// What it says.
    pub text: String,
}

impl Line {
    /// A line of standard output.
    pub fn out(text: impl Into<String>) -> Self {
        Self { channel: Channel::Out, text: text.into() }
    }

    /// A line of standard error.
    pub fn err(text: impl Into<String>) -> Self {
        Self { channel: Channel::Err, text: text.into() }
    }

    /// Whether this is a piece of a command's line that goes on with the next of its channel. The last piece is shorter than
    /// all others, and may be empty.
    pub fn goes_on(&self) -> bool {
        self.text.len() >= PIECE
    }
}

/// A stage that an expander makes.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSpec {
    /// Its name.
    pub name: String,
    /// The JSON form of a `[stages.NAME]` table, an object.
    pub body: Value,
    /// For what later versions may want to know.
    pub extra: Vec<(String, String)>,
}

impl StageSpec {
    /// A stage of this name, with the keys of a `[stages.NAME]` table.
    pub fn new(name: impl Into<String>, body: Value) -> Self {
        Self { name: name.into(), body, extra: Vec::new() }
    }
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, counted by the run.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What kind of event, as in `docs/events.md`.
    pub kind: String,
    /// The stage that it is about, where it is about one.
    pub stage: Option<String>,
    /// The event as it stands in the run's journal, JSON as text. [`Event::data`] reads it.
    pub data: String,
}

impl Event {
    /// The event as it stands in the run's journal, as a type of the plugin's, or as a `serde_json::Value`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_str(&self.data)
            .map_err(|error| Problem::new("event", format!("the event {} cannot be read: {error}", self.kind)))
    }
}
