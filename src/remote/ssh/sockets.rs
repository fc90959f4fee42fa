//! Where masters have their sockets: a private directory with a short name, since a socket's path may have 107 bytes and
//! ssh needs 17 of them for itself while it makes one.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::getuid;

use super::options::Whom;
use crate::clock::{Clock, SystemClock};
use crate::env::{self, Env};
use crate::remote::{Fault, FaultKind};

/// The longest path of a socket: `sun_path` of unix(7), its NUL, and what ssh appends for a moment.
const PATH_MAX: usize = 108 - 1 - 17;
/// So much of a config of ssh tells it from another.
const CONFIG_MAX: u64 = 1024 * 1024;
/// After so many seconds what stands beside a socket that is not there is of no use to anybody.
const FORGOTTEN_AFTER: i64 = 24 * 60 * 60;

/// The directory of sockets, and what ours are called in it.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    dir: PathBuf,
    key: String,
}

impl Sockets {
    /// Those of masters to this host. The directory is made where it is not there; where it is not ours alone, it is not
    /// used.
    pub(super) fn of(whom: &Whom, env: &Env) -> Result<Self, Fault> {
        let key = key(whom, env);
        let uid = getuid().as_raw();
        let runtime = env.absolute(env::XDG_RUNTIME_DIR).filter(|dir| dir.is_dir()).map(|dir| dir.join("local-ci"));
        let temporary = [Some(PathBuf::from("/tmp")), env.absolute(env::TMPDIR)];
        let temporary = temporary.into_iter().flatten().map(|dir| dir.join(format!("local-ci-{uid}")));
        let mut whys = Vec::new();
        for dir in runtime.into_iter().chain(temporary) {
            // The longest name that anything of ours has there.
            let longest = dir.join(format!("{key}.{}.{}", u32::MAX, u16::MAX));
            if longest.as_os_str().len() > PATH_MAX {
                whys.push(format!("the path of {} is too long", dir.display()));
                continue;
            }
            match private(&dir) {
                Ok(()) => return Ok(Self { dir, key }),
                Err(why) => whys.push(why),
            }
        }
        let message = format!("there is no place for the sockets of ssh: {}", whys.join("; "));
        Err(Fault::new(FaultKind::Directory, message)
            .cure(format!("XDG_RUNTIME_DIR=$(mktemp -d), or remove /tmp/local-ci-{uid} if it is in the way")))
    }

    /// The socket that all runs of the user share.
    pub(super) fn shared(&self) -> PathBuf {
        self.dir.join(&self.key)
    }

    /// A socket of this process alone: the one of that number.
    pub(super) fn private(&self, number: u16) -> PathBuf {
        self.dir.join(format!("{}.{}.{number}", self.key, std::process::id()))
    }

    /// Keeps others from making the shared master until what is returned is dropped.
    pub(super) fn lock(&self, is_cancelled: &dyn Fn() -> bool) -> io::Result<File> {
        let path = self.dir.join(format!("{}.lock", self.key));
        let open = || File::options().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = open()?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if file.metadata()?.nlink() > 0 => return Ok(file),
                // Somebody has tidied it away since it was opened.
                Ok(()) => file = open()?,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) if !is_cancelled() => {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Removes what masters of processes that are gone have left in the directory, and what stands beside shared ones that
    /// nobody has made for a day.
    pub(super) fn tidy(&self) {
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some((key, rest)) = name.split_once('.') else { continue };
            let pid = rest.split('.').next().and_then(|word| word.parse::<i32>().ok());
            if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                let _ = fs::remove_file(entry.path());
            } else if rest == "lock" && key != self.key {
                self.forget(key, &entry.path());
            }
        }
    }

    /// Removes what stands beside the shared master of this key, where that was not made for a day and nobody makes it.
    fn forget(&self, key: &str, lock: &Path) {
        let said = self.dir.join(format!("{key}.said"));
        let now = SystemClock.now().unix_ms / 1000;
        // What the last one said is begun anew with each that is made.
        let made = fs::metadata(&said).or_else(|_| fs::metadata(lock)).map(|metadata| metadata.mtime());
        let is_old = made.is_ok_and(|made| now.saturating_sub(made) > FORGOTTEN_AFTER);
        if !is_old || super::mux::is_alive(&self.dir.join(key)) {
            return;
        }
        // Whoever waits for it finds that it is no file any more, and makes another.
        let Ok(held) = File::options().write(true).open(lock) else { return };
        if flock(&held, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_file(said);
            let _ = fs::remove_file(lock);
        }
    }
}

