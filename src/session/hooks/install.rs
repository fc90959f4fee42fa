//! Setting a hook into a directory of hooks, beside what is there and never in its stead, and taking it out again.
//!
//! At every moment there is one of the two under the hook's name: what was there gets its second name first, and ours is
//! renamed over it then. So whatever is cut off can be done again, and nothing is lost by it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::script::{self, BEFORE, Wanted};

/// A hook to set.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The directory of hooks.
    pub directory: &'a Path,
    /// The hook's name.
    pub name: &'a str,
    /// The project's directory in the work tree; empty where they are the same.
    pub project: &'a Path,
    /// The program that is used where none is on the PATH.
    pub program: Option<&'a Path>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// There was no such hook.
    New,
    /// There was one, which runs before ours now.
    Beside,
    /// Ours was there, and was another.
    Renewed,
    /// Ours was there as it is to be.
    Unchanged,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uninstalled {
    /// Ours is gone.
    Removed,
    /// Ours is gone, and what was there before is there again.
    Restored,
    /// There was none of ours.
    NotOurs,
}

/// What is under a hook's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// Somebody else's.
    Foreign {
        /// Whether git runs it.
        runs: bool,
    },
    /// Ours.
    Ours {
        /// The project's directory in the work tree, as it is written there; empty where they are the same.
        project: String,
        /// Whether something runs before it.
        chained: bool,
    },
}

/// Why a hook was not set or taken out. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Somebody has put another hook in the place of ours, and what was there before ours is still kept.
    #[error("{} is no hook of local-ci's, and {} is there already", .0.display(), .1.display())]
    Both(PathBuf, PathBuf),
    /// Ours is there for another project.
    #[error("{} is for the project in {project}", .path.display())]
    Other {
        /// The hook.
        path: PathBuf,
        /// Where the other project is.
        project: String,
    },
    /// The system refused.
    #[error("cannot {what} {}: {error}", .path.display())]
    Io {
        /// What could not be done.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// Where what was there before is kept.
pub fn before(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{BEFORE}"))
}

/// What a person types for a hook by hand, such as into the file of a manager of hooks.
pub fn command(name: &str, project: &Path) -> String {
    script::command(name, project)
}

/// Looks at what is under a hook's name.
pub fn look(directory: &Path, name: &str) -> Result<Found, InstallError> {
    let path = directory.join(name);
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(InstallError::Io { what: "look at", path, error }),
    };
    let runs = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    // Ours is never a link: what a link leads to may be a file that others have as well.
    if !metadata.is_file() {
        return Ok(Found::Foreign { runs });
    }
    match fs::read(&path) {
        Ok(bytes) if script::is_ours(&bytes) => Ok(Found::Ours {
            project: script::project_of(&bytes).unwrap_or_default(),
            chained: fs::symlink_metadata(before(directory, name)).is_ok(),
        }),
        Ok(_) => Ok(Found::Foreign { runs }),
        Err(error) => Err(InstallError::Io { what: "read", path, error }),
    }
}

/// Sets a hook.
pub fn install(request: &Request<'_>) -> Result<Installed, InstallError> {
    let Request { directory, name, project, program } = *request;
    let (path, kept) = (directory.join(name), before(directory, name));
    let text = script::text(&Wanted { name, project, program });
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |error| InstallError::Io { what, path, error }
    };
    fs::create_dir_all(directory).map_err(failed("make", directory))?;
    let done = match look(directory, name)? {
        Found::Nothing => Installed::New,
        Found::Foreign { .. } => Installed::Beside,
        Found::Ours { project: other, .. } => {
            if other != script_project(project) {
                let place = if other.is_empty() { "the top of the repository".to_owned() } else { other };
                return Err(InstallError::Other { path, project: place });
            }
            let is_same = fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes());
            let runs = fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
            if is_same && runs {
                return Ok(Installed::Unchanged);
            }
            Installed::Renewed
        }
    };
    let unfinished = directory.join(format!(".{name}.local-ci-{}", std::process::id()));
    write_new(&unfinished, text.as_bytes()).map_err(failed("write", &unfinished))?;
    let placed = (|| {
        if done == Installed::Beside {
            keep(&path, &kept)?;
        }
        fs::rename(&unfinished, &path).map_err(failed("write", &path))
    })();
    if placed.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    placed.map(|()| done)
}

/// A project as it is written in a script.
fn script_project(project: &Path) -> String {
    let text = project.to_string_lossy();
    if text.is_empty() { String::new() } else { crate::plan::quote(&text) }
}

/// Gives what was there its second name. It keeps its first one until ours takes it.
fn keep(path: &Path, kept: &Path) -> Result<(), InstallError> {
    if fs::symlink_metadata(kept).is_ok() {
        // What was cut off right here, or a manager that has put the same once more.
        let is_same =
            |a: &Path, b: &Path| fs::read_link(a).ok() == fs::read_link(b).ok() && fs::read(a).ok() == fs::read(b).ok();
        if is_same(path, kept) {
            return Ok(());
        }
        return Err(InstallError::Both(path.to_owned(), kept.to_owned()));
    }
    // Not every file system has links; there is a moment without a hook then.
    fs::hard_link(path, kept).or_else(|_| fs::rename(path, kept)).map_err(|error| InstallError::Io {
        what: "keep",
        path: path.to_owned(),
        error,
    })
}

/// Takes a hook out.
pub fn uninstall(directory: &Path, name: &str) -> Result<Uninstalled, InstallError> {
    let (path, kept) = (directory.join(name), before(directory, name));
    match look(directory, name)? {
        Found::Nothing | Found::Foreign { .. } => Ok(Uninstalled::NotOurs),
        Found::Ours { chained: true, .. } => {
            fs::rename(&kept, &path).map_err(|error| InstallError::Io { what: "put back", path: kept, error })?;
            Ok(Uninstalled::Restored)
        }
        Found::Ours { chained: false, .. } => {
            fs::remove_file(&path).map_err(|error| InstallError::Io { what: "remove", path, error })?;
            Ok(Uninstalled::Removed)
        }
    }
}

/// A program's file, as other programs may have it.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = File::options().write(true).create_new(true).mode(0o755).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
