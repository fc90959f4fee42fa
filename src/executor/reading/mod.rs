//! What attempts print is read along: by matchers, by parsers of plugins, by whoever says what a reader is.
//!
//! ```text
//!  the attempt's thread ─▶ the log, at once
//!                       └─▶ Gate ─▶ Queue: bytes, 64 MiB at most ─▶ a thread of the reader's: lines ─▶ Reader ─▶ Found
//! ```
//!
//! Nothing that a reader does or fails to do holds an attempt up; what it cannot keep up with is left out, and said. What was
//! found is told once the attempt has ended and before that is told, in the order of the declaration: the same inputs give
//! the same events.

mod executor;
mod found;
mod gate;
mod lines;
mod patience;
mod queue;
mod reader;
mod sieve;
mod told;

pub use executor::ReadingExecutor;
pub use found::Found;
pub use lines::Printed;
pub use reader::{Ears, Reader, Reads, Stop};
pub use sieve::Sieve;
pub use told::tell;
