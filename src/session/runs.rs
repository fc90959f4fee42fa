//! Runs of a project, as their directories have them: which there are, what came of them, and ending one.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::{Clock, Timestamp};
use crate::env;
use crate::ids::{DenseMap, RunNumber, StageId, StageName};
use crate::journal::claim;
use crate::journal::header::Header;
use crate::journal::layout::{ProjectDir, RunDir, read_file};
use crate::journal::lock;
use crate::journal::read::JournalReader;
use crate::journal::state::{self, Owner, RunState};
use crate::journal::watch::Watch;
use crate::process::identity::Identity;
use crate::process::signals;
use crate::process::table::{Entry, Table, environment_has, read_entry, signal_exactly};
use crate::text::plain::printable;
use crate::view::RunView;

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
    let log = read_file(&run.supervisor_log()).ok()?;
    let text = String::from_utf8_lossy(&log);
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}

/// The newest run.
pub fn latest(project: &ProjectDir) -> io::Result<Option<RunNumber>> {
    Ok(project.numbers()?.pop())
}

/// The newest run that has this stage, or a cell of it; where it is running and another run of it waits for its turn, the
/// one that it is running in.
pub fn latest_with(project: &ProjectDir, stage: &str) -> io::Result<Option<RunNumber>> {
    let mut newest = None;
    for number in project.numbers()?.into_iter().rev().filter(|number| has_stage(project, *number, stage)) {
        match state::of(&project.run(number)) {
            Ok(RunState::Running) => return Ok(Some(number)),
            Ok(RunState::Queued) => newest = newest.or(Some(number)),
            Ok(RunState::Finished { .. } | RunState::Lost) => return Ok(newest.or(Some(number))),
            // One that is damaged hides no other.
            Err(_) => {}
        }
    }
    Ok(newest)
}

/// The newest run that has this stage, or a cell of it, also where it waits for its turn.
pub fn newest_with(project: &ProjectDir, stage: &str) -> io::Result<Option<RunNumber>> {
    Ok(project.numbers()?.into_iter().rev().find(|number| has_stage(project, *number, stage)))
}

/// Whether a run has this stage, or a cell of it. One that is damaged says nothing of what it has, and one that is being
/// deleted right now has nothing.
fn has_stage(project: &ProjectDir, number: RunNumber, stage: &str) -> bool {
    let dir = project.run(number);
    let text = read_file(&dir.header()).unwrap_or_default();
    if let Ok(header) = serde_json::from_slice::<Header>(&text) {
        return header.stages.iter().any(|known| names_stage(&known.name, stage));
    }
    read(project, number).is_ok_and(|run| run.names.values().any(|name| names_stage(name, stage)))
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

/// The runs that go on.
pub fn active(project: &ProjectDir) -> io::Result<Vec<RunNumber>> {
    claim::active(project)
}

/// What became of a request to stop a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It has ended, or had.
    Ended,
    /// The run goes on all the same, because these processes cannot be ended.
    StillThere(Vec<Left>),
    /// It goes on and its supervisor could not be found: nobody was signalled.
    NotFound,
}

/// A process that is left of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its id.
    pub pid: i32,
    /// Its command name, harmless to show.
    pub name: String,
}

impl Left {
    fn of(entry: &Entry) -> Self {
        Self { pid: entry.pid, name: printable(&entry.name).into_owned() }
    }
}

/// Asks a run to end, and waits until it has: SIGTERM, each stage's grace, SIGKILL; with `force` SIGKILL at once.
///
/// A supervisor that does not answer to `force` is killed itself: its guard ends the rest.
pub fn stop(run: &RunDir, force: bool, clock: &dyn Clock) -> io::Result<Stopped> {
    if !state::of(run)?.is_active() {
        return Ok(Stopped::Ended);
    }
    let watch = Watch::new(run).ok();
    // It may have ended just now, and its lock goes last.
    let unfound = || {
        let is_over = wait_released(run, watch.as_ref(), Some(BEGINNING), clock)?;
        Ok(if is_over { Stopped::Ended } else { Stopped::NotFound })
    };
    let Some(owner) = owner(run, watch.as_ref(), clock)? else { return unfound() };
    // The supervisor's parent guards it, and inherits what it leaves.
    let guard = read_entry(owner.pid).filter(|entry| entry.start_time == owner.start_time).map(|entry| entry.parent);
    let guard = guard.and_then(read_entry);
    let identity = identity(owner);
    let request = if force { signals::KILL_REQUEST } else { signals::STOP_REQUEST };
    if !identity.signal(request)? {
        return unfound();
    }
    if !force {
        // Who kills does not wait for ever, and needs nobody for it.
        wake(&identity, guard.as_ref());
    }
    // Stages have their grace, however long; who kills does not wait for ever.
    if wait_released(run, watch.as_ref(), force.then_some(KILL_PATIENCE), clock)? {
        return Ok(Stopped::Ended);
    }
    identity.signal(signals::KILL)?;
    let gone = wait_released(run, watch.as_ref(), Some(KILL_PATIENCE), clock)?;
    Ok(if gone { Stopped::Ended } else { Stopped::StillThere(below(guard.as_ref())) })
}

