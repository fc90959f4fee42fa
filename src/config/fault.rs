//! What is wrong with a configuration: faults with a code, places in the files, and advice.
//!
//! All files of one configuration share one numbering of bytes: the second begins where the first ends. So a place is
//! a plain range, whatever file it is in, and [`Sources`] alone knows which.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::code::Code;

/// A file of the configuration, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// How it is called in messages: relative to where the program was started, if it is below that.
    pub name: String,
    /// Its text, without a byte order mark and with plain line ends: a script in a file with Windows line ends is for
    /// the same shell.
    pub text: String,
    /// BLAKE3 of the text, in hex.
    pub hash: String,
}

impl SourceFile {
    /// A file with this text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let (path, text): (PathBuf, String) = (path.into(), text.into());
        let text = if text.contains('\r') { text.replace("\r\n", "\n") } else { text };
        let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
        Self { name: path.display().to_string(), path, text, hash }
    }
}

/// The files of one configuration, in the order in which later ones override earlier ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources(pub(super) Vec<SourceFile>);

impl Sources {
    /// Where a file begins in the common numbering.
    pub(super) fn base(&self, file: usize) -> usize {
        self.0[..file].iter().map(|source| source.text.len() + 1).sum()
    }

    /// Which file a place is in, and where in it.
    pub(super) fn locate(&self, at: usize) -> (usize, usize) {
        let mut rest = at;
        for (file, source) in self.0.iter().enumerate() {
            if rest <= source.text.len() {
                return (file, rest);
            }
            rest -= source.text.len() + 1;
        }
        (self.0.len().saturating_sub(1), self.0.last().map_or(0, |source| source.text.len()))
    }

    /// The line and column of a place, in characters, counted from one.
    pub(super) fn position(&self, at: usize) -> (usize, usize, usize) {
        let (file, at) = self.locate(at);
        let text = self.0.get(file).map_or("", |source| source.text.as_str());
        let before = &text.as_bytes()[..at.min(text.len())];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |i| i + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        // Continuation bytes belong to the character before them.
        let column = before[line_start..].iter().filter(|byte| **byte & 0xc0 != 0x80).count() + 1;
        (file, line, column)
    }
}

/// A place and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) span: Range<usize>,
    pub(super) text: String,
}

/// Where a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a file as a whole.
    File(PathBuf),
    /// At these places; the first is the fault's own.
    Labels(Vec<Label>),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) place: Place,
    pub(super) help: Option<String>,
}

impl Fault {
    /// A fault at a place.
    pub(super) fn new(code: Code, message: impl Into<String>, span: Range<usize>, label: impl Into<String>) -> Self {
        let label = Label { span, text: label.into() };
        Self { code, message: message.into(), place: Place::Labels(vec![label]), help: None }
    }

    /// A fault of a file as a whole.
    pub(super) fn of_file(code: Code, message: impl Into<String>, path: &Path) -> Self {
        Self { code, message: message.into(), place: Place::File(path.into()), help: None }
    }

    /// The same with one more place.
    pub(super) fn and(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        if let Place::Labels(labels) = &mut self.place {
            labels.push(Label { span, text: text.into() });
        }
        self
    }

    /// The same with advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where it is, in the common numbering.
    pub(super) fn start(&self) -> Option<usize> {
        match &self.place {
            Place::File(_) => None,
            Place::Labels(labels) => labels.first().map(|label| label.span.start),
        }
    }

    /// Its kind.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A fault as data, for `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// The file it is in.
    pub file: String,
    /// Its line, counted from one; none if it is the file as a whole.
    pub line: Option<usize>,
    /// Its column in characters, counted from one.
    pub column: Option<usize>,
    /// Its code, such as `LC0301`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// How many faults are kept. Who has more begins with these.
pub(super) const FAULTS_MAX: usize = 100;

/// How many words are compared to find what unknown ones were meant to be. It takes a fraction of a second, and
/// matters only where thousands of stages have faults.
const COMPARISONS_MAX: usize = 200_000;

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct FaultList {
    pub(super) faults: Vec<Fault>,
    compared: usize,
    /// How many were found beyond those that are kept; the search for more may have been cut short.
    pub(super) left_out: usize,
}

impl FaultList {
    pub(super) fn push(&mut self, fault: Fault) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.faults.push(fault);
        }
    }

    pub(super) fn push_all(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }

    /// Whether another fault would only be counted, so that nothing costly need be done for it.
    pub(super) fn is_full(&self) -> bool {
        self.faults.len() >= FAULTS_MAX
    }

    /// Whether it is worth comparing this many words to advise on a fault that is about to be added.
    pub(super) fn may_compare(&mut self, words: usize) -> bool {
        self.compared = self.compared.saturating_add(words);
        !self.is_full() && self.compared <= COMPARISONS_MAX
    }

    /// How many there are in all.
    pub(super) fn count(&self) -> usize {
        self.faults.len() + self.left_out
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }
}
