//! What would be sent, looked up here without any connection.

use std::fs;
use std::path::{Path, PathBuf};

use super::listing::{Nested, list};
use super::names::Globs;
use super::order::Hands;
use super::repository::Repository;
use super::there::There;
use crate::pipeline::remote::{Remote, Sync};
use crate::process::tool::Tools;
use crate::remote::shell::Answer;
use crate::remote::{Bulk, Fault, FaultKind};

/// What would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// How: as asked for, or by rsync where there is no repository.
    pub mode: Sync,
    /// How many files the tree has.
    pub files: u64,
    /// How many bytes they have, before anything is left out that is there already.
    pub bytes: u64,
    /// Files that are not sent since their names say that they hold secrets, by their paths from the top of what is sent.
    pub left_out: Vec<PathBuf>,
    /// What else a person should know, a sentence each.
    pub notices: Vec<String>,
}

/// Nobody is asked anything.
struct Nowhere;

impl There for Nowhere {
    fn host(&self) -> &'static str {
        "another machine"
    }

    fn call(&self, _script: &str, _cancelled: &(dyn Fn() -> bool + std::marker::Sync)) -> Result<Answer, Fault> {
        Err(Fault::new(FaultKind::Unsupported, "nothing is asked of another machine in a preview"))
    }

    fn bulk(&self) -> Bulk {
        Bulk { command: Vec::new(), host: String::new() }
    }
}

/// Looks up what would be sent of a project: its files as they are now, of which only those go over the line that are not
/// there yet. With `sync = "none"` that is nothing.
pub fn preview(root: &Path, remote: &Remote, tools: &Tools) -> Result<Preview, Fault> {
    let hands = Hands { there: &Nowhere, tools, cancelled: &|| false, tell: &|_| {} };
    let empty = |mode| Preview { mode, files: 0, bytes: 0, left_out: Vec::new(), notices: Vec::new() };
    let repository = match remote.sync {
        Sync::None => return Ok(empty(Sync::None)),
        Sync::Rsync if tools.find("git").is_err() => None,
        Sync::Git | Sync::Rsync => Repository::find(root, &hands)?,
    };
    let mode = if repository.is_none() { Sync::Rsync } else { remote.sync };
    let nested = if mode == Sync::Git { Nested::LeftOut } else { Nested::Listed };
    let mut listing = list(root, repository.as_ref(), nested, &Globs::new(&remote.include)?, &hands)?;
    if mode != remote.sync {
        listing.notices.insert(0, super::notices::no_repository());
    }
    let sizes = listing.files.iter().filter_map(|path| fs::symlink_metadata(listing.top.join(path)).ok());
    let bytes = sizes.map(|metadata| metadata.len()).sum();
    let files = u64::try_from(listing.files.len()).unwrap_or(u64::MAX);
    Ok(Preview { files, bytes, left_out: listing.secrets, notices: listing.notices, ..empty(mode) })
}
