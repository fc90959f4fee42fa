//! How each job of a project stands: what goes on, from the journals of the runs that go on, and what came of everything
//! else, from the index. What the index has not seen yet is read from the runs themselves.
//!
//! A damaged run says nothing and is in nobody's way: it is named, and passed over.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::past;
use super::past::forgotten::Forgotten;
use super::runs::{self, Run};
use super::takeover;
use super::turn::still_awaited;
use crate::clock::Timestamp;
use crate::event::{Estimate, StageFinished};
use crate::history::{Latest, Status};
use crate::ids::{RunNumber, Signature, StageName};
use crate::journal::header::Header;
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::plan::command_text;
use crate::view::{StageState, StageView};

/// How many of the runs that the index has not seen are read, the newest first.
const LOOK_BACK: usize = 100;
/// How many runs are asked for the commands of jobs that nothing else knows.
const ASKED: usize = 20;

/// How a job stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The run that this is about: the last one that started the job, or is about to.
    pub number: RunNumber,
    /// When that run began: milliseconds since 1970-01-01 UTC.
    pub started_ms: Option<u64>,
    /// The fingerprint of what the job ran there.
    pub signature: Signature,
    /// What it ran there, where that is known.
    pub command: Option<String>,
    /// The other machine that it runs on, where it does.
    pub remote: Option<String>,
    /// How far it is.
    pub state: State,
    /// The runs of it after this one that wait for their turn, the first first.
    pub queued: Vec<RunNumber>,
}

/// How far a job is.
#[derive(Clone, Debug)]
pub enum State {
    /// Its run waits for its turn, until these runs have ended.
    Queued {
        /// Those of them that have not.
        behind: Vec<RunNumber>,
    },
    /// Its run goes on, and has not come to it.
    Waiting,
    /// It runs.
    Running(Progress),
    /// It has come to its last word.
    Stopped {
        /// The word of the report.
        status: &'static str,
        /// The exit code of its last attempt, where it had one.
        exit_code: Option<i32>,
        /// How long that took, in milliseconds.
        duration_ms: u64,
    },
    /// Nobody knows what came of it.
    Lost,
    /// Nobody sees to its run any more, and it may run on another machine still.
    Left,
}

impl State {
    /// Whether there is more to come of it.
    pub fn goes_on(&self) -> bool {
        match self {
            Self::Queued { .. } | Self::Waiting | Self::Running(_) => true,
            Self::Stopped { .. } | Self::Lost | Self::Left => false,
        }
    }
}

/// A job that runs.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Which attempt this is, from one.
    pub attempt: u32,
    /// How long that has run, on the run's own clock.
    pub elapsed: Duration,
    /// For how long it has been paused, where it is.
    pub paused: Option<Duration>,
    /// For how long it has printed nothing.
    pub silent: Duration,
    /// What is foretold of it.
    pub estimate: Option<Estimate>,
}

/// How the jobs of a project stand.
#[derive(Debug, Default)]
pub struct Board {
    /// Those that ever ran or are about to, as far as that is known.
    pub jobs: HashMap<StageName, Standing>,
    /// The runs that nobody can read, each with why.
    pub damaged: Vec<(RunNumber, io::Error)>,
}

/// How the jobs of a project stand, from what the index has, the runs that it has not, and those that go on.
pub fn board(project: &ProjectDir, latest: Vec<Latest>, unseen: &[RunNumber], now: Timestamp) -> Board {
    let jobs = latest.into_iter().map(|latest| (latest.name.clone(), Standing::from(latest))).collect();
    let mut board = Board { jobs, damaged: Vec::new() };
    let going_on = runs::active(project).unwrap_or_default();
    let numbers: BTreeSet<RunNumber> = unseen.iter().rev().take(LOOK_BACK).chain(&going_on).copied().collect();
    for number in numbers {
        match runs::read(project, number) {
            Ok(run) if run.view.header().is_some() || run.state.is_active() => board.take(project, &run, now),
            // One that is being pruned right now is no damage.
            Ok(_) | Err(_) => board.damaged.extend(past::damage(project, number).map(|error| (number, error))),
        }
    }
    board.find_left(project);
    // What is forgotten may still be there, where other stages have it in their run too, or its removal was cut off.
    let forgotten = Forgotten::read(project).unwrap_or_default();
    if !forgotten.is_empty() {
        board.jobs.retain(|name, standing| standing.state.goes_on() || !forgotten.has(name, standing.number));
    }
    board
}

impl Board {
    /// Takes in what a run says of its jobs.
    fn take(&mut self, project: &ProjectDir, run: &Run, now: Timestamp) {
        let started_ms = run.started.and_then(|at| u64::try_from(at.unix_ms).ok());
        if run.view.header().is_none() {
            return self.take_young(project, run);
        }
        for stage in run.view.stages().values() {
            // What its fix came to says nothing of the stage.
            let is_other = stage.info.is_fix && stage.finished().is_some();
            if is_other || !was_started(run, stage) {
                continue;
            }
            let standing = Standing {
                number: run.number,
                started_ms,
                signature: stage.info.signature,
                command: Some(stage.info.command.clone()),
                remote: run.view.remote(stage.executor()).map(|remote| remote.info.name.clone()),
                state: state(run, stage, now),
                queued: Vec::new(),
            };
            self.put(stage.info.name.clone(), standing);
        }
    }

