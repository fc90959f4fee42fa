//! What is asked of the line to another machine: see [`crate::remote`].

use crate::remote::shell::Answer;
use crate::remote::{Channel, Fault};

/// A line that comes back when it was cut.
pub trait Line: Send + Sync {
    /// The machine as a person knows it.
    fn host(&self) -> &str;

    /// Runs a script there, which may be run twice. Waits while the line is down.
    fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault>;

    /// Opens a shell of its own there, and says over which of the lines that there were one after the other. Waits while the
    /// line is down.
    fn open(&self, cancelled: &dyn Fn() -> bool) -> Result<(Channel, u64), Fault>;

    /// What was opened over that line has ended without being asked to.
    fn lost(&self, generation: u64, why: Fault);

    /// Something that a person should know of what happened there, as a sentence. Heard by nobody where nobody listens.
    fn remark(&self, text: String) {
        let _ = text;
    }
}
