//! The one integration-test binary: the real program, in projects of its own, watched from outside.
//!
//! One binary, because linking is what costs; `tests/layering.rs` sees to it that every file here is a `mod`.
#![expect(clippy::disallowed_methods, reason = "tests start programs, read the time and the environment")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chaos;
mod concurrency;
mod config;
mod privacy;
mod rig;
mod session_ends;
mod session_look;
mod session_options;
mod session_run;
mod session_select;
mod storage;
mod support;
