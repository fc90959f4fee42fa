//! The guard: a process above the supervisor whose only work is to outlive it.
//!
//! When the supervisor is killed, its stages and whatever they started become the guard's children, because the guard
//! is a sub-reaper. It kills them all and only then ends, letting go of the run's lock: so a run is seen as lost only
//! when nothing of it is left. A signal that fires when a parent dies would not do: it goes by thread, is not
//! inherited by grandchildren, and cannot be set by `posix_spawn`.

use std::io;

use super::table::{children_of_main_thread, read_entry};
use super::tree::signal_all;
use super::unix::{self, Forked};
use crate::outcome::Exit;

/// Which process this is after [`split`].
#[derive(Debug)]
pub enum Side {
    /// The guard, after the supervisor has ended and everything below is gone: how the supervisor ended.
    Guard(Exit),
    /// The supervisor.
    Supervisor,
}

/// Splits this process into a guard and the supervisor below it. To be called before any thread is started.
///
/// Returns at once in the supervisor, and in the guard when all is over.
pub fn split() -> io::Result<Side> {
    super::become_subreaper()?;
    match unix::fork()? {
        Forked::Child => Ok(Side::Supervisor),
        Forked::Parent(supervisor) => watch(supervisor).map(Side::Guard),
    }
}

fn watch(supervisor: i32) -> io::Result<Exit> {
    // Whoever signals everything that bears our name means the supervisor, which ends in order; the guard has to stay.
    for signal in
        [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGPIPE, libc::SIGUSR1, libc::SIGUSR2]
    {
        unix::ignore(signal);
    }
    let exit = loop {
        match unix::peek_any_child()? {
            Some(pid) => match unix::reap(pid) {
                Some(exit) if pid == supervisor => break exit,
                _ => {}
            },
            None => return Err(io::Error::other("the supervisor is not a child of its guard")),
        }
    };
    // An orderly end left nothing, or left on purpose what its stages were allowed to leave.
    if exit != Exit::Code(0) {
        kill_everything()?;
    }
    Ok(exit)
}

/// Kills every descendant, level by level: a killed parent's children become ours and are met in the next round.
///
/// What may not be killed, because it has changed its user, is left: a run must not look alive for it.
fn kill_everything() -> io::Result<()> {
    loop {
        let living: Vec<_> =
            children_of_main_thread().into_iter().filter_map(read_entry).filter(|entry| !entry.is_dead()).collect();
        let refused = signal_all(&living, libc::SIGKILL);
        if !living.is_empty() && refused.len() == living.len() {
            return Ok(());
        }
        match unix::peek_any_child()? {
            Some(pid) => {
                unix::reap(pid);
            }
            None => return Ok(()),
        }
    }
}
