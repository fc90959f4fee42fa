//! Making a master: the shared one as a daemon, or one of our own as a child.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::mux;
use super::options::Whom;
use super::sockets::Sockets;
use crate::clock::{Clock, SystemClock};
use crate::process::tool::{Started, Tool, Tools};

/// How often it is looked whether a master of our own has its socket.
const LOOK: Duration = Duration::from_millis(5);
/// What ssh calls a peer that it reaches through a command.
const MADE_BY_A_COMMAND: &str = "UNKNOWN port";
/// So much of what ssh says is kept, in bytes: more is a command of the user's that talks.
const SAID_MAX: usize = 16 * 1024;

/// Why there is no master.
#[derive(Debug)]
pub(super) enum Failed {
    /// ssh has ended, and has said this.
    Said(String),
    /// It was not there in time; what it has said until then.
    Late(String),
    /// It is not wanted any more.
    Cancelled,
    /// ssh could not be run.
    NotRun(io::Error),
    /// The directory of its socket is of no use.
    Socket(String),
}

/// What is needed to make one.
pub(super) struct Maker<'a> {
    pub(super) tools: &'a Tools,
    pub(super) whom: &'a Whom,
    pub(super) sockets: &'a Sockets,
    pub(super) limit: Duration,
    pub(super) is_cancelled: &'a dyn Fn() -> bool,
}

impl Maker<'_> {
    /// Makes sure that the shared master is there.
    pub(super) fn shared(&self) -> Result<(), Failed> {
        let began = SystemClock.now();
        let left = || self.limit.saturating_sub(SystemClock.now().since(began));
        // A second ssh would find the first one's socket, say so, and stay without one for ever.
        let _lock =
            self.sockets.lock(&|| (self.is_cancelled)() || left().is_zero()).map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock if left().is_zero() => Failed::Late(String::new()),
                io::ErrorKind::WouldBlock => Failed::Cancelled,
                _ => Failed::Socket(error.to_string()),
            })?;
        let socket = self.sockets.shared();
        if mux::is_alive(&socket) {
            return Ok(());
        }
        self.sockets.tidy();
        remove(&socket)?;
        let said = socket.with_extension("said");
        let tool = Tool::new(self.whom.master(&socket, true, left())).dir("/").outliving(&said);
        match self.tools.run(&tool, left(), self.is_cancelled) {
            Ok(_) if mux::is_alive(&socket) => Ok(()),
            Ok(_) => Err(Failed::Said(self.reason(read(&said), left()))),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::TimedOut => Failed::Late(read(&said)),
                io::ErrorKind::Interrupted => Failed::Cancelled,
                _ => Failed::NotRun(error),
            }),
        }
    }

    /// Why there is no connection. A command of the user's that makes it (`ProxyCommand`, a jump) is not heard by a master
    /// that is to become a daemon, so it is tried once more without.
    fn reason(&self, said: String, limit: Duration) -> String {
        if !said.contains(MADE_BY_A_COMMAND) {
            return said;
        }
        match self.tools.run(&Tool::new(self.whom.trial(limit)).dir("/"), limit, self.is_cancelled) {
            Ok(ran) if !ran.exit.success() => ran.said(),
            Ok(_) | Err(_) => said,
        }
    }

    /// Makes a master of our own, the one of this number.
    pub(super) fn private(&self, number: u16) -> Result<Private, Failed> {
        let began = SystemClock.now();
        let socket = self.sockets.private(number);
        remove(&socket)?;
        let said = self.sockets.private(number).with_extension(format!("{number}.said"));
        let tool = Tool::new(self.whom.master(&socket, false, self.limit)).dir("/").outliving(&said);
        let (started, _streams) = self.tools.start(&tool, false).map_err(Failed::NotRun)?;
        let private = Private { socket, said, started };
        loop {
            if private.started.exit().is_some() {
                return Err(Failed::Said(private.said()));
            }
            if private.socket.exists() && mux::is_alive(&private.socket) {
                return Ok(private);
            }
            if (self.is_cancelled)() {
                return Err(Failed::Cancelled);
            }
            if SystemClock.now().since(began) >= self.limit {
                return Err(Failed::Late(private.said()));
            }
            let moment = Timespec::try_from(LOOK).ok();
            let _ = poll(&mut [PollFd::new(&private.started, PollFlags::IN)], moment.as_ref());
            private.started.clear();
        }
    }
}

fn remove(socket: &Path) -> Result<(), Failed> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failed::Socket(format!("{}: {error}", socket.display())))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn read(said: &Path) -> String {
    let mut bytes = fs::read(said).unwrap_or_default();
    bytes.truncate(SAID_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A master of our own. Dropping it ends it, and all channels over it.
#[derive(Debug)]
pub(super) struct Private {
    socket: PathBuf,
    said: PathBuf,
    started: Started,
}

impl Private {
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Whether it can be asked for channels.
    pub(super) fn is_alive(&self) -> bool {
        self.started.exit().is_none() && mux::is_alive(&self.socket)
    }

    /// What it has had to say.
    pub(super) fn said(&self) -> String {
        read(&self.said)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.started.signal_group(Signal::TERM);
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_file(&self.said);
    }
}
