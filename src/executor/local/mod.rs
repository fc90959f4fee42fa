//! Runs stages as processes of this machine: each in a session of its own, its output pumped into the attempt's log,
//! its whole tree ended when it has to end. See `docs/design.md`, "Processes".

mod attempt;
mod command;
mod console;
mod hold;
mod jobserver;
mod room;

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};

use super::{Ended, ExecError, Executor, Job, Streams};
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::Clock;
use crate::env::{self, Env};
use crate::event::{OutputSink, Stream};
use crate::process::program::{ProgramError, explain};
use crate::process::pty::{self, Size};
use crate::process::pump::Pump;
use crate::process::reaper::{Child, Reaper, Waker};
use crate::process::spawn::{Program, StringError};
use crate::process::table::ticks_now;
use attempt::Attempt;
use console::OnConsole;
pub use console::{Attached, Console};
use hold::Strays;
pub use jobserver::Sharing;
use room::Room;

/// How long a start is tried again when the system has no room for one more process or descriptor.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// Runs stages here.
pub struct LocalExecutor {
    reaper: Reaper,
    clock: Arc<dyn Clock>,
    /// What every stage inherits, ready to be handed on.
    inherited: Vec<(OsString, CString)>,
    path: Option<OsString>,
    /// Slots that nobody uses, where this run shares them.
    sharing: Option<Sharing>,
    null: File,
    room: Arc<Room>,
    /// What was stopped with the run and belongs to no attempt.
    strays: Mutex<Option<Strays>>,
    console: Console,
}

impl LocalExecutor {
    /// An executor whose stages inherit this environment, but for what ties a process to one shell or repository, and
    /// for a jobserver that they cannot reach.
    pub fn new(reaper: Reaper, clock: Arc<dyn Clock>, inherit: &Env, sharing: Option<Sharing>) -> io::Result<Self> {
        let stays = |name: &OsStr| !env::DENIED.iter().chain(env::GIT_REPOSITORY).any(|denied| name == *denied);
        let inherited = inherit
            .iter()
            .filter(|(name, _)| stays(name))
            // What was passed to us can be passed on: it has no NUL and fits.
            .filter_map(|(name, value)| {
                let rest = jobserver::without_unreachable(name, value);
                let value = rest.as_ref().map_or(value, OsStr::new);
                crate::process::spawn::variable(name, value).ok().map(|both| (name.to_owned(), both))
            })
            .collect();
        let path = inherit.get(env::PATH).map(OsStr::to_owned);
        let null = File::open("/dev/null")?;
        let console = Console::default();
        let (room, strays) = (Room::by_limit(), Mutex::default());
        Ok(Self { reaper, clock, inherited, path, sharing, null, room, strays, console })
    }

    /// The same, whose interactive stages are on this console.
    #[must_use]
    pub fn on_console(self, console: Console) -> Self {
        Self { console, ..self }
    }

    /// Does something that needs a descriptor or a process, trying again for a while where the system has no room.
    fn patiently<T>(&self, cancel: &CancelToken, mut attempt: impl FnMut() -> io::Result<T>) -> Result<T, Start> {
        let mut began = self.clock.now();
        let mut pause = Duration::from_millis(10);
        loop {
            if cancel.is_held() {
                cancel.wait_while_held();
                began = self.clock.now();
            }
            let error = match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let no_room =
                matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE));
            if !no_room {
                return Err(Start::Failed(error));
            }
            if cancel.level().is_some() {
                return Err(Start::Cancelled);
            }
            if self.clock.now().since(began) >= START_PATIENCE {
                return Err(Start::NoRoom(error));
            }
            let (wake, woken) = crossbeam_channel::bounded(1);
            let _registration = cancel.register(move || {
                // Full: it is woken already.
                let _ = wake.try_send(());
            });
            let _ = woken.recv_timeout(pause);
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Starts a program, with the ends of the jobserver if it was told of them.
    fn start_once(&self, program: &Program, waker: &Arc<Waker>, on: &On<'_>, told: bool) -> io::Result<(Child, Pump)> {
        let sharing = self.sharing.as_ref().filter(|_| told);
        let ends = sharing.map(|sharing| sharing.pool().ends()).transpose()?;
        let mut descriptors = Vec::with_capacity(5);
        if let Some((read, write)) = &ends {
            descriptors.extend([(read.as_fd(), jobserver::READ), (write.as_fd(), jobserver::WRITE)]);
        }
        match on {
            On::Pipes => {
                let (out, their_out) = pipe_with(PipeFlags::CLOEXEC)?;
                let (err, their_err) = pipe_with(PipeFlags::CLOEXEC)?;
                descriptors.extend([(self.null.as_fd(), 0), (their_out.as_fd(), 1), (their_err.as_fd(), 2)]);
                let child = self.reaper.spawn(program, &descriptors, waker)?;
                Ok((child, Pump::new(vec![(out, Stream::Stdout), (err, Stream::Stderr)], Arc::clone(waker))))
            }
            On::Pty => {
                // Nobody's controlling terminal, so a prompt on `/dev/tty` fails at once instead of waiting for ever.
                let (ours, theirs) = pty::pair(Size::USUAL)?;
                pty::pass_on_output(&theirs)?;
                descriptors.extend([(self.null.as_fd(), 0), (theirs.as_fd(), 1), (theirs.as_fd(), 2)]);
                let child = self.reaper.spawn(program, &descriptors, waker)?;
                Ok((child, Pump::new(vec![(ours, Stream::Stdout)], Arc::clone(waker))))
            }
            On::Console(stage) => {
                let (ours, theirs) = stage.pair()?;
                let typed = rustix::io::fcntl_dupfd_cloexec(&ours, 3)?;
                descriptors.extend([0, 1, 2].map(|number| (theirs.as_fd(), number)));
                let child = self.reaper.spawn(program, &descriptors, waker)?;
                stage.put_on(typed);
                Ok((child, Pump::new(vec![(ours, Stream::Stdout)], Arc::clone(waker))))
            }
        }
    }
}

