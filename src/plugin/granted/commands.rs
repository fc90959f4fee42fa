//! A command of a plugin's, on a thread of its own, over whatever can run one to its end.
//!
//! ```text
//!  guest's thread                                the command's thread
//!  next_lines ◀── lines, a bounded channel ◀── Lines ◀── work ◀── token ◀─┬─ the stage's token, by a waker
//!  wait ◀──────── how it ended ◀──────────────────────────┘               ├─ the guard, where there is a time limit
//!  kill, drop ────────────────────────────────────────────────────────────┘
//! ```
//!
//! Output that nobody fetches holds the command up, as a full pipe would, until somebody fetches it, waits for the end, or
//! drops the process; see `lines`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::lines::{Cut, LINE_MAX, Lines};
use crate::cancel::{CancelLevel, CancelToken, Heard, Registration};
use crate::event::OutputSink;
use crate::executor::{Ended, ExecError};
use crate::outcome::Exit;
use crate::plugin::services::{CommandExit, CommandFailure, Line, Process};

/// Runs a command to its end, on the thread that calls it: what it prints goes to the sink, and the token ends it.
pub type Work = Box<dyn FnOnce(&mut dyn OutputSink, &CancelToken) -> Result<Ended, ExecError> + Send>;

/// How many lines wait to be fetched.
const WAITING_MAX: usize = 128;
/// How much is handed over at once, in bytes.
const BATCH_MAX: usize = 2 << 20;
/// How exactly a time limit is kept for a command that stood still in between.
const SLICE: Duration = Duration::from_millis(100);
/// The code of a shell for a command that is not there.
const NOT_FOUND: i32 = 127;

/// How long a command may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until it is asked to end; none: for as long as its stage. Time in which it stands still does not count.
    pub timeout: Option<Duration>,
    /// From there until it is killed.
    pub grace: Duration,
}

/// A command that runs. Dropping it kills it, and waits until it is gone.
pub struct Running {
    /// Taken when nothing is wanted any more.
    lines: Option<Receiver<Cut>>,
    ended: Receiver<Result<Ended, ExecError>>,
    outcome: Option<Result<CommandExit, CommandFailure>>,
    dropped: Arc<AtomicU64>,
    timed_out: Arc<AtomicBool>,
    token: CancelToken,
    stage: CancelToken,
    _registration: Registration,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts it. `stage` is what asks the stage to end, to stand still and to take signals: the command hears all of it, and
    /// what it answers is answered there. Whether there is such a program is known when it is asked for lines or its end.
    pub fn start(work: Work, patience: Patience, stage: &CancelToken) -> Result<Self, CommandFailure> {
        if stage.level().is_some() {
            return Err(CommandFailure::Cancelled);
        }
        let token = answering(stage);
        let over = Arc::new(AtomicBool::new(false));
        let registration = passing_on(stage, &token, &over);
        let (to_lines, lines) = bounded(WAITING_MAX);
        let (tell, ended) = bounded(1);
        // Nothing is ever sent: it ends with the command's thread.
        let (alive, gone) = bounded::<()>(0);
        let (dropped, timed_out) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut output = Lines::new(to_lines, token.clone(), Arc::clone(&dropped));
        let its = token.clone();
        let command = spawn("plugin-command", move || {
            let _alive = alive;
            let result = work(&mut output, &its);
            over.store(true, Ordering::Release);
            output.finish();
            // Nobody waits for it where it was dropped.
            drop(tell.send(result));
        })?;
        let mut threads = vec![command];
        if let Some(timeout) = patience.timeout {
            let guard = Guard { gone, token: token.clone(), timed_out: Arc::clone(&timed_out) };
            threads.push(spawn("plugin-timeout", move || guard.watch(timeout, patience.grace)).inspect_err(|_| {
                // It would have no limit.
                token.raise(CancelLevel::Kill);
            })?);
        }
        let stage = stage.clone();
        let (lines, outcome) = (Some(lines), None);
        Ok(Self { lines, ended, outcome, dropped, timed_out, token, stage, _registration: registration, threads })
    }

