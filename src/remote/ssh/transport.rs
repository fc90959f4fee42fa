//! A way to a machine over ssh: which master is used, and when another is made.
//!
//! The shared master is used where it is there. A process without a reaper (the command line) makes it; a supervisor
//! makes one of its own instead, since a daemon would be its orphan. One of our own is made as well where the shared one
//! has no room for a channel, or nothing came over it any more.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::master::{Failed, Maker, Private};
use super::mux::{self, Refused};
use super::options::Whom;
use super::sockets::Sockets;
use super::{keys, told};
use crate::clock::{Clock, SystemClock};
use crate::env::{self, Env};
use crate::pipeline::remote::Destination;
use crate::process::tool::Tools;
use crate::remote::{Bulk, Channel, Fault, FaultKind, Login, Transport};
use crate::text::plain::printable;

/// How many masters of our own there may be: each has room for what the host's `MaxSessions` says.
const PRIVATE_MAX: usize = 4;

/// A way to a machine over ssh.
#[derive(Debug)]
pub struct SshTransport {
    whom: Whom,
    host: String,
    tools: Tools,
    sockets: Sockets,
    home: Option<PathBuf>,
    has_agent: bool,
    line: Mutex<Line>,
    /// Held by whoever makes a master.
    making: Mutex<()>,
    is_closed: AtomicBool,
    /// The number of the next master of our own.
    next: AtomicU16,
}

/// What channels are opened over.
#[derive(Debug, Default)]
struct Line {
    /// Whether the shared master is used.
    shared: bool,
    /// Masters of our own, the newest last: that one is used, and goes before the shared one.
    private: Vec<Private>,
    /// Whether nothing came over it any more.
    is_suspect: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SshTransport {
    /// A way to this destination, as this user's `ssh` finds it: by their config, or by `config` in place of it. Nothing is
    /// connected yet.
    pub fn new(destination: Destination, config: Option<PathBuf>, tools: Tools, env: &Env) -> Result<Self, Fault> {
        let host = printable(&destination.to_string()).into_owned();
        let whom = Whom { destination, config };
        let sockets = Sockets::of(&whom, env)?;
        Ok(Self {
            whom,
            host,
            tools,
            sockets,
            home: env.absolute(env::HOME),
            has_agent: env.get(env::SSH_AUTH_SOCK).is_some(),
            line: Mutex::default(),
            making: Mutex::default(),
            is_closed: AtomicBool::new(false),
            next: AtomicU16::new(1),
        })
    }

    /// The socket of the master in use.
    fn socket(&self) -> Option<PathBuf> {
        let line = lock(&self.line);
        let own = line.private.last().map(|private| private.socket().to_owned());
        own.or_else(|| line.shared.then(|| self.sockets.shared()))
    }

    fn maker<'a>(&'a self, limit: Duration, is_cancelled: &'a dyn Fn() -> bool) -> Maker<'a> {
        Maker { tools: &self.tools, whom: &self.whom, sockets: &self.sockets, limit, is_cancelled }
    }

    /// Makes a master of our own, to be used from now on.
    fn make_private(&self, limit: Duration) -> Result<(), Fault> {
        let is_closed = || self.is_closed.load(Ordering::Acquire);
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        let private = self.maker(limit, &is_closed).private(number).map_err(|failed| self.told(failed, limit))?;
        let mut line = lock(&self.line);
        if is_closed() {
            return Err(self.told(Failed::Cancelled, limit));
        }
        line.private.push(private);
        Ok(())
    }

    fn told(&self, failed: Failed, limit: Duration) -> Fault {
        let host = &self.host;
        match failed {
            Failed::Cancelled => Fault::new(FaultKind::Cancelled, format!("{host}: cancelled before it was connected")),
            Failed::NotRun(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Fault::new(FaultKind::MissingTool, format!("{host}: ssh is not installed here"))
                    .cure("apt-get install openssh-client")
            }
            Failed::NotRun(error) => Fault::new(FaultKind::MissingTool, format!("{host}: cannot run ssh: {error}")),
            Failed::Socket(why) => Fault::new(FaultKind::Directory, format!("{host}: no socket for ssh: {why}")),
            Failed::Late(said) if said.trim().is_empty() => {
                Fault::new(FaultKind::TimedOut, format!("{host}: not connected within {} s", limit.as_secs_f32()))
                    .cure("check that the machine is up, and that no firewall or missing VPN is in the way")
            }
            Failed::Late(said) | Failed::Said(said) => self.with_keys(told::fault(&self.whom, &said), &said),
        }
    }

    /// Where keys were not accepted: those that nobody could be asked the passphrase of may be the reason.
    fn with_keys(&self, fault: Fault, said: &str) -> Fault {
        if fault.kind != FaultKind::Auth || !said.contains("publickey") {
            return fault;
        }
        let locked = keys::locked(&self.tools, &self.whom, self.home.as_deref());
        let Some(first) = locked.first() else { return fault };
        let start = if self.has_agent { "" } else { "eval \"$(ssh-agent)\" && " };
        let message = format!("{}; {} has a passphrase, which nobody can be asked for", fault.message, first.display());
        let cures = locked.iter().map(|file| format!("{start}ssh-add {}", file.display())).chain(fault.cures).collect();
        Fault { kind: fault.kind, message, cures }
    }

    fn refused(&self, refused: Refused, limit: Duration) -> Fault {
        let host = &self.host;
        match refused {
            Refused::Gone => Fault::new(FaultKind::Cut, format!("the line to {host} was cut")),
            Refused::Late => {
                let message = format!("{host} has not answered for {} s", limit.as_secs_f32());
                Fault::new(FaultKind::TimedOut, message)
            }
            Refused::Busy => Fault::new(FaultKind::Busy, format!("{host} takes no more sessions on a connection"))
                .cure("MaxSessions in its sshd_config: three or more"),
            Refused::Other(why) => Fault::new(FaultKind::Protocol, format!("{host} opens no session: {why}")),
        }
    }
}

impl Transport for SshTransport {
    fn host(&self) -> &str {
        &self.host
    }

