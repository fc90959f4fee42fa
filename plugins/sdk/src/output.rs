//! What a plugin says while it works: lines of the stage's log, what it found, and how far it is. Always granted. What is
//! said too fast is dropped and counted.

use crate::backend;
use crate::types::Annotation;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For who looks for a fault in the plugin, step by step. Dropped unless asked for.
    Trace,
    /// For who looks for a fault in the plugin. Dropped unless asked for.
    Debug,
    /// For everybody.
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

/// A line into the stage's log, or where there is none, to the user.
pub fn log(level: Level, message: impl AsRef<str>) {
    backend::log(level, message.as_ref());
}

/// A line for who looks for a fault in the plugin: it is there in a run with `-v`.
pub fn debug(message: impl AsRef<str>) {
    log(Level::Debug, message);
}

/// A line for everybody.
pub fn info(message: impl AsRef<str>) {
    log(Level::Info, message);
}

/// Something may be wrong.
pub fn warn(message: impl AsRef<str>) {
    log(Level::Warn, message);
}

/// Something is wrong.
pub fn error(message: impl AsRef<str>) {
    log(Level::Error, message);
}

/// Things that were found.
pub fn annotate(items: &[Annotation]) {
    backend::annotate(items);
}

/// How far the work is, of how much where that is known, and what is done at the moment.
pub fn progress(done: u64, total: Option<u64>, note: Option<&str>) {
    backend::progress(done, total, note);
}
