//! Where the configuration is: from a directory upward, no further than its repository and its owner reach.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::error::{NotFound, Stop};

/// The names of a configuration, in the order in which they are looked for.
pub(super) const NAMES: [&str; 3] = ["local-ci.toml", ".local-ci.toml", ".config/local-ci.toml"];

/// The name of the file beside it that overrides it for one person.
pub(super) const OVERRIDE: &str = "local-ci.local.toml";

/// A configuration that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The file.
    pub(super) path: PathBuf,
    /// The project's directory.
    pub(super) root: PathBuf,
    /// The names of other configurations in the same directory, which are not read.
    pub(super) ignored: Vec<&'static str>,
}

/// What of a directory decides whether its configuration is one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: u32,
    /// Whether others than the owner may write to it.
    pub(super) shared: bool,
    pub(super) device: u64,
}

impl Owner {
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        Ok(Self { user: meta.uid(), shared: meta.mode() & 0o022 != 0, device: meta.dev() })
    }
}

/// Whether a directory above the start may bring a configuration: it belongs to who asks, to who owns the start (a
/// container often runs as root in a checkout that is not root's), or to root where only root can write.
pub(super) fn trusted(directory: Owner, start: Owner, me: u32) -> bool {
    directory.user == me || directory.user == start.user && !start.shared || directory.user == 0 && !directory.shared
}

/// Whether a file may be used that was found rather than named: it belongs to who asks, to root, or to the owner of a
/// directory that others cannot write to.
pub(super) fn file_trusted(file_owner: u32, directory: Owner, me: u32) -> bool {
    file_owner == me || file_owner == 0 || file_owner == directory.user
}

/// What a search upward needs to know of the world.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    /// The user's home, canonical, which is entered only where the search starts or a repository is there.
    pub(super) home: Option<&'a Path>,
    /// The number of who asks.
    pub(super) me: u32,
    /// Gives a directory's owner.
    pub(super) owner: &'a dyn Fn(&Path) -> std::io::Result<Owner>,
}

/// Goes from `start`, which is canonical, upward until `look` finds something, as far as a project may reach.
pub(super) fn ascend<T>(start: &Path, bounds: Bounds<'_>, look: &mut dyn FnMut(&Path) -> Option<T>) -> Result<T, Stop> {
    let first = (bounds.owner)(start).ok();
    let mut below = start;
    for directory in start.ancestors() {
        let is_repository = std::fs::symlink_metadata(directory.join(".git")).is_ok();
        if directory != start {
            if bounds.home == Some(directory) && !is_repository {
                return Err(Stop::Home(below.into()));
            }
            if directory.parent().is_none() {
                return Err(Stop::Root(below.into()));
            }
            // A directory that cannot be looked at is nobody's that we know.
            if let (Some(first), Ok(this)) = (first, (bounds.owner)(directory)) {
                if !trusted(this, first, bounds.me) {
                    return Err(Stop::Owner { directory: directory.into(), owner: this.user });
                }
                if this.device != first.device {
                    return Err(Stop::FileSystem(below.into()));
                }
            }
        }
        if let Some(found) = look(directory) {
            return Ok(found);
        }
        if is_repository {
            return Err(Stop::Repository(directory.into()));
        }
        below = directory;
    }
    Err(Stop::Root(below.into()))
}

/// Looks for a configuration from `start`, which is canonical, upward.
pub(super) fn find(start: &Path, bounds: Bounds<'_>) -> Result<Found, NotFound> {
    let look = &mut |directory: &Path| {
        let mut there = NAMES.iter().copied().filter(|name| std::fs::symlink_metadata(directory.join(name)).is_ok());
        let name = there.next()?;
        Some(Found { path: directory.join(name), root: directory.into(), ignored: there.collect() })
    };
    ascend(start, bounds, look).map_err(|stop| NotFound { start: start.into(), stop: Some(stop), seen: Vec::new() })
}

/// A configuration that was named. Its project is its directory; for one in `.config`, the directory above.
pub(super) fn named(start: &Path, file: &Path) -> Result<Found, NotFound> {
    let path = start.join(file);
    let missing = || NotFound { start: path.clone(), stop: None, seen: Vec::new() };
    let name = path.file_name().ok_or_else(missing)?;
    let directory = path.parent().and_then(|parent| parent.canonicalize().ok()).ok_or_else(missing)?;
    let path = directory.join(name);
    if std::fs::symlink_metadata(&path).is_err() {
        return Err(missing());
    }
    let root = root_of(&path).ok_or_else(missing)?;
    Ok(Found { path, root, ignored: Vec::new() })
}

