//! Files that came from elsewhere, put into their places here: each in one step, and none outside of the project.

use std::collections::BTreeMap;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::remote::Fault;
use crate::remote::tree::carry::nonce;
use crate::remote::tree::names::PART;
use crate::remote::tree::snapshot::unusable;

/// When what was brought here was last changed: if that is so still, nobody else has touched it.
#[derive(Debug, Default)]
pub(in crate::remote::tree) struct Published(Mutex<BTreeMap<PathBuf, (i64, i64)>>);

impl Published {
    /// Whether a file of the project has been changed since that moment, and not by us.
    pub(super) fn is_newer(&self, root: &Path, path: &Path, since: Option<SystemTime>) -> bool {
        let Ok(metadata) = fs::symlink_metadata(root.join(path)) else { return false };
        let ours = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
        let Some(since) = since.and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok()) else {
            return false;
        };
        ours != Some(changed(&metadata)) && age(&metadata) > since
    }

    fn note(&self, root: &Path, path: &Path) {
        if let Ok(metadata) = fs::symlink_metadata(root.join(path)) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), changed(&metadata));
        }
    }

    /// Moves a file to its place in the project. Says why it was not, where it is not to be: a directory on the way is a
    /// link that leads out, or something that is no file has its name.
    pub(super) fn publish(&self, from: &Path, root: &Path, path: &Path) -> Result<Result<(), String>, Fault> {
        let to = root.join(path);
        let failed = |error: &io::Error| unusable(&to, error);
        let Some(parent) = to.parent() else { return Ok(Err("it has no directory".to_owned())) };
        if let Err(why) = way_in(root, path).map_err(|error| failed(&error))? {
            return Ok(Err(why));
        }
        if fs::symlink_metadata(&to).is_ok_and(|metadata| metadata.is_dir()) {
            return Ok(Err("a directory of that name is here".to_owned()));
        }
        let metadata = fs::symlink_metadata(from).map_err(|error| failed(&error))?;
        if metadata.is_file() {
            // Modes are kept, and nobody's rights to act as somebody else.
            let mode = Permissions::from_mode(metadata.permissions().mode() & 0o777);
            fs::set_permissions(from, mode).map_err(|error| failed(&error))?;
        }
        match fs::rename(from, &to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let part = parent.join(format!("{PART}{}", nonce()?));
                let copied = copy(from, &metadata, &part).and_then(|()| fs::rename(&part, &to));
                if let Err(error) = copied {
                    let _ = fs::remove_file(&part);
                    return Err(failed(&error));
                }
            }
            renamed => renamed.map_err(|error| failed(&error))?,
        }
        self.note(root, path);
        Ok(Ok(()))
    }
}

fn changed(metadata: &Metadata) -> (i64, i64) {
    (metadata.ctime(), metadata.ctime_nsec())
}

fn age(metadata: &Metadata) -> Duration {
    let (seconds, nanoseconds) = changed(metadata);
    Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0))
}

fn copy(from: &Path, metadata: &Metadata, to: &Path) -> io::Result<()> {
    if metadata.is_symlink() { symlink(fs::read_link(from)?, to) } else { fs::copy(from, to).map(drop) }
}

/// Makes the directories on the way to a file, and says why not where one of them leads out of the project.
fn way_in(root: &Path, path: &Path) -> io::Result<Result<(), String>> {
    let inside = root.canonicalize()?;
    let mut at = root.to_owned();
    for part in path.parent().into_iter().flat_map(Path::components) {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(metadata) if metadata.is_symlink() => {
                if !at.canonicalize().is_ok_and(|real| real.starts_with(&inside) && real.is_dir()) {
                    return Ok(Err("its directory is a link that leads out of the project".to_owned()));
                }
            }
            Ok(_) => return Ok(Err("its directory has the name of a file here".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&at)?,
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(()))
}
