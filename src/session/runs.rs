//! Runs of a project, as their directories have them: which there are, what came of them, and ending one.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::{Clock, Pause, Timestamp};
use crate::event::Estimate;
use crate::ids::{DenseMap, RunNumber, Signature, StageId, StageName};
use crate::journal::claim;
use crate::journal::header::Header;
use crate::journal::layout::{ProjectDir, RunDir};
use crate::journal::lock;
use crate::journal::read::JournalReader;
use crate::journal::state::{self, Owner, RunState};
use crate::journal::watch::Watch;
use crate::process::identity::Identity;
use crate::process::signals;
use crate::view::{RunView, StageState};

/// How many runs are looked through for what came of a stage the last time.
const LOOK_BACK: usize = 100;

/// How long a supervisor may take to say that it is one.
const BEGINNING: Duration = Duration::from_secs(2);

/// How long a run that is to be killed may take to be gone, before its supervisor is killed, and once more after.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// A run as it is now.
#[derive(Debug)]
pub struct Run {
    /// Its number.
    pub number: RunNumber,
    /// Its directory.
    pub dir: RunDir,
    /// Whether it goes on.
    pub state: RunState,
    /// What happened in it so far.
    pub view: RunView,
    /// Its stages, known also where nothing has happened yet.
    pub names: DenseMap<StageId, StageName>,
    /// When it began.
    pub started: Option<Timestamp>,
    journal: JournalReader,
}

/// Reads one run.
pub fn read(project: &ProjectDir, number: RunNumber) -> io::Result<Run> {
    let dir = project.run(number);
    let mut run = Run {
        number,
        state: RunState::Running,
        view: RunView::new(),
        names: DenseMap::new(),
        started: None,
        journal: JournalReader::new(dir.clone()),
        dir,
    };
    run.refresh()?;
    Ok(run)
}

impl Run {
    /// Reads what was written since.
    pub fn refresh(&mut self) -> io::Result<()> {
        // The state first: what is read afterwards then has all that a run said that has ended.
        self.state = state::of(&self.dir)?;
        for event in self.journal.read_new()? {
            self.started.get_or_insert(event.at);
            self.view.apply(&event);
        }
        if self.state == RunState::Lost
            && let Some(event) = self.view.lost_event()
        {
            self.view.apply(&event);
        }
        if self.names.is_empty() {
            self.names = names(&self.dir, &self.view);
        }
        Ok(())
    }
}

/// The names of a run's stages, from its first event; the header, which is there before, has the same in the same order.
fn names(dir: &RunDir, view: &RunView) -> DenseMap<StageId, StageName> {
    if view.header().is_none()
        && let Ok(header) = Header::read(dir)
    {
        return header.stages.into_iter().map(|stage| stage.name).collect();
    }
    view.stages().values().map(|stage| stage.info.name.clone()).collect()
}

/// The last thing that a run's supervisor had to say about itself, if anything.
pub fn last_complaint(run: &RunDir) -> Option<String> {
    let log = std::fs::read(run.supervisor_log()).ok()?;
    let text = String::from_utf8_lossy(&log);
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}

/// The newest run.
pub fn latest(project: &ProjectDir) -> io::Result<Option<RunNumber>> {
    Ok(project.numbers()?.pop())
}