    fn connect(&self, limit: Duration) -> Result<(), Fault> {
        let began = SystemClock.now();
        let _one = lock(&self.making);
        let is_closed = || self.is_closed.load(Ordering::Acquire);
        if is_closed() {
            return Err(self.told(Failed::Cancelled, limit));
        }
        if self.is_up() {
            return Ok(());
        }
        let is_suspect = {
            let mut line = lock(&self.line);
            // What is over it is lost; let go of, it cannot be met again.
            line.private.clear();
            line.shared = false;
            line.is_suspect
        };
        let left = limit.saturating_sub(SystemClock.now().since(began));
        if !is_suspect && mux::is_alive(&self.sockets.shared()) {
            lock(&self.line).shared = true;
        } else if !is_suspect && !self.tools.is_reaped() {
            self.maker(left, &is_closed).shared().map_err(|failed| self.told(failed, limit))?;
            lock(&self.line).shared = true;
        } else {
            self.make_private(left)?;
        }
        lock(&self.line).is_suspect = false;
        Ok(())
    }

    fn open(&self, login: Login, limit: Duration) -> Result<Channel, Fault> {
        let began = SystemClock.now();
        loop {
            let left = limit.saturating_sub(SystemClock.now().since(began));
            let Some(socket) = self.socket() else { return Err(self.refused(Refused::Gone, limit)) };
            match mux::open(&socket, login.command(), left) {
                Ok(channel) => return Ok(channel),
                Err(Refused::Busy) => {}
                Err(refused) => return Err(self.refused(refused, limit)),
            }
            let _one = lock(&self.making);
            if self.socket().as_ref() != Some(&socket) {
                // Somebody else has made room meanwhile.
                continue;
            }
            if lock(&self.line).private.len() >= PRIVATE_MAX {
                return Err(self.refused(Refused::Busy, limit));
            }
            self.make_private(left)?;
        }
    }

    fn is_up(&self) -> bool {
        let line = lock(&self.line);
        if line.is_suspect {
            return false;
        }
        match line.private.last() {
            Some(private) => private.is_alive(),
            None => line.shared && mux::is_alive(&self.sockets.shared()),
        }
    }

    fn suspect(&self) {
        lock(&self.line).is_suspect = true;
    }

    fn bulk(&self) -> Bulk {
        let socket = self.socket().unwrap_or_else(|| self.sockets.shared());
        Bulk { command: self.whom.bulk(&socket), host: self.whom.destination.to_string() }
    }

    fn by_hand(&self, program: &str) -> String {
        self.whom.by_hand(program)
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let mut line = lock(&self.line);
        line.private.clear();
        line.shared = false;
    }
}
