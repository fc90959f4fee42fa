//! Running programs for our own ends (`git`, `rsync`, `ssh`), as opposed to stages: their output is kept in memory, they
//! have a limit, and they are ended with all of their group.
//!
//! One way for both kinds of process that need it: in a supervisor the [`Reaper`] waits, elsewhere the child's own
//! descriptor says that it has ended, and nobody else in the process may wait for any child meanwhile.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::program::resolve;
use super::reaper::{Child, Reaper, Waker};
use super::spawn::{Program, variable};
use super::unix;
use crate::env::{self, Env};
use crate::outcome::Exit;
use feed::Feed;

mod feed;

/// The most that is kept of what a tool prints on stdout, in bytes: beyond it, it is ended.
pub const OUTPUT_MAX: usize = 64 * 1024 * 1024;

/// A program to run, and what it is given.
#[derive(Clone, Debug, Default)]
pub struct Tool {
    /// Its name or path, and its arguments.
    pub argv: Vec<OsString>,
    /// Variables on top of what tools inherit.
    pub env: Vec<(OsString, OsString)>,
    /// What it reads; where that is nothing, its stdin is `/dev/null`.
    pub stdin: Vec<u8>,
    /// Where it starts; none: where we are.
    pub dir: Option<PathBuf>,
    /// Whether it, or what it starts, may be there when we are not: it has none of our own variables then.
    pub outlives: bool,
    /// Where its stderr goes instead of into memory: a new file of this name, ours alone. What outlives us cannot have
    /// a pipe to us.
    pub said: Option<PathBuf>,
}

impl Tool {
    /// A tool of these words, its name first.
    pub fn new<S: Into<OsString>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// The same with one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.argv.push(argument.into());
        self
    }

    /// The same with a variable set.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The same, reading this.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// The same, started there.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// The same, which may be there when we are not and says what it has to say in this file.
    #[must_use]
    pub fn outliving(mut self, said: impl Into<PathBuf>) -> Self {
        (self.outlives, self.said) = (true, Some(said.into()));
        self
    }

    fn name(&self) -> String {
        self.argv.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// What came of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub exit: Exit,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it said on stderr: the first mebibyte of it.
    pub stderr: Vec<u8>,
}

impl Ran {
    /// What it said on stderr, as text without blanks at the ends.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

/// Runs tools. Clones share what they inherit.
#[derive(Clone, Debug)]
pub struct Tools(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reaper: Option<Reaper>,
    inherited: Vec<(OsString, CString)>,
    path: Option<OsString>,
}

impl Tools {
    /// For a process without a [`Reaper`], such as the command line.
    pub fn plain(env: &Env) -> Self {
        Self::with(None, env)
    }

    /// For a process whose children this reaper waits for, such as the supervisor.
    pub fn reaped(reaper: Reaper, env: &Env) -> Self {
        Self::with(Some(reaper), env)
    }

    fn with(reaper: Option<Reaper>, env: &Env) -> Self {
        let stays = |name: &OsStr| !env::DENIED.iter().chain(env::GIT_REPOSITORY).any(|denied| name == *denied);
        // What was passed to us can be passed on: it has no NUL and fits.
        let inherited = env.iter().filter(|(name, _)| stays(name));
        let inherited = inherited.filter_map(|(name, value)| Some((name.to_owned(), variable(name, value).ok()?)));
        Self(Arc::new(Inner { reaper, inherited: inherited.collect(), path: env.get(env::PATH).map(OsStr::to_owned) }))
    }

    /// The file that a name stands for, as [`Self::run`] would find it.
    pub fn find(&self, name: &str) -> io::Result<PathBuf> {
        resolve(name, self.0.path.as_deref(), Path::new("/")).map_err(|error| not_found(error.code, error.message))
    }

    /// Whether a reaper waits for what is started here. A program that becomes a daemon would be its orphan.
    pub fn is_reaped(&self) -> bool {
        self.0.reaper.is_some()
    }

    /// Runs a tool to its end. Takes no longer than `limit`, and ends soon once `cancelled` says so: its whole group gets
    /// SIGTERM then, and soon SIGKILL.
    ///
    /// Fails with `NotFound` where there is no such program, `TimedOut`, `Interrupted` where it was cancelled, and with
    /// `FileTooLarge` where it printed more than [`OUTPUT_MAX`].
    pub fn run(&self, tool: &Tool, limit: Duration, cancelled: &dyn Fn() -> bool) -> io::Result<Ran> {
        let (started, streams) = self.start(tool, !tool.stdin.is_empty())?;
        Feed::new(started, streams, &tool.stdin).run(&tool.name(), limit, cancelled)
    }

    /// Starts a tool that somebody else sees through. Where it `is_fed`, its stdin is a pipe; what stands in
    /// [`Tool::stdin`] is not written.
    pub fn start(&self, tool: &Tool, is_fed: bool) -> io::Result<(Started, Streams)> {
        let program = self.program(tool)?;
        let (out, their_out) = pipe_with(PipeFlags::CLOEXEC)?;
        let (err, their_err) = match &tool.said {
            None => pipe_with(PipeFlags::CLOEXEC)?,
            Some(file) => fresh(file)?,
        };
        let (their_in, input) = if is_fed {
            let (their_in, input) = pipe_with(PipeFlags::CLOEXEC)?;
            (their_in, Some(input.into()))
        } else {
            (File::open("/dev/null")?.into(), None)
        };
        let descriptors = [(their_in.as_fd(), 0), (their_out.as_fd(), 1), (their_err.as_fd(), 2)];
        let started = match &self.0.reaper {
            Some(reaper) => {
                let waker = Arc::new(Waker::new()?);
                Started(Whose::Reapers { child: reaper.spawn(&program, &descriptors, &waker)?, waker })
            }
            None => Started(Whose::start(&program, &descriptors)?),
        };
        Ok((started, Streams { stdin: input, stdout: out.into(), stderr: err.into() }))
    }

