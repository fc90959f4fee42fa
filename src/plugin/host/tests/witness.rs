//! Services that grant what a test says, and tell what they were asked.

use std::sync::{Arc, Mutex};

use crate::cancel::CancelToken;
use crate::event::Annotation;
use crate::pipeline::plugin::Limits;
use crate::plugin::host::Call;
use crate::plugin::services::{
    CommandExit, CommandFailure, CommandRequest, Entry, FileFailure, HttpFailure, HttpRequest, HttpResponse, Level,
    Line, Process, Services,
};

/// What was asked, in order.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    log: Vec<(Level, String)>,
    /// Whether lines for who looks for a fault are not wanted.
    is_deaf: bool,
    annotations: Vec<Annotation>,
}

impl Said {
    /// By who does not want lines for who looks for a fault.
    pub(super) fn without_details() -> Self {
        Self(Arc::new(Mutex::new(Inner { is_deaf: true, ..Inner::default() })))
    }

    /// The lines of the plugin.
    pub(super) fn log(&self) -> Vec<String> {
        self.0.lock().unwrap().log.iter().map(|(level, line)| format!("{level:?}: {line}")).collect()
    }

    pub(super) fn annotations(&self) -> Vec<Annotation> {
        self.0.lock().unwrap().annotations.clone()
    }

    /// A call whose services tell this.
    pub(super) fn call(&self) -> Call {
        self.call_that(|_| {})
    }

    /// The same; at each line of the plugin, `at_line` happens.
    pub(super) fn call_that(&self, at_line: impl FnMut(&str) + Send + 'static) -> Call {
        self.call_with(Box::new(at_line), Box::new(|| {}))
    }

    /// The same; each time that a file is read, `at_read` happens.
    pub(super) fn call_whose_reading(&self, at_read: impl FnMut() + Send + 'static) -> Call {
        self.call_with(Box::new(|_| {}), Box::new(at_read))
    }

    fn call_with(&self, at_line: AtLine, at_read: Box<dyn FnMut() + Send>) -> Call {
        let services = Box::new(Witness { said: self.clone(), at_line, at_read });
        Call { services, limits: Some(Limits::default()), cancel: CancelToken::new() }
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().log.push((Level::Info, line));
    }
}

struct Witness {
    said: Said,
    at_line: AtLine,
    at_read: Box<dyn FnMut() + Send>,
}

type AtLine = Box<dyn FnMut(&str) + Send>;

impl Services for Witness {
    fn hears(&self, level: Level) -> bool {
        level >= Level::Info || !self.said.0.lock().unwrap().is_deaf
    }

    fn log(&mut self, level: Level, message: &str) {
        self.said.0.lock().unwrap().log.push((level, message.to_owned()));
        (self.at_line)(message);
    }

    fn annotate(&mut self, items: Vec<Annotation>) {
        self.said.0.lock().unwrap().annotations.extend(items);
    }

    fn progress(&mut self, done: u64, total: Option<u64>, note: Option<&str>) {
        self.said.note(format!("progress {done} of {total:?}, {note:?}"));
    }

    fn settings(&self) -> String {
        r#"{"a":1}"#.to_owned()
    }

    fn read(&mut self, path: &str, offset: u64, len: u64) -> Result<Vec<u8>, FileFailure> {
        (self.at_read)();
        self.said.note(format!("read {path} from {offset}, {len}"));
        Ok(b"content".to_vec())
    }

    fn glob(&mut self, pattern: &str, limit: u32) -> Result<Vec<Entry>, FileFailure> {
        self.said.note(format!("glob {pattern}, {limit}"));
        Err(FileFailure::Denied("not granted".to_owned()))
    }

    fn write(&mut self, path: &str, content: &[u8]) -> Result<(), FileFailure> {
        self.said.note(format!("write {path}, {}", content.len()));
        Err(FileFailure::Missing)
    }

    fn env(&mut self, name: &str) -> Option<String> {
        self.said.note(format!("env {name}"));
        None
    }

    fn spawn(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        self.said.note(format!("spawn {}", request.argv.join(" ")));
        Ok(Box::new(Echo(self.said.clone(), false)))
    }

    fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        self.said.note(format!("send {}", request.url));
        Err(HttpFailure::Timeout)
    }

    fn now_ms(&mut self) -> Result<u64, String> {
        Err("asked for the time, and `clock` is not granted".to_owned())
    }
}

/// A command that prints one line.
struct Echo(Said, bool);

impl Process for Echo {
    fn next_lines(&mut self, _: u32) -> Result<Vec<Line>, CommandFailure> {
        let first = !std::mem::replace(&mut self.1, true);
        Ok(if first { vec![Line { is_err: true, text: "printed".to_owned() }] } else { Vec::new() })
    }

    fn kill(&mut self) {
        self.0.note("kill".to_owned());
    }

    fn wait(&mut self) -> Result<CommandExit, CommandFailure> {
        Ok(CommandExit { code: Some(3), ..CommandExit::default() })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.note("dropped".to_owned());
    }
}
