//! The process that owns a run: `local-ci supervise DIR`, started by [`super::start`] and by nothing else.
//!
//! ```text
//!  command line ── socket (3), lock (4) ──▶ guard ── fork ──▶ supervisor
//!                                           waits              control thread: socket, signals ─▶ messages
//!                                           for it             reaper thread
//!                                                              main thread: the engine's loop
//!                                                              a thread for each running attempt
//! ```
//!
//! Its stderr is `supervisor.log`. It reads the environment it was started with, which is its starter's.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::assignment::Assignment;
use super::book::RunLogbook;
use super::company::{self, Company, Needs};
use super::control::desk::Desk;
use super::control::listener::Listener;
use super::leash::Leash;
use super::lend::{self, RunLender};
use super::remotes::fleet::{self, Fleet, Whose};
use super::screening::Screening;
use super::tee::Tee;
use super::turn::{self, Waited};
use super::wire::{Doorbell, receive_message};
use super::{inputs, past, place, retention};
use crate::clock::{Clock, Shifted, SystemClock};
use crate::engine::observer::Observer;
use crate::engine::runner::{self, Identity, Message, Ports};
use crate::engine::slots::Lender;
use crate::env::{self, Env};
use crate::event::Sink;
use crate::executor::Executor;
use crate::executor::local::{Console, LocalExecutor, Sharing};
use crate::history::Patience;
use crate::ids::RunNumber;
use crate::journal::claim::release;
use crate::journal::layout::{ProjectDir, RunDir};
use crate::journal::state::Owner;
use crate::journal::write::JournalWriter;
use crate::outcome::{Exit, Verdict};
use crate::pipeline::Leak;
use crate::process::guard::{self, Side};
use crate::process::identity::Identity as ProcessIdentity;
use crate::process::jobserver::pool::Pool;
use crate::process::reaper::Reaper;
use crate::process::signals::{self, Signals};
use crate::process::table::{Entry, environment_has};
use crate::process::tree::sweep_orphans;
use crate::process::{adopt_descriptor, close_inherited};

/// Under this number the supervisor finds its end of the line to its starter.
pub const SOCKET: i32 = 3;
/// Under this number it finds the run's lock, held.
pub const LOCK: i32 = 4;

/// Supervises the run in this directory, from the start of the process to its end. To be called before any thread.
pub fn main(directory: &Path, environment: &Env) -> io::Result<()> {
    let socket = adopt_descriptor(SOCKET)?;
    let lock = adopt_descriptor(LOCK)?;
    close_inherited(LOCK + 1);
    match guard::split()? {
        Side::Guard(exit) => {
            if exit != Exit::Code(0) {
                take_away_ways_in(&RunDir::new(directory.to_owned()));
            }
            // Everything below is gone by now: this is the moment at which the run can be seen to be over.
            drop(lock);
            Ok(())
        }
        Side::Supervisor => supervise(&RunDir::new(directory.to_owned()), UnixStream::from(socket), environment),
    }
}

/// Takes away what a killed supervisor did not take away itself.
fn take_away_ways_in(run: &RunDir) {
    for left in [run.jobserver(), run.control()] {
        let _ = std::fs::remove_file(left);
    }
}

