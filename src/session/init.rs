//! Writing a project's first config, whole or not at all, and never over anything.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// The file that is written.
pub const NAME: &str = "local-ci.toml";

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Something of this name is there.
    #[error("there is a {} already; nothing was written", .0.display())]
    There(PathBuf),
    /// The system refused.
    #[error("cannot write {}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] io::Error),
}

/// Writes the config into a directory and says where. Of several that try at the same time one succeeds.
pub fn write(root: &Path, text: &str) -> Result<PathBuf, InitError> {
    let target = root.join(NAME);
    let failed = |error| InitError::Io(target.clone(), error);
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
        .map_err(|errno| failed(errno.into()))?;
    let unfinished = root.join(format!(".{NAME}.{}", crate::ids::hex(&random)));
    let written = File::options().write(true).create_new(true).open(&unfinished).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let published = written.and_then(|()| publish(&unfinished, &target));
    if published.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    match published {
        Ok(()) => Ok(target),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(InitError::There(target)),
        Err(error) => Err(failed(error)),
    }
}

/// Gives a finished file its name, unless something has it.
fn publish(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot rename so; nearly all of them can link, which replaces nothing either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(from, to)?;
            let _ = fs::remove_file(from);
            Ok(())
        }
        renamed => Ok(renamed?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Whatever has the name, a link to nothing included.
    #[test]
    fn nothing_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(matches!(write(dir.path(), "new"), Err(InitError::There(there)) if there == path));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "old").unwrap();
        assert!(matches!(write(dir.path(), "new"), Err(InitError::There(_))));
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(dir.path())), ("old", vec![NAME.to_owned()]));
    }

    #[test]
    fn of_many_one_writes() {
        let dir = tempfile::tempdir().unwrap();
        let texts: Vec<String> = (0..8).map(|n| format!("# {n}\n").repeat(1_000)).collect();
        let won: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = texts.iter().map(|text| scope.spawn(|| write(dir.path(), text).is_ok())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winner = won.iter().position(|won| *won).unwrap();
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        assert_eq!(fs::read_to_string(dir.path().join(NAME)).unwrap(), texts[winner]);
        assert_eq!(names(dir.path()), [NAME]);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let held = tempfile::tempdir().unwrap();
        let directory = held.path().join("none");
        let error = write(&directory, "").unwrap_err();
        let named = format!("cannot write {}: ", directory.join(NAME).display());
        assert!(error.to_string().starts_with(&named), "{error}");
    }
}
