//! What integration tests stand on: a project of their own, the real binaries in a clean environment, a watchdog over
//! every process, and the invariants that hold after each test.
//!
//! It starts programs and looks at what they leave; it knows nothing of the crate's inside.

mod cable;
mod capture;
/// Components, made in the test as those of the host\'s own tests are.
#[path = "../../../src/plugin/host/tests/forge.rs"]
pub(crate) mod forge;
mod host;
mod invocation;
mod leftovers;
mod line;
mod processes;
mod project;
mod redact;
mod running;
mod runs;
mod strace;
mod terminal;
mod tools;
mod wait;

pub(crate) use cable::Cable;
pub(crate) use host::{Host, Setup};
pub(crate) use invocation::Invocation;
pub(crate) use line::Line;
pub(crate) use processes::{Identity, children_of, parent_of, peak_memory_kib, signal_all};
pub(crate) use project::Project;
pub(crate) use running::{Finished, Running};
pub(crate) use runs::watches;
pub(crate) use strace::skip;
pub(crate) use terminal::{Left, Terminal};
pub(crate) use tools::{have, toolchain};
pub(crate) use wait::wait_until;

/// Compares what a program printed and how it ended with an inline snapshot that reads like a terminal session.
macro_rules! assert_transcript {
    ($finished:expr, @$snapshot:literal) => {
        insta::assert_snapshot!($finished.transcript(), @$snapshot)
    };
}
pub(crate) use assert_transcript;