fn supervise(run: &RunDir, socket: UnixStream, environment: &Env) -> io::Result<()> {
    let signals = Signals::take(&[
        signals::HANGUP,
        signals::INTERRUPT,
        signals::QUIT,
        signals::TERMINATE,
        signals::STOP_REQUEST,
        signals::KILL_REQUEST,
    ])?;
    write_owner(run);
    let mut assignment: Assignment = serde_json::from_slice(&receive_message(&socket)?)?;
    if !assignment.secrets.is_empty() {
        keep_memory_private();
    }
    let past = assignment.past.take();
    if past.is_some() {
        // Where the guard before us was killed as well.
        take_away_ways_in(run);
    }
    // The journal's clock goes on where it stopped.
    let ahead_us = past.as_ref().map_or(0, |past| past.ahead_us);
    let clock: Arc<dyn Clock> = Arc::new(Shifted::new(Arc::new(SystemClock), ahead_us));
    let reaper = Reaper::start()?;
    let pool = lend::open(run, &assignment.plan, environment).unwrap_or_else(|error| {
        log(&format!("cannot make a jobserver, so that stages do not share unused slots: {error}"));
        None
    });
    let sharing = pool.clone().map(|pool| Sharing::new(pool, assignment.plan.jobs.max(1), environment));
    let console = Console::default();
    let local =
        LocalExecutor::new(reaper.clone(), Arc::clone(&clock), environment, sharing)?.on_console(console.clone());
    let local: Arc<dyn Executor> = Arc::new(local);
    let messages = crossbeam_channel::unbounded();
    let bell = Arc::new(Doorbell::new(socket.try_clone()?.into()));
    let attached = Arc::new(AtomicBool::new(true));
    let leash = Leash {
        socket: socket.into(),
        signals,
        on_hangup: assignment.on_hangup,
        messages: messages.0.clone(),
        attached: Arc::clone(&attached),
        terminal: assignment.terminal.map(|size| console.attach(size)),
    };
    std::thread::Builder::new().name("control".into()).stack_size(128 * 1024).spawn(move || leash.listen())?;
    let listener = Listener::open(run, Desk::new(messages.0.clone()).with_console(console)).inspect_err(|error| {
        log(&format!("cannot take requests, so that the run can be neither paused nor sent a signal: {error}"));
    });
    // The first word: whoever has started it may go.
    bell.ring();
    let refused = match await_turn(run, &assignment, &messages) {
        Waited::Come => None,
        Waited::Cancelled(reason) => Some(reason),
    };
    if assignment.waits.is_some() && refused.is_none() {
        // What it reads may have changed since it was planned.
        inputs::fingerprint(&mut assignment.plan);
    }

    let store = fleet::store(assignment.project.as_deref(), run.path());
    let sent = past.as_ref().map_or(&[][..], |past| &past.sent);
    let whose = Whose { run: &assignment.run, number: assignment.number, store: &store, sent };
    let fleet = Fleet::of(&assignment.plan, whose, environment, &reaper, &messages.0);
    let executors = std::iter::once(local).chain(fleet.executors()).collect();
    let needs = Needs { assignment: &assignment, env: environment, reaper: &reaper, messages: &messages.0 };
    let Company { executors, mut observer, screen } = company::hire(executors, &needs);
    let ring = Arc::clone(&bell);
    let logbook =
        Arc::new(RunLogbook { run: run.clone(), clock: Arc::clone(&clock), bell: Arc::new(move || ring.ring()) });
    let sweep = Sweep::of(&assignment, reaper, pool.clone(), listener.ok());
    let mut tee = Tee::new(Journal::open(run), Arc::clone(&bell), move || sweep.run());
    let identity = Identity {
        run: assignment.run,
        number: assignment.number,
        env: assignment.env,
        grace_cap: assignment.grace_cap,
    };
    let root = assignment.root;
    let mut lender = pool.map(RunLender);
    let lender = lender.as_mut().map(|lender| lender as &mut dyn Lender);
    let observer = observer.as_mut().map(|observer| &mut **observer as &mut dyn Observer);
    let mut sink = Screening::new(&mut tee, screen);
    let ports = Ports { clock, executors, logbook, sink: &mut sink, messages, lender, observer };
    let verdict = match (refused, past) {
        (Some(reason), _) => runner::refuse(assignment.plan, identity, ports, reason),
        (None, Some(past)) => runner::resume(assignment.plan, past, identity, ports),
        (None, None) => runner::run(assignment.plan, identity, ports),
    };
    if verdict == Verdict::Lost {
        // It goes on elsewhere, and there is no last event before which this is done.
        tee.end_here();
    }
    bell.finish();
    match (assignment.project, assignment.number) {
        (Some(project), Some(number)) => {
            let project = ProjectDir::at(project);
            release(&project, number);
            fleet.disband().iter().for_each(|complaint| log(complaint));
            remember(&project, number, &root, environment);
        }
        // Nobody will look at a temporary run once its starter is gone.
        _ => {
            fleet.disband().iter().for_each(|complaint| log(complaint));
            if !attached.load(Ordering::Acquire) {
                place::discard_temporary(run);
            }
        }
    }
    Ok(())
}