/// The newest run that has this stage, or a cell of it.
pub fn latest_with(project: &ProjectDir, stage: &str) -> io::Result<Option<RunNumber>> {
    for number in project.numbers()?.into_iter().rev().take(LOOK_BACK) {
        let run = read(project, number)?;
        if run.names.values().any(|name| names_stage(name, stage)) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Whether a name stands for a stage: its own, or that of the matrix it is a cell of.
fn names_stage(stage: &StageName, name: &str) -> bool {
    stage.as_str().strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Which of these names a word stands for: the one that it is, or those of the cells of the matrix of that name.
pub fn meant(names: impl IntoIterator<Item = StageName>, word: &str) -> Vec<StageName> {
    let mut names: Vec<StageName> = names.into_iter().filter(|name| names_stage(name, word)).collect();
    // A name may go on where another ends, without a matrix: `test` and `test:slow`.
    if names.iter().any(|name| name.as_str() == word) {
        names.retain(|name| name.as_str() == word);
    }
    names
}

/// What came of a stage the last time.
#[derive(Debug)]
pub struct LastTime {
    /// In which run.
    pub number: RunNumber,
    /// What state that run is in.
    pub run: RunState,
    /// What came of the stage.
    pub state: StageState,
    /// That run's own clock, which the state's moments are on.
    pub clock: Pause,
    /// The fingerprint of what it ran.
    pub signature: Signature,
    /// What was foretold of it.
    pub estimate: Option<Estimate>,
    /// When that run began.
    pub started: Option<Timestamp>,
}

/// What came of these stages the last time that each was started or is about to be.
pub fn last_times(project: &ProjectDir, stages: &[StageName]) -> io::Result<HashMap<StageName, LastTime>> {
    let mut open: HashSet<&StageName> = stages.iter().collect();
    let mut found = HashMap::new();
    for number in project.numbers()?.into_iter().rev().take(LOOK_BACK) {
        if open.is_empty() {
            break;
        }
        // A run that is being pruned right now is none.
        let Ok(run) = read(project, number) else { continue };
        for (id, view) in run.view.stages().iter() {
            // What its fix came to says nothing of the stage.
            let is_other = view.info.is_fix && view.finished().is_some();
            if was_started(&run, id) && !is_other && open.remove(&view.info.name) {
                let (state, signature) = (view.state.clone(), view.info.signature);
                let estimate = view.info.estimate.clone();
                let (started, clock) = (run.started, run.view.clock());
                let last = LastTime { number, run: run.state, state, clock, signature, estimate, started };
                found.insert(view.info.name.clone(), last);
            }
        }
    }
    Ok(found)
}

fn was_started(run: &Run, stage: StageId) -> bool {
    match &run.view.stages()[stage].state {
        StageState::Waiting => run.state.is_active(),
        StageState::Running { .. } | StageState::Retrying { .. } => true,
        StageState::Finished(finished) => finished.attempt > 0,
    }
}

/// The runs that go on.
pub fn active(project: &ProjectDir) -> io::Result<Vec<RunNumber>> {
    claim::active(project)
}

/// What became of a request to stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It has ended, or had.
    Ended,
    /// Its supervisor is alive and the run goes on all the same.
    StillThere,
    /// Its supervisor could not be found: nobody was signalled.
    NotFound,
}

/// Asks a run to end, and waits until it has: SIGTERM, each stage's grace, SIGKILL; with `force` SIGKILL at once.
///
/// A supervisor that does not answer to `force` is killed itself: its guard ends the rest.
pub fn stop(run: &RunDir, force: bool, clock: &dyn Clock) -> io::Result<Stopped> {
    if !state::of(run)?.is_active() {
        return Ok(Stopped::Ended);
    }
    let watch = Watch::new(run).ok();
    let Some(owner) = owner(run, watch.as_ref(), clock)? else { return Ok(Stopped::NotFound) };
    let identity = Identity { pid: owner.pid, start_time: owner.start_time, boot_id: owner.boot_id };
    let request = if force { signals::KILL_REQUEST } else { signals::STOP_REQUEST };
    if !identity.signal(request)? {
        return Ok(Stopped::NotFound);
    }
    // Stages have their grace, however long; who kills does not wait for ever.
    if wait_released(run, watch.as_ref(), force.then_some(KILL_PATIENCE), clock)? {
        return Ok(Stopped::Ended);
    }
    identity.signal(signals::KILL)?;
    let gone = wait_released(run, watch.as_ref(), Some(KILL_PATIENCE), clock)?;
    Ok(if gone { Stopped::Ended } else { Stopped::StillThere })
}

/// Who supervises a run that goes on. A supervisor says so before it says anything else: one that has said nothing yet
/// is given a moment.
fn owner(run: &RunDir, watch: Option<&Watch>, clock: &dyn Clock) -> io::Result<Option<Owner>> {
    let began = clock.now();
    loop {
        // Looked at in this order: an owner that was written after the first look is found by the second.
        let is_silent = !run.events().exists();
        let owner = Owner::read(run);
        let may_come = is_silent && clock.now().since(began) < BEGINNING && lock::is_held(&run.lock())?;
        if owner.is_some() || !may_come {
            return Ok(owner);
        }
        pause(watch);
    }
}

/// Waits until nobody holds the run's lock.
fn wait_released(run: &RunDir, watch: Option<&Watch>, limit: Option<Duration>, clock: &dyn Clock) -> io::Result<bool> {
    let began = clock.now();
    while lock::is_held(&run.lock())? {
        if limit.is_some_and(|limit| clock.now().since(began) >= limit) {
            return Ok(false);
        }
        pause(watch);
    }
    Ok(true)
}

/// Waits until something has changed in a run's directory, or for a moment where that is not heard.
fn pause(watch: Option<&Watch>) {
    let limit = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    match watch {
        Some(watch) => {
            let _ = poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&limit));
            watch.clear();
        }
        None => {
            let _ = poll(&mut [], Some(&limit));
        }
    }
}
