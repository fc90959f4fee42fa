//! The project's files. Grants: `files-read = [globs]`, `files-write = [globs]`. Paths are relative to the project's
//! directory, with `/`.

use std::fmt;

use crate::backend;
use crate::types::Problem;

/// Why there is no file, or no part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not granted; with what would have to be.
    Denied(String),
    /// There is none.
    Missing,
    /// It is larger than what is handed over; with its size in bytes.
    TooLarge(u64),
    /// Anything else, as a sentence.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(what) => write!(f, "not granted: {what}"),
            Self::Missing => f.write_str("there is no such file"),
            Self::TooLarge(size) => write!(f, "the file is too large, with {size} bytes"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::Denied(_) => "denied",
            Failure::Missing => "missing",
            Failure::TooLarge(_) => "too-large",
            Failure::Other(_) => "files",
        };
        Self::new(code, failure.to_string())
    }
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the project's directory.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Whether it is a directory.
    pub dir: bool,
}

/// How much is asked for at once: far from what a call may hand over.
const PIECE: u64 = 1024 * 1024;

/// At most `len` bytes from `offset` on; fewer at the end of the file.
pub fn read_at(path: &str, offset: u64, len: u64) -> Result<Vec<u8>, Failure> {
    backend::read(path, offset, len)
}

/// A whole file, of at most `max` bytes; a larger one is a failure.
pub fn read(path: &str, max: u64) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    loop {
        let have = content.len() as u64;
        let want = PIECE.min((max + 1).saturating_sub(have));
        let piece = backend::read(path, have, want)?;
        content.extend_from_slice(&piece);
        if content.len() as u64 > max {
            return Err(Failure::TooLarge(content.len() as u64));
        }
        if (piece.len() as u64) < want {
            return Ok(content);
        }
    }
}

/// A whole file as text, of at most `max` bytes. What is no UTF-8 is replaced.
pub fn read_text(path: &str, max: u64) -> Result<String, Failure> {
    let bytes = read(path, max)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The granted files that match, sorted, at most `limit`. Files that git ignores are left out, and so is `.git`.
pub fn glob(pattern: &str, limit: u32) -> Result<Vec<Entry>, Failure> {
    backend::glob(pattern, limit)
}

/// Replaces a file as a whole, keeping its mode; makes it, and its directories, where they are missing.
pub fn write(path: &str, content: &[u8]) -> Result<(), Failure> {
    backend::write(path, content)
}
