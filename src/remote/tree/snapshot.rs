//! The work tree here as a commit that no branch knows of.
//!
//! The index is a copy of the user's own, so that git reads only what has changed since; new objects go to a directory of
//! ours, which has the repository's behind it. So nothing of the repository changes: not its index, not a reference, not an
//! object. The commit has no parent and no time: the same tree is always the same commit.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::carry::nonce;
use super::names::{Globs, is_ours, is_secret};
use super::notices;
use super::order::Hands;
use super::program::failed;
use super::repository::{Repository, git};
use super::store;
use crate::clock::{Clock, SystemClock};
use crate::process::tool::{Ran, Tool};
use crate::remote::{Fault, FaultKind};

/// Who commits: nobody that is anybody.
const IDENTITY: &[(&str, &str)] = &[
    ("GIT_AUTHOR_NAME", "local-ci"),
    ("GIT_AUTHOR_EMAIL", "local-ci@example.invalid"),
    ("GIT_AUTHOR_DATE", "2000-01-01T00:00:00Z"),
    ("GIT_COMMITTER_NAME", "local-ci"),
    ("GIT_COMMITTER_EMAIL", "local-ci@example.invalid"),
    ("GIT_COMMITTER_DATE", "2000-01-01T00:00:00Z"),
];

/// The tree as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// The commit.
    pub(super) commit: String,
    /// Its files, by their paths in the repository.
    pub(super) files: Vec<PathBuf>,
    /// Files with secrets that are not in it, by their paths in the repository.
    pub(super) secrets: Vec<PathBuf>,
    /// What else a person should know.
    pub(super) notices: Vec<String>,
}

/// Where commits of a project are made.
pub(super) struct Darkroom<'a> {
    repository: &'a Repository,
    hands: &'a Hands<'a>,
    /// What is remembered of earlier snapshots.
    store: &'a Path,
    /// The index of this one, which is gone with it.
    index: PathBuf,
}

impl Drop for Darkroom<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.index);
        let mut lock = self.index.clone().into_os_string();
        lock.push(".lock");
        let _ = fs::remove_file(lock);
    }
}

/// A file in our store that nobody else knows of.
pub(super) fn own_file(store: &Path, what: &str) -> Result<PathBuf, Fault> {
    Ok(store.join(format!("{what}.{}", nonce()?)))
}

