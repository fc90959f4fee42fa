//! Files beneath a directory: whatever a path says, and whatever becomes of it meanwhile, nothing outside is opened.
//!
//! The kernel sees to that (`openat2` with `RESOLVE_BENEATH`): a link may lead anywhere inside and nowhere outside. Where the
//! kernel is too old, or a container forbids to ask, each name is opened in the one before and no link is followed at all.
//! What was opened is only *held* first (`O_PATH`): neither is a pipe waited for nor a device touched. Its real path is that
//! of what is held, so that nobody can exchange it between a look and the use.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat, openat2, readlink};
use rustix::io::Errno;

/// How often a path is tried that others move about in at the same time.
const TRIES: usize = 64;

/// Whether links inside are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// As far as they stay inside.
    Followed,
    /// A path with one leads nowhere.
    Refused,
}

/// How paths are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By the kernel, as a whole.
    Kernel,
    /// Name by name, without links.
    NameByName,
}

/// A directory and what is beneath it.
#[derive(Debug)]
pub(super) struct Beneath {
    root: OwnedFd,
    way: Way,
}

/// What is held beneath a directory, and not opened yet.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) fd: OwnedFd,
    pub(super) stat: Stat,
}

impl Beneath {
    /// What is beneath this directory.
    pub(super) fn new(root: &Path) -> Result<Self, Errno> {
        let root = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let asked = openat2(&root, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::BENEATH);
        let way = if asked.is_ok() { Way::Kernel } else { Way::NameByName };
        Ok(Self { root, way })
    }

    #[cfg(test)]
    pub(super) fn by(self, way: Way) -> Self {
        Self { way, ..self }
    }

    /// Holds what a clean path leads to; the empty path is the directory itself. `XDEV` is a path that leads out, `LOOP` one
    /// with a link that is not followed.
    pub(super) fn hold(&self, path: &str, links: Links) -> Result<Held, Errno> {
        let fd = match (self.way, path) {
            (_, "") => openat(&self.root, ".", HOLD, Mode::empty())?,
            (Way::Kernel, path) => self.ask(path, links)?,
            (Way::NameByName, path) => self.step(path)?,
        };
        let stat = fstat(&fd)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return Err(Errno::LOOP);
        }
        Ok(Held { fd, stat })
    }

    fn ask(&self, path: &str, links: Links) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_MAGICLINKS
            | if links == Links::Refused { ResolveFlags::NO_SYMLINKS } else { ResolveFlags::empty() };
        let mut last = Errno::AGAIN;
        for _ in 0..TRIES {
            match openat2(&self.root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Err(error @ (Errno::AGAIN | Errno::INTR)) => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    fn step(&self, path: &str) -> Result<OwnedFd, Errno> {
        let mut names = path.split('/').peekable();
        let mut held: Option<OwnedFd> = None;
        while let Some(name) = names.next() {
            if matches!(name, "" | "." | "..") {
                return Err(Errno::XDEV);
            }
            let below = held.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            let next = openat(below, name, HOLD, Mode::empty())?;
            // Without it, `O_PATH` would hold a link, and a name in a link be looked for in vain.
            if names.peek().is_some() && FileType::from_raw_mode(fstat(&next)?.st_mode) == FileType::Symlink {
                return Err(Errno::LOOP);
            }
            held = Some(next);
        }
        held.ok_or(Errno::NOENT)
    }

    /// The path beneath the directory of what is held; none where it is not there any more, or nothing that has a text.
    pub(super) fn real(&self, held: &Held) -> Result<Option<String>, Errno> {
        if held.stat.st_nlink == 0 {
            return Ok(None);
        }
        let (root, path) = (link(self.root.as_fd())?, link(held.fd.as_fd())?);
        let (root, path) = (Path::new(OsStr::from_bytes(&root)), Path::new(OsStr::from_bytes(&path)));
        Ok(path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned))
    }

    /// The absolute path of what is held.
    pub(super) fn absolute(held: &Held) -> Result<PathBuf, Errno> {
        Ok(Path::new(OsStr::from_bytes(&link(held.fd.as_fd())?)).to_owned())
    }
}