    /// How it ended; it has, or is about to.
    fn end(&mut self) -> Result<CommandExit, CommandFailure> {
        let (ended, stage) = (&self.ended, &self.stage);
        let outcome = self.outcome.get_or_insert_with(|| match ended.recv() {
            _ if stage.level().is_some() => Err(CommandFailure::Cancelled),
            Ok(Ok(Ended { exit: Exit::Code(code), .. })) => {
                Ok(CommandExit { code: Some(code), ..CommandExit::default() })
            }
            Ok(Ok(Ended { exit: Exit::Signal(signal), .. })) => {
                Ok(CommandExit { signal: Some(signal), ..CommandExit::default() })
            }
            Ok(Err(ExecError::NotStarted { code: NOT_FOUND, message })) => Err(CommandFailure::NotFound(message)),
            Ok(Err(
                ExecError::NotStarted { message, .. }
                | ExecError::Infrastructure { message }
                | ExecError::NotThere { message }
                | ExecError::NothingToDo { why: message }
                | ExecError::Left { message },
            )) => Err(CommandFailure::Other(message)),
            Err(_) => Err(CommandFailure::Other("what ran it gave up".to_owned())),
        });
        outcome.clone().map(|exit| CommandExit {
            timed_out: self.timed_out.load(Ordering::Acquire),
            dropped_bytes: self.dropped.load(Ordering::Relaxed),
            ..exit
        })
    }
}

impl Process for Running {
    fn next_lines(&mut self, max: u32) -> Result<Vec<Line>, CommandFailure> {
        let max = usize::try_from(max).unwrap_or(usize::MAX).max(1);
        let (mut lines, mut bytes) = (Vec::new(), 0);
        if let Some(from) = &self.lines
            && let Ok(Cut { line, .. }) = from.recv()
        {
            bytes += line.text.len();
            lines.push(line);
            while lines.len() < max && bytes + LINE_MAX <= BATCH_MAX {
                let Ok(Cut { line, .. }) = from.try_recv() else { break };
                bytes += line.text.len();
                lines.push(line);
            }
        }
        if lines.is_empty() {
            self.end()?;
        }
        Ok(lines)
    }

    fn kill(&mut self) {
        self.token.raise(CancelLevel::Kill);
    }

    fn wait(&mut self) -> Result<CommandExit, CommandFailure> {
        if let Some(from) = self.lines.take() {
            let unread: u64 = from.iter().map(|cut| cut.bytes).sum();
            self.dropped.fetch_add(unread, Ordering::Relaxed);
        }
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.token.raise(CancelLevel::Kill);
        self.lines = None;
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            drop(thread.join());
        }
    }
}

/// Holds a command to its time limit.
struct Guard {
    gone: Receiver<()>,
    token: CancelToken,
    timed_out: Arc<AtomicBool>,
}

impl Guard {
    fn watch(self, timeout: Duration, grace: Duration) {
        if !self.outlasts(timeout) {
            return;
        }
        self.timed_out.store(true, Ordering::Release);
        self.token.raise(CancelLevel::Terminate);
        if self.outlasts(grace) {
            self.token.raise(CancelLevel::Kill);
        }
    }

    /// Whether the command is there after so long, in which it did not stand still.
    fn outlasts(&self, mut rest: Duration) -> bool {
        loop {
            let slice = rest.min(SLICE);
            match self.gone.recv_timeout(slice) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return false,
            }
            if !self.token.is_held() {
                rest -= slice;
                if rest.is_zero() {
                    return true;
                }
            }
        }
    }
}

/// A command's own token, whose answers are those of its stage.
fn answering(stage: &CancelToken) -> CancelToken {
    let stage = stage.clone();
    CancelToken::answered(move |heard| match heard {
        Heard::Still { restless, hold: _ } => {
            if let Some(hold) = stage.held() {
                stage.say_still(hold, restless);
            }
        }
        Heard::Signalled { processes } => stage.say_signalled(processes),
        // The stage has begun long since.
        Heard::Begun | Heard::Over => {}
    })
}

/// Hands what is asked of a stage to its command, until that is over.
fn passing_on(stage: &CancelToken, token: &CancelToken, over: &Arc<AtomicBool>) -> Registration {
    let (from, to, over) = (stage.clone(), token.clone(), Arc::clone(over));
    stage.register(move || {
        if let Some(level) = from.level() {
            to.raise(level);
        }
        to.hold(from.is_held());
        if !over.load(Ordering::Acquire) {
            from.take_signals().into_iter().for_each(|signal| to.signal(signal));
        }
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, CommandFailure> {
    let thread = Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|error| CommandFailure::Other(format!("there is no thread to run it on: {error}")))
}