/// A directory that cannot be used here.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Fault {
    let text = format!("cannot use {} on this machine: {error}", path.display());
    Fault::new(if is_full(error) { FaultKind::NoSpace } else { FaultKind::Directory }, text)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl<'a> Darkroom<'a> {
    /// With a copy of the user's index.
    pub(super) fn new(repository: &'a Repository, hands: &'a Hands<'a>, store: &'a Path) -> Result<Self, Fault> {
        let objects = store.join("objects");
        store::directory(&objects).map_err(|error| unusable(&objects, &error))?;
        let index = own_file(store, "index")?;
        copy_index(&repository.dir.join("index"), &index).map_err(|error| unusable(&index, &error))?;
        Ok(Self { repository, hands, store, index })
    }

    /// A git with our index and our objects.
    pub(super) fn git<S: AsRef<OsStr>>(&self, dir: &Path, arguments: impl IntoIterator<Item = S>) -> Tool {
        let behind = quoted(self.repository.common.join("objects").as_os_str());
        git(dir, arguments)
            .env("GIT_INDEX_FILE", &self.index)
            .env("GIT_OBJECT_DIRECTORY", self.store.join("objects"))
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", behind)
    }

    fn top<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Tool {
        self.git(&self.repository.top, arguments)
    }

    /// Whether we have made a commit, and still have it.
    pub(super) fn has(&self, commit: &str) -> bool {
        let is_id = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id && self.store.join("objects").join(&commit[..2]).join(&commit[2..]).exists()
    }

    /// Takes the tree as it is now.
    pub(super) fn take(&self, include: &Globs) -> Result<Snapshot, Fault> {
        let mut notices = Vec::new();
        let mut gone = self.add_all(&mut notices)?;
        self.add_included(include, &mut notices)?;
        let listed =
            self.hands.run_well(&self.top(["ls-files", "-z", "--stage"]), "list the files of the work tree")?;
        let mut entries = Entries::read(&listed.stdout);
        let is_included = |path: &Path| path.strip_prefix(&self.repository.prefix).is_ok_and(|path| include.has(path));
        let secrets: BTreeSet<PathBuf> =
            entries.files.iter().filter(|path| is_secret(path) && !is_included(path)).cloned().collect();
        gone.extend(entries.files.iter().filter(|path| is_ours(path)).cloned());
        gone.extend(secrets.iter().cloned());
        if !gone.is_empty() {
            let mut names = Vec::new();
            for path in &gone {
                names.extend_from_slice(path.as_os_str().as_bytes());
                names.push(0);
            }
            let remove = self.top(["update-index", "--force-remove", "-z", "--stdin"]).stdin(names);
            self.hands.run_well(&remove, "leave files out")?;
            entries.files.retain(|path| !gone.contains(path));
        }
        notices.extend(notices::repositories(&entries.repositories));
        notices.extend(self.filtered(&entries)?);
        let tree = self.id(&self.top(["write-tree"]), "write the work tree down")?;
        let commit = self.top(["commit-tree", "--no-gpg-sign", "-m", "work tree", &tree]);
        let commit = IDENTITY.iter().fold(commit, |commit, (name, value)| commit.env(*name, *value));
        let commit = self.id(&commit, "make a commit of the work tree")?;
        Ok(Snapshot { commit, files: entries.files, secrets: self.all_secrets(secrets, &is_included), notices })
    }

    /// Adds what is new and takes away what is gone. Gives the files that could not be read.
    fn add_all(&self, notices: &mut Vec<String>) -> Result<BTreeSet<PathBuf>, Fault> {
        // What the user has marked as unchanged is looked at all the same. Its code says whether anything has changed.
        self.hands.run(&self.top(["update-index", "-q", "--really-refresh"]))?;
        let ran = self.hands.run(&self.top(["add", "--all", "--ignore-errors", "--", "."]))?;
        let said = ran.said();
        let mut unread = BTreeSet::new();
        let mut is_explained = ran.exit.success();
        for line in said.lines() {
            let between = |start: &str, end: &str| line.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            if let Some(path) = between("error: unable to index file '", "'") {
                unread.insert(PathBuf::from(path));
                notices.push(notices::unreadable(path));
                is_explained = true;
            } else if let Some(path) = between("error: '", "' does not have a commit checked out") {
                notices.extend(notices::repositories(&[PathBuf::from(path.trim_end_matches('/'))]));
                is_explained = true;
            } else if let Some(path) = between("warning: could not open directory '", "': Permission denied") {
                notices.push(notices::unreadable(path));
            } else if line.starts_with("error: insufficient permission") || line.starts_with("error: unable to write") {
                return Err(failed("write the work tree down", &ran));
            }
        }
        // With --ignore-errors, 1 is what is left after some files were passed over; all else is another matter.
        if is_explained && ran.exit.shell_code() <= 1 { Ok(unread) } else { Err(failed("read the work tree", &ran)) }
    }

    /// Adds what is ignored and yet wanted.
    fn add_included(&self, include: &Globs, notices: &mut Vec<String>) -> Result<(), Fault> {
        let root = self.repository.top.join(&self.repository.prefix);
        let out = include.taken_out().iter().map(|text| format!(":(exclude,glob){text}"));
        let out: Vec<String> = out.collect();
        for text in include.texts() {
            let wanted = format!(":(glob){text}");
            let arguments = ["add", "--force", "--", &wanted].into_iter().chain(out.iter().map(String::as_str));
            let ran = self.hands.run(&self.git(&root, arguments))?;
            if ran.exit.success() {
                continue;
            }
            if !ran.said().contains("did not match any files") {
                return Err(failed("add what `sync.include` names", &ran));
            }
            notices.push(notices::matched_nothing("sync.include", text));
        }
        Ok(())
    }

    /// What is kept as something else than what stands in the work tree.
    fn filtered(&self, entries: &Entries) -> Result<Vec<String>, Fault> {
        let attributes =
            entries.files.iter().filter(|path| path.file_name().is_some_and(|name| name == ".gitattributes"));
        let attributes = attributes.map(|path| self.repository.top.join(path));
        let own = self.repository.common.join("info/attributes");
        let mut filters = BTreeSet::new();
        for file in attributes.chain([own]) {
            let text = fs::read(&file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let named = text.split_whitespace().filter_map(|word| word.strip_prefix("filter="));
            filters.extend(named.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        let mut notices = Vec::new();
        for filter in filters {
            let ran = self.hands.run(&self.top(["ls-files", "-z", "--", &format!(":(top,attr:filter={filter})")]))?;
            let files = memchr::memchr_iter(0, &ran.stdout).count();
            if ran.exit.success() && files > 0 {
                notices.push(notices::filtered(&filter, files));
            }
        }
        Ok(notices)
    }

    /// With those that git ignores anyway, where they are easily found: who misses one there looks for why.
    fn all_secrets(&self, mut found: BTreeSet<PathBuf>, is_included: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
        for dir in [Path::new(""), &self.repository.prefix] {
            for entry in fs::read_dir(self.repository.top.join(dir)).into_iter().flatten().flatten() {
                let path = dir.join(entry.file_name());
                if is_secret(&path) && !is_included(&path) {
                    found.insert(path);
                }
            }
        }
        found.into_iter().collect()
    }

    fn id(&self, tool: &Tool, what: &str) -> Result<String, Fault> {
        let Ran { stdout, .. } = self.hands.run_well(tool, what)?;
        Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
    }

    /// Writes all that a commit has and others have not to a file, as a pack. Gives how many bytes that is.
    pub(super) fn pack(&self, commit: &str, others: &[&str]) -> Result<(PathBuf, u64), Fault> {
        let file = own_file(self.store, "pack")?;
        let mut wanted = format!("{commit}\n");
        for other in others {
            wanted.extend(["^", *other, "\n"]);
        }
        // Our commits have no parents: without `--shallow`, git looks only at those for what the other side has.
        let what = ["pack-objects", "--revs", "--thin", "--shallow", "--delta-base-offset", "--stdout", "-q"];
        let pack = self.top(what);
        let shell = ["/bin/sh", "-c", "exec \"$@\" >\"$0\""].map(Into::into);
        let argv = shell.into_iter().chain([file.clone().into_os_string()]).chain(pack.argv.clone()).collect();
        let ran = self.hands.run_well(&Tool { argv, ..pack.stdin(wanted) }, "pack the work tree");
        let size = ran.and_then(|_| fs::metadata(&file).map_err(|error| unusable(&file, &error)));
        match size {
            Ok(size) => Ok((file, size.len())),
            Err(fault) => {
                let _ = fs::remove_file(&file);
                Err(fault)
            }
        }
    }

    /// How many files differ between two commits.
    pub(super) fn differ(&self, one: &str, other: &str) -> Result<u64, Fault> {
        let diff = self.top(["diff-tree", "-r", "-z", "--name-only", "--no-renames", one, other]);
        let names = self.hands.run_well(&diff, "compare two work trees")?.stdout;
        Ok(u64::try_from(memchr::memchr_iter(0, &names).count()).unwrap_or(u64::MAX))
    }

    /// Takes away objects that nothing has needed for long: whatever the last snapshot needed was read or written anew by it.
    pub(super) fn forget(&self) {
        let stamp = self.store.join("objects/last");
        let day = std::time::Duration::from_hours(24);
        let now = u64::try_from(SystemClock.now().unix_ms / 1000).unwrap_or(0);
        let age = |path: &Path| {
            use std::os::unix::fs::MetadataExt;
            let changed = fs::metadata(path).ok()?.mtime();
            Some(now.saturating_sub(u64::try_from(changed).ok()?))
        };
        match age(&stamp) {
            // Once a day is often enough.
            Some(last) if last < day.as_secs() => return,
            Some(last) => remove_old(self.store, last + day.as_secs(), &age),
            None => {}
        }
        let _ = store::file(&stamp);
    }
}

/// Removes what is older than so many seconds of what snapshots leave.
fn remove_old(store: &Path, seconds: u64, age: &dyn Fn(&Path) -> Option<u64>) {
    let list = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let objects = list(&store.join("objects")).filter(|dir| dir.file_name().is_some_and(|name| name.len() == 2));
    let leftovers = list(store).filter(|path| path.is_file());
    for path in objects.flat_map(|dir| list(&dir).collect::<Vec<_>>()).chain(leftovers) {
        if age(&path).is_some_and(|age| age > seconds) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Copies an index with the time at which it was written: files that were changed at that time or later are read again,
/// whatever stands in it of them. Where there is none, there is no copy.
fn copy_index(from: &Path, to: &Path) -> io::Result<()> {
    let mut original = match File::open(from) {
        Ok(original) => original,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let written = original.metadata()?.modified()?;
    let mut copy = store::file(to)?;
    io::copy(&mut original, &mut copy)?;
    copy.set_modified(written)
}

/// A path as git takes it in a list that is parted by colons: in quotes, as C writes texts.
fn quoted(path: &OsStr) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    let mut quoted = vec![b'"'];
    for byte in path.as_bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            b'\n' => quoted.extend(b"\\n"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'"');
    std::ffi::OsString::from_vec(quoted)
}

/// What an index has.
#[derive(Debug, Default)]
struct Entries {
    files: Vec<PathBuf>,
    /// Repositories of their own, of which it has nothing but a commit.
    repositories: Vec<PathBuf>,
}

impl Entries {
    /// From `mode object stage\tpath\0…`.
    fn read(listed: &[u8]) -> Self {
        let mut entries = Self::default();
        for entry in listed.split(|byte| *byte == 0) {
            let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else { continue };
            let path = PathBuf::from(OsStr::from_bytes(&entry[tab + 1..]));
            let list = if entry.starts_with(b"160000") { &mut entries.repositories } else { &mut entries.files };
            list.push(path);
        }
        entries
    }
}
