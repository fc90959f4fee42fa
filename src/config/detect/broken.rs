//! A project's file that does not say what it should, with the place in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::config::code::Code;
use crate::config::fault::{Fault, SourceFile};
use crate::config::visible::visible_line;

/// A file of the project that cannot be read as what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Broken {
    pub(in crate::config) path: PathBuf,
    code: Code,
    /// What is wrong; reads after the file's name.
    what: String,
    /// Its text and the place in it, where it has one.
    place: Option<(String, Range<usize>)>,
    help: Option<&'static str>,
}

/// What goes before all that is said here: a configuration makes the question moot.
const HELP: &str = "mend it, or say what to run in a local-ci.toml";

impl Broken {
    /// A file that is wrong at a place.
    pub(super) fn at(path: &Path, text: &str, place: Range<usize>, what: &str) -> Self {
        let what = visible_line(what);
        let place = Some((text.to_owned(), place));
        Self { path: path.into(), code: Code::ProjectFile, what, place, help: Some(HELP) }
    }

    /// A file that is wrong as a whole.
    pub(super) fn whole(path: &Path, code: Code, what: String) -> Self {
        Self { path: path.into(), code, what, place: None, help: Some(HELP) }
    }

    /// A file that somebody else put there.
    pub(super) fn not_owned(path: &Path, owner: u32) -> Self {
        let what = format!("belongs to another user (number {owner})");
        let help = Some("if you trust it, say what to run in a local-ci.toml of your own");
        Self { path: path.into(), code: Code::NotOwned, what, place: None, help }
    }

    /// As a fault, whose place counts from `base`, and the file that it is drawn on.
    pub(in crate::config) fn fault(self, name: &str, base: usize) -> (Fault, Option<SourceFile>) {
        let message = format!("{name} {}", self.what);
        let (fault, source) = match self.place {
            None => (Fault::of_file(self.code, message, &self.path), None),
            Some((text, place)) => {
                let span = base + place.start..base + place.end;
                let source = SourceFile { name: name.to_owned(), ..SourceFile::new(&self.path, text) };
                (Fault::new(self.code, message, span, "here"), Some(source))
            }
        };
        (if let Some(help) = self.help { fault.help(help) } else { fault }, source)
    }
}
