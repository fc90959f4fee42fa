//! Which way of naming a jobserver this machine's `make` understands.
//!
//! Before 4.4 GNU make ends with an internal error where `MAKEFLAGS` names a FIFO. It need not be called by us: build
//! scripts of well-known crates hand `CARGO_MAKEFLAGS` on to it. 4.4 also brought the option `--jobserver-style`, whose
//! name is in the program; to look for it there costs a fiftieth of what running `make --version` does.

use std::ffi::OsStr;
use std::path::Path;

use memchr::memmem;

use crate::process::program::resolve;

/// Larger than any make; a file beyond that is something else.
const LARGEST: u64 = 16 << 20;

/// Whether a `make` that is found in this PATH, from this directory, can be given a FIFO: it can, or there is none.
pub fn takes_fifos(path: Option<&OsStr>, dir: &Path) -> bool {
    match resolve("make", path, dir) {
        Ok(file) => is_new(&file),
        Err(_) => true,
    }
}

fn is_new(file: &Path) -> bool {
    let small = std::fs::metadata(file).is_ok_and(|meta| meta.len() <= LARGEST);
    small && std::fs::read(file).is_ok_and(|bytes| memmem::find(&bytes, b"jobserver-style").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

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
