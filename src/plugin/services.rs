//! What a plugin can ask of its host, in our own words. One implementation owns all checks; versions of the contract are
//! translated to this, and hosts for tests stand in for it.

use crate::event::Annotation;
pub use crate::executor::reading::Printed;

/// How much a line of a plugin matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For who looks for a fault in the plugin, step by step.
    Trace,
    /// For who looks for a fault in the plugin.
    Debug,
    /// For everybody.
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

/// Why there is no file, or no part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFailure {
    /// It was not granted; with what would have to be.
    Denied(String),
    /// There is none.
    Missing,
    /// It is larger than what is handed over at once, in bytes.
    TooLarge(u64),
    /// Anything else, as a sentence.
    Other(String),
}

/// A file that a glob found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the project's directory.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Whether it is a directory.
    pub dir: bool,
}

/// A command that a plugin wants to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandRequest {
    /// Whether what it prints on stdout is for the plugin alone, and not for the stage's log.
    pub quiet: bool,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Relative to the project's directory; none: the stage's own.
    pub dir: Option<String>,
    /// Variables on top of the stage's.
    pub env: Vec<(String, String)>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// Why a command is not run, or no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandFailure {
    /// It was not granted; with what would have to be.
    Denied(String),
    /// There is no such program.
    NotFound(String),
    /// The stage is to end.
    Cancelled,
    /// Anything else, as a sentence.
    Other(String),
}

/// A line of a command's output, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it came from stderr.
    pub is_err: bool,
    /// What it says; what is no UTF-8 is replaced.
    pub text: String,
}

impl<'a> From<&'a Line> for Printed<'a> {
    fn from(line: &'a Line) -> Self {
        Self { is_err: line.is_err, text: &line.text }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandExit {
    /// Its code, where no signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether its time was up.
    pub timed_out: bool,
    /// Bytes of its output that nobody fetched in time.
    pub dropped_bytes: u64,
}

/// A command that runs. Dropping it ends it.
pub trait Process: Send {
    /// Waits for output, and gives at most so many lines of it; none where the command has ended and all was given.
    fn next_lines(&mut self, max: u32) -> Result<Vec<Line>, CommandFailure>;
    /// Has it end, whatever it does.
    fn kill(&mut self);
    /// Waits for its end.
    fn wait(&mut self) -> Result<CommandExit, CommandFailure>;
}

/// A header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// As it stands.
    Plain(String),
    /// With `{{NAME}}` for secrets.
    Secret(String),
}

/// A request to another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Whereto; its path and query may have `{{NAME}}` for secrets.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, HeaderValue)>,
    /// What is sent.
    pub body: Vec<u8>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status, also where it is no success.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// What was sent.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpFailure {
    /// It was not granted; with what would have to be.
    Denied(String),
    /// The time was up.
    Timeout,
    /// Anything else, as a sentence.
    Other(String),
}

/// What stands behind a plugin's imports during one call, or one session. Called from the thread that runs the guest.
pub trait Services: Send {
    /// Whether lines that matter so much are wanted at all.
    fn hears(&self, level: Level) -> bool;
    /// A line of the plugin's.
    fn log(&mut self, level: Level, message: &str);
    /// Something that it found. The host names the source.
    fn annotate(&mut self, items: Vec<Annotation>);
    /// How far it is.
    fn progress(&mut self, done: u64, total: Option<u64>, note: Option<&str>);
    /// Its settings, a JSON object as text.
    fn settings(&self) -> String;
    /// At most `len` bytes of a file from `offset` on.
    fn read(&mut self, path: &str, offset: u64, len: u64) -> Result<Vec<u8>, FileFailure>;
    /// The granted files that match, sorted, at most `limit`.
    fn glob(&mut self, pattern: &str, limit: u32) -> Result<Vec<Entry>, FileFailure>;
    /// Replaces a file as a whole.
    fn write(&mut self, path: &str, content: &[u8]) -> Result<(), FileFailure>;
    /// A variable; none where it is not set or was not granted, which is said to the user once.
    fn env(&mut self, name: &str) -> Option<String>;
    /// Starts a command.
    fn spawn(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure>;
    /// Speaks to another host.
    fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, HttpFailure>;
    /// Milliseconds since 1970; the error says that it was not granted, and ends the call.
    fn now_ms(&mut self) -> Result<u64, String>;
}
