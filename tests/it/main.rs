//! The one integration-test binary: the real program, in projects of its own, watched from outside.
//!
//! One binary, because linking is what costs; `tests/layering.rs` sees to it that every file here is a `mod`.
#![expect(clippy::disallowed_methods, reason = "tests start programs, read the time and the environment")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attach;
mod chaos;
mod crash_points;
mod docs;
mod environment;
mod fixtures;
mod flood;
mod flood;
mod hostile;
mod kill;
mod output;
mod rig;
mod rig;
mod signals;
mod spawning;
mod stop;
mod support;
mod tree;
