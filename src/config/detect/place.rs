//! Where a project may be: from a directory upward as far as it reaches, and what is below it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::config::error::Stop;
use crate::config::find::{Bounds, ascend, trusted};

/// How far below a directory projects are looked for.
const DEPTH: usize = 2;
/// How many directories are looked at.
pub(super) const LOOKS: usize = 2_000;
/// Directories that hold what others wrote, what was built, or what is there to be broken.
const PASSED_OVER: [&str; 6] = ["node_modules", "target", "vendor", "testdata", "fixtures", "__pycache__"];

/// Where a directory with a plugin of local-ci has the contract that it is built against.
const OF_PLUGINS: [&str; 2] = ["wit/plugin.wit", "sdk/wit/plugin.wit"];

/// The directories that a project around one may be in.
#[derive(Debug)]
pub(super) struct Reach {
    /// From the start upward.
    pub(super) directories: Vec<PathBuf>,
    /// Why there are no more.
    pub(super) stop: Stop,
}

/// From `start`, which is canonical, upward.
pub(super) fn reach(start: &Path, bounds: Bounds<'_>) -> Reach {
    let mut directories = Vec::new();
    let stop = ascend(start, bounds, &mut |directory| -> Option<Stop> {
        // What lies in a place like /tmp speaks for nobody below it.
        if directory == start || !is_world_writable(directory) {
            directories.push(directory.to_owned());
        }
        None
    });
    // Nothing was to be found, so it came to its end.
    Reach { directories, stop: stop.unwrap_or_else(|stop| stop) }
}

/// Whether directories below this one are looked at: not where people keep everything they have, nor where anybody may
/// put something.
pub(super) fn is_searched(root: &Path, bounds: Bounds<'_>) -> bool {
    let holds_home = bounds.home.is_some_and(|home| home.starts_with(root));
    !is_world_writable(root) && !holds_home && root.parent().is_some()
}

fn is_world_writable(directory: &Path) -> bool {
    std::fs::metadata(directory).map_or(true, |meta| meta.mode() & 0o002 != 0)
}

/// Directories below `root` that may be projects of it, in order. What git ignores, hidden directories, links,
/// repositories of their own and directories of other users are none. Also says whether there were too many.
pub(super) fn below(root: &Path, bounds: Bounds<'_>) -> (Vec<PathBuf>, bool) {
    let first = (bounds.owner)(root).ok();
    let walk = WalkBuilder::new(root)
        .max_depth(Some(DEPTH))
        .require_git(false)
        .git_global(false)
        .ignore(false)
        .same_file_system(true)
        .sort_by_file_name(std::cmp::Ord::cmp)
        .filter_entry(|entry| {
            let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_passed_over = entry.file_name().to_str().is_none_or(|name| PASSED_OVER.contains(&name));
            // One of local-ci is built with `plugin build` and tried with `plugin test`; what is built is no part of the project.
            let is_plugin = || OF_PLUGINS.iter().any(|contract| entry.path().join(contract).is_file());
            let is_repository = || std::fs::symlink_metadata(entry.path().join(".git")).is_ok();
            entry.depth() == 0 || is_dir && !is_passed_over && !is_repository() && !is_plugin()
        })
        .build();
    let own = |path: &Path| match (first, (bounds.owner)(path)) {
        (Some(first), Ok(owner)) => trusted(owner, first, bounds.me),
        (None, _) | (_, Err(_)) => false,
    };
    let entries = walk.filter_map(Result::ok).filter(|entry| entry.depth() > 0).take(LOOKS + 1);
    let mut paths: Vec<PathBuf> = entries.map(ignore::DirEntry::into_path).collect();
    let too_many = paths.len() > LOOKS;
    paths.truncate(LOOKS);
    paths.retain(|path| own(path));
    (paths, too_many)
}
