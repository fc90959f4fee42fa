//! The files of the work tree here, without a commit: by git's rules where there is a repository, else by what the files
//! named `.gitignore` say.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::names::{Globs, is_ours, is_secret};
use super::notices;
use super::order::Hands;
use super::repository::{Repository, git};
use crate::remote::Fault;

/// What there is to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The directory that all paths begin at.
    pub(super) top: PathBuf,
    /// Regular files and symbolic links, in order.
    pub(super) files: BTreeSet<PathBuf>,
    /// Files with secrets, which are not among them.
    pub(super) secrets: Vec<PathBuf>,
    /// What else a person should know.
    pub(super) notices: Vec<String>,
}

/// Directories in which version control keeps what is its own.
const VERSION_CONTROL: &[&str] = &[".git", ".hg", ".svn", ".jj"];

/// What becomes of repositories in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nested {
    /// Their files are listed too.
    Listed,
    /// They are left out, with a notice.
    LeftOut,
}

/// Lists the files of a project and of the repository that it is part of.
pub(super) fn list(
    root: &Path,
    repository: Option<&Repository>,
    nested: Nested,
    include: &Globs,
    hands: &Hands<'_>,
) -> Result<Listing, Fault> {
    let (top, prefix) = match repository {
        Some(repository) => (repository.top.clone(), repository.prefix.as_path()),
        None => (root.to_owned(), Path::new("")),
    };
    let mut listing = Listing { top, ..Listing::default() };
    match repository {
        Some(_) => {
            let mut found = Vec::new();
            listing.add_known(Path::new(""), nested, &mut found, hands)?;
            listing.notices.extend(notices::repositories(&found));
        }
        None => listing.add_walked(),
    }
    listing.files.retain(|path| !is_ours(path));
    let is_included = |path: &Path| path.strip_prefix(prefix).is_ok_and(|path| include.has(path));
    listing.secrets = listing.files.iter().filter(|path| is_secret(path) && !is_included(path)).cloned().collect();
    for path in &listing.secrets {
        listing.files.remove(path);
    }
    for glob in include.texts() {
        let only = Globs::new(&[std::slice::from_ref(glob), &negated(include)].concat())?;
        let found = matched(&listing.top.join(prefix), &only);
        if found.is_empty() {
            listing.notices.push(notices::matched_nothing("sync.include", glob));
        }
        listing.files.extend(found.into_iter().map(|path| prefix.join(path)));
    }
    Ok(listing)
}

fn negated(globs: &Globs) -> Vec<String> {
    globs.taken_out().iter().map(|text| format!("!{text}")).collect()
}

impl Listing {
    /// What git knows of, or would, in the repository at this path and in those below it; or else where those are.
    fn add_known(
        &mut self,
        below: &Path,
        nested: Nested,
        found: &mut Vec<PathBuf>,
        hands: &Hands<'_>,
    ) -> Result<(), Fault> {
        let what = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let ran = hands.run_well(&git(&self.top.join(below), what), "list the files of the work tree")?;
        for line in ran.said().lines() {
            let start = "warning: could not open directory '";
            if let Some(path) = line.strip_prefix(start).and_then(|rest| rest.strip_suffix("': Permission denied")) {
                self.notices.push(notices::unreadable(path));
            }
        }
        for name in ran.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let path = below.join(OsStr::from_bytes(name.strip_suffix(b"/").unwrap_or(name)));
            // What is known may be gone, and what git names as one thing may be a repository of its own.
            let Ok(metadata) = fs::symlink_metadata(self.top.join(&path)) else { continue };
            if !metadata.is_dir() {
                self.files.insert(path);
            } else if nested == Nested::LeftOut {
                found.push(path);
            } else if self.top.join(&path).join(".git").exists() {
                self.add_known(&path, nested, found, hands)?;
            }
        }
        Ok(())
    }

    /// What no `.gitignore` hides.
    fn add_walked(&mut self) {
        let walk = WalkBuilder::new(&self.top)
            .hidden(false)
            .ignore(false)
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false)
            .filter_entry(|entry| !VERSION_CONTROL.iter().any(|name| entry.file_name() == *name))
            .build();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.notices.push(notices::unreadable(&error.to_string()));
                    continue;
                }
            };
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file() || kind.is_symlink());
            if let (true, Ok(path)) = (is_file, entry.path().strip_prefix(&self.top)) {
                self.files.insert(path.to_owned());
            }
        }
    }
}

/// The files here that globs match, ignored or not, by their paths below the directory.
pub(super) fn matched(root: &Path, globs: &Globs) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for (start, depth) in globs.starts() {
        let walk = WalkBuilder::new(root.join(start))
            .standard_filters(false)
            .max_depth(depth)
            .filter_entry(|entry| !VERSION_CONTROL.iter().any(|name| entry.file_name() == *name))
            .build();
        for entry in walk.flatten() {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file() || kind.is_symlink());
            if let (true, Ok(path)) = (is_file, entry.path().strip_prefix(root))
                && globs.has(path)
                && !is_ours(path)
            {
                found.insert(path.to_owned());
            }
        }
    }
    found
}
