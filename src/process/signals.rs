//! Signals by descriptor, so that one poll(2) hears them together with everything else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::unix;

/// SIGHUP.
pub const HANGUP: i32 = libc::SIGHUP;
/// SIGINT.
pub const INTERRUPT: i32 = libc::SIGINT;
/// SIGQUIT.
pub const QUIT: i32 = libc::SIGQUIT;
/// SIGTERM.
pub const TERMINATE: i32 = libc::SIGTERM;

/// SIGTSTP.
pub const STOP: i32 = libc::SIGTSTP;
/// SIGWINCH: the terminal has another size.
pub const WINDOW: i32 = libc::SIGWINCH;

/// SIGKILL.
pub const KILL: i32 = libc::SIGKILL;
/// Asks a supervisor to stop its run: SIGUSR1, so that it is told from a SIGTERM that was not ours.
pub const STOP_REQUEST: i32 = libc::SIGUSR1;
/// Asks a supervisor to kill its run: SIGUSR2.
pub const KILL_REQUEST: i32 = libc::SIGUSR2;

/// Has changes of the terminal's size wait, from this thread on, for whoever takes them. A thread that did not would drop
/// them: by default nothing is done about them.
pub fn hold_window_changes() -> io::Result<()> {
    unix::block(&[WINDOW])
}

/// Has neither reading from a terminal nor changing it stop this process in the terminal's background: the calls fail, and
/// who makes them looks first.
pub fn ignore_terminal_stops() {
    unix::ignore(libc::SIGTTIN);
    unix::ignore(libc::SIGTTOU);
}

/// The signals that this process takes as messages from now on.
///
/// They are blocked for the calling thread and every thread it starts afterwards, so make one before any thread.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Starts to take these signals, but for those that whoever started us has had ignored, as nohup(1) does.
    pub fn take(signals: &[i32]) -> io::Result<Self> {
        let wanted: Vec<i32> = signals.iter().copied().filter(|signal| !unix::is_ignored(*signal)).collect();
        unix::block(&wanted)?;
        unix::signal_descriptor(&wanted).map(Self)
    }

    /// The next one that came in, if one did. Never waits.
    pub fn next(&self) -> Option<i32> {
        unix::read_signal(self.0.as_fd())
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
