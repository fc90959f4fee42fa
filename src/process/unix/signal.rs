//! Signals as descriptors, and dispositions.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A set of these signals.
fn set_of(signals: &[i32]) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigemptyset initialises the set that it is given; sigaddset then gets an initialised one, and a
    // signal number that does not exist just fails.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

/// Blocks these signals in this thread and in every thread it starts from now on.
pub(crate) fn block(signals: &[i32]) -> io::Result<()> {
    let set = set_of(signals);
    // SAFETY: `set` is an initialised set; the old mask is not asked for.
    let result = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

/// A non-blocking descriptor that delivers these (blocked) signals.
pub(crate) fn signal_descriptor(signals: &[i32]) -> io::Result<OwnedFd> {
    let set = set_of(signals);
    // SAFETY: `set` is an initialised set, and -1 asks for a new descriptor.
    let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: signalfd returned a new descriptor, which nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The next signal that came in, if one did.
pub(crate) fn read_signal(fd: BorrowedFd<'_>) -> Option<i32> {
    let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: `info` is valid for writes of `size` bytes.
    let read = unsafe { libc::read(fd.as_raw_fd(), info.as_mut_ptr().cast(), size) };
    if usize::try_from(read) != Ok(size) {
        return None;
    }
    // SAFETY: the kernel wrote a whole signalfd_siginfo.
    i32::try_from(unsafe { info.assume_init() }.ssi_signo).ok()
}

fn set_disposition(signal: i32, handler: libc::sighandler_t) {
    // SAFETY: SIG_IGN and SIG_DFL are no functions of ours, so nothing can run in a handler's context.
    unsafe { libc::signal(signal, handler) };
}

/// Whether this process ignores a signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks: no new action is given, and `action` is valid for writes of the old one.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: zeroed is a valid sigaction, and on success the call has filled it in.
    result == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Has this process ignore a signal.
pub(crate) fn ignore(signal: i32) {
    set_disposition(signal, libc::SIG_IGN);
}

/// Has this process react to a signal as the system does by default.
fn default_disposition(signal: i32) {
    set_disposition(signal, libc::SIG_DFL);
}

/// Ends this process by a signal, so that its parent sees that signal; returns only where that fails.
pub fn die_of_signal(signal: i32) {
    suffer(signal);
}

/// Stops this process as Ctrl+Z would have done; returns once it is continued. At once where nobody could continue it:
/// there the system drops the signal (POSIX, "orphaned process group").
pub fn stop_of_signal(signal: i32) -> io::Result<()> {
    suffer(signal);
    block(&[signal])
}

/// Has this thread get a signal that does to the process what the system has it do by default.
fn suffer(signal: i32) {
    default_disposition(signal);
    let set = set_of(&[signal]);
    // In this order, so that one that is pending already and this one are one: who has pressed Ctrl+Z twice is stopped
    // once.
    // SAFETY: raise takes a plain integer; `set` is an initialised set.
    unsafe {
        libc::raise(signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
    }
}
