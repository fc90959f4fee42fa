//! Everything that needs `unsafe`, and nothing else: the system calls that have no safe wrapper in `rustix`.
//!
//! Each function here is safe to call; what it relies on stands at its `unsafe` block.
#![expect(unsafe_code, reason = "the one place for system calls without a safe wrapper")]

mod fork;
#[cfg(feature = "plugins")]
mod native;
mod signal;
mod spawn;
mod wait;

#[cfg(feature = "plugins")]
pub use native::{load_component, load_component_bytes};

pub(super) use fork::{Forked, fork};
pub(super) use signal::{block, ignore, is_ignored, read_signal, signal_descriptor};
pub(super) use spawn::{Spawn, spawn};
pub(super) use wait::{peek_any_child, reap};

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

pub use signal::{die_of_signal, stop_of_signal};

/// Makes this process the one that orphans below it are handed to, instead of init.
pub fn become_subreaper() -> io::Result<()> {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes plain integers and touches no memory of ours.
    let result = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Takes ownership of a descriptor that this process was started with.
///
/// Fails where the descriptor is not open. To be called once for each number, by the program's start only: the
/// caller promises that nothing else in the process uses the number.
pub fn adopt_descriptor(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the borrow lives for this call only, and F_GETFD on a number that is not open just fails.
    rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) })?;
    // SAFETY: the descriptor is open, and by this function's contract nobody else owns it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    // It came through an exec, so it does not have the flag.
    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

/// Closes every descriptor from this number on. To be called at the program's very start only, when all of them were
/// leaked into us by whoever started us: neither a stage nor a run that outlives its starter is to keep them open.
pub fn close_inherited(from: RawFd) {
    let Ok(first) = libc::c_uint::try_from(from) else { return };
    // SAFETY: by this function's contract nothing in this process owns a descriptor from that number on.
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0 as libc::c_uint) } == 0 {
        return;
    }
    // An old kernel, or a sandbox, does not know the call: one by one then. The list is complete before any is closed.
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number >= from)
        .collect();
    for number in open {
        // SAFETY: as above; the listing's own descriptor is among them and closed by now, which just fails.
        unsafe { libc::close(number) };
    }
}
