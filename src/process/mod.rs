//! Processes: starting them, waiting for them, finding what they leave behind, and ending whole trees.
//!
//! Knows nothing of stages, runs or files. One [`reaper::Reaper`] owns every wait in a process that uses it, since a
//! wait for any child takes children away from everybody else; so `std::process` has no place in the supervisor.
//! See `docs/design.md`, "Processes".

pub mod guard;
pub mod identity;
pub mod jobserver;
pub mod logind;
pub mod program;
pub mod pty;
pub mod pump;
pub mod reaper;
pub mod signals;
pub mod spawn;
pub mod still;
pub mod table;
pub mod tool;
pub mod tree;
mod unix;

use std::os::fd::AsFd;

pub use unix::{adopt_descriptor, become_subreaper, close_inherited, die_of_signal, stop_of_signal};
#[cfg(feature = "plugins")]
pub use unix::{load_component, load_component_bytes};

/// Whether this process is in the foreground of a terminal.
pub fn is_foreground(terminal: impl AsFd) -> bool {
    // What is led from outside of our pid namespace has the number 0 here: rustix has no value for that, and its own way
    // to ask for our group would not expect it.
    let group = match rustix::termios::tcgetpgrp(terminal) {
        Ok(group) => group.as_raw_pid(),
        Err(rustix::io::Errno::OPNOTSUPP) => 0,
        Err(_) => return false,
    };
    let own = i32::try_from(std::process::id()).ok().and_then(table::read_entry);
    own.is_some_and(|own| own.group == group)
}

/// Takes away children of ours that have ended. For a process that has no [`reaper::Reaper`] and waits for nobody.
pub fn reap_ended() {
    while matches!(rustix::process::wait(rustix::process::WaitOptions::NOHANG), Ok(Some(_))) {}
}
