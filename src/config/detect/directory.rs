//! One directory of a project, looked at by the names of its files.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::broken::Broken;
use crate::config::file;
use crate::config::find::{Bounds, file_trusted};

/// How many names of a directory are looked at where a pattern is to be matched.
pub(super) const NAMES_MAX: usize = 10_000;

/// What was seen on the way and is no stage.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Files that cannot be read as what they are.
    pub(super) broken: Vec<Broken>,
    /// Files of a project from which no stage could be made, each with why.
    pub(super) without_stages: Vec<String>,
    /// What a person should know before a run.
    pub(super) warnings: Vec<String>,
}

/// A directory.
#[derive(Clone, Copy)]
pub(super) struct Directory<'a> {
    pub(super) path: &'a Path,
    /// The directories above it that belong to the same project, nearest first.
    pub(super) above: &'a [PathBuf],
    /// Who asks, and who owns what.
    pub(super) bounds: Bounds<'a>,
}

impl Directory<'_> {
    /// Whether it has a file of this name. A link to one is one.
    pub(super) fn has(&self, name: &str) -> bool {
        self.path.join(name).is_file()
    }

    /// The first of these that it has.
    pub(super) fn first<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(name))
    }

    /// Whether it has a file of this name that may be acted on; one that may not be is said.
    pub(super) fn is_marked(&self, name: &str, seen: &mut Seen) -> bool {
        let path = self.path.join(name);
        match std::fs::metadata(&path) {
            Ok(meta) if !meta.is_file() => false,
            Ok(meta) if self.is_trusted(meta.uid()) => true,
            Ok(meta) => {
                seen.broken.push(Broken::not_owned(&path, meta.uid()));
                false
            }
            Err(_) => false,
        }
    }

    /// The text of a file that is to be acted on; none where it is not there, or where it is not to be read, which is
    /// then said.
    pub(super) fn read(&self, name: &str, seen: &mut Seen) -> Option<String> {
        let path = self.path.join(name);
        if !self.has(name) {
            return None;
        }
        match file::read(&path) {
            // Places in it are counted as they will be drawn.
            Ok(read) if self.is_trusted(read.owner) => Some(read.text.replace("\r\n", "\n")),
            Ok(read) => {
                seen.broken.push(Broken::not_owned(&path, read.owner));
                None
            }
            Err(refused) if refused.missing => None,
            Err(refused) => {
                seen.broken.push(Broken::whole(&path, refused.code, refused.why));
                None
            }
        }
    }

    /// The text of a file that only decides between tools; nothing where it cannot be had.
    pub(super) fn glance(&self, name: &str) -> String {
        let read = file::read(&self.path.join(name)).ok().filter(|read| self.is_trusted(read.owner));
        read.map(|read| read.text).unwrap_or_default()
    }

    fn is_trusted(&self, file_owner: u32) -> bool {
        (self.bounds.owner)(self.path).is_ok_and(|directory| file_trusted(file_owner, directory, self.bounds.me))
    }

    /// The names in a directory below it, `""` being itself, in order. Those that are no text are left out.
    pub(super) fn names(&self, below: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path.join(below)).into_iter().flatten().take(NAMES_MAX);
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str().map(str::to_owned)).collect();
        names.sort_unstable();
        names
    }

    /// The nearest directory, itself or one above it within the project, that has a file of this name.
    pub(super) fn nearest_with(&self, name: &str) -> Option<&Path> {
        let own = std::iter::once(self.path);
        own.chain(self.above.iter().map(PathBuf::as_path)).find(|directory| directory.join(name).is_file())
    }

    /// Its name, for messages.
    pub(super) fn label(&self) -> String {
        self.path.file_name().unwrap_or(OsStr::new("/")).to_string_lossy().into_owned()
    }
}
