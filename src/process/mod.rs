//! Processes: starting them, waiting for them, finding what they leave behind, and ending whole trees.
//!
//! Knows nothing of stages, runs or files. One [`reaper::Reaper`] owns every wait in a process that uses it, since a
//! wait for any child takes children away from everybody else; so `std::process` has no place in the supervisor.
//! See `docs/design.md`, "Processes".

pub mod guard;
pub mod identity;
pub mod jobserver;
pub mod program;
pub mod pump;
pub mod reaper;
pub mod signals;
pub mod spawn;
pub mod table;
pub mod tree;
mod unix;

pub use unix::{adopt_descriptor, become_subreaper, close_inherited, die_of_signal};

/// Takes away children of ours that have ended. For a process that has no [`reaper::Reaper`] and waits for nobody.
pub fn reap_ended() {
    while matches!(rustix::process::wait(rustix::process::WaitOptions::NOHANG), Ok(Some(_))) {}
}