/// What tells a destination from another: with the config of ssh changed, the same words may lead elsewhere.
fn key(whom: &Whom, env: &Env) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
        hasher.update(bytes);
    };
    let destination = &whom.destination;
    add(destination.user.as_deref().unwrap_or_default().as_bytes());
    add(destination.host.as_bytes());
    add(destination.port.map_or_else(String::new, |port| port.to_string()).as_bytes());
    let usual = || env.absolute(env::HOME).map(|home| home.join(".ssh/config"));
    if let Some(config) = whom.config.clone().or_else(usual) {
        add(config.as_os_str().as_encoded_bytes());
        let mut text = Vec::new();
        let _ = File::open(config).and_then(|file| file.take(CONFIG_MAX).read_to_end(&mut text));
        add(&text);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Makes sure that a directory is there and nobody else's, or says why it cannot be used.
fn private(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(format!("{shown}: {error}")),
        Ok(()) | Err(_) => {}
    }
    // Not through a link: somebody else may have put it there.
    let metadata = fs::symlink_metadata(dir).map_err(|error| format!("{shown}: {error}"))?;
    match metadata {
        metadata if !metadata.is_dir() => Err(format!("{shown} is no directory")),
        metadata if metadata.uid() != getuid().as_raw() => Err(format!("{shown} belongs to somebody else")),
        metadata if metadata.mode() & 0o077 != 0 => Err(format!("{shown} is open to others (chmod 700 {shown})")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::remote::Destination;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::{Duration, SystemTime};

    fn whom(host: &str) -> Whom {
        Whom { destination: Destination { user: None, host: host.into(), port: None }, config: None }
    }

    fn env(dir: &Path) -> Env {
        Env::from_pairs([("XDG_RUNTIME_DIR", dir.to_str().unwrap())])
    }

    /// H147: a directory of ours with a short path, whatever the home or runtime directory is called.
    #[test]
    fn h147_paths_of_sockets_are_short_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let sockets = Sockets::of(&whom("box"), &env(dir.path())).unwrap();
        assert!(sockets.shared().starts_with(dir.path().join("local-ci")));
        assert_eq!(fs::metadata(dir.path().join("local-ci")).unwrap().mode() & 0o777, 0o700);
        let long = dir.path().join("x".repeat(80));
        fs::create_dir(&long).unwrap();
        let sockets = Sockets::of(&whom("box"), &env(&long)).unwrap();
        assert!(sockets.shared().starts_with("/tmp"), "{sockets:?}");
        assert!(sockets.private(7).as_os_str().len() <= PATH_MAX);
    }

    /// H136: what somebody else has put there is not used.
    #[test]
    fn h136_a_directory_that_is_not_ours_alone_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("d");
        symlink(dir.path(), &place).unwrap();
        assert!(private(&place).unwrap_err().contains("is no directory"));
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(private(&place).unwrap_err().contains("chmod 700"));
    }

    #[test]
    fn a_config_that_changes_leads_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config");
        let of = |host: &str| key(&Whom { config: Some(config.clone()), ..whom(host) }, &Env::default());
        fs::write(&config, "Host box\n").unwrap();
        let before = of("box");
        assert_eq!((before.len(), before == of("box"), before == of("other")), (16, true, false));
        fs::write(&config, "Host box\nPort 1\n").unwrap();
        assert_ne!(before, of("box"));
    }

    #[test]
    fn what_processes_that_are_gone_have_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let sockets = Sockets::of(&whom("box"), &env(dir.path())).unwrap();
        let (own, gone) = (sockets.private(1), sockets.dir.join("0123456789abcdef.2147483647.1"));
        for file in [&own, &gone, &sockets.shared()] {
            fs::write(file, "").unwrap();
        }
        sockets.tidy();
        assert_eq!([own.exists(), gone.exists(), sockets.shared().exists()], [true, false, true]);
    }

    #[test]
    fn what_stands_beside_masters_that_nobody_makes_any_more_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let sockets = Sockets::of(&whom("box"), &env(dir.path())).unwrap();
        let two_days_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let pair = |key: &str| ["lock", "said"].map(|end| sockets.dir.join(format!("{key}.{end}")));
        let [old, held, new, own] =
            ["0000000000000001", "0000000000000002", "0000000000000003", &sockets.key].map(pair);
        for file in old.iter().chain(&held).chain(&own).chain([&new[0]]) {
            File::create(file).unwrap().set_modified(two_days_ago).unwrap();
        }
        // Made a moment ago, with the lock of the first time.
        fs::write(&new[1], "").unwrap();
        let holder = File::open(&held[0]).unwrap();
        flock(&holder, FlockOperation::LockExclusive).unwrap();
        sockets.tidy();
        let there = [old, held, new, own].map(|files| files.map(|file| file.exists()));
        assert_eq!(there, [[false; 2], [true; 2], [true; 2], [true; 2]]);
    }
}
