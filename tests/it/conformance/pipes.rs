//! A way to another machine that is a pair of pipes to a shell of this one, and that can be cut like any other.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local_ci::remote::{Bulk, Channel, Fault, FaultKind, Login, Transport};
use rustix::process::{Pid, Signal, kill_process_group};

/// Shells of this machine, in an environment of their own.
pub(crate) struct Pipes {
    env: Vec<(OsString, OsString)>,
    is_down: AtomicBool,
    /// Whether a line was made since the last cut.
    is_made: AtomicBool,
    shells: Arc<Mutex<Vec<Child>>>,
}

impl Pipes {
    pub(crate) fn new(env: Vec<(OsString, OsString)>) -> Self {
        Self { env, is_down: AtomicBool::new(false), is_made: AtomicBool::new(false), shells: Arc::default() }
    }

    /// Ends every shell, with what it has started in its own session: all that a line holds.
    pub(crate) fn cut(&self) {
        self.is_made.store(false, Ordering::SeqCst);
        self.shells.lock().unwrap().drain(..).for_each(end);
    }

    /// Ends every shell, and opens no other until [`Self::mend`].
    pub(crate) fn sever(&self) {
        self.is_down.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Opens shells again.
    pub(crate) fn mend(&self) {
        self.is_down.store(false, Ordering::SeqCst);
    }

    /// How many there are now.
    pub(crate) fn open_shells(&self) -> usize {
        self.shells.lock().unwrap().len()
    }

    fn down(&self) -> Result<(), Fault> {
        let fault = || Fault::new(FaultKind::Unreachable, "this machine is not to be reached");
        if self.is_down.load(Ordering::SeqCst) { Err(fault()) } else { Ok(()) }
    }
}

fn end(mut shell: Child) {
    let leader = Pid::from_raw(shell.id().try_into().unwrap()).unwrap();
    // Ended by itself: then there is no group any more.
    let _ = kill_process_group(leader, Signal::KILL);
    let _ = shell.wait();
}

impl Transport for Pipes {
    fn host(&self) -> &'static str {
        "this machine"
    }

    fn connect(&self, _limit: Duration) -> Result<(), Fault> {
        self.down()?;
        self.is_made.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn open(&self, login: Login, _limit: Duration) -> Result<Channel, Fault> {
        self.down()?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", login.command()])
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir("/")
            .process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        let (input, output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
        let (input, output) = (File::from(OwnedFd::from(input)), File::from(OwnedFd::from(output)));
        let errors = File::from(OwnedFd::from(shell.stderr.take().unwrap()));
        let guard = Box::new(Open { pid: shell.id(), of: Arc::clone(&self.shells) });
        self.shells.lock().unwrap().push(shell);
        Ok(Channel { input, output, errors, guard })
    }

    fn is_up(&self) -> bool {
        self.is_made.load(Ordering::SeqCst) && self.down().is_ok()
    }

    fn bulk(&self) -> Bulk {
        Bulk { command: Vec::new(), host: String::new() }
    }

    fn close(&self) {
        self.cut();
    }
}

/// Ends a shell when nobody wants it any more.
struct Open {
    pid: u32,
    of: Arc<Mutex<Vec<Child>>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut shells = self.of.lock().unwrap();
        if let Some(at) = shells.iter().position(|shell| shell.id() == self.pid) {
            end(shells.swap_remove(at));
        }
    }
}