/// Has a supervisor and its guard go on that somebody has stopped: they could neither end a run nor say why not.
fn wake(supervisor: &Identity, guard: Option<&Entry>) {
    let _ = supervisor.signal(signals::CONTINUE);
    if let Some(guard) = guard {
        let _ = signal_exactly(guard.pid, guard.start_time, signals::CONTINUE);
    }
}

/// A run's guard, where it is still there, and all that is below it.
fn below(guard: Option<&Entry>) -> Vec<Left> {
    let Some(guard) = guard else { return Vec::new() };
    let table = Table::read().unwrap_or_default();
    let is_there = table.get(guard.pid).is_some_and(|now| now.start_time == guard.start_time && !now.is_dead());
    if !is_there {
        return Vec::new();
    }
    // The kernel calls it after the link that it was started by.
    let guard = Left { pid: guard.pid, name: "local-ci".into() };
    std::iter::once(guard.clone()).chain(table.descendants(guard.pid, &[]).into_iter().map(Left::of)).collect()
}

/// What a run that has ended left behind by its own account and that is still there: what its stages may leave, and what
/// could not be killed.
pub fn left_running(project: &ProjectDir, number: RunNumber) -> Vec<Left> {
    let Ok(run) = read(project, number) else { return Vec::new() };
    let finished = run.view.stages().values().filter_map(|stage| stage.finished());
    let left = finished.flat_map(|finished| &finished.leaked).filter(|leaked| !leaked.killed);
    let left = left.filter_map(|leaked| Some((read_entry(leaked.pid)?, &leaked.command)));
    let Ok(id) = Header::read(&run.dir).map(|header| format!("{}={}", env::RUN_ID, header.run)) else {
        return Vec::new();
    };
    // The number may be another process's by now. One of the run has its mark; one that has become another user's does not
    // let us look.
    let is_closed = |pid: i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ"));
        environment.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    let is_it = |(entry, command): &(Entry, &String)| {
        let is_ours = environment_has(entry.pid, std::slice::from_ref(&id)) || is_closed(entry.pid);
        !entry.is_dead() && entry.name == **command && is_ours
    };
    left.filter(is_it).map(|(entry, _)| Left::of(&entry)).collect()
}

/// The same with a limit to the grace: what has not ended by then is killed.
pub fn stop_within(run: &RunDir, limit: Duration, clock: &dyn Clock) -> io::Result<Stopped> {
    let watch = Watch::new(run).ok();
    if state::of(run)?.is_active()
        && let Some(owner) = owner(run, watch.as_ref(), clock)?
    {
        identity(owner).signal(signals::STOP_REQUEST)?;
        if wait_released(run, watch.as_ref(), Some(limit), clock)? {
            return Ok(Stopped::Ended);
        }
    }
    stop(run, true, clock)
}

/// Waits until nobody is about a run any more that has ended: its supervisor puts it away. Says whether that came in time.
pub fn wait_over(run: &RunDir, limit: Duration, clock: &dyn Clock) -> io::Result<bool> {
    wait_released(run, Watch::new(run).ok().as_ref(), Some(limit), clock)
}

/// Waits for a run whose supervisor was killed a moment ago, while its guard still ends what there is of it here: only after
/// that the run says that it is lost. Says whether it is another one by now than it was.
pub fn settle(run: &RunDir, clock: &dyn Clock) -> io::Result<bool> {
    if !lock::is_held(&run.lock())? {
        return Ok(false);
    }
    match Owner::read(run).map(identity) {
        Some(owner) if !owner.is_alive() => wait_released(run, Watch::new(run).ok().as_ref(), Some(BEGINNING), clock),
        // Who has said nothing yet is about to.
        Some(_) | None => Ok(false),
    }
}