/// Holds, and never what a link at the end leads to.
const HOLD: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Held {
    /// Of what kind it is.
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }

    /// Opens it for reading: it, and not what its path may lead to by now.
    pub(super) fn read(&self) -> Result<File, Errno> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(open(own(self.fd.as_fd()), flags, Mode::empty())?.into())
    }
}

fn own(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn link(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    Ok(readlink(own(fd), Vec::new())?.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn tree() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        fs::write(dir.path().join("out/secret"), "secret").unwrap();
        fs::write(root.join("a/b/file"), "inside").unwrap();
        (dir, root)
    }

    /// H159: a link at any place of a path leads out for nobody, and inside where the kernel sees to it.
    #[test]
    fn h159_links_lead_out_from_no_place_of_a_path() {
        let (dir, root) = tree();
        symlink("../out/secret", root.join("last")).unwrap();
        symlink("../out", root.join("first")).unwrap();
        symlink("../../out", root.join("a/middle")).unwrap();
        symlink(dir.path().join("out"), root.join("absolute")).unwrap();
        symlink(root.join("a/b/file"), root.join("absolute-inside")).unwrap();
        symlink("/proc/self/environ", root.join("environ")).unwrap();
        symlink("a/../../out/secret", root.join("winding")).unwrap();
        symlink("last", root.join("chain")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let outside = [
            "last",
            "first/secret",
            "a/middle/secret",
            "absolute/secret",
            "absolute-inside",
            "environ",
            "winding",
            "chain",
            "loop",
        ];
        for way in [Way::Kernel, Way::NameByName] {
            for links in [Links::Followed, Links::Refused] {
                let beneath = Beneath::new(&root).unwrap().by(way);
                for path in outside {
                    let error = beneath.hold(path, links).unwrap_err();
                    assert!(matches!(error, Errno::XDEV | Errno::LOOP), "{path}: {error:?} {way:?} {links:?}");
                }
                // Clean paths have none of these; they are not let out all the same.
                for path in ["..", "../out/secret", "a/../../out/secret", "/etc/passwd"] {
                    assert_eq!(beneath.hold(path, links).unwrap_err(), Errno::XDEV, "{path}");
                }
                let held = beneath.hold("a/b/file", links).unwrap();
                assert_eq!(beneath.real(&held).unwrap().unwrap(), "a/b/file");
            }
        }
    }

    #[test]
    fn a_link_that_stays_inside_is_followed_by_the_kernel_alone() {
        let (_dir, root) = tree();
        symlink("a/b", root.join("link")).unwrap();
        symlink("../b/file", root.join("a/b/other")).unwrap();
        let beneath = Beneath::new(&root).unwrap();
        assert_eq!(beneath.way, Way::Kernel, "this machine's kernel is too old for this test");
        for path in ["link/file", "a/b/other", "link/other"] {
            let held = beneath.hold(path, Links::Followed).unwrap();
            assert_eq!(beneath.real(&held).unwrap().unwrap(), "a/b/file", "{path}");
            assert_eq!(beneath.hold(path, Links::Refused).unwrap_err(), Errno::LOOP, "{path}");
        }
        let beneath = beneath.by(Way::NameByName);
        for path in ["link/file", "a/b/other"] {
            assert_eq!(beneath.hold(path, Links::Followed).unwrap_err(), Errno::LOOP, "{path}");
        }
    }

    /// H159: what was looked at is what is read, whoever exchanges it between the two.
    #[test]
    fn h159_what_is_held_cannot_be_exchanged() {
        let (dir, root) = tree();
        let beneath = Beneath::new(&root).unwrap();
        let held = beneath.hold("a/b/file", Links::Followed).unwrap();
        fs::remove_file(root.join("a/b/file")).unwrap();
        symlink(dir.path().join("out/secret"), root.join("a/b/file")).unwrap();
        assert_eq!(std::io::read_to_string(held.read().unwrap()).unwrap(), "inside");
        let held = Held { stat: fstat(&held.fd).unwrap(), fd: held.fd };
        assert_eq!(beneath.real(&held), Ok(None), "it has no place any more");
    }
}
