//! What was compiled, kept: native code, so it is only ever taken from a directory that nobody else can write to, and only
//! with the content that was put there.
//!
//! ```text
//!  <cache>/wasm/<wasmtime>-<machine>/<engine>/<component>.cwasm    0600, its name the component's hash; never changed
//!                                             <component>.json     its hash and size, what the component is and says
//! ```
//!
//! A file gets its name when it is whole. Who compiles a component holds a lock on its `.lock`, so that a second process waits
//! and takes what the first has made; should the first die, the lock is free. Another component is nothing to wait for.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, Timespec, Timestamps, UTIME_NOW, flock, futimens};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use wasmtime::Engine;

use super::engine;
use crate::cancel::CancelToken;
use crate::plugin::component::Shape;
use crate::plugin::fault::FaultKind;
use crate::plugin::info::Info;

/// Files that a process left behind while it wrote them are taken away after so many seconds.
const STALE_AFTER: i64 = 3600;
/// What nobody has loaded for so many seconds is taken away: who works on a plugin compiles many that come to nothing.
const UNUSED_AFTER: i64 = 30 * 24 * 3600;
/// The time of a file says when it was loaded, to so many seconds.
const NOTED_EVERY: i64 = 24 * 3600;
/// How often who waits for another's compiling looks whether that is done.
const LOOK: Duration = Duration::from_millis(10);

/// For a file's times: now.
const NOW: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
};

/// What stands beside compiled code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The hash of the code.
    code: String,
    /// What the component is.
    pub(super) shape: Shape,
    /// What it says of itself, once it was asked.
    pub(super) info: Option<Info>,
}

/// The directory for one engine.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    dir: PathBuf,
}

/// A place in it: that of one component.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    dir: PathBuf,
    name: String,
}

impl Cache {
    /// The directory for this engine below `root`, made where it is missing. The error says why it cannot be trusted, or made.
    pub(super) fn open(root: &Path, engine: &Engine) -> Result<Self, String> {
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(|error| not_made(root, &error))?;
        trust(root)?;
        let machine = format!("{}-{}-{}", engine::VERSION, std::env::consts::ARCH, std::env::consts::OS);
        let mut dir = root.to_owned();
        for part in ["wasm", &machine, &engine::fingerprint(engine)] {
            dir.push(part);
            match DirBuilder::new().mode(0o700).create(&dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(not_made(&dir, &error)),
                Ok(()) | Err(_) => trust(&dir)?,
            }
        }
        Ok(Self { dir })
    }

    /// The place of the component with this hash.
    pub(super) fn slot(&self, hash: &str) -> Slot {
        Slot { dir: self.dir.clone(), name: hash.to_owned() }
    }
}

impl Slot {
    fn path(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.name))
    }

    /// The code, and what stands beside it. None where there is none that can be trusted: whatever is wrong with it, it is
    /// compiled anew.
    pub(super) fn find(&self) -> Option<(File, Note)> {
        let note = io::read_to_string(ours(&self.path("json")).ok()?).ok()?;
        let note: Note = serde_json::from_str(&note).ok()?;
        let file = ours(&self.path("cwasm")).ok()?;
        if hash(&file).ok()? != note.code {
            return None;
        }
        if age(&file.metadata().ok()?) > NOTED_EVERY {
            let _ = futimens(&file, &NOW);
        }
        Some((file, note))
    }

    /// Waits until nobody else compiles this component. None where who waits is asked to end before that.
    pub(super) fn lock(&self, cancel: &CancelToken) -> io::Result<Option<File>> {
        let file = self.lock_file()?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(file)),
                Err(Errno::WOULDBLOCK) if cancel.level().is_some() => return Ok(None),
                // Nothing tells when it is free but a call that nothing can end.
                Err(Errno::WOULDBLOCK) => std::thread::sleep(LOOK),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn lock_file(&self) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mut how = File::options();
        how.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits().cast_signed());
        how.open(self.path("lock"))
    }

    /// Puts into this place what `compile` writes into the file that it is given. To be called under the lock.
    pub(super) fn fill(
        &self,
        shape: Shape,
        compile: impl FnOnce(&Path) -> Result<(), FaultKind>,
    ) -> Result<(), FaultKind> {
        self.sweep();
        let temporary = self.path(&format!("cwasm.{}", std::process::id()));
        let _ = fs::remove_file(&temporary);
        let kept = compile(&temporary).and_then(|()| {
            let kept = || {
                let code = ours(&temporary)?;
                code.sync_all()?;
                self.write(&Note { code: hash(&code)?, shape, info: None })?;
                fs::rename(&temporary, self.path("cwasm"))
            };
            kept().map_err(|error| {
                let dir = self.dir.display();
                FaultKind::NotCompiled(format!("was compiled, but that cannot be kept in {dir}: {error}"))
            })
        });
        kept.inspect_err(|_| drop(fs::remove_file(&temporary)))
    }

    /// Keeps what the component says of itself, for the code that is there; where somebody is at work there, somebody else
    /// may do so another time.
    pub(super) fn keep_info(&self, info: &Info) -> io::Result<()> {
        let lock = self.lock_file()?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        match self.find() {
            Some((_, note)) => self.write(&Note { info: Some(info.clone()), ..note }),
            None => Ok(()),
        }
    }

    fn write(&self, note: &Note) -> io::Result<()> {
        let temporary = self.path(&format!("json.{}", std::process::id()));
        let _ = fs::remove_file(&temporary);
        let written = (|| {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(&serde_json::to_vec(note)?)?;
            fs::rename(&temporary, self.path("json"))
        })();
        written.inspect_err(|_| drop(fs::remove_file(&temporary)))
    }

    /// Takes away what others have left half-written, and what nobody uses any more.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            let is_lasting = ending == "cwasm" || ending == "lock";
            let patience = if is_lasting { UNUSED_AFTER } else { STALE_AFTER };
            // A note goes with its code. A lock that somebody holds all the same costs compiling twice, and no more.
            let is_swept = is_lasting || ending.parse::<u32>().is_ok();
            if is_swept && entry.metadata().is_ok_and(|file| age(&file) > patience) {
                let _ = fs::remove_file(&path);
                if ending != "lock" {
                    let _ = fs::remove_file(path.with_extension("json"));
                }
            }
        }
    }
}

/// How long ago a file was changed, or said to be used, in seconds.
fn age(file: &fs::Metadata) -> i64 {
    clock_gettime(ClockId::Realtime).tv_sec - file.mtime()
}

/// Fails unless this is a directory of ours that nobody else can write to.
fn trust(dir: &Path) -> Result<(), String> {
    let is = fs::symlink_metadata(dir).map_err(|error| not_made(dir, &error))?;
    let what = if !is.is_dir() {
        "is no directory"
    } else if is.uid() != rustix::process::geteuid().as_raw() {
        "belongs to somebody else"
    } else if is.mode() & 0o022 != 0 {
        "can be written to by others"
    } else {
        return Ok(());
    };
    Err(format!(
        "{} {what}, so no compiled plugin is kept there: each is compiled whenever it is needed",
        dir.display()
    ))
}

fn not_made(dir: &Path, error: &io::Error) -> String {
    format!("{} cannot be used ({error}), so compiled plugins are not kept", dir.display())
}

/// Opens a regular file of ours that nobody else can write to.
fn ours(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let is = file.metadata()?;
    let is_ours = is.is_file() && is.uid() == rustix::process::geteuid().as_raw() && is.mode() & 0o022 == 0;
    if is_ours { Ok(file) } else { Err(io::Error::from(io::ErrorKind::PermissionDenied)) }
}

fn hash(file: &File) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().to_hex().to_string())
}