fn identity(owner: Owner) -> Identity {
    Identity { pid: owner.pid, start_time: owner.start_time, boot_id: owner.boot_id }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::event::SCHEMA_VERSION;
    use crate::ids::{RunId, Signature};
    use crate::journal::header::HeaderStage;
    use crate::journal::layout::create_dir;
    use crate::pipeline::Command;
    use std::fs::File;
    use std::path::Path;
    use std::sync::Mutex;

    /// A run that was lost before it said anything.
    fn lost(project: &ProjectDir, number: u64, stages: &[&str]) {
        let dir = project.run(RunNumber(number));
        create_dir(dir.path()).unwrap();
        let stage = |name: &&str| HeaderStage {
            name: StageName::new(name).unwrap(),
            signature: Signature::from_bytes([1; 32]),
            command: Command::Argv(vec!["true".into()]),
            dir: String::new(),
            env: Vec::new(),
        };
        let header = Header {
            schema_version: SCHEMA_VERSION,
            program: String::new(),
            run: RunId::from_bytes([1; 16]),
            number: Some(RunNumber(number)),
            started: Timestamp { unix_ms: 1, mono_us: 1 },
            argv: Vec::new(),
            equivalent: Vec::new(),
            project: "/p".into(),
            directory: "/p".into(),
            commit: None,
            branch: None,
            config: Vec::new(),
            stages: stages.iter().map(stage).collect(),
            remotes: Vec::new(),
            jobs: 1,
            waits: None,
        };
        header.write(&dir).unwrap();
    }

    /// A clock that lets a lock go when it is looked at for the second time.
    struct LetsGo(Mutex<(u32, Option<File>)>);

    impl Clock for LetsGo {
        fn now(&self) -> Timestamp {
            let mut held = self.0.lock().unwrap();
            held.0 += 1;
            if held.0 > 1 {
                held.1 = None;
            }
            SystemClock.now()
        }
    }

    /// H90: what nobody has any more has ended, whoever was to be signalled.
    #[test]
    fn h90_a_run_that_lets_go_while_it_is_to_be_stopped_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        lost(&project, 1, &["a"]);
        let run = project.run(RunNumber(1));
        // It has said something, so that nobody waits for it to say who it is.
        std::fs::write(run.events(), "").unwrap();
        let clock = LetsGo(Mutex::new((0, Some(lock::create_held(&run.lock()).unwrap()))));
        assert_eq!(stop(&run, false, &clock).unwrap(), Stopped::Ended);
        assert!(clock.0.lock().unwrap().1.is_none());
    }

    /// H24: between a supervisor's end and its guard's.
    #[test]
    fn h24_a_run_whose_supervisor_is_gone_is_waited_for_until_it_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        lost(&project, 1, &["a"]);
        let run = project.run(RunNumber(1));
        let me = Identity::of(std::process::id().cast_signed()).unwrap();
        let (pid, boot_id) = (me.pid, me.boot_id);
        let owner = |start_time| Owner { pid, start_time, boot_id: boot_id.clone() };
        let held = || LetsGo(Mutex::new((0, Some(lock::create_held(&run.lock()).unwrap()))));
        // One that lives is not waited for.
        owner(me.start_time).write(&run).unwrap();
        let clock = held();
        assert!(!settle(&run, &clock).unwrap());
        assert_eq!(state::of(&run).unwrap(), RunState::Running);
        drop(clock);
        std::fs::remove_file(run.lock()).unwrap();
        owner(me.start_time - 1).write(&run).unwrap();
        assert!(settle(&run, &held()).unwrap());
        assert_eq!(state::of(&run).unwrap(), RunState::Lost);
    }

    /// However many runs of other jobs there were since, the latest of a job is found: ad-hoc jobs are many.
    #[test]
    fn the_latest_run_of_a_job_is_found_behind_many_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        lost(&project, 1, &["a", "test:x"]);
        lost(&project, 2, &["a"]);
        for number in 3..400 {
            lost(&project, number, &["other"]);
        }
        create_dir(project.run(RunNumber(400)).path()).unwrap();
        for (stage, expected) in [("a", Some(2)), ("test", Some(1)), ("other", Some(399)), ("tes", None)] {
            let expected = expected.map(RunNumber);
            assert_eq!(latest_with(&project, stage).unwrap(), expected, "{stage}");
            assert_eq!(newest_with(&project, stage).unwrap(), expected, "{stage}");
        }
    }
}
