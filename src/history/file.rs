//! The file and what stands beside it: made private before SQLite sees it, locked, set aside, and asked where it lies.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// How many damaged files are kept.
const DAMAGED_KEPT: usize = 3;

/// How long it is until a lock that others hold is tried again.
const STEP: Duration = Duration::from_millis(5);

/// How long others are waited for. Each holds the file for a millisecond, or for some tens where it makes it anew; one that
/// was stopped in the middle holds it for as long as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// For as long as it takes where all is well, and more.
    Long,
    /// For hardly longer than a person notices: somebody waits for more than this.
    Short,
}

impl Patience {
    /// How long that is.
    pub(super) fn limit(self) -> Duration {
        Duration::from_millis(match self {
            Patience::Long => 10_000,
            Patience::Short => 200,
        })
    }
}

/// The path with this at its end.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW).write(true);
    options
}

/// Makes an empty file for its owner alone; SQLite would ask the umask. What it makes beside it later has the same mode.
///
/// One that is there is not opened: to close it again would let go of the locks that SQLite has on it.
pub(super) fn create(path: &Path) -> io::Result<()> {
    match private().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// The lock over making, changing and setting aside the file. Not on the file itself: that is SQLite's to lock.
#[derive(Debug)]
pub(super) struct Lock {
    _held: File,
}

impl Lock {
    /// Waits for the lock, for as long as there is patience.
    pub(super) fn wait(path: &Path, patience: Patience) -> io::Result<Self> {
        let file = private().create(true).truncate(false).open(beside(path, ".lock"))?;
        let mut waited = Duration::ZERO;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _held: file }),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) if waited < patience.limit() => {
                    std::thread::sleep(STEP);
                    waited += STEP;
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, "others are changing it"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Which file this is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(u64, u64);

impl Identity {
    /// The file at this path.
    pub fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }
}

/// Moves a damaged file out of the way, with what belongs to it, and says what it is called now. None where somebody
/// else did so before: `damaged` is the file that was seen to be.
pub fn set_aside(
    path: &Path,
    damaged: Option<Identity>,
    unix_secs: i64,
    patience: Patience,
) -> io::Result<Option<PathBuf>> {
    let _lock = Lock::wait(path, patience)?;
    match (Identity::of(path), damaged) {
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        (Err(error), _) => return Err(error),
        (Ok(now), Some(then)) if now != then => return Ok(None),
        (Ok(_), _) => {}
    }
    let aside = beside(path, &format!(".corrupt-{unix_secs}"));
    // Before the file itself: what is left of one database must never be read as a part of the next one.
    for end in ["-wal", "-shm", "-journal"] {
        match fs::rename(beside(path, end), beside(&aside, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, &aside)?;
    forget_oldest(path);
    Ok(Some(aside))
}

/// Removes the file with all that was ever kept beside it: damaged ones, and those from before their tables were changed.
/// Whoever has it open goes on with a file that nobody else sees.
pub fn discard(path: &Path, patience: Patience) -> io::Result<()> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    if !dir.is_dir() {
        return Ok(());
    }
    let _lock = Lock::wait(path, patience)?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let file = entry.file_name();
        let end = file.to_str().and_then(|file| file.strip_prefix(name));
        let is_ours = |end: &str| {
            matches!(end, "" | "-wal" | "-shm" | "-journal" | ".backup")
                || [".corrupt-", ".version-"].iter().any(|kind| end.starts_with(kind))
        };
        if end.is_some_and(is_ours) && !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Keeps the newest of the damaged files only. That one cannot be removed is nobody's concern.
fn forget_oldest(path: &Path) {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return };
    let prefix = format!("{name}.corrupt-");
    let when = |entry: &fs::DirEntry| entry.file_name().to_str()?.strip_prefix(&prefix)?.parse::<i64>().ok();
    let mut found: Vec<i64> = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|e| when(&e)).collect();
    found.sort_unstable();
    for old in found.iter().rev().skip(DAMAGED_KEPT) {
        let old = beside(path, &format!(".corrupt-{old}"));
        for end in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(beside(&old, end));
        }
    }
}

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// On this machine.
    Local,
    /// On another: memory cannot be shared over it, which a write-ahead log needs.
    Network,
}

impl Medium {
    /// By the magic numbers of statfs(2).
    pub(super) fn of(path: &Path) -> Self {
        const NETWORK: [u32; 9] = [
            0x6969,      // NFS
            0x517b,      // SMB
            0xff53_4d42, // CIFS
            0xfe53_4d42, // SMB2
            0x0102_1997, // 9p
            0x00c3_6400, // Ceph
            0x5346_414f, // AFS
            0x7375_7245, // Coda
            0x564c,      // NCP
        ];
        // On every platform the numbers have 32 bits, whatever the field has.
        let kind = rustix::fs::statfs(path).map(|found| u32::try_from(found.f_type & 0xffff_ffff));
        if kind.is_ok_and(|kind| kind.is_ok_and(|kind| NETWORK.contains(&kind))) { Self::Network } else { Self::Local }
    }
}
