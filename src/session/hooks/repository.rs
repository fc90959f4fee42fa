//! The repository that a hook is for, as git itself sees it from there.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::git::{GitError, run, run_well};
use crate::env::Env;
use crate::process::tool::{Tool, Tools};
use crate::remote::tree::quiet_git;

/// Which repository a hook is called for, where git says so. In a linked work tree, and with `--git-dir`, nothing else does.
const POINTERS: &[&str] = &["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"];
/// Where a hook finds objects that are not in the repository yet.
const OBJECTS: &[&str] = &["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"];
/// The index of the commit that is being made, which may be another one than the repository's.
const INDEX: &str = "GIT_INDEX_FILE";

/// A repository with a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The work tree's first directory, canonical.
    pub top: PathBuf,
    /// What belongs to this work tree alone: its index and its HEAD.
    pub dir: PathBuf,
    /// What it shares with other work trees, canonical: objects, references, settings.
    pub common: PathBuf,
    /// Whether its objects are known by SHA-256.
    pub is_sha256: bool,
    /// Where git looks for hooks.
    pub hooks: PathBuf,
    /// Directories with its objects, the repository's own first.
    pub objects: Vec<PathBuf>,
    /// The index of the commit that is being made.
    pub index: PathBuf,
    /// What tells git that it is this repository, on top of where it is started.
    pointers: Vec<(OsString, OsString)>,
}

/// What there is around a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// A repository with a work tree.
    Repository(Box<Repository>),
    /// A repository without one.
    Bare(PathBuf),
    /// None.
    Nothing,
}

impl Surroundings {
    /// Looks around a directory, with what git has told us in the environment. What it told of paths is meant from `started`,
    /// where the program was started.
    pub fn of(directory: &Path, started: &Path, env: &Env, tools: &Tools) -> Result<Self, GitError> {
        let pointers: Vec<(OsString, OsString)> = POINTERS
            .iter()
            .filter_map(|name| {
                Some(((*name).into(), started.join(env.get(name).filter(|value| !value.is_empty())?).into()))
            })
            .collect();
        let what = ["--is-bare-repository", "--show-object-format", "--git-common-dir", "--absolute-git-dir"];
        // Its own settings decide where the hooks are: nothing is to be set here. Without a work tree, the last one fails,
        // when everything else has been said.
        let tool =
            Tool::new(["git", "rev-parse"].into_iter().chain(what).chain(["--git-path", "hooks", "--show-toplevel"]));
        let tool = tool.dir(directory).env("LC_ALL", "C").env("LANGUAGE", "");
        let ran = run(tools, &pointers.iter().fold(tool, |tool, (name, value)| tool.env(name, value)))?;
        let mut lines = ran.stdout.split(|byte| *byte == b'\n').map(|line| PathBuf::from(OsStr::from_bytes(line)));
        let mut next = || lines.next().filter(|line| !line.as_os_str().is_empty());
        let (Some(bare), Some(format), Some(common), Some(dir), Some(hooks)) = (next(), next(), next(), next(), next())
        else {
            let is_none = ran.said().contains("not a git repository");
            return if is_none { Ok(Self::Nothing) } else { Err(GitError::of("look at the repository", &ran)) };
        };
        let Some(top) = next() else {
            if bare.as_os_str() == "true" {
                return Ok(Self::Bare(dir));
            }
            // In `.git` itself, or in one whose work tree is not there.
            return Err(GitError::of("look at the work tree", &ran));
        };
        let real = |path: PathBuf| directory.join(&path).canonicalize().unwrap_or_else(|_| directory.join(&path));
        let common = real(common);
        let listed = |name: &str| env.get(name).map(OsStr::to_owned).unwrap_or_default();
        let elsewhere = OBJECTS.iter().flat_map(|name| std::env::split_paths(&listed(name)).collect::<Vec<_>>());
        let mut objects = vec![common.join("objects")];
        for path in elsewhere.filter(|path| !path.as_os_str().is_empty()).map(|path| real(started.join(path))) {
            if !objects.contains(&path) {
                objects.push(path);
            }
        }
        let index = env.get(INDEX).filter(|path| !path.is_empty());
        Ok(Self::Repository(Box::new(Repository {
            index: index.map_or_else(|| dir.join("index"), |path| started.join(path)),
            top: real(top),
            dir,
            is_sha256: format.as_os_str() == "sha256",
            hooks: directory.join(hooks),
            objects,
            common,
            pointers,
        })))
    }
}

/// A commit, and the tree that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The commit, in hex digits.
    pub id: String,
    /// Its tree, in hex digits.
    pub tree: String,
}

impl Repository {
    /// A git that changes nothing of this repository.
    pub fn git<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Tool {
        let tool = quiet_git(&self.top, arguments);
        self.pointers.iter().fold(tool, |tool, (name, value)| tool.env(name, value))
    }

    /// The commits that these names stand for, each with its tree; none for one that stands for none, such as a tag of a
    /// file. Asked all at once.
    pub fn commits(&self, names: &[&str], tools: &Tools) -> Result<Vec<Option<Commit>>, GitError> {
        let mut asked = String::new();
        for name in names {
            for what in ["commit", "tree"] {
                asked.extend([name, "^{", what, "}\n"]);
            }
        }
        let alternates = std::env::join_paths(&self.objects).unwrap_or_default();
        let tool = self.git(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
        let tool = tool.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates).stdin(asked);
        let ran = run_well(tools, &tool, "look at what is to be tested")?;
        let said = String::from_utf8_lossy(&ran.stdout);
        let mut answers = said.lines();
        let mut id = |kind: &str| {
            let (id, found) = answers.next()?.rsplit_once(' ')?;
            (found == kind).then(|| id.to_owned())
        };
        Ok(names
            .iter()
            .map(|_| {
                let (commit, tree) = (id("commit"), id("tree"));
                Some(Commit { id: commit?, tree: tree? })
            })
            .collect())
    }

    /// The branch that is checked out, in full (`refs/heads/x`), whether it has a commit yet or not.
    pub fn branch(&self, tools: &Tools) -> Result<Option<String>, GitError> {
        let ran = run(tools, &self.git(["symbolic-ref", "--quiet", "HEAD"]))?;
        Ok(ran.exit.success().then(|| super::git::line(&ran)))
    }
}
