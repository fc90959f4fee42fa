//! A work tree of our own, in which commits are tested: `<cache>/trees/<repository>-<hash>/work`.
//!
//! It is a repository of its own that borrows the objects of the user's (gitrepository-layout(5), `alternates`), has a copy
//! of its references and reads its settings. So it stands in no list of work trees, programs that ask git about the commit
//! get answers, and whatever a stage does with git is done here. From one push to the next only files that differ are written,
//! and what git ignores stays: what was built stays built, also by its times.
//!
//! One process has it at a time; it lets go when it ends, however. A run that was given up may still be ending in it: that
//! is waited for, too.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::git::{GitError, line, run, run_well};
use super::repository::Repository;
use crate::clock::{Clock, SystemClock};
use crate::journal::layout::{RunDir, create_dir, private_file, read_file};
use crate::journal::lock;
use crate::journal::replace::replace;
use crate::process::tool::{Tool, Tools};
use crate::remote::tree::quiet_git;

/// What our repositories are like; one that is like another is made anew.
const FORMAT: u32 = 1;
/// How often it is looked whether a run has ended that may still use the tree.
const LOOK: Duration = Duration::from_millis(100);
/// For how long nothing is said of waiting.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is to be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The tree, in hex digits.
    pub tree: String,
    /// What HEAD is to be.
    pub head: Head,
}

/// What HEAD is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A commit: that which is tested, or the one on which it is about to be made.
    Commit(String),
    /// A branch without a commit, in full.
    Unborn(String),
}

impl Head {
    fn text(&self) -> String {
        match self {
            Self::Commit(id) => format!("{id}\n"),
            Self::Unborn(branch) => format!("ref: {branch}\n"),
        }
    }
}

/// The work tree of a repository, held.
#[derive(Debug)]
pub struct PrivateTree {
    base: PathBuf,
    tools: Tools,
    _lock: File,
}

impl PrivateTree {
    /// Takes the work tree that there is for a repository, or the place for one. Waits for who has it; `tell` says so.
    pub fn take(cache: &Path, repository: &Repository, tools: &Tools, tell: &dyn Fn(&str)) -> Result<Self, GitError> {
        let base = place(cache, &repository.common);
        let unusable = |error: io::Error| GitError::io(&format!("use {}", base.display()), &error);
        create_dir(&base).map_err(unusable)?;
        let path = base.join("lock");
        let open = || private_file().write(true).create(true).truncate(false).open(&path);
        let held = loop {
            let file = open().map_err(unusable)?;
            if !try_for(PATIENCE, || lock::try_exclusive(&file)).map_err(unusable)? {
                tell(&format!("waiting for another push or commit that is tested in {}", base.join("work").display()));
                lock::wait_exclusive(&file).map_err(unusable)?;
            }
            // Who clears the cache may have taken the file away meanwhile.
            if lock::is_file_at(&file, &path).map_err(unusable)? {
                break file;
            }
            create_dir(&base).map_err(unusable)?;
        };
        let tree = Self { base, tools: tools.clone(), _lock: held };
        tree.await_last_run(tell);
        Ok(tree)
    }

    /// The work tree.
    pub fn work(&self) -> PathBuf {
        self.base.join("work")
    }

    /// Waits for the end of the last run in it, where that is a run of somebody who went away.
    fn await_last_run(&self, tell: &dyn Fn(&str)) {
        let Ok(path) = read_file(&self.base.join("run")) else { return };
        let run = RunDir::new(PathBuf::from(OsStr::from_bytes(&path)));
        let goes_on = || lock::is_held(&run.lock()).unwrap_or(false);
        if !goes_on() {
            return;
        }
        tell(&format!("waiting for the end of a run that was given up ({})", run.path().display()));
        while goes_on() {
            std::thread::sleep(LOOK);
        }
    }

    /// Says which run uses it from now on.
    pub fn used_by(&self, run: &RunDir) {
        // Who cannot say it risks no more than that the next does not wait.
        let _ = replace(&self.base.join("run"), run.path().as_os_str().as_bytes());
    }

