//! Why the index could not answer, sorted by what is to be done about it.

use std::io;

use rusqlite::{Error, ErrorCode};

/// Why the index could not be asked or told.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file is no database, or contradicts itself: it is to be made anew.
    #[error("{0}")]
    Damaged(#[source] Error),
    /// Others were writing for longer than it was waited for.
    #[error("it is in use by others: {0}")]
    Busy(#[source] Error),
    /// The system does not let us: a full disk, a file system that can only be read, too little memory.
    #[error("{0}")]
    Refused(#[source] Error),
    /// The same, where it was not the database that asked.
    #[error("{0}")]
    File(#[from] io::Error),
    /// A later version of this program has made it into something that this one cannot read.
    #[error("it was made by a later version of local-ci, and this one cannot read it (format {found})")]
    Newer {
        /// The file's version.
        found: u32,
    },
}

impl Fault {
    /// Whether the file is of no use to anybody and is to be made anew.
    pub fn is_damage(&self) -> bool {
        matches!(self, Fault::Damaged(_))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Busy(error),
            // `Unknown` is SQLite's plain error: a statement that is sound for our tables does not fit these. What is no
            // error of SQLite is a value that cannot be what it should be.
            Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::Unknown,
            )
            | None => Fault::Damaged(error),
            Some(_) => Fault::Refused(error),
        }
    }
}
