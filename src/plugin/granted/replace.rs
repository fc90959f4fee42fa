//! Writing files: each as a whole, beside its place and then into it.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::beneath::{Beneath, Held, Links};
use super::files::{Files, PIECE_MAX, cleaned, denied, failure, permitted};
use crate::plugin::authority::Authority;
use crate::plugin::services::FileFailure;
use crate::text::plain::printable;

/// How files begin that are on their way into their place: what copies a project elsewhere passes over them.
const PART: &str = ".local-ci-part-";
/// Of a file's mode, what is kept: who may do what.
const KEPT: u32 = 0o777;

/// Where a file is to be written.
struct Place {
    parent: OwnedFd,
    name: String,
    /// What the file's mode is, where there is one.
    mode: Option<Mode>,
}

impl Files {
    /// Replaces or makes a file that may be written, and the directories that it lies in.
    pub(super) fn write(&mut self, authority: &Authority, path: &str, content: &[u8]) -> Result<(), FileFailure> {
        let path = cleaned(path)?;
        authority.may_write(&path).map_err(denied)?;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if size > PIECE_MAX {
            return Err(FileFailure::TooLarge(size));
        }
        self.beneath()?;
        let place = self.find(authority, &path)?;
        put(&place, content).map_err(|error| failed(&path, &error))
    }

    fn find(&mut self, authority: &Authority, path: &str) -> Result<Place, FileFailure> {
        let ours = self.ours.clone();
        let beneath = self.beneath()?;
        // Links inside are followed to what they stand for, which is what has to be permitted; and from there on none is.
        let (real, mode) = match beneath.hold(path, Links::Followed) {
            Ok(held) => {
                let real = permitted(beneath, &held, path, |real| authority.may_write(real))?;
                (real, Some(Mode::from_raw_mode(held.stat.st_mode & KEPT)))
            }
            Err(Errno::NOENT) => (made(authority, beneath, path, &ours)?, None),
            Err(error) => return Err(failure(path, error)),
        };
        let (parent, name) = real.rsplit_once('/').unwrap_or(("", &real));
        let held = beneath.hold(parent, Links::Refused).map_err(|error| failure(path, error))?;
        apart(&held, path, &ours)?;
        undeciding(&held, name, path, &ours)?;
        let is_link = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        if statat(&held.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(is_link) {
            return Err(FileFailure::Denied(format!("`{}` is a link that leads nowhere", printable(path))));
        }
        Ok(Place { parent: held.fd, name: name.to_owned(), mode })
    }
}

/// The real path of a file that is not there, once its directories are.
fn made(authority: &Authority, beneath: &Beneath, path: &str, ours: &[PathBuf]) -> Result<String, FileFailure> {
    let names: Vec<&str> = path.split('/').collect();
    let directories = &names[..names.len() - 1];
    // The longest part of the path that is there.
    let mut there = directories.len();
    let held = loop {
        match beneath.hold(&directories[..there].join("/"), Links::Followed) {
            Ok(held) => break held,
            Err(Errno::NOENT) if there > 0 => there -= 1,
            Err(error) => return Err(failure(path, error)),
        }
    };
    let real = beneath.real(&held).map_err(|error| failure(path, error))?.ok_or(FileFailure::Missing)?;
    let rest = names[there..].join("/");
    let whole = if real.is_empty() { rest } else { format!("{real}/{rest}") };
    if whole != path {
        authority.may_write(&whole).map_err(|refusal| {
            FileFailure::Denied(format!("`{}` leads to `{}`: {refusal}", printable(path), printable(&whole)))
        })?;
    }
    apart(&held, path, ours)?;
    let mut parent = held.fd;
    for name in &directories[there..] {
        match mkdirat(&parent, *name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(path, &error.into())),
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        parent = openat(&parent, *name, flags, Mode::empty()).map_err(|error| failure(path, error))?;
    }
    Ok(whole)
}

/// Whether a directory is none of ours.
fn apart(held: &Held, path: &str, ours: &[PathBuf]) -> Result<(), FileFailure> {
    let real = Beneath::absolute(held).map_err(|error| failure(path, error))?;
    let is_in = |ours: &PathBuf| real.starts_with(ours.canonicalize().as_ref().unwrap_or(ours));
    if ours.iter().any(is_in) {
        let path = printable(path);
        return Err(FileFailure::Denied(format!("`{path}` lies where local-ci keeps what is its own")));
    }
    Ok(())
}

/// Whether a file in this directory is none of ours, by its real path and by what it is: some file systems take names for the
/// same whatever their case is.
fn undeciding(parent: &Held, name: &str, path: &str, ours: &[PathBuf]) -> Result<(), FileFailure> {
    let real = Beneath::absolute(parent).map_err(|error| failure(path, error))?.join(name);
    let there = statat(&parent.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| (stat.st_dev, stat.st_ino));
    let is = |ours: &PathBuf| {
        let file = std::fs::metadata(ours).ok().map(|file| (file.dev(), file.ino()));
        real == *ours.canonicalize().as_ref().unwrap_or(ours) || (there.is_some() && there == file)
    };
    if ours.iter().any(is) {
        let path = printable(path);
        let why = "what decides over plugins is not written by one";
        return Err(FileFailure::Denied(format!("writing `{path}` is not permitted: {why}")));
    }
    Ok(())
}

/// Makes the file beside its place and then puts it there. What stands in that place by then is replaced, and no link followed.
fn put(place: &Place, content: &[u8]) -> std::io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let process = rustix::process::getpid().as_raw_nonzero();
    let part = format!("{PART}{process}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let parent = place.parent.as_fd();
    // Until it has the mode of what it replaces, it is nobody else's.
    let first = if place.mode.is_some() { 0o600 } else { 0o666 };
    let mut file: File = openat(parent, &part, flags, Mode::from_raw_mode(first))?.into();
    let written = file.write_all(content).and_then(|()| {
        if let Some(mode) = place.mode {
            fchmod(&file, mode)?;
        }
        Ok(renameat(parent, &part, parent, &place.name)?)
    });
    if written.is_err() {
        // What is left over is known by its name, and in nobody's way.
        let _ = unlinkat(parent, &part, AtFlags::empty());
    }
    written
}

fn failed(path: &str, error: &std::io::Error) -> FileFailure {
    FileFailure::Other(format!("`{}` cannot be written: {error}", printable(path)))
}
