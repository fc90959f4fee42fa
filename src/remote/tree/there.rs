//! What is needed of the other machine: scripts run there, and programs that bring their own protocol reach it.

use std::time::Duration;

use crate::remote::{Bulk, Fault};

/// What came of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its code.
    pub code: i32,
    /// What it printed.
    pub output: Vec<u8>,
}

/// The other machine. All of it may be called from any thread.
pub trait There: Sync {
    /// The machine as a person knows it.
    fn host(&self) -> &str;

    /// Runs a script there: see [`crate::remote`]. It may be run twice.
    fn call(&self, script: &str, limit: Duration, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Said, Fault>;

    /// How other programs reach it, while the line is there.
    fn bulk(&self) -> Bulk;
}
