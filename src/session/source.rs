//! Which commit and branch are checked out, read from the repository's own files: a run is not to wait for a git process.
//!
//! The format is git's: gitrepository-layout(5).

use std::fs;
use std::path::{Path, PathBuf};

/// What is checked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The commit, in hex.
    pub commit: Option<String>,
    /// The branch, if it is one.
    pub branch: Option<String>,
}

/// Looks upward from a directory for a repository and reads what it has checked out.
pub fn read(directory: &Path) -> Source {
    let Some(git) = directory.ancestors().find_map(git_dir) else { return Source::default() };
    let Ok(head) = fs::read_to_string(git.join("HEAD")) else { return Source::default() };
    match head.trim().strip_prefix("ref: ") {
        None => Source { commit: Some(head.trim().to_owned()), branch: None },
        Some(reference) => Source {
            commit: resolve(&git, reference),
            branch: reference.strip_prefix("refs/heads/").map(str::to_owned),
        },
    }
}

/// What all work trees of the repository around a directory have in common: the directory of its objects and references,
/// without links in it.
pub fn common_dir(directory: &Path) -> Option<PathBuf> {
    let git = directory.ancestors().find_map(git_dir)?;
    let common = fs::read_to_string(git.join("commondir")).map_or(git.clone(), |dir| git.join(dir.trim_end()));
    fs::canonicalize(common).ok()
}

/// The repository of a work tree: its `.git`, or where a `.git` file points to.
fn git_dir(directory: &Path) -> Option<PathBuf> {
    let git = directory.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    Some(directory.join(text.strip_prefix("gitdir: ")?.trim_end()))
}

/// The commit of a reference: in a file of its own, or packed; in a linked work tree also in the common directory.
fn resolve(git: &Path, reference: &str) -> Option<String> {
    let common = fs::read_to_string(git.join("commondir")).map_or(git.to_owned(), |dir| git.join(dir.trim_end()));
    let loose = [git, &common].iter().find_map(|dir| fs::read_to_string(dir.join(reference)).ok());
    loose.map(|text| text.trim().to_owned()).or_else(|| {
        let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
        packed.lines().find_map(|line| {
            let (commit, name) = line.split_once(' ')?;
            (name == reference).then(|| commit.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_loose_packed_detached_and_linked() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        assert_eq!(read(dir.path()), Source::default());
        fs::create_dir_all(at("repo/.git/refs/heads/topic")).unwrap();
        fs::create_dir_all(at("repo/src")).unwrap();
        fs::write(at("repo/.git/HEAD"), "ref: refs/heads/topic/x\n").unwrap();
        let on = |commit: Option<&str>, branch: Option<&str>| Source {
            commit: commit.map(str::to_owned),
            branch: branch.map(str::to_owned),
        };
        assert_eq!(read(&at("repo/src")), on(None, Some("topic/x")));
        fs::write(at("repo/.git/packed-refs"), "# pack-refs\nabc refs/heads/topic/x\n").unwrap();
        assert_eq!(read(&at("repo/src")), on(Some("abc"), Some("topic/x")));
        fs::write(at("repo/.git/refs/heads/topic/x"), "def\n").unwrap();
        assert_eq!(read(&at("repo")), on(Some("def"), Some("topic/x")));
        fs::create_dir_all(at("repo/.git/worktrees/w")).unwrap();
        fs::create_dir_all(at("w")).unwrap();
        fs::write(at("w/.git"), format!("gitdir: {}\n", at("repo/.git/worktrees/w").display())).unwrap();
        fs::write(at("repo/.git/worktrees/w/HEAD"), "ref: refs/heads/topic/x\n").unwrap();
        fs::write(at("repo/.git/worktrees/w/commondir"), "../..\n").unwrap();
        assert_eq!(read(&at("w")), on(Some("def"), Some("topic/x")));
        assert_eq!(common_dir(&at("w")), common_dir(&at("repo/src")));
        assert_eq!(common_dir(&at("w")), Some(at("repo/.git").canonicalize().unwrap()));
        fs::write(at("repo/.git/HEAD"), "0123\n").unwrap();
        assert_eq!(read(&at("repo")), on(Some("0123"), None));
    }
}
