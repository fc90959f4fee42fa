//! Reading a file that somebody else may have put there: never waiting, never more than a limit, never a device.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::code::Code;

/// The largest file that is read, in bytes: ten thousand stages fit well, and the worst text of this size, read as
/// tables, takes some hundred times as much memory.
pub(super) const SIZE_MAX: u64 = 4 << 20;

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    /// What is wrong; reads after "it".
    pub(super) why: String,
    /// Whether it is simply not there.
    pub(super) missing: bool,
}

impl Refused {
    fn new(code: Code, why: impl Into<String>) -> Self {
        Self { code, why: why.into(), missing: false }
    }
}

/// A file's text, and the number of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) text: String,
    pub(super) owner: u32,
}

/// Reads a file of text. A byte order mark is left out.
pub(super) fn read(path: &Path) -> Result<Read, Refused> {
    // Asked before it is opened: opening alone makes some devices act.
    let stat = rustix::fs::stat(path).map_err(|errno| unreadable(path, errno))?;
    regular(FileType::from_raw_mode(stat.st_mode))?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| unreadable(path, errno))?;
    // Asked again: it may have been replaced since.
    let stat = rustix::fs::fstat(&file).map_err(|errno| unreadable(path, errno))?;
    regular(FileType::from_raw_mode(stat.st_mode))?;
    if u64::try_from(stat.st_size).is_ok_and(|size| size > SIZE_MAX) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A file may grow while it is read, and some have no size at all.
    let limit = SIZE_MAX + 1;
    File::from(file)
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Refused::new(Code::Unreadable, format!("cannot be read: {error}")))?;
    if bytes.len() as u64 == limit {
        return Err(too_large());
    }
    let text =
        String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(Read { text, owner: stat.st_uid })
}

fn too_large() -> Refused {
    Refused::new(Code::TooLarge, format!("is larger than {} MiB, the most that is read", SIZE_MAX >> 20))
}

fn regular(kind: FileType) -> Result<(), Refused> {
    let what = match kind {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "is a directory",
        FileType::Fifo => "is a named pipe",
        FileType::Socket => "is a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "is a device",
        FileType::Symlink | FileType::Unknown => "is not a file of text",
    };
    Err(Refused::new(Code::NotAFile, format!("{what}, not a regular file")))
}

fn unreadable(path: &Path, errno: Errno) -> Refused {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
    let why = match errno {
        Errno::NOENT | Errno::NOTDIR if is_link => "is a symbolic link that leads nowhere".into(),
        Errno::NOENT | Errno::NOTDIR => {
            return Refused { code: Code::Unreadable, why: "is not there".into(), missing: true };
        }
        Errno::LOOP => "is a symbolic link that leads in a circle".into(),
        Errno::ACCESS | Errno::PERM => "may not be read by you: check its permissions".into(),
        Errno::NXIO => return Refused::new(Code::NotAFile, "is a socket or a device, not a regular file"),
        other => format!("cannot be read: {}", std::io::Error::from(other)),
    };
    Refused::new(Code::Unreadable, why)
}

fn not_utf8(bytes: &[u8], at: usize) -> Refused {
    let line = memchr::memchr_iter(b'\n', &bytes[..at]).count() + 1;
    let byte = bytes.get(at).copied().unwrap_or(0);
    Refused::new(
        Code::NotUtf8,
        format!("is not UTF-8: the byte 0x{byte:02x} at offset {at} (line {line}) begins no character"),
    )
}
