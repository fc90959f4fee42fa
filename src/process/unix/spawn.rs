//! `posix_spawn`: its cost does not grow with our own size, as fork's does.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// What to start.
pub(crate) struct Spawn<'a> {
    /// The file to execute, absolute.
    pub(crate) program: &'a CStr,
    /// Arguments, the program's name first.
    pub(crate) argv: &'a [CString],
    /// `NAME=value` strings.
    pub(crate) env: &'a [CString],
    /// The directory to start in; none: our own.
    pub(crate) dir: Option<&'a CStr>,
    /// Which of our descriptors the child has under which number; all others are closed by their own flag.
    pub(crate) descriptors: &'a [(BorrowedFd<'a>, RawFd)],
    /// Whether it leads a session of its own.
    pub(crate) new_session: bool,
    /// Whether the terminal that it has for stdin controls its session.
    pub(crate) is_controlled: bool,
}

/// File actions, destroyed when they go out of scope.
struct Actions(libc::posix_spawn_file_actions_t);

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: it was initialised by `posix_spawn_file_actions_init`.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// Attributes, destroyed when they go out of scope.
struct Attributes(libc::posix_spawnattr_t);

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: it was initialised by `posix_spawnattr_init`.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

/// Starts a program with default signal dispositions and an empty signal mask, and returns its process id.
///
/// Returns once the program was executed, or with the error of whatever failed on the way there.
pub(crate) fn spawn(spawn: &Spawn<'_>) -> io::Result<i32> {
    let actions = actions(spawn)?;
    let attributes = attributes(spawn)?;
    let argv = pointers(spawn.argv);
    let env = pointers(spawn.env);
    let mut pid = 0;
    // SAFETY: every pointer is valid for the call: the program and the strings behind the two null-terminated
    // arrays are borrowed for this function, and both structures were initialised. The child shares our memory
    // until it executes, and glibc runs none of our code in it.
    check(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            spawn.program.as_ptr(),
            &raw const actions.0,
            &raw const attributes.0,
            argv.as_ptr(),
            env.as_ptr(),
        )
    })?;
    Ok(pid)
}

/// The null-terminated array that C wants.
fn pointers(strings: &[CString]) -> Vec<*mut libc::c_char> {
    strings.iter().map(|s| s.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect()
}

fn actions(spawn: &Spawn<'_>) -> io::Result<Actions> {
    let mut raw = MaybeUninit::uninit();
    // SAFETY: init writes the whole structure that it is given.
    check(unsafe { libc::posix_spawn_file_actions_init(raw.as_mut_ptr()) })?;
    // SAFETY: it was initialised just now.
    let mut actions = Actions(unsafe { raw.assume_init() });
    for (from, to) in spawn.descriptors {
        // SAFETY: the actions are initialised, and the descriptor is borrowed for as long as they are used.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut actions.0, from.as_fd().as_raw_fd(), *to) })?;
    }
    if spawn.is_controlled {
        // Who leads a session without a terminal is controlled by the first that it opens; the session is new by then,
        // since attributes come before actions. Opened by this path it is the same one wherever its own may lead.
        let path = c"/proc/self/fd/1";
        // SAFETY: the actions are initialised, and the path is copied by the call.
        check(unsafe {
            libc::posix_spawn_file_actions_addopen(&raw mut actions.0, 0, path.as_ptr(), libc::O_RDWR, 0)
        })?;
        for to in [1, 2] {
            // SAFETY: the actions are initialised.
            check(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut actions.0, 0, to) })?;
        }
    }
    if let Some(dir) = spawn.dir {
        // SAFETY: the actions are initialised, and the string is copied by the call.
        check(unsafe { libc::posix_spawn_file_actions_addchdir_np(&raw mut actions.0, dir.as_ptr()) })?;
    }
    Ok(actions)
}

fn attributes(spawn: &Spawn<'_>) -> io::Result<Attributes> {
    let mut raw = MaybeUninit::uninit();
    // SAFETY: init writes the whole structure that it is given.
    check(unsafe { libc::posix_spawnattr_init(raw.as_mut_ptr()) })?;
    // SAFETY: it was initialised just now.
    let mut attributes = Attributes(unsafe { raw.assume_init() });
    let mut flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
    if spawn.new_session {
        flags |= i32::from(libc::POSIX_SPAWN_SETSID);
    }
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut none = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the two sets are initialised by sigfillset and sigemptyset before they are used, the attributes were
    // initialised above, and every call copies what it is given.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::sigemptyset(none.as_mut_ptr());
        check(libc::posix_spawnattr_setsigdefault(&raw mut attributes.0, all.as_ptr()))?;
        check(libc::posix_spawnattr_setsigmask(&raw mut attributes.0, none.as_ptr()))?;
        check(libc::posix_spawnattr_setflags(
            &raw mut attributes.0,
            libc::c_short::try_from(flags).map_err(io::Error::other)?,
        ))?;
    }
    Ok(attributes)
}