    /// The tree of the index of the commit that is being made. Nothing of the user's repository is written.
    pub fn tree_of_index(&self, repository: &Repository) -> Result<String, GitError> {
        self.prepare(repository)?;
        let copy = self.base.join("index");
        let what = "look at what is to be committed";
        fs::copy(&repository.index, &copy).map_err(|error| GitError::io(what, &error))?;
        let alternates = std::env::join_paths(&repository.objects).unwrap_or_default();
        let tool = repository.git(["write-tree"]).env("GIT_DIR", &repository.dir).env("GIT_INDEX_FILE", &copy);
        let tool = tool.env("GIT_OBJECT_DIRECTORY", self.git_dir().join("objects"));
        let ran = run_well(&self.tools, &tool.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates), what);
        let _ = fs::remove_file(&copy);
        ran.map(|ran| line(&ran))
    }

    /// Makes the work tree what is to be tested, with all that git ignores in it as it was. Gives what a person should know.
    pub fn check_out(&self, subject: &Subject, repository: &Repository) -> Result<Vec<String>, GitError> {
        self.try_to_check_out(subject, repository).or_else(|_| {
            // Whatever stages or a crash have made of it: one that is made anew has nothing of that.
            let _ = fs::remove_file(self.git_dir().join("local-ci"));
            self.try_to_check_out(subject, repository)
        })
    }

    fn try_to_check_out(&self, subject: &Subject, repository: &Repository) -> Result<Vec<String>, GitError> {
        self.prepare(repository)?;
        self.copy_references(repository)?;
        let write = |name: &str, text: &[u8]| {
            keep_same(&self.git_dir().join(name), text)
                .map_err(|error| GitError::io("write into the work tree", &error))
        };
        write("HEAD", subject.head.text().as_bytes())?;
        // A tree of a shallow clone ends where the clone ends.
        copy_or_remove(&repository.common.join("shallow"), &self.git_dir().join("shallow"))?;
        let excluded = fs::read(repository.common.join("info/exclude")).unwrap_or_default();
        create_dir(&self.git_dir().join("info")).map_err(|error| GitError::io("write into the work tree", &error))?;
        write("info/exclude", &excluded)?;
        let _ = fs::remove_file(self.git_dir().join("index.lock"));
        let read_tree = || self.git(["read-tree", "--reset", "-u", &subject.tree]);
        let what = "check out what is to be tested";
        if !run(&self.tools, &read_tree())?.exit.success() {
            // An index that a crash has left, or of a tree that is gone, is no reason to give up.
            let _ = fs::remove_file(self.git_dir().join("index"));
            run_well(&self.tools, &read_tree(), what)?;
        }
        let cleaned = run(&self.tools, &self.git(["clean", "-ffdq"]))?;
        let mut notices = Vec::new();
        if !cleaned.exit.success() {
            notices.push(GitError::of("remove files that an earlier run has left", &cleaned).0);
        }
        if self.work().join(".gitmodules").exists() {
            let why = "its submodules are empty there; where stages need them, set `tree = \"worktree\"` in [hooks]";
            notices.push(why.to_owned());
        }
        Ok(notices)
    }

    /// Sees to it that there is a repository that borrows from the user's.
    fn prepare(&self, repository: &Repository) -> Result<(), GitError> {
        let unusable = |error: io::Error| GitError::io(&format!("use {}", self.base.display()), &error);
        let (work, dir) = (self.work(), self.git_dir());
        let format = format!("{FORMAT} {} {}\n", repository.is_sha256, repository.common.display());
        if !fs::read(dir.join("local-ci")).is_ok_and(|there| there == format.as_bytes()) {
            match fs::symlink_metadata(&dir) {
                Ok(found) if found.is_dir() => fs::remove_dir_all(&dir).map_err(unusable)?,
                Ok(_) => fs::remove_file(&dir).map_err(unusable)?,
                Err(_) => {}
            }
            create_dir(&work).map_err(unusable)?;
            let algorithm = if repository.is_sha256 { "--object-format=sha256" } else { "--object-format=sha1" };
            let init = quiet_git(&work, ["init", "--quiet", "--template=", algorithm, "."]);
            // Its references are written by us, in the format that every git knows.
            run_well(&self.tools, &init.env("GIT_DEFAULT_REF_FORMAT", "files"), "make a work tree for tests")?;
            let mut config = private_file().append(true).open(dir.join("config")).map_err(unusable)?;
            config.write_all(&settings(&repository.common, &dir)).map_err(unusable)?;
        }
        create_dir(&dir.join("objects/info")).map_err(unusable)?;
        let mut alternates = Vec::new();
        for objects in &repository.objects {
            alternates.extend_from_slice(objects.as_os_str().as_bytes());
            alternates.push(b'\n');
        }
        let path = dir.join("objects/info/alternates");
        keep_same(&path, &alternates).map_err(unusable)?;
        // Written last: what was cut off before is made anew.
        keep_same(&dir.join("local-ci"), format.as_bytes()).map_err(unusable)
    }

    /// Has the references that the user's repository has, and no others. All in one file, as git packs them.
    fn copy_references(&self, repository: &Repository) -> Result<(), GitError> {
        let list = repository.git(["for-each-ref", "--format=%(objectname) %(refname)"]);
        let listed = run_well(&self.tools, &list, "list the references of the repository")?;
        let unusable = |error: io::Error| GitError::io("copy the references of the repository", &error);
        let refs = self.git_dir().join("refs");
        match fs::remove_dir_all(&refs) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
            Ok(()) | Err(_) => {}
        }
        for dir in ["heads", "tags"] {
            create_dir(&refs.join(dir)).map_err(unusable)?;
        }
        keep_same(&self.git_dir().join("packed-refs"), &listed.stdout).map_err(unusable)
    }

    fn git_dir(&self) -> PathBuf {
        self.work().join(".git")
    }

    /// Git in the work tree. What is not there in a partial clone may be fetched for it.
    fn git<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Tool {
        quiet_git(&self.work(), arguments).env("GIT_NO_LAZY_FETCH", "0")
    }
}

