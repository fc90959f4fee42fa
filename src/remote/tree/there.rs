//! What is needed of the other machine: scripts run there, and programs that bring their own protocol reach it.

use crate::remote::shell::Answer;
use crate::remote::{Bulk, Fault};

/// The other machine. All of it may be called from any thread.
pub trait There: Sync {
    /// The machine as a person knows it.
    fn host(&self) -> &str;

    /// Runs a script there, again where its line was cut: it is harmless when run twice.
    fn call(&self, script: &str, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Answer, Fault>;

    /// How other programs reach it, while the line is there.
    fn bulk(&self) -> Bulk;
}