    /// The same of a run that has said nothing yet: its header says what it is about to do.
    fn take_young(&mut self, project: &ProjectDir, run: &Run) {
        let Ok(header) = Header::read(&run.dir) else { return };
        let waits = header.waits.filter(|_| run.state == RunState::Queued);
        let behind = waits.map(|waits| still_awaited(project, &waits));
        for stage in header.stages {
            let standing = Standing {
                number: run.number,
                started_ms: u64::try_from(header.started.unix_ms).ok(),
                signature: stage.signature,
                command: Some(command_text(&stage.command)),
                remote: None,
                state: behind.clone().map_or(State::Waiting, |behind| State::Queued { behind }),
                queued: Vec::new(),
            };
            self.put(stage.name, standing);
        }
    }

    /// A later run says more than an earlier one, but for one that waits: what goes on now goes on.
    fn put(&mut self, name: StageName, standing: Standing) {
        match self.jobs.get_mut(&name) {
            Some(known) if known.state.goes_on() && matches!(standing.state, State::Queued { .. }) => {
                known.queued.push(standing.number);
            }
            Some(known) if known.number > standing.number => {}
            Some(_) | None => {
                self.jobs.insert(name, standing);
            }
        }
    }

    /// Finds out which of those that are lost may run on another machine still.
    fn find_left(&mut self, project: &ProjectDir) {
        let lost = self.jobs.values().filter(|standing| matches!(standing.state, State::Lost));
        let numbers: BTreeSet<RunNumber> = lost.map(|standing| standing.number).collect();
        for number in numbers.into_iter().rev().take(ASKED) {
            let Ok(run) = runs::read(project, number) else { continue };
            let Some(left) = takeover::look_in(&run.dir, &run.view) else { continue };
            for (stage, machine) in left.elsewhere {
                if let Some(standing) = self.jobs.get_mut(&stage).filter(|standing| standing.number == number) {
                    standing.remote = Some(machine);
                    standing.state = State::Left;
                }
            }
        }
    }

    /// Asks runs for the commands of these jobs, where they are not known: the newest, and not more than a few.
    pub fn find_commands(&mut self, project: &ProjectDir, is_wanted: impl Fn(&StageName) -> bool) {
        let unknown = |standing: &Standing| standing.command.is_none();
        let wanted = self.jobs.iter().filter(|(name, standing)| unknown(standing) && is_wanted(name));
        let numbers: BTreeSet<RunNumber> = wanted.map(|(_, standing)| standing.number).collect();
        for number in numbers.into_iter().rev().take(ASKED) {
            // What was pruned has nothing to say.
            let Ok(header) = Header::read(&project.run(number)) else { continue };
            for stage in header.stages {
                if let Some(standing) = self.jobs.get_mut(&stage.name).filter(|standing| standing.number == number) {
                    standing.command.get_or_insert_with(|| command_text(&stage.command));
                }
            }
        }
    }
}

impl From<Latest> for Standing {
    fn from(latest: Latest) -> Self {
        let Latest { number, started_ms, status, duration_ms, signature, exit_code, .. } = latest;
        let state = match status {
            Status::Lost => State::Lost,
            // One word for it in all that people and programs see.
            Status::Cached => State::Stopped { status: Status::Pass.word(), exit_code, duration_ms },
            Status::Pass | Status::Fail | Status::Timeout | Status::Skip | Status::Cancelled | Status::Error => {
                State::Stopped { status: status.word(), exit_code, duration_ms }
            }
        };
        Self { number, started_ms: Some(started_ms), signature, command: None, remote: None, state, queued: Vec::new() }
    }
}

fn was_started(run: &Run, stage: &StageView) -> bool {
    match &stage.state {
        StageState::Waiting => run.state.is_active(),
        StageState::Running { .. } | StageState::Retrying { .. } => true,
        StageState::Finished(finished) => finished.attempt > 0,
    }
}

fn state(run: &Run, stage: &StageView, now: Timestamp) -> State {
    match &stage.state {
        StageState::Finished(finished) => stopped(finished),
        _ if !run.state.is_active() => State::Lost,
        StageState::Waiting => State::Waiting,
        StageState::Running { attempt, since } => State::Running(progress(run, stage, *attempt, *since, now)),
        // It is not the attempt's own time that passes.
        StageState::Retrying { attempt, since } => {
            State::Running(Progress { estimate: None, ..progress(run, stage, *attempt, *since, now) })
        }
    }
}

fn stopped(finished: &StageFinished) -> State {
    State::Stopped {
        status: finished.outcome.word(),
        exit_code: finished.exit_code(),
        duration_ms: finished.duration_ms,
    }
}

fn progress(run: &Run, stage: &StageView, attempt: u32, since: Timestamp, now: Timestamp) -> Progress {
    let log = run.dir.log(&stage.info.name, attempt);
    // Nobody prints anything while a run is paused; that it goes on is the last thing that its journal says.
    let journal = stage.was_paused.then(|| run.dir.events());
    let written = [Some(log), journal].into_iter().flatten().filter_map(|path| modified(&path));
    let last = written.max().unwrap_or(since.unix_ms).max(since.unix_ms);
    Progress {
        attempt,
        elapsed: run.view.on_its_clock(now).since(since),
        paused: run.view.paused_for(now),
        silent: Duration::from_millis(u64::try_from(now.unix_ms.saturating_sub(last)).unwrap_or(0)),
        estimate: stage.info.estimate.clone(),
    }
}

/// When a file was written to the last time, in milliseconds since 1970-01-01 UTC.
fn modified(path: &Path) -> Option<i64> {
    let since = fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests;
