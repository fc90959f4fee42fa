//! What the stages of a plan read: a fingerprint of the files that a stage's `inputs` match, so that two runs of it can be
//! told to have been on the same inputs.
//!
//! A fingerprint is over names, the executable bit and contents; of a symbolic link, over where it points. It is no
//! fingerprint at all, rather than a wrong one, where a glob matches nothing or a file cannot be read: what is not known
//! is never the same as before. Nothing here fails a run.
//!
//! Where any stage has globs, the project is walked once for all of them, below the directories that the globs begin
//! with, passing over what git ignores; then every file that is matched is read once, on as many threads as there are
//! cores. A file that is named in full is taken as it is, ignored or not. The walk costs about 3 ms for a thousand files,
//! reading and hashing what is matched 20 ms for a thousand source files that the system has in memory (two cores, 17 KB
//! a file), and three times that where it has not. A project without globs pays nothing.

mod wanted;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, FileType};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::ids::hex;
use crate::plan::Plan;
use crate::walk;
use wanted::{Matches, Wanted};

/// What BLAKE3 keys are derived from here; see `plan::signature` for the same of commands.
const CONTEXT: &str = "local-ci 1 inputs of a stage";
/// Git's own: of the executable bits it keeps the owner's.
const EXECUTABLE: u32 = 0o100;

/// Sets the fingerprint of its inputs on every stage of the plan that is to be executed and has any.
pub fn fingerprint(plan: &mut Plan) {
    let running = plan.stages.iter().filter(|(_, stage)| stage.runs());
    let wanted = Wanted::of(running.map(|(id, stage)| (id, stage.inputs.as_slice())));
    let Some(found) = find(&plan.root, &wanted) else { return };
    let chosen = wanted.choose(&found);
    if chosen.is_empty() {
        return;
    }
    let mut files: Vec<&Path> = chosen.iter().flat_map(|(_, files)| files).copied().collect();
    files.sort_unstable();
    files.dedup();
    let root = &plan.root;
    let read = || files.par_iter().filter_map(|path| Some((*path, Content::of(&root.join(path))?))).collect();
    // Threads of its own, that end with it: this process goes on to watch a run.
    let Ok(contents) = rayon::ThreadPoolBuilder::new().build().map(|threads| threads.install(read)) else { return };
    for (stages, files) in &chosen {
        let digest = digest(files, &contents);
        for id in *stages {
            plan.stages[*id].inputs_digest.clone_from(&digest);
        }
    }
}

/// The files of the project that any of the globs match, by their paths in the project. None where a directory could not
/// be looked into: there might be more.
fn find(root: &Path, wanted: &Wanted) -> Option<BTreeMap<PathBuf, Matches>> {
    let mut found = BTreeMap::new();
    let mut add = |path: &Path, kind: FileType| {
        if kind.is_file() || kind.is_symlink() {
            let matches = wanted.matches(path);
            if !matches.is_empty() {
                found.insert(path.to_owned(), matches);
            }
        }
    };
    for path in &wanted.named {
        if let Ok(metadata) = fs::symlink_metadata(root.join(path)) {
            add(path, metadata.file_type());
        }
    }
    if !wanted.below.is_empty() {
        for file in walk::project(root, wanted.below.clone()) {
            let (path, kind) = file.ok()?;
            add(&path, kind);
        }
    }
    Some(found)
}

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Content {
    kind: Kind,
    hash: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Executable,
    Link,
}

impl Content {
    /// Reads a file. None where it cannot be read, or is none any more.
    fn of(path: &Path) -> Option<Self> {
        if let Ok(target) = fs::read_link(path) {
            return Some(Self { kind: Kind::Link, hash: blake3::hash(target.as_os_str().as_bytes()).into() });
        }
        // Whatever may have taken the file's place since it was found: a pipe would be waited for.
        let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).ok()?;
        let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
        let executable = metadata.permissions().mode() & EXECUTABLE != 0;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).ok()?;
        let kind = if executable { Kind::Executable } else { Kind::File };
        Some(Self { kind, hash: hasher.finalize().into() })
    }
}

/// The fingerprint of these files, which are in order, in hex digits. None where one of them could not be read, or there
/// are none.
fn digest(files: &[&Path], contents: &HashMap<&Path, Content>) -> Option<String> {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    for path in files {
        let Content { kind, hash } = contents.get(path)?;
        let name = path.as_os_str().as_bytes();
        // All but the name have a fixed length, and that stands before it: no two lists of files read the same.
        hasher.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(name);
        hasher.update(&[match kind {
            Kind::File => 0,
            Kind::Executable => 1,
            Kind::Link => 2,
        }]);
        hasher.update(hash);
    }
    (!files.is_empty()).then(|| hex(hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests;
