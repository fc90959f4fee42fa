//! Which files have changed, asked of git: since the commit at which this work parted from a base.
//!
//! What cannot be told is never nothing: a clone that ends too early, a base that is not there, or one that has all of this
//! already on a machine that is to judge it, give [`Changed::Unknown`], and everything runs.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::env::{self, Env};
use crate::plan::Changed;
use crate::process::tool::Tools;
use crate::remote::tree::quiet_git;
use crate::session::hooks::git::{line, run};

/// Branches that a request to merge goes to, as services name them.
const TARGETS: &[&str] =
    &[env::GITHUB_BASE_REF, env::CI_MERGE_REQUEST_TARGET_BRANCH_NAME, env::BUILDKITE_PULL_REQUEST_BASE_BRANCH];

/// Since when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// Since the work began that is checked out: its upstream, or the main branch.
    #[default]
    Work,
    /// Since what a push finds there, as far as that is known here: for each reference a commit.
    Push(Vec<String>),
    /// Since the commit on which another is about to be made.
    Head,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The project's directory.
    pub root: &'a Path,
    /// The base that was named.
    pub base: Option<&'a str>,
    /// Since when, where none was.
    pub since: &'a Since,
    /// Files on which every stage depends, absolute.
    pub decisive: &'a [PathBuf],
}

/// A commit that could be the base.
struct Base {
    /// As a person calls it.
    name: String,
    commit: String,
}

/// Why nobody can tell.
struct Unknown(String);

/// Asks git. Costs about a dozen milliseconds.
pub fn look(question: &Question<'_>, env: &Env) -> Changed {
    let Question { root, decisive, .. } = *question;
    let git = Git { tools: Tools::plain(env), env };
    match git.look(question) {
        Ok((since, files)) => {
            let names: BTreeSet<PathBuf> = decisive.iter().filter_map(|file| relative(file, root)).collect();
            // A directory is a repository of its own, of which git says no more than that it is another.
            let decides = |file: &&PathBuf| names.contains(*file) || root.join(file).is_dir();
            Changed::Known { decisive: files.iter().find(decides).cloned(), since, files }
        }
        Err(Unknown(why)) => Changed::Unknown { why },
    }
}

fn relative(file: &Path, root: &Path) -> Option<PathBuf> {
    file.strip_prefix(root).ok().map(Path::to_owned)
}

struct Git<'a> {
    tools: Tools,
    env: &'a Env,
}

