//! Locks that end with their holder: flock(2) belongs to the open file description, so it is shared by the processes
//! that were handed the descriptor and let go when the last of them is gone, however it went.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::layout::{ProjectDir, open_to_read, private_file};

/// Creates a lock file and takes its lock. For a file that nobody else can know yet.
pub fn create_held(path: &Path) -> io::Result<File> {
    let file = private_file().write(true).create_new(true).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Creates a lock file where the reason why its lock could not be taken is that the file system has none.
pub fn create_free(path: &Path, why: io::Error) -> io::Result<File> {
    if is_unsupported(&why) { private_file().write(true).create(true).truncate(true).open(path) } else { Err(why) }
}

/// Waits for the lock of an open file. Another holder never keeps it for longer than a few file operations.
pub fn wait_exclusive(file: &File) -> io::Result<()> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes the lock of an open file where nobody has it. Says whether it did.
pub fn try_exclusive(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Opens the file whose lock is held by who deletes runs of a project, and by who writes down what is forgotten of it.
pub fn open_deleting(project: &ProjectDir) -> io::Result<File> {
    private_file().write(true).create(true).truncate(false).open(project.prune_lock())
}

/// Whether an open file is still the one that has this name. A lock is worth nothing on one that is not.
pub fn is_file_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an error says that a file system has no locks.
pub fn is_unsupported(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    code.is_some_and(|code| {
        [rustix::io::Errno::NOLCK, rustix::io::Errno::OPNOTSUPP, rustix::io::Errno::NOSYS].contains(&code)
    })
}

/// Whether somebody holds the lock of this file. Nobody does where there is no file, or something else in its place.
///
/// To look is to take it shared for a moment. That disturbs nobody: a run's lock is taken before the run can be seen, and
/// again only by who goes on with a lost one, and waits for that moment.
pub fn is_held(path: &Path) -> io::Result<bool> {
    let file = match open_to_read(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H92: a file that was deleted, or replaced, is no longer the one at its path.
    #[test]
    fn h92_a_replaced_file_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = create_held(&path).unwrap();
        assert!(is_file_at(&first, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!is_file_at(&first, &path).unwrap());
        let second = create_held(&path).unwrap();
        assert!(is_file_at(&second, &path).unwrap() && !is_file_at(&first, &path).unwrap());
    }

    /// H90: the lock goes with its holder, and the descriptor that was handed on holds it too.
    #[test]
    fn h90_a_lock_ends_with_the_last_descriptor() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!is_held(&path).unwrap());
        let held = create_held(&path).unwrap();
        assert!(is_held(&path).unwrap());
        let handed_on = held.try_clone().unwrap();
        drop(held);
        assert!(is_held(&path).unwrap());
        drop(handed_on);
        assert!(!is_held(&path).unwrap());
        assert!(create_held(&path).is_err(), "a run's lock is created once");
    }
}
