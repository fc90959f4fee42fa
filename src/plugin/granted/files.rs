//! Reading files, and looking for them.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::{Beneath, Held, Links};
use crate::cancel::CancelToken;
use crate::config::path_matcher;
use crate::plugin::authority::{Authority, Refusal, place};
use crate::plugin::services::{Entry, FileFailure};
use crate::text::plain::printable;
use crate::walk;

/// How much of a file is handed over at once, in bytes.
pub(super) const PIECE_MAX: u64 = 16 << 20;

/// The files of a project. Its directory is opened when one is asked for.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) root: PathBuf,
    pub(super) ours: Vec<PathBuf>,
    opened: Option<Beneath>,
}

/// What a glob found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// A directory that could not be looked into, as a sentence.
    pub(super) unseen: Option<String>,
}

impl Files {
    pub(super) fn new(root: PathBuf, ours: Vec<PathBuf>) -> Self {
        Self { root, ours, opened: None }
    }

    pub(super) fn beneath(&mut self) -> Result<&Beneath, FileFailure> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => Beneath::new(&self.root)
                .map_err(|error| FileFailure::Other(format!("the project's directory cannot be opened: {error}")))?,
        };
        Ok(self.opened.insert(opened))
    }

    /// At most `len` bytes from `offset` on of a file that may be read.
    pub(super) fn read(
        &mut self,
        authority: &Authority,
        path: &str,
        offset: u64,
        len: u64,
    ) -> Result<Vec<u8>, FileFailure> {
        let path = cleaned(path)?;
        authority.may_read(&path).map_err(denied)?;
        let beneath = self.beneath()?;
        let held = beneath.hold(&path, Links::Followed).map_err(|error| failure(&path, error))?;
        permitted(beneath, &held, &path, |real| authority.may_read(real))?;
        let rest = held.size().saturating_sub(offset);
        if len.min(rest) > PIECE_MAX {
            return Err(FileFailure::TooLarge(len.min(rest)));
        }
        let other =
            |error: std::io::Error| FileFailure::Other(format!("`{}` cannot be read: {error}", printable(&path)));
        if i64::try_from(offset).is_err() {
            // No file reaches so far, and the system has no word for it.
            return Ok(Vec::new());
        }
        let mut file = held.read().map_err(|error| failure(&path, error))?;
        if offset > 0 {
            file.seek(SeekFrom::Start(offset)).map_err(other)?;
        }
        let mut content = Vec::new();
        file.take(len.min(PIECE_MAX)).read_to_end(&mut content).map_err(other)?;
        Ok(content)
    }

    /// The files that may be read and match, in order of their paths, at most `limit`. Links are not among them: what they lead
    /// to is there under its own name. Who is asked to end looks no further.
    pub(super) fn glob(
        &mut self,
        authority: &Authority,
        (pattern, limit): (&str, u32),
        cancel: &CancelToken,
    ) -> Result<Found, FileFailure> {
        let shown = printable(pattern).into_owned();
        let pattern = place::clean(pattern).map_err(|why| FileFailure::Other(format!("`{shown}` {why}")))?;
        authority.may_look(&pattern).map_err(denied)?;
        let matcher =
            path_matcher(&pattern).map_err(|why| FileFailure::Other(format!("`{shown}` is no glob: {why}")))?;
        let mut found = Found::default();
        let mut paths = Vec::new();
        let root = self.root.clone();
        for file in walk::project(&root, vec![walk::start(&pattern).1]) {
            if cancel.level().is_some() {
                return Err(FileFailure::Other(format!("looking for `{shown}` was cancelled")));
            }
            match file {
                Ok((path, kind)) if kind.is_file() => match path.to_str() {
                    Some(path) if matcher.is_match(path) && authority.reads(path) => paths.push(path.to_owned()),
                    // Plugins know paths as text. Nobody is to take what they do not see for what they have looked at.
                    None if matcher.is_match(&path) && authority.reads(&path.to_string_lossy()) => {
                        let shown = path.to_string_lossy();
                        found.unseen.get_or_insert_with(|| unnamed(&shown));
                    }
                    Some(_) | None => {}
                },
                Ok(_) => {}
                Err(error) => found.unseen = found.unseen.or_else(|| Some(unseen(&error, &root))),
            }
        }
        paths.sort_unstable();
        let beneath = self.beneath()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // The walk went by paths: what is there beneath the project is looked at once more.
        let entries = paths.into_iter().filter_map(|path| {
            let held = beneath.hold(&path, Links::Refused).ok().filter(|held| held.kind() == FileType::RegularFile)?;
            Some(Entry { size: held.size(), path, dir: false })
        });
        found.entries = entries.take(limit).collect();
        Ok(found)
    }
}

fn unnamed(path: &str) -> String {
    format!("it does not see all files: the name of `{}` is no UTF-8", printable(path))
}

fn unseen(error: &ignore::Error, root: &Path) -> String {
    let (mut inner, mut place) = (error, String::new());
    while let ignore::Error::WithPath { err, .. }
    | ignore::Error::WithDepth { err, .. }
    | ignore::Error::WithLineNumber { err, .. } = inner
    {
        if let ignore::Error::WithPath { path, .. } = inner {
            place = path.strip_prefix(root).unwrap_or(path).display().to_string();
        }
        inner = err;
    }
    format!("it does not see all files: `{}`: {}", printable(&place), printable(&inner.to_string()))
}

/// A path in its one form.
pub(super) fn cleaned(path: &str) -> Result<String, FileFailure> {
    place::clean(path).map_err(|why| FileFailure::Denied(format!("`{}` {why}", printable(path))))
}

#[expect(clippy::needless_pass_by_value, reason = "what is made of it takes its place")]
pub(super) fn denied(refusal: Refusal) -> FileFailure {
    FileFailure::Denied(refusal.to_string())
}

/// Whether what is held is a regular file, and is permitted by its real path too. That path.
pub(super) fn permitted(
    beneath: &Beneath,
    held: &Held,
    path: &str,
    judge: impl Fn(&str) -> Result<(), Refusal>,
) -> Result<String, FileFailure> {
    let real = beneath.real(held).map_err(|error| FileFailure::Other(format!("/proc cannot be read: {error}")))?;
    let real = real.ok_or(FileFailure::Missing)?;
    if real != path {
        judge(&real).map_err(|refusal| {
            FileFailure::Denied(format!("`{}` is a link to `{}`: {refusal}", printable(path), printable(&real)))
        })?;
    }
    match held.kind() {
        FileType::RegularFile => Ok(real),
        FileType::Directory => Err(FileFailure::Other(format!("`{}` is a directory", printable(path)))),
        _ => Err(FileFailure::Other(format!("`{}` is no regular file", printable(path)))),
    }
}

/// What an error of the system means for a path.
pub(super) fn failure(path: &str, error: Errno) -> FileFailure {
    let path = printable(path);
    match error {
        Errno::NOENT | Errno::NOTDIR => FileFailure::Missing,
        Errno::XDEV => FileFailure::Denied(format!("`{path}` leads out of the project")),
        Errno::LOOP => FileFailure::Denied(format!("`{path}` goes through a link that is not followed")),
        error => FileFailure::Other(format!("`{path}` cannot be opened: {error}")),
    }
}
