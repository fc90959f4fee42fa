//! Where a repository's hooks are, and who else has them: `core.hooksPath` may lead to a directory of all of a user's
//! repositories, or to one that everybody gets with the work tree.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::git::{GitError, run};
use super::repository::Repository;
use crate::process::tool::{Tool, Tools};

/// Where hooks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where nobody else has them.
    Own,
    /// In a directory of the work tree that `core.hooksPath` names: who has the repository may have these hooks.
    InWorkTree,
    /// In a directory that `core.hooksPath` names for more than this repository.
    OfUser {
        /// The file that says so, as git calls it.
        origin: String,
    },
}

impl Place {
    /// Whose the hooks of a repository are.
    pub fn of(repository: &Repository, tools: &Tools) -> Result<Self, GitError> {
        let own = repository.common.join("hooks");
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if real(&repository.hooks) == real(&own) {
            return Ok(Self::Own);
        }
        if real(&repository.hooks).starts_with(&repository.top) {
            return Ok(Self::InWorkTree);
        }
        let tool = Tool::new(["git", "config", "--show-scope", "--show-origin", "-z", "--get", "core.hooksPath"]);
        let ran = run(tools, &tool.dir(&repository.top).env("LC_ALL", "C"))?;
        let mut parts = ran.stdout.split(|byte| *byte == 0).map(OsStr::from_bytes);
        let (scope, origin) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        // What is said of this repository alone leads where its user has it lead.
        if scope == "local" || scope == "worktree" {
            return Ok(Self::Own);
        }
        let origin = origin.to_string_lossy();
        let origin = origin.strip_prefix("file:").unwrap_or(&origin);
        Ok(Self::OfUser { origin: if origin.is_empty() { "its settings".to_owned() } else { origin.to_owned() } })
    }

    /// Whether others than the user of this one repository have what is set there.
    pub fn is_shared(&self) -> bool {
        *self != Self::Own
    }
}

/// The file of a manager of hooks in which a command stands for a hook; none where none is known.
pub fn managed(repository: &Repository, hook: &str) -> Option<PathBuf> {
    let husky = repository.hooks.ancestors().find(|dir| dir.file_name() == Some(OsStr::new(".husky")));
    let below = husky?.strip_prefix(repository.top.as_path()).ok()?;
    Some(below.join(hook))
}