/// What an attempt is started on.
enum On<'a> {
    Pipes,
    Pty,
    Console(OnConsole<'a>),
}

/// Why a program was not started.
enum Start {
    Failed(io::Error),
    NoRoom(io::Error),
    Cancelled,
}

impl From<Start> for ExecError {
    fn from(start: Start) -> Self {
        match start {
            Start::Failed(error) => infrastructure("cannot start the command", &error),
            Start::NoRoom(error) => infrastructure("cannot start the command, after trying for 5 s", &error),
            Start::Cancelled => Self::Infrastructure { message: "cancelled before it could be started".into() },
        }
    }
}

impl From<ProgramError> for ExecError {
    fn from(error: ProgramError) -> Self {
        Self::NotStarted { code: error.code, message: error.message }
    }
}

impl From<StringError> for ExecError {
    fn from(error: StringError) -> Self {
        Self::NotStarted { code: 126, message: format!("cannot start the command: {error}") }
    }
}

fn infrastructure(what: &str, error: &io::Error) -> ExecError {
    ExecError::Infrastructure { message: format!("{what}: {error}") }
}

impl Executor for LocalExecutor {
    fn name(&self) -> &'static str {
        "local"
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        check_directory(&job.dir)?;
        let (file, program, told) = self.program(job)?;
        let Some(_place) = self.room.enter(cancel) else { return Err(Start::Cancelled.into()) };
        let on = match job.streams {
            Streams::Pipes => On::Pipes,
            Streams::Pty => On::Pty,
            Streams::Console => On::Console(self.console.take()?),
        };
        let waker = Arc::new(self.patiently(cancel, Waker::new)?);
        let wake = Arc::clone(&waker);
        let _registration = cancel.register(move || wake.wake());
        // Nothing starts in a paused run.
        cancel.wait_while_held();
        if cancel.level().is_some() {
            return Err(Start::Cancelled.into());
        }
        let since = ticks_now();
        let earlier = self.reaper.orphans().into_iter().map(|orphan| (orphan.pid, orphan.start_time)).collect();
        let (child, pump) = match self.patiently(cancel, || self.start_once(&program, &waker, &on, told)) {
            Ok(started) => started,
            Err(Start::Failed(error)) if error.raw_os_error() == Some(libc::E2BIG) => {
                let largest =
                    program.largest().map(|(what, bytes)| format!("; the largest is {what} with {bytes} bytes"));
                let message = format!(
                    "cannot start the command: its arguments and environment together are more than the system \
                     takes{}; put large lists into a file",
                    largest.unwrap_or_default()
                );
                return Err(ExecError::NotStarted { code: 126, message });
            }
            Err(Start::Failed(error)) => return Err(explain(&file, &error).into()),
            Err(other) => return Err(other.into()),
        };
        let attempt = Attempt { reaper: &self.reaper, clock: &*self.clock, job, child, since, earlier, pump };
        attempt.run(out, cancel)
    }

    fn hold_strays(&self, still: bool) {
        self.stop_strays(still);
    }
}

/// Without this a missing directory would look like a missing command.
fn check_directory(dir: &Path) -> Result<(), ExecError> {
    let message = match std::fs::metadata(dir) {
        Ok(meta) if !meta.is_dir() => format!("the working directory {} is not a directory", dir.display()),
        Ok(_) => match rustix::fs::access(dir, rustix::fs::Access::EXEC_OK) {
            Ok(()) => return Ok(()),
            Err(error) => format!("cannot enter the working directory {}: {error}", dir.display()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            format!("the working directory {} is not there", dir.display())
        }
        Err(error) => format!("cannot enter the working directory {}: {error}", dir.display()),
    };
    Err(ExecError::NotStarted { code: 126, message })
}

/// The signal that a level of cancelling sends.
fn signal_of(level: CancelLevel) -> i32 {
    match level {
        CancelLevel::Interrupt => libc::SIGINT,
        CancelLevel::Terminate => libc::SIGTERM,
        CancelLevel::Kill => libc::SIGKILL,
    }
}