/// The directory of the project whose configuration this file is or would be, canonical; none where its directory is not
/// there.
pub fn root_of(file: &Path) -> Option<PathBuf> {
    let directory = file.parent()?.canonicalize().ok()?;
    let in_config = file.file_name()? == "local-ci.toml" && directory.file_name().is_some_and(|name| name == ".config");
    Some(directory.parent().filter(|_| in_config).unwrap_or(&directory).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    fn owned(user: u32, shared: bool) -> Owner {
        Owner { user, shared, device: 1 }
    }

    #[test]
    fn other_users_directories_are_not_trusted() {
        let mine = owned(ME, false);
        assert!(trusted(mine, mine, ME));
        assert!(trusted(owned(0, false), mine, ME));
        assert!(!trusted(owned(0, true), mine, ME), "such as /tmp");
        assert!(!trusted(owned(7, false), mine, ME));
        // Root in a checkout of user 7 goes up through what belongs to user 7, and no further.
        assert!(trusted(owned(7, false), owned(7, false), 0));
        assert!(!trusted(owned(8, false), owned(7, false), 0));
        assert!(!trusted(owned(7, false), owned(7, true), 0));
        assert!(file_trusted(ME, owned(0, true), ME));
        assert!(!file_trusted(7, owned(0, true), ME), "planted in /tmp");
        assert!(file_trusted(7, owned(7, false), ME));
    }

    fn find(
        start: &Path,
        home: Option<&Path>,
        me: u32,
        owner: &dyn Fn(&Path) -> std::io::Result<Owner>,
    ) -> Result<Found, NotFound> {
        super::find(start, Bounds { home, me, owner })
    }

    fn tree(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            if !file.ends_with('/') {
                std::fs::write(&path, "").unwrap();
            }
        }
        let root = dir.path().canonicalize().unwrap();
        (dir, root)
    }

    #[expect(clippy::unnecessary_wraps, reason = "stands in for what asks the system")]
    fn all_mine(_: &Path) -> std::io::Result<Owner> {
        Ok(owned(ME, false))
    }

    #[test]
    fn the_search_goes_up_to_the_repository() {
        let (_dir, root) = tree(&["local-ci.toml", "repo/.git/HEAD", "repo/a/b/x", "repo/.config/local-ci.toml"]);
        let found = find(&root.join("repo/a/b"), None, ME, &all_mine).unwrap();
        assert_eq!((found.path, found.root), (root.join("repo/.config/local-ci.toml"), root.join("repo")));
        std::fs::remove_file(root.join("repo/.config/local-ci.toml")).unwrap();
        let error = find(&root.join("repo/a/b"), None, ME, &all_mine).unwrap_err();
        assert_eq!(error.stop, Some(Stop::Repository(root.join("repo"))));
    }

    #[test]
    fn the_search_stops_below_home_at_owners_and_at_file_systems() {
        let (_dir, root) = tree(&["local-ci.toml", "a/b/x"]);
        let start = root.join("a/b");
        let stop = |home: Option<&Path>, owner: &dyn Fn(&Path) -> std::io::Result<Owner>| {
            find(&start, home, ME, owner).unwrap_err().stop.unwrap()
        };
        assert_eq!(stop(Some(&root), &all_mine), Stop::Home(root.join("a")));
        let of = |path: &Path| Ok(owned(if path == root { 7 } else { ME }, false));
        assert_eq!(stop(None, &of), Stop::Owner { directory: root.clone(), owner: 7 });
        let of = |path: &Path| Ok(Owner { device: u64::from(path == root), ..owned(ME, false) });
        assert_eq!(stop(None, &of), Stop::FileSystem(root.join("a")));
        assert!(find(&root, Some(&root), ME, &all_mine).is_ok(), "where one stands is always looked at");
    }

    #[test]
    fn the_first_of_several_is_used() {
        let (_dir, root) = tree(&[".local-ci.toml", "local-ci.toml", ".config/local-ci.toml"]);
        let found = find(&root, None, ME, &all_mine).unwrap();
        assert_eq!(found.path, root.join("local-ci.toml"));
        assert_eq!(found.ignored, [".local-ci.toml", ".config/local-ci.toml"]);
    }

    #[test]
    fn a_named_file_brings_its_directory() {
        let (_dir, root) = tree(&[".config/local-ci.toml", "ci/release.toml", "x/.config/other.toml"]);
        let of = |file: &str| named(&root.join("ci"), Path::new(file)).map(|found| found.root);
        assert_eq!(of("release.toml"), Ok(root.join("ci")));
        assert_eq!(of("../.config/local-ci.toml"), Ok(root.clone()));
        assert_eq!(of("../x/.config/other.toml"), Ok(root.join("x/.config")));
        assert!(of("missing.toml").is_err_and(|error| error.stop.is_none()));
        assert!(of("no/where.toml").is_err());
    }
}
