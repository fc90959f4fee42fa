//! The one integration-test binary: the real program, in projects of its own, watched from outside.
//!
//! One binary, because linking is what costs; `tests/layering.rs` sees to it that every file here is a `mod`.
#![expect(clippy::disallowed_methods, reason = "tests start programs, read the time and the environment")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod allow;
mod attach;
mod chaos;
mod completions;
mod concurrency;
mod config;
mod crash_points;
mod detach;
mod detect;
mod docs;
mod doctor;
mod ends;
mod environment;
mod fixtures;
mod flood;
mod history;
mod history_faces;
mod history_fix;
mod history_prune;
mod hostile;
mod init;
mod inputs;
mod interactive;
mod jobserver;
mod kill;
mod lines;
mod live;
mod output;
mod privacy;
mod queue;
mod queue_ends;
mod reconnection;
mod reference;
mod rerun;
mod rig;
mod session_ends;
mod session_look;
mod session_options;
mod session_run;
mod session_select;
mod signals;
mod spawning;
mod stop;
mod storage;
mod support;
mod tree;
mod versions;
