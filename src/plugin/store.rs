//! Plugins that were fetched, kept by the hash of what they are: `<cache>/plugins/<blake3>.wasm`. What is found there is
//! hashed again before anything is done with it, so that it may be deleted, damaged or planted without harm.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::rewrite;
use crate::env::{self, Env};
use crate::journal::layout::create_dir;
use crate::journal::replace::replace;

/// The most that a component may be large, in bytes.
pub const COMPONENT_MAX: u64 = 64 * 1024 * 1024;

/// The cache directory that this environment asks for; none where it names no home either.
pub fn cache_dir(env: &Env) -> Option<PathBuf> {
    env.absolute(env::CACHE_DIR)
        .or_else(|| env.absolute(env::XDG_CACHE_HOME).map(|dir| dir.join("local-ci")))
        .or_else(|| env.absolute(env::HOME).map(|home| home.join(".cache/local-ci")))
}

/// Where a component of this hash, in hex digits, is kept.
pub fn kept(cache: &Path, hash: &str) -> PathBuf {
    cache.join("plugins").join(format!("{hash}.wasm"))
}

/// Keeps a component, and says where.
pub fn keep(cache: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = kept(cache, &hash(bytes));
    create_dir(&cache.join("plugins"))?;
    if !read(&path).is_ok_and(|there| there == bytes) {
        replace(&path, bytes)?;
    }
    Ok(path)
}

/// The bytes of a component's file: of a plain file alone, and no more than a component may have.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A link is as good as what it leads to: it is the bytes that count.
    let Some(file) = rewrite::open_regular(path)? else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    };
    let mut bytes = Vec::new();
    file.take(COMPONENT_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > COMPONENT_MAX {
        let text = format!("it is larger than {} MiB", COMPONENT_MAX >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Whether there is a file at all that [`read`] could be asked for.
pub fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// A component's hash, in hex digits.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_environment_says() {
        let place = |pairs: &[(&str, &str)]| cache_dir(&Env::from_pairs(pairs.iter().copied()));
        let all = [(env::CACHE_DIR, "/a"), (env::XDG_CACHE_HOME, "/b"), (env::HOME, "/c")];
        assert_eq!(place(&all), Some("/a".into()));
        assert_eq!(place(&all[1..]), Some("/b/local-ci".into()));
        assert_eq!(place(&all[2..]), Some("/c/.cache/local-ci".into()));
        assert_eq!(place(&[(env::XDG_CACHE_HOME, "relative")]), None);
    }

    #[test]
    fn what_is_kept_is_found_by_its_hash_and_made_whole_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = keep(dir.path(), b"bytes").unwrap();
        assert_eq!(path, kept(dir.path(), &hash(b"bytes")));
        fs::write(&path, b"other").unwrap();
        assert_eq!(keep(dir.path(), b"bytes").unwrap(), path);
        assert_eq!(read(&path).unwrap(), b"bytes");
    }

    #[test]
    fn what_is_too_large_or_no_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.wasm");
        fs::File::create(&path).unwrap().set_len(COMPONENT_MAX + 1).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is larger than 64 MiB");
        assert!(read(dir.path()).is_err());
        assert!(!is_there(dir.path()) && is_there(&path));
    }
}
