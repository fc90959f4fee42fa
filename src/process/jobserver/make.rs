//! Which way of naming a jobserver this machine's `make` understands.
//!
//! Before 4.4 GNU make ends with an internal error where `MAKEFLAGS` names a FIFO. It need not be called by us: build
//! scripts of well-known crates hand `CARGO_MAKEFLAGS` on to it. 4.4 also brought the option `--jobserver-style`, whose
//! name is in the program; to look for it there costs a hundredth of what running `make --version` does.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memchr::memmem;

use crate::process::program::resolve;

/// Larger than any make; what is in a file beyond that is not looked at.
const LARGEST: u64 = 16 << 20;

/// Whether a `make` that is found in this PATH, from this directory, can be given a FIFO: it can, or there is none.
pub fn takes_fifos(path: Option<&OsStr>, dir: &Path) -> bool {
    match resolve("make", path, dir) {
        Ok(file) => is_new(&file),
        Err(_) => true,
    }
}

fn is_new(file: &Path) -> bool {
    File::open(file).and_then(|file| has(file.take(LARGEST), b"jobserver-style")).unwrap_or(false)
}

/// Whether these bytes are anywhere in a file. A piece of it at a time, which stays in the processor's cache.
fn has(mut file: impl Read, bytes: &[u8]) -> io::Result<bool> {
    let mut piece = vec![0; 32 * 1024];
    let mut kept = 0;
    loop {
        let filled = match file.read(&mut piece[kept..]) {
            Ok(0) => return Ok(false),
            Ok(read) => kept + read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if memmem::find(&piece[..filled], bytes).is_some() {
            return Ok(true);
        }
        // They may begin at the end of this piece.
        kept = filled.min(bytes.len() - 1);
        piece.copy_within(filled - kept..filled, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn bytes_are_found_wherever_they_are() {
        for at in [0, 1, 32 * 1024 - 3, 32 * 1024, 70_000] {
            let mut file = vec![b'-'; at];
            file.extend_from_slice(b"needle");
            assert!(has(&file[..], b"needle").unwrap(), "at {at}");
            assert!(!has(&file[..at + 5], b"needle").unwrap(), "cut at {at}");
        }
    }

    #[test]
    fn an_old_make_or_one_that_is_not_known_takes_no_fifo() {
        let dir = tempfile::tempdir().unwrap();
        let path = Some(dir.path().as_os_str());
        let takes = || takes_fifos(path, Path::new("/"));
        assert!(takes(), "there is none");
        let make = dir.path().join("make");
        for (text, new) in [("\0jobserver-auth\0", false), ("#!/bin/sh\n", false), ("\0jobserver-style\0", true)] {
            fs::write(&make, text).unwrap();
            fs::set_permissions(&make, fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(takes(), new, "{text:?}");
        }
    }
}