/// Has the kernel write no core of this process, and let nobody look into its memory but root. What is started from here is
/// as it always is.
fn keep_memory_private() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        log(&format!("cannot keep this process from being looked into: {error}"));
    }
}

/// Waits until the run may begin, where it waits for anything.
fn await_turn(run: &RunDir, assignment: &Assignment, messages: &(Sender<Message>, Receiver<Message>)) -> Waited {
    match (&assignment.waits, &assignment.project) {
        (Some(waits), Some(project)) => turn::wait(run, &ProjectDir::at(project.clone()), waits, messages),
        _ => Waited::Come,
    }
}

/// Adds the run to the history and sees to the limits of what is kept. Nobody waits for this.
fn remember(project: &ProjectDir, number: RunNumber, root: &Path, environment: &Env) {
    let recorded = past::record(project, number, root, Patience::Long);
    let complaint = retention::after_run(project, root, recorded.bytes, environment, &SystemClock);
    recorded.complaints.iter().chain(&complaint).for_each(|line| log(line));
}

/// Says who supervises the run. Without that it cannot be stopped from elsewhere, but it can run.
fn write_owner(run: &RunDir) {
    let write = || {
        let me = ProcessIdentity::of(i32::try_from(std::process::id()).map_err(io::Error::other)?)?;
        Owner { pid: me.pid, start_time: me.start_time, boot_id: me.boot_id }.write(run)
    };
    if let Err(error) = write() {
        log(&format!("cannot say who supervises this run: {error}"));
    }
}

/// A line into `supervisor.log`.
fn log(line: &str) {
    let _ = rustix::io::write(rustix::stdio::stderr(), format!("{line}\n").as_bytes());
}

/// The journal, or the error of opening it, told again for every event.
enum Journal {
    Open(JournalWriter),
    Closed(io::ErrorKind),
}

impl Journal {
    fn open(run: &RunDir) -> Self {
        match JournalWriter::open(run) {
            Ok(writer) => Self::Open(writer),
            Err(error) => Self::Closed(error.kind()),
        }
    }
}

impl Sink for Journal {
    fn event(&mut self, event: &crate::event::Event) -> io::Result<()> {
        match self {
            Journal::Open(writer) => writer.event(event),
            Journal::Closed(kind) => Err((*kind).into()),
        }
    }

    fn tick(&mut self, _now: crate::clock::Timestamp) -> io::Result<()> {
        Ok(())
    }
}

/// What is done before the last event is written: nothing of the run is left but what it may leave.
struct Sweep {
    reaper: Reaper,
    /// What a process carries that a stage may have left on purpose; none where no stage may.
    exempt: Option<String>,
    pool: Option<Arc<Pool>>,
    listener: Option<Listener>,
}

impl Sweep {
    fn of(assignment: &Assignment, reaper: Reaper, pool: Option<Arc<Pool>>, listener: Option<Listener>) -> Self {
        let may_leave = assignment.plan.stages.values().any(|s| matches!(s.policy.leak, Leak::Warn | Leak::Allow));
        Self { reaper, pool, listener, exempt: may_leave.then(|| format!("{}={}", env::RUN_ID, assignment.run)) }
    }

    fn run(&self) {
        if let Some(pool) = &self.pool {
            pool.remove();
        }
        if let Some(listener) = &self.listener {
            listener.remove();
        }
        // What other stages left was taken when they ended, so what still carries the mark may stay.
        let is_exempt = |entry: &Entry| {
            self.exempt.as_ref().is_some_and(|mark| environment_has(entry.pid, std::slice::from_ref(mark)))
        };
        for Entry { pid, name, .. } in sweep_orphans(&self.reaper, &is_exempt) {
            log(&format!("killed at the end of the run: {name} (pid {pid}), which belonged to no stage"));
        }
    }
}
