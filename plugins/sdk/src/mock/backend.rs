//! What stands behind this crate's functions in a native test.

use super::{WORLD, World, glob};
use crate::output::Level;
use crate::{Annotation, Line, commands, files, http};

/// Asks the world that this thread is in.
#[expect(
    clippy::expect_used,
    reason = "a test that calls a plugin outside of a host is at fault, and reads how to mend it"
)]
fn world<R>(act: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(|world| {
        act(world.as_mut().expect("no host here: call the plugin through local_ci_plugin::mock::Host"))
    })
}

pub(crate) fn log(level: Level, message: &str) {
    world(|w| w.log.push((level, message.to_owned())));
}

pub(crate) fn annotate(items: &[Annotation]) {
    world(|w| w.annotations.extend_from_slice(items));
}

pub(crate) fn progress(done: u64, total: Option<u64>, note: Option<&str>) {
    world(|w| w.progress.push((done, total, note.map(str::to_owned))));
}

pub(crate) fn settings() -> String {
    world(|w| w.settings.to_string())
}

pub(crate) fn env(name: &str) -> Option<String> {
    world(|w| w.grants("env", |granted| granted == name || granted == "*").then(|| w.env.get(name).cloned()).flatten())
}

pub(crate) fn now_ms() -> u64 {
    world(|w| {
        assert!(w.grants("clock", |_| true), "the clock is not granted: add Need::clock");
        w.now_ms
    })
}

/// A path as the real host takes it: relative, and never up.
fn checked(w: &World, kind: &str, path: &str) -> Result<(), files::Failure> {
    let inside = !path.starts_with('/') && path.split('/').all(|part| part != "..");
    if inside && w.grants(kind, |pattern| glob::matches(pattern, path)) {
        Ok(())
    } else {
        Err(files::Failure::Denied(format!("{kind} = [{path:?}]")))
    }
}

pub(crate) fn read(path: &str, offset: u64, len: u64) -> Result<Vec<u8>, files::Failure> {
    world(|w| {
        checked(w, "files-read", path)?;
        let content = w.files.get(path).ok_or(files::Failure::Missing)?;
        let rest = content.iter().skip(usize::try_from(offset).unwrap_or(usize::MAX));
        Ok(rest.take(usize::try_from(len).unwrap_or(usize::MAX)).copied().collect())
    })
}

pub(crate) fn glob(pattern: &str, limit: u32) -> Result<Vec<files::Entry>, files::Failure> {
    world(|w| {
        if !w.grants("files-read", |_| true) {
            return Err(files::Failure::Denied(format!("files-read = [{pattern:?}]")));
        }
        let matching = w.files.iter().filter(|(path, _)| glob::matches(pattern, path));
        let granted = matching.filter(|(path, _)| checked(w, "files-read", path).is_ok());
        let entry = |(path, content): (&String, &Vec<u8>)| files::Entry {
            path: path.clone(),
            size: content.len() as u64,
            dir: false,
        };
        Ok(granted.map(entry).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    })
}

pub(crate) fn write(path: &str, content: &[u8]) -> Result<(), files::Failure> {
    world(|w| {
        checked(w, "files-write", path)?;
        w.files.insert(path.to_owned(), content.to_vec());
        Ok(())
    })
}

/// Whether a command is what a pattern in words says.
fn command_fits(pattern: &str, argv: &[String]) -> bool {
    let words: Vec<_> = pattern.split_whitespace().collect();
    let (fixed, open) = match words.split_last() {
        Some((&"**", fixed)) => (fixed, true),
        _ => (words.as_slice(), false),
    };
    let long_enough = if open { argv.len() >= fixed.len() } else { argv.len() == fixed.len() };
    long_enough && fixed.iter().zip(argv).all(|(word, given)| *word == "*" || word == given)
}

/// Whether a command is permitted by a pattern in words. As [`command_fits`], but that nothing that is left open is an option,
/// unless the pattern says that one may stand there, or that none can.
fn command_granted(pattern: &str, argv: &[String]) -> bool {
    let mut words: Vec<_> = pattern.split_whitespace().collect();
    let rest = words.last().copied().filter(|word| matches!(*word, "**" | "-**"));
    if rest.is_some() {
        words.pop();
    }
    let mut has_options = words.first().is_none_or(|program| *program == "*");
    let Some((front, behind)) = argv.split_at_checked(words.len()) else { return false };
    for (word, given) in words.iter().zip(front) {
        let fits = match *word {
            "-*" => true,
            "*" => has_options || !given.starts_with('-'),
            word => word == given,
        };
        if !fits {
            return false;
        }
        has_options |= matches!(*word, "--" | "--end-of-options");
    }
    let any = has_options || rest == Some("-**");
    behind.is_empty() || rest.is_some() && behind.iter().all(|given| any || !given.starts_with('-'))
}

/// A command that has printed all it prints.
#[derive(Debug)]
pub(crate) struct Process {
    lines: std::collections::VecDeque<Line>,
    exit: commands::Exit,
}

pub(crate) fn spawn(command: commands::Command) -> Result<Process, commands::Failure> {
    world(|w| {
        let words = command.argv.join(" ");
        if !w.grants("commands", |pattern| command_granted(pattern, &command.argv)) {
            return Err(commands::Failure::Denied(format!("commands = [{words:?}]")));
        }
        let fits = |pattern: &str| pattern == words || command_fits(pattern, &command.argv);
        let answer = w.answers.iter().find(|(pattern, _)| fits(pattern)).map(|(_, answer)| answer.clone());
        w.ran.push(command);
        let answer = answer.ok_or(commands::Failure::NotFound(words))?;
        Ok(Process {
            lines: answer.lines.into(),
            exit: commands::Exit { code: Some(answer.code), ..commands::Exit::default() },
        })
    })
}

#[expect(clippy::unnecessary_wraps, reason = "as in the component")]
impl Process {
    pub(crate) fn next_lines(&mut self, max: u32) -> Result<Vec<Line>, commands::Failure> {
        let count = self.lines.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(self.lines.drain(..count).collect())
    }

    pub(crate) fn kill(&mut self) {
        self.lines.clear();
        self.exit = commands::Exit { signal: Some(9), ..commands::Exit::default() };
    }

    pub(crate) fn wait(&mut self) -> Result<commands::Exit, commands::Failure> {
        self.lines.clear();
        Ok(self.exit)
    }
}

/// `host` or `host:port` of a URL, as grants have it.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

pub(crate) fn send(request: http::Request) -> Result<http::Response, http::Failure> {
    world(|w| {
        let host = host_of(&request.url);
        if !w.grants("http", |granted| granted == host || granted == "*") {
            return Err(http::Failure::Denied(format!("http = [{host:?}]")));
        }
        w.requests.push(request);
        w.replies.pop_front().ok_or(http::Failure::Timeout)
    })
}
