//! The invariants that hold after every test, however violent: no process, no stray file, nothing for others to read.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::processes;
use super::project::Project;
use super::wait::holds_within;

/// A guard ends what it guards within a second of the end of a run; slow machines get more, and so does who cleans up on a
/// machine that cannot be reached any more.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// What should not be there, a sentence each. Processes get that long to be gone.
pub(crate) fn of(project: &Project, grace: Duration) -> Vec<String> {
    let root = project.root();
    let mut faults = Vec::new();
    if !holds_within(grace, || processes::belonging_to(root).is_empty()) {
        faults.extend(processes::belonging_to(root).iter().map(|living| format!("process {living}")));
    }
    // What the runner keeps is its own; the side directory is the tests'.
    let kept = ["state", "cache"].map(|dir| root.join(dir));
    for (path, metadata) in kept.iter().flat_map(|dir| walk(dir)) {
        let (mode, private) = (metadata.permissions().mode() & 0o7777, if metadata.is_dir() { 0o700 } else { 0o600 });
        // What git makes has modes of git's own, in a directory that nobody else can enter.
        let is_gits = path.ancestors().skip(1).any(|dir| dir.ends_with("objects") || dir.ends_with("elsewhere"));
        if !metadata.is_symlink() && mode != private && !is_gits {
            faults.push(format!("{} has mode {mode:o}, not {private:o}", path.display()));
        }
    }
    let scaffold = ["", "project", "home", "tmp", "side"].map(|dir| root.join(dir));
    let is_ours = |path: &Path| path.starts_with(root.join("side")) || kept.iter().any(|dir| path.starts_with(dir));
    for (path, _) in walk(root) {
        if !is_ours(&path) && !scaffold.contains(&path) && !project.is_expected(&path) {
            faults.push(format!("{} is nobody's", path.display()));
        }
    }
    faults
}

/// A directory and all below it, without following links; nothing where it does not exist.
fn walk(dir: &Path) -> Vec<(PathBuf, Metadata)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(path) = open.pop() {
        // A file may go while we look, as temporary ones do.
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            open.extend(fs::read_dir(&path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())));
        }
        found.push((path, metadata));
    }
    found
}