    fn program(&self, tool: &Tool) -> io::Result<Program> {
        let name = tool.name();
        let dir = match &tool.dir {
            Some(dir) => dir.clone(),
            None => PathBuf::from("/"),
        };
        let ours = |name: &OsStr| tool.env.iter().rev().find(|(ours, _)| ours == name).map(|(_, value)| value);
        let path = ours(OsStr::new(env::PATH)).or(self.0.path.as_ref());
        let file = resolve(&name, path.map(OsString::as_os_str), &dir)
            .map_err(|error| not_found(error.code, error.message))?;
        let invalid = |error: super::spawn::StringError| io::Error::new(io::ErrorKind::InvalidInput, error);
        let mut environment: Vec<CString> = Vec::with_capacity(self.0.inherited.len() + tool.env.len());
        let is_left = |name: &OsStr| tool.outlives && name.as_bytes().starts_with(env::LOCAL_CI.as_bytes());
        let stay = self.0.inherited.iter().filter(|(name, _)| ours(name).is_none() && !is_left(name));
        environment.extend(stay.map(|(_, both)| both.clone()));
        for (at, (name, value)) in tool.env.iter().enumerate() {
            if !tool.env[at + 1..].iter().any(|(later, _)| later == name) {
                environment.push(variable(name, value).map_err(invalid)?);
            }
        }
        // A session of its own: no terminal to ask anything on, and a group to end it by.
        let program = Program::new(&file, &tool.argv).map_err(invalid)?.env(environment).new_session();
        match &tool.dir {
            Some(dir) => program.dir(dir).map_err(invalid),
            None => Ok(program),
        }
    }
}

/// A file of our own, to read from and to write to, in place of what was there.
fn fresh(file: &Path) -> io::Result<(OwnedFd, OwnedFd)> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let theirs = File::options().write(true).create_new(true).mode(0o600).open(file)?;
    Ok((File::open(file)?.into(), theirs.into()))
}

fn not_found(code: i32, message: String) -> io::Error {
    let kind = if code == 127 { io::ErrorKind::NotFound } else { io::ErrorKind::PermissionDenied };
    io::Error::new(kind, message)
}

/// Our ends of a tool's streams.
#[derive(Debug)]
pub struct Streams {
    /// What it reads, where it is fed.
    pub stdin: Option<File>,
    /// What it prints.
    pub stdout: File,
    /// What it says besides, or the file that it is in.
    pub stderr: File,
}

/// A tool that was started. Dropping it kills its group if it has not ended.
#[derive(Debug)]
pub struct Started(Whose);

#[derive(Debug)]
enum Whose {
    /// The reaper waits for it, and rings.
    Reapers { child: Child, waker: Arc<Waker> },
    /// We wait for it ourselves. The lock keeps its id from being another's while a signal is sent.
    Ours { pid: Pid, handle: OwnedFd, exit: Mutex<Option<Exit>> },
}

impl Whose {
    fn start(program: &Program, descriptors: &[(BorrowedFd<'_>, i32)]) -> io::Result<Self> {
        let pid = program.start(descriptors)?;
        let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("a process without an id"))?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).inspect_err(|_| {
            let _ = kill_process_group(pid, Signal::KILL);
        })?;
        Ok(Self::Ours { pid, handle, exit: Mutex::default() })
    }
}

impl Started {
    /// How it ended, once it has.
    pub fn exit(&self) -> Option<Exit> {
        match &self.0 {
            Whose::Reapers { child, .. } => child.exit(),
            Whose::Ours { pid, exit, .. } => {
                let mut exit = exit.lock().unwrap_or_else(PoisonError::into_inner);
                *exit = exit.or_else(|| unix::reap(pid.as_raw_pid()));
                *exit
            }
        }
    }

    /// Sends a signal to its group unless it has ended. Says whether it did.
    pub fn signal_group(&self, signal: Signal) -> bool {
        match &self.0 {
            Whose::Reapers { child, .. } => child.signal_group(signal.as_raw()),
            Whose::Ours { pid, exit, .. } => {
                let mut exit = exit.lock().unwrap_or_else(PoisonError::into_inner);
                *exit = exit.or_else(|| unix::reap(pid.as_raw_pid()));
                exit.is_none() && kill_process_group(*pid, signal).is_ok()
            }
        }
    }

    /// Forgets that the descriptor was readable. To be called before [`Self::exit`] is asked again.
    pub fn clear(&self) {
        if let Whose::Reapers { waker, .. } = &self.0 {
            waker.clear();
        }
    }
}

impl AsFd for Started {
    /// Readable once it may have ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Whose::Reapers { waker, .. } => waker.as_fd(),
            Whose::Ours { handle, .. } => handle.as_fd(),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // The reaper's child does the same by itself.
        if self.signal_group(Signal::KILL)
            && let Whose::Ours { pid, handle, .. } = &self.0
        {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            // What was killed ends at once, or hangs in the kernel and is left to it.
            let second = Timespec { tv_sec: 1, tv_nsec: 0 };
            let _ = poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&second));
            unix::reap(pid.as_raw_pid());
        }
    }
}

#[cfg(test)]
mod tests;
