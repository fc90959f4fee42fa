//! From a place to a supervised run: starts the supervisor and hands it its work.
//!
//! Everything that can fail for the user's reasons has been checked before. What can fail here is the machine.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};

use super::assignment::Assignment;
use super::place::{Caller, Place, StartError};
use super::prepare::Prepared;
use super::supervise::{LOCK, SOCKET};
use super::wire::{Frame, Incoming, send_message};
use crate::engine::machine::past::Past;
use crate::env::Env;
use crate::ids::{RunId, RunNumber};
use crate::journal::claim::release;
use crate::journal::layout::{ProjectDir, RunDir, private_file};
use crate::journal::state::{self, RunState};
use crate::plan::Plan;
use crate::process::spawn::{Program, variable};

/// Under CI no grace is longer than this: a CI runner kills everything ten seconds after it cancels.
const CI_GRACE: Duration = Duration::from_secs(5);

/// A run whose supervisor has its work.
#[derive(Debug)]
pub struct Started {
    /// The run's directory.
    pub run: RunDir,
    /// Its number; none where no state is kept.
    pub number: Option<RunNumber>,
    /// The line to the supervisor.
    pub socket: UnixStream,
}

/// What is heard first of a run that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstWord {
    /// It goes on, or has ended meanwhile; and this is to be said of its record.
    Begun(Vec<String>),
    /// Its supervisor died before it could say anything.
    Dead,
    /// Nothing yet.
    Silence,
}

impl Started {
    /// Waits for the first word of the supervisor, for so long at most. What it said is still there to be read after it.
    pub fn first_word(&self, limit: Duration) -> FirstWord {
        let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        if !poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0) {
            return FirstWord::Silence;
        }
        let mut bytes = [0; 4096];
        match recv(&self.socket, &mut bytes[..], RecvFlags::DONTWAIT | RecvFlags::PEEK) {
            Ok((n, _)) if n > 0 => {
                let frames = Incoming::default().push(&bytes[..n]).into_iter();
                let notice = |frame| if let Frame::Notice(text) = frame { Some(text) } else { None };
                FirstWord::Begun(frames.filter_map(notice).collect())
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => FirstWord::Silence,
            Ok(_) | Err(_) => match state::of(&self.run) {
                Ok(RunState::Finished { .. }) => FirstWord::Begun(Vec::new()),
                Ok(RunState::Queued | RunState::Running | RunState::Lost) | Err(_) => FirstWord::Dead,
            },
        }
    }
}

/// Starts the supervisor of a run and gives it its work. While it comes up, `complete` adds to the plan what takes time
/// to find out and was needed for nothing before; it must not fail.
pub fn start(
    mut prepared: Prepared,
    caller: &Caller<'_>,
    place: Place,
    complete: impl FnOnce(&mut Plan),
) -> Result<Started, StartError> {
    let begun = spawn(&place.run, &place.lock, caller.env);
    complete(&mut prepared.plan);
    let assignment = Assignment {
        run: place.id.clone(),
        number: place.number,
        project: place.project.as_ref().map(|project| project.path().to_owned()),
        root: prepared.root.clone(),
        waits: place.waits.clone(),
        plan: prepared.plan,
        past: None,
        env: caller.stage_env.clone(),
        secrets: caller.secrets.clone(),
        grace_cap: caller.env.is_ci().then_some(CI_GRACE),
        on_hangup: caller.on_hangup,
        verbose: caller.verbose,
        terminal: caller.terminal,
    };
    match begun.and_then(|socket| hand_over(&assignment, socket)) {
        Ok(socket) => Ok(Started { run: place.run, number: place.number, socket }),
        Err(error) => {
            place.withdraw();
            Err(StartError::Supervisor(error))
        }
    }
}

/// A run that was taken again, for a supervisor to go on with.
#[derive(Debug)]
pub struct Taken {
    /// The run.
    pub id: RunId,
    /// Its number.
    pub number: RunNumber,
    /// Its directory.
    pub run: RunDir,
    /// Its lock, held.
    pub lock: File,
    /// What is left to do.
    pub plan: Plan,
    /// What happened in it before.
    pub past: Past,
}

/// Starts a supervisor that goes on with a run. Where none can be started the run is lost as before.
pub fn take_over(taken: Taken, project: &ProjectDir, caller: &Caller<'_>) -> Result<Started, StartError> {
    let Taken { id, number, run, lock, plan, past } = taken;
    let assignment = Assignment {
        run: id,
        number: Some(number),
        project: Some(project.path().to_owned()),
        root: plan.root.clone(),
        waits: None,
        plan,
        past: Some(past),
        env: caller.stage_env.clone(),
        secrets: caller.secrets.clone(),
        grace_cap: caller.env.is_ci().then_some(CI_GRACE),
        on_hangup: caller.on_hangup,
        verbose: caller.verbose,
        terminal: None,
    };
    match spawn(&run, &lock, caller.env).and_then(|socket| hand_over(&assignment, socket)) {
        Ok(socket) => Ok(Started { run, number: Some(number), socket }),
        Err(error) => {
            release(project, number);
            Err(StartError::Supervisor(error))
        }
    }
}

fn hand_over(assignment: &Assignment, socket: UnixStream) -> io::Result<UnixStream> {
    let message = serde_json::to_vec(assignment)?;
    match send_message(&socket, &message) {
        // One that is dead already leaves a lost run, as at any later moment: that is told where runs are shown.
        Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Err(error),
        Ok(()) | Err(_) => Ok(socket),
    }
}

/// Starts the supervisor with its end of the line, and with the run's lock, which it holds from now on instead of us.
fn spawn(run: &RunDir, lock: &File, env: &Env) -> io::Result<UnixStream> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let log = private_file().append(true).create(true).open(run.supervisor_log())?;
    // Not the path we were started by: a reinstall may have put another program there.
    let argv = [OsStr::new("local-ci"), OsStr::new("supervise"), run.path().as_os_str()];
    let variables = env.iter().filter_map(|(name, value)| variable(name, value).ok()).collect();
    let program = Program::new(Path::new("/proc/self/exe"), &argv)
        .map_err(io::Error::other)?
        .env(variables)
        .dir(Path::new("/"))
        .map_err(io::Error::other)?
        .new_session();
    let (null, log) = (null.as_fd(), log.as_fd());
    program.start(&[(null, 0), (null, 1), (log, 2), (theirs.as_fd(), SOCKET), (lock.as_fd(), LOCK)])?;
    Ok(UnixStream::from(ours))
}
