//! The one integration-test binary: the real program, in projects of its own, watched from outside.
//!
//! One binary, because linking is what costs; `tests/layering.rs` sees to it that every file here is a `mod`.
#![expect(clippy::disallowed_methods, reason = "tests start programs, read the time and the environment")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adhoc;
mod allow;
mod attach;
mod r#await;
mod changed;
mod chaos;
mod clocks;
mod closed_terminal;
mod completions;
mod concurrency;
mod config;
mod conformance;
mod crash_points;
mod damage;
mod detach;
mod detect;
mod dialects;
mod diff;
mod docs;
mod doctor;
mod ends;
mod environment;
mod events;
mod fixtures;
mod flood;
mod follow_logs;
mod forget;
#[cfg(feature = "plugins")]
mod fuzz;
mod history;
mod history_faces;
mod history_fix;
mod history_migration;
mod history_prune;
mod hooks;
mod hostile;
mod init;
mod inputs;
mod interactive;
mod job_control;
mod job_table;
mod jobserver;
mod kill;
mod kill_rounds;
mod line_faults;
mod lines;
mod list;
mod live;
mod lost;
mod matchers;
mod meanwhile;
mod output;
mod pause;
#[cfg(feature = "plugins")]
mod plugin_commands;
mod plugin_compile;
mod plugin_elsewhere;
#[cfg(feature = "plugins")]
mod plugin_fetch;
#[cfg(feature = "plugins")]
mod plugin_ours;
mod plugin_runs;
mod privacy;
mod queue;
mod queue_ends;
mod reconnection;
mod reference;
mod remote_check;
mod remote_config;
mod remote_recover;
mod remote_run;
mod reports;
mod rerun;
mod rig;
mod rig_elsewhere;
#[cfg(feature = "ssh")]
mod run_directories;
mod same_elsewhere;
mod same_output;
mod secrets;
mod session_ends;
mod session_look;
mod session_options;
mod session_run;
mod session_select;
mod signals;
mod spawning;
#[cfg(feature = "ssh")]
mod ssh_line;
mod stop;
mod storage;
mod strangers;
mod streams;
mod support;
mod tree;
mod versions;