/// What git says is pushed, as a file for stages to read. It goes with this.
#[derive(Debug)]
pub struct References(PathBuf);

impl References {
    /// Writes it beside where the repository's commits are tested, whether they are or not.
    pub fn write(cache: &Path, repository: &Repository, text: &str) -> Result<Self, GitError> {
        let base = place(cache, &repository.common);
        let path = base.join(format!("refs-{}", std::process::id()));
        create_dir(&base)
            .and_then(|()| replace(&path, text.as_bytes()))
            .map_err(|error| GitError::io(&format!("write {}", path.display()), &error))?;
        Ok(Self(path))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for References {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Where the work tree of a repository is, by the directory that its work trees share: they share this one too.
fn place(cache: &Path, common: &Path) -> PathBuf {
    let hash = blake3::hash(common.as_os_str().as_bytes()).to_hex();
    let named = if common.file_name() == Some(OsStr::new(".git")) { common.parent() } else { Some(common) };
    let name = named.and_then(Path::file_name).unwrap_or(OsStr::new("root")).to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(40).collect();
    cache.join("trees").join(format!("{name}-{}", &hash[..12]))
}

/// The user's settings for the repository, and over them what they must not change here: `core.bare` and `core.worktree`
/// git takes from this file alone.
fn settings(common: &Path, dir: &Path) -> Vec<u8> {
    let quoted = |path: &Path| {
        let mut text = vec![b'"'];
        for byte in path.as_os_str().as_bytes() {
            match byte {
                b'"' | b'\\' => text.extend([b'\\', *byte]),
                b'\n' => text.extend(b"\\n"),
                _ => text.push(*byte),
            }
        }
        text.push(b'"');
        text
    };
    let mut text = b"[include]\n\tpath = ".to_vec();
    text.extend(quoted(&common.join("config")));
    text.extend(
        b"\n[core]\n\tsparseCheckout = false\n\tfsmonitor = false\n\tuntrackedCache = false\n\tsplitIndex = false\n",
    );
    text.extend(b"\tlogAllRefUpdates = false\n\thooksPath = ");
    text.extend(quoted(&dir.join("hooks")));
    text.extend(b"\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n");
    text
}

/// Has this in a file; one that has it already is not written, which would wait for the disk.
fn keep_same(path: &Path, text: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == text) { Ok(()) } else { replace(path, text) }
}

fn copy_or_remove(from: &Path, to: &Path) -> Result<(), GitError> {
    let done = match fs::read(from) {
        Ok(bytes) => keep_same(to, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::remove_file(to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        },
        Err(error) => Err(error),
    };
    done.map_err(|error| GitError::io("write into the work tree", &error))
}

/// Tries again and again for so long.
fn try_for(limit: Duration, attempt: impl Fn() -> io::Result<bool>) -> io::Result<bool> {
    let began = SystemClock.now();
    loop {
        if attempt()? {
            return Ok(true);
        }
        if SystemClock.now().since(began) >= limit {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
