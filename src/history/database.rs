//! The connection: how the file is opened, in which of three ways, and what is done when it is closed.
//!
//! A process has one. Every write is a transaction that says so when it begins (`BEGIN IMMEDIATE`) and so waits for its
//! turn; one that only later finds that it wants to write is refused at once. No reading is left open. Nobody ever waits
//! for a checkpoint: the log is emptied by who wrote, when it has grown, if nobody reads just then.

use std::fmt::{self, Write as _};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;
use super::file::{Lock, Medium, Patience, beside, create};
use super::schema;

/// How long the log of writes may be, in bytes, before it is worked into the file. All of it is read again by whoever is
/// the first to open the file, so it is kept short.
const LOG: u64 = 256 * 1024;

/// A journal that is there while something is written: works wherever files can be locked.
const ROLLBACK: &str = "delete";
/// A log of writes beside the file: readers and writers do not wait for each other.
const LOGGED: &str = "wal";

/// What may be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Write,
    Read,
}

/// The index of past runs, open.
pub struct History {
    pub(super) connection: Connection,
    access: Access,
    /// Where the file is; nowhere in memory.
    file: Option<PathBuf>,
    wrote: bool,
    /// What a person should know of how it was opened.
    pub notices: Vec<String>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("file", &self.file).field("access", &self.access).finish_non_exhaustive()
    }
}

impl History {
    /// Opens the file, making it where it is not there, and leads it to the tables of this version. What cannot be
    /// written is opened to be read.
    pub fn open(path: &Path, patience: Patience) -> Result<Self, Fault> {
        Self::open_with(path, schema::STEPS, Medium::of, patience)
    }

    pub(super) fn open_with(
        path: &Path,
        steps: &[&str],
        medium: fn(&Path) -> Medium,
        patience: Patience,
    ) -> Result<Self, Fault> {
        // Where the directory refuses, the file may be there all the same.
        let refused = create(path).err();
        let opened = Self::connect(path, patience).and_then(|history| history.prepare(path, steps, medium, patience));
        match (opened, refused) {
            (Ok(history), _) => Ok(history),
            (Err(Fault::Refused(_)), None) if path.exists() => Self::as_it_is(path, steps),
            (Err(_), Some(refused)) => Err(refused.into()),
            (Err(fault), None) => Err(fault),
        }
    }

    /// An index in memory, for as long as it is looked at.
    pub fn in_memory() -> Result<Self, Fault> {
        let connection = Connection::open_in_memory()?;
        for step in schema::STEPS {
            connection.execute_batch(step)?;
        }
        Ok(Self { connection, access: Access::Write, file: None, wrote: false, notices: Vec::new() })
    }

    /// Opens a file on what can only be read, where not even a log of writes can stand beside it. It must not change while
    /// it is open; what can only be read does not.
    pub(super) fn as_it_is(path: &Path, steps: &[&str]) -> Result<Self, Fault> {
        let mut uri = String::from("file:");
        for byte in path.as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push((*byte).into()),
                byte => {
                    let _ = write!(uri, "%{byte:02x}");
                }
            }
        }
        uri.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags)?;
        Self::new(connection, path).only_read(steps)
    }

    /// A file that cannot be written, and so stays of the version that it is.
    fn only_read(mut self, steps: &[&str]) -> Result<Self, Fault> {
        self.access = Access::Read;
        let found = schema::version(&self.connection)?;
        if found == schema::newest(steps) || schema::check(&self.connection).is_ok() {
            return Ok(self);
        }
        if found > schema::newest(steps) {
            return Err(Fault::Newer { found });
        }
        // Nothing was ever written into it, or nothing that can be read as it is.
        let mut empty = Self::in_memory()?;
        empty.access = Access::Read;
        Ok(empty)
    }

    fn connect(path: &Path, patience: Patience) -> Result<Self, Fault> {
        // Not to be created: that was done, for its owner alone.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(patience.limit())?;
        // Closing would wait for the disk, and lock out who opens.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(Self::new(connection, path))
    }

    fn new(connection: Connection, path: &Path) -> Self {
        Self { connection, access: Access::Write, file: Some(path.to_owned()), wrote: false, notices: Vec::new() }
    }

    fn prepare(
        mut self,
        path: &Path,
        steps: &[&str],
        medium: fn(&Path) -> Medium,
        patience: Patience,
    ) -> Result<Self, Fault> {
        let found = schema::version(&self.connection)?;
        if found > schema::newest(steps) {
            self.access = Access::Read;
            self.connection.pragma_update(None, "query_only", true)?;
            schema::check(&self.connection).map_err(|_| Fault::Newer { found })?;
            self.notices.push(format!(
                "the history was written by a later version of local-ci: it is read, and runs of this version are not \
                 added ({})",
                path.display()
            ));
            return Ok(self);
        }
        if self.connection.is_readonly("main")? {
            return self.only_read(steps);
        }
        let is_remote = medium(path) == Medium::Network;
        if found < schema::newest(steps) || is_remote && self.journal_mode()? != ROLLBACK {
            let lock = Lock::wait(path, patience)?;
            self.set_journal(is_remote)?;
            schema::migrate(&mut self.connection, path, steps, &lock)?;
        }
        Ok(self)
    }

    fn journal_mode(&self) -> Result<String, Fault> {
        Ok(self.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?)
    }

    /// Decides how writes are made safe. That is kept in the file, so what there is to say of it is said once.
    fn set_journal(&mut self, is_remote: bool) -> Result<(), Fault> {
        let is_new = schema::version(&self.connection)? == 0;
        let wanted = if is_remote { ROLLBACK } else { LOGGED };
        if self.journal_mode()? != wanted {
            self.connection.query_row(&format!("PRAGMA journal_mode = {wanted}"), [], |_| Ok(()))?;
        } else if !is_new {
            return Ok(());
        }
        if is_remote {
            self.notices.push(
                "the history is on a network file system: writing it is slower there, and only as safe as that file \
                 system's locks; LOCAL_CI_STATE_DIR can name a directory of this machine"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Whether runs can be added.
    pub fn is_writable(&self) -> bool {
        self.access == Access::Write
    }

    /// To be called before anything is written.
    pub(super) fn will_write(&mut self) -> Result<(), Fault> {
        if !self.wrote {
            // With a log, a loss of power may lose the last runs and no more; their directories are read again then.
            self.connection.pragma_update(None, "synchronous", "NORMAL")?;
            self.wrote = true;
        }
        Ok(())
    }
}

impl Drop for History {
    fn drop(&mut self) {
        let Some(path) = &self.file else { return };
        if !self.wrote || fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len()) <= LOG {
            return;
        }
        // Where somebody reads, the next one will do it.
        let _ = self.connection.busy_timeout(Duration::ZERO);
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}
