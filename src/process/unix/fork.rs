//! fork(2), for the guard alone.

use std::io;

/// Which side of a fork this is.
pub(crate) enum Forked {
    /// The process that called; this is its child's id.
    Parent(i32),
    /// The new process.
    Child,
}

/// Splits this process in two. Refused where it has more than one thread: the child would inherit locks that
/// nobody is left to release.
pub(crate) fn fork() -> io::Result<Forked> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::other(format!("cannot fork with {threads} threads")));
    }
    // SAFETY: there is one thread (checked above), so no lock is held by another and every invariant of this
    // process holds in the child as well.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}
