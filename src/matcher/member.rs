//! One of the things that a stage's lines are held against.

use std::path::{Path, PathBuf};

use regex::Regex;

use super::place::Place;
use crate::event::{Annotation, Severity, Spot};

/// Reads lines, one after the other. A line that is of no interest costs it a search for a few words.
pub(super) trait Member: Send {
    /// The next line.
    fn line(&mut self, line: &str, finds: &mut Finds<'_>);

    /// There is no more. `exit` is what the attempt ended with; none where a signal ended it.
    fn finish(&mut self, exit: Option<i32>, finds: &mut Finds<'_>) {
        let _ = (exit, finds);
    }
}

/// What a member has found, its path as the tool wrote it.
#[derive(Clone, Debug)]
pub(super) struct Find {
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) code: Option<String>,
    pub(super) title: Option<String>,
    pub(super) at: Option<Whereabouts>,
}

/// A place as a tool writes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Whereabouts {
    pub(super) path: String,
    /// What the path is relative to, where that is not the stage's directory.
    pub(super) from: Option<PathBuf>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    pub(super) end_line: Option<u32>,
    pub(super) end_column: Option<u32>,
}

impl Whereabouts {
    /// In a file, at a line and a column where these are numbers.
    pub(super) fn new(path: &str, line: Option<&str>, column: Option<&str>) -> Self {
        Self { path: path.to_owned(), line: number(line), column: number(column), ..Self::default() }
    }

    /// Relative to this directory.
    pub(super) fn relative_to(mut self, from: Option<&Path>) -> Self {
        self.from = from.map(Path::to_owned);
        self
    }
}

/// A number that counts from one.
pub(super) fn number(text: Option<&str>) -> Option<u32> {
    text.and_then(|text| text.trim().parse().ok()).filter(|number| *number > 0)
}

impl Find {
    /// Something that is wrong.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), code: None, title: None, at: None }
    }

    pub(super) fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    pub(super) fn code(self, code: Option<&str>) -> Self {
        Self { code: code.map(str::to_owned), ..self }
    }

    pub(super) fn title(self, title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..self }
    }

    pub(super) fn at(self, at: Whereabouts) -> Self {
        Self { at: Some(at), ..self }
    }
}

/// Where finds go, and what is known of the project.
pub(super) struct Finds<'a> {
    pub(super) place: &'a Place,
    /// Who finds: the matcher's name.
    pub(super) source: &'a str,
    pub(super) out: &'a mut dyn FnMut(Annotation),
}

impl Finds<'_> {
    /// Takes in what was found. What is said of a file outside of the project is nothing that could be mended in it, and is
    /// dropped, but for an error: that one is kept without a place.
    pub(super) fn add(&mut self, find: Find) {
        let Find { severity, mut message, code, title, at } = find;
        let mut spot = None;
        if let Some(at) = at {
            match self.place.relative(&at.path, at.from.as_deref()) {
                Some(path) => {
                    let Whereabouts { line, column, end_line, end_column, .. } = at;
                    spot = Some(Spot { path, line, column, end_line, end_column });
                }
                None if severity < Severity::Error => return,
                None => {
                    let line = at.line.map(|line| format!(":{line}")).unwrap_or_default();
                    message = format!("{message} (at {}{line})", at.path);
                }
            }
        }
        (self.out)(Annotation { severity, message, code, title, at: spot, source: self.source.to_owned() });
    }
}

/// How much something matters, as a tool's word for it.
pub(super) fn severity(word: &str) -> Option<Severity> {
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&["error", "err", "fatal error", "fatal", "failure", "critical", "e", "f"]) {
        Some(Severity::Error)
    } else if is(&["warning", "warn", "w"]) {
        Some(Severity::Warning)
    } else if is(&["note", "info", "information", "notice", "hint", "help", "style", "suggestion", "i", "n"]) {
        Some(Severity::Note)
    } else {
        None
    }
}

/// One of our own regular expressions.
///
/// # Panics
/// Where it is none, which the tests see: each of them is compiled there.
pub(super) fn own(regex: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "they are constants, and a test compiles every one")]
    Regex::new(regex).expect("a regular expression of our own")
}
