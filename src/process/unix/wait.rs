//! Waiting for any child without taking it away before it is known whose it is.

use std::io;
use std::mem::MaybeUninit;

use crate::outcome::Exit;

/// Waits until some child has ended and returns its id, leaving it a zombie: its id cannot be used again
/// until [`reap`]. `None`: there are no children at all.
pub(crate) fn peek_any_child() -> io::Result<Option<i32>> {
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: `info` is valid for writes of a siginfo_t; the other arguments are plain integers.
        let result = unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), libc::WEXITED | libc::WNOWAIT) };
        if result == 0 {
            // SAFETY: zeroed is a valid siginfo_t, and on success waitid filled in the fields for SIGCHLD.
            return Ok(Some(unsafe { info.assume_init().si_pid() }));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ECHILD) => return Ok(None),
            Some(libc::EINTR) => {}
            _ => return Err(error),
        }
    }
}

/// Takes an ended child away and says how it ended. `None`: it has not ended, or is not ours.
pub(crate) fn reap(pid: i32) -> Option<Exit> {
    let mut status = 0;
    // SAFETY: `status` is valid for writes; WNOHANG keeps the call from waiting.
    let result = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    if result != pid {
        return None;
    }
    if libc::WIFSIGNALED(status) {
        Some(Exit::Signal(libc::WTERMSIG(status)))
    } else {
        Some(Exit::Code(libc::WEXITSTATUS(status)))
    }
}