impl Git<'_> {
    /// What git prints, where it succeeds.
    fn ask(&self, dir: &Path, arguments: &[&str]) -> Result<Option<Vec<u8>>, Unknown> {
        let ran = run(&self.tools, &quiet_git(dir, arguments)).map_err(|error| Unknown(error.to_string()))?;
        Ok(ran.exit.success().then_some(ran.stdout))
    }

    /// The files, by their paths from the project's directory, and since when.
    fn look(&self, question: &Question<'_>) -> Result<(String, Vec<PathBuf>), Unknown> {
        let what = ["rev-parse", "--is-shallow-repository", "--show-prefix", "--show-toplevel"];
        let answer =
            self.ask(question.root, &what)?.ok_or_else(|| Unknown("this is no work tree of git".to_owned()))?;
        let mut lines = answer.split(|byte| *byte == b'\n').map(OsStr::from_bytes);
        let mut next = || lines.next().unwrap_or_default();
        let (is_shallow, prefix, top) = (next() == "true", PathBuf::from(next()), PathBuf::from(next()));
        let head = self.commits(&top, &["HEAD"])?.pop().flatten();
        let head = head.ok_or_else(|| Unknown("there is no commit yet".to_owned()))?;
        let bases = self.bases(question, &top)?;
        let mut files = BTreeSet::new();
        for base in &bases {
            let parted = self.ask(&top, &["merge-base", &base.commit, &head])?;
            let parted = parted.map(|out| String::from_utf8_lossy(&out).trim().to_owned()).ok_or_else(|| {
                let hint = if is_shallow {
                    "; this clone is shallow, and `git fetch --unshallow` brings the rest (`fetch-depth: 0` in a workflow)"
                } else {
                    ""
                };
                Unknown(format!("HEAD and {} have no commit in common{hint}", base.name))
            })?;
            if parted == head && self.env.is_ci() && question.base.is_none() && *question.since == Since::Work {
                return Err(Unknown(format!(
                    "{} has all of this already, and {} is set; name the base with --changed=BASE",
                    base.name,
                    env::CI
                )));
            }
            let diff = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", &parted, "--"];
            files.extend(self.list(&top, &diff)?);
        }
        files.extend(self.list(&top, &["ls-files", "--others", "--exclude-standard", "-z"])?);
        let names: Vec<&str> = bases.iter().map(|base| base.name.as_str()).collect();
        Ok((names.join(" and "), files.iter().map(|file| from(&prefix, file)).collect()))
    }

    fn list(&self, top: &Path, arguments: &[&str]) -> Result<Vec<PathBuf>, Unknown> {
        let out = self.ask(top, arguments)?.ok_or_else(|| Unknown("git cannot compare it with the base".to_owned()))?;
        let names = out.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
    }

    /// The commits that these names stand for.
    fn commits(&self, top: &Path, names: &[&str]) -> Result<Vec<Option<String>>, Unknown> {
        let mut asked = String::new();
        for name in names {
            asked.extend([name, "^{commit}\n"]);
        }
        let tool = quiet_git(top, ["cat-file", "--batch-check=%(objectname) %(objecttype)"]).stdin(asked);
        let ran = run(&self.tools, &tool).map_err(|error| Unknown(error.to_string()))?;
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let mut answers = said.lines();
        Ok(names.iter().map(|_| answers.next()?.strip_suffix(" commit").map(str::to_owned)).collect())
    }

    /// The commits that something may have changed since: at least one.
    fn bases(&self, question: &Question<'_>, top: &Path) -> Result<Vec<Base>, Unknown> {
        let first = |names: &[String]| {
            let asked: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = self.commits(top, &asked)?;
            let found =
                names.iter().zip(found).find_map(|(name, commit)| Some(Base { name: name.clone(), commit: commit? }));
            Ok::<_, Unknown>(found)
        };
        let missing = |name: &str| Unknown(format!("there is no commit {name} here"));
        if let Some(name) = question.base {
            return first(&[name.to_owned()])?.map(|base| vec![base]).ok_or_else(|| missing(name));
        }
        match question.since {
            Since::Head => return first(&["HEAD".to_owned()])?.map(|base| vec![base]).ok_or_else(|| missing("HEAD")),
            Since::Push(ids) if !ids.is_empty() => {
                let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
                let found = self.commits(top, &asked)?;
                let short = |id: &str| id.get(..10).unwrap_or(id).to_owned();
                return ids
                    .iter()
                    .zip(found)
                    .map(|(id, commit)| {
                        let commit = commit
                            .ok_or_else(|| Unknown(format!("what is there now ({}) was not fetched", short(id))))?;
                        Ok(Base { name: short(id), commit })
                    })
                    .collect();
            }
            Since::Push(_) | Since::Work => {}
        }
        if let Some(branch) = TARGETS.iter().find_map(|name| self.env.text(name)) {
            let names = [format!("origin/{branch}"), branch.to_owned()];
            return first(&names)?.map(|base| vec![base]).ok_or_else(|| {
                Unknown(format!("the branch {branch}, which this is to be merged into, was not fetched"))
            });
        }
        let mut names: Vec<String> = ["origin/HEAD", "origin/main", "origin/master"].map(str::to_owned).into();
        if *question.since == Since::Work {
            // What is pushed for the first time may well be the main branch itself.
            names.extend(["main", "master"].map(str::to_owned));
            let upstream = quiet_git(top, ["rev-parse", "--abbrev-ref", "--verify", "--quiet", "@{upstream}"]);
            let upstream = run(&self.tools, &upstream).map_err(|error| Unknown(error.to_string()))?;
            if upstream.exit.success() {
                names.insert(0, line(&upstream));
            }
        }
        first(&names)?.map(|base| vec![base]).ok_or_else(|| {
            Unknown("there is no upstream branch, and no main or master; name the base with --changed=BASE".to_owned())
        })
    }
}

/// A path below the top of the work tree, from a directory below it.
fn from(prefix: &Path, file: &Path) -> PathBuf {
    match file.strip_prefix(prefix) {
        Ok(below) => below.to_owned(),
        Err(_) => prefix.components().map(|_| Path::new("..")).collect::<PathBuf>().join(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_from_the_project() {
        let of = |prefix: &str, file: &str| from(Path::new(prefix), Path::new(file)).display().to_string();
        assert_eq!(of("", "a/b"), "a/b");
        assert_eq!(of("a/", "a/b"), "b");
        assert_eq!(of("a/c/", "ab"), "../../ab");
    }

    #[test]
    fn where_there_is_no_repository_nobody_can_tell() {
        let dir = tempfile::tempdir().unwrap();
        let question = Question { root: dir.path(), base: None, since: &Since::Work, decisive: &[] };
        let path = crate::env::Env::from_pairs([(env::PATH, "/usr/bin:/bin")]);
        assert!(matches!(look(&question, &path), Changed::Unknown { .. }));
    }
}
