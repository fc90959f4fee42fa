//! What stages make, brought back and forth: files that globs match, of which only those go over the line whose content is
//! another.

mod content;
mod fetch;
mod publish;
mod put;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::order::Hands;

pub(super) use fetch::fetch;
pub(super) use publish::Published;
pub(super) use put::put;

/// Between which directories, and with what.
pub(super) struct Exchange<'a> {
    pub(super) hands: &'a Hands<'a>,
    /// The project's directory here.
    pub(super) root: &'a Path,
    /// The one there.
    pub(super) dir: &'a Path,
    /// Where it is below the directory that was sent.
    pub(super) prefix: &'a Path,
    /// Our own directory there, where the tree is one that we have brought there.
    pub(super) base: Option<&'a Path>,
    /// Our own directory here.
    pub(super) store: &'a Path,
    /// When the tree was sent, by the clock of the file system here.
    pub(super) since: Option<SystemTime>,
    /// What was brought here.
    pub(super) published: &'a Published,
}

/// What was brought from one machine to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many files were new or had changed.
    pub files: u64,
    /// How much that was, in bytes.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
    /// Whether no file at all was matched.
    pub is_nothing: bool,
}

/// A name as scripts print it, which begins with `./`.
fn name(bytes: &[u8]) -> PathBuf {
    let bytes = bytes.strip_prefix(b"./").unwrap_or(bytes);
    let start = bytes.iter().position(|byte| *byte != b'/').unwrap_or(bytes.len());
    PathBuf::from(OsStr::from_bytes(&bytes[start..]))
}

/// Names as scripts take them.
fn names<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<u8> {
    let mut names = Vec::new();
    for path in paths {
        names.extend_from_slice(b"./");
        names.extend_from_slice(path.as_os_str().as_bytes());
        names.push(0);
    }
    names
}

/// Whether a path stays below the directory that it begins at, and names something in it.
fn stays(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Whether a symbolic link at this path of the project points into the project.
fn points_inside(path: &Path, target: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

/// Some of them, to be named.
fn some(paths: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    paths.iter().cloned().collect()
}
