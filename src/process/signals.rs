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
/// SIGCONT.
pub const CONTINUE: i32 = libc::SIGCONT;
/// SIGWINCH: the terminal has another size.
pub const WINDOW: i32 = libc::SIGWINCH;

/// SIGKILL.
pub const KILL: i32 = libc::SIGKILL;
/// Asks a supervisor to stop its run: SIGUSR1, so that it is told from a SIGTERM that was not ours.
pub const STOP_REQUEST: i32 = libc::SIGUSR1;
/// Asks a supervisor to kill its run: SIGUSR2.
pub const KILL_REQUEST: i32 = libc::SIGUSR2;

/// The signals that have names, as kill(1) has them: without `SIG`.
const NAMES: &[(&str, i32)] = &[
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("STKFLT", libc::SIGSTKFLT),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
];

/// The number of a signal that is written as a number, or as its name in any case, with or without `SIG`.
pub fn number_of(word: &str) -> Option<i32> {
    // As kill(1) takes it, too.
    let word = word.strip_prefix('-').unwrap_or(word);
    let bare = word.to_ascii_uppercase();
    let bare = bare.strip_prefix("SIG").unwrap_or(&bare);
    let number: Option<i32> = word.parse().ok();
    NAMES.iter().find(|(name, signal)| *name == bare || number == Some(*signal)).map(|(_, signal)| *signal)
}

/// A signal's name, with `SIG`; its number where it has none.
pub fn name_of(signal: i32) -> String {
    let known = NAMES.iter().find(|(_, number)| *number == signal);
    known.map_or_else(|| format!("signal {signal}"), |(name, _)| format!("SIG{name}"))
}

/// The names of all signals, without `SIG`.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_written_in_any_way_that_kill_knows() {
        for (word, number) in [
            ("TERM", Some(15)),
            ("sigterm", Some(15)),
            ("SigUsr1", Some(libc::SIGUSR1)),
            ("9", Some(9)),
            ("0", None),
            ("64", None),
            ("-9", Some(9)),
            ("-USR1", Some(libc::SIGUSR1)),
            ("--9", None),
            ("SIG", None),
            ("", None),
            ("TREM", None),
        ] {
            assert_eq!(number_of(word), number, "{word}");
        }
        assert_eq!((name_of(15).as_str(), name_of(64).as_str()), ("SIGTERM", "signal 64"));
        assert!(names().all(|name| name_of(number_of(name).unwrap()) == format!("SIG{name}")));
    }
}
