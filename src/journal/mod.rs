//! A run is a directory: who owns it, what happened in it, and what its stages printed.
//!
//! Knows events and files; knows nothing of processes, of why a run goes as it does, or of who looks at it.
//! Everything is created for its owner alone (0700, 0600) and never loosened or tightened afterwards. See
//! `docs/design.md`, "A run's directory".

pub mod claim;
pub mod format;
pub mod header;
pub mod index;
pub mod last_lines;
pub mod layout;
pub mod lock;
pub mod log;
mod mark;
pub mod read;
pub mod replace;
pub mod state;
pub mod turn;
pub mod watch;
pub mod write;
