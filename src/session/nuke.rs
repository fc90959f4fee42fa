//! Forgetting a whole project: all that goes on in it is stopped, and then all of it is forgotten but which numbers were
//! given out.
//!
//! Only what is a project's state of ours is touched. A link in the place of a directory is refused, and none is followed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::forget::{Forgot, clear};
use super::past::forgotten::Forgotten;
use super::past::{self, ledger};
use super::runs::{self, Stopped};
use super::{jobs, retention};
use crate::clock::Clock;
use crate::history::{self, Patience};
use crate::ids::RunNumber;
use crate::journal::claim;
use crate::journal::format;
use crate::journal::layout::ProjectDir;
use crate::journal::lock;
use crate::journal::state::{self, RunState};

/// How long stages may take to end before they are killed: the grace of one that sets none, and something more.
const GRACE: Duration = Duration::from_secs(15);

/// How often it is looked for runs that were started while others were being stopped.
const ROUNDS: usize = 3;

/// Why a project was not forgotten.
#[derive(Debug, thiserror::Error)]
pub enum NukeError {
    /// It is not what a project's state looks like.
    #[error("{} is not a project's state: {why}", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A run cannot be stopped.
    #[error("run {number} cannot be stopped: {why}")]
    Unstoppable {
        /// The run.
        number: RunNumber,
        /// Why.
        why: String,
    },
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What there is of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The project's directory, as its state says.
    pub root: String,
    /// The runs that go on or wait for their turn.
    pub active: Vec<RunNumber>,
    /// How many runs there are, of which only a line is left of some.
    pub runs: usize,
    /// How many bytes they take on the disk.
    pub bytes: u64,
    /// How many ad-hoc jobs there are.
    pub jobs: usize,
}

impl Holdings {
    /// Whether there is nothing to forget.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty() && self.runs == 0 && self.jobs == 0
    }
}

/// All directories in a state directory that are a project's state, and what is wrong with those that are not.
pub fn projects(state: &Path) -> io::Result<(Vec<ProjectDir>, Vec<NukeError>)> {
    let projects = state.join("projects");
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    match fs::symlink_metadata(&projects) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((found, faults)),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_dir() => {
            return Ok((found, vec![NukeError::NotOurs { path: projects, why: "it is no directory".into() }]));
        }
        Ok(_) => {}
    }
    for entry in fs::read_dir(&projects)? {
        let project = ProjectDir::at(entry?.path());
        match root_of(&project) {
            Ok(_) => found.push(project),
            Err(fault) => faults.push(fault),
        }
    }
    found.sort_by_key(ProjectDir::name);
    Ok((found, faults))
}

/// Which project's state this is. Refuses what does not look as we make it, and where a link leads out of it.
pub fn root_of(project: &ProjectDir) -> Result<String, NukeError> {
    let fault = |path: &Path, why: &str| NukeError::NotOurs { path: path.to_owned(), why: why.to_owned() };
    let kind = |path: &Path| fs::symlink_metadata(path).map(|metadata| metadata.file_type());
    if !kind(project.path())?.is_dir() {
        return Err(fault(project.path(), "it is no directory"));
    }
    for dir in [project.runs(), project.active(), project.unborn(), project.gone()] {
        match kind(&dir) {
            Ok(kind) if kind.is_dir() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(_) => return Err(fault(project.path(), &format!("{} is no directory", dir.display()))),
            Err(error) => return Err(error.into()),
        }
    }
    let file = project.project_file();
    let text = match kind(&file) {
        Ok(kind) if kind.is_file() => fs::read(&file)?,
        Ok(_) | Err(_) => return Err(fault(project.path(), "it has no project.json")),
    };
    let about: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let Some(root) = about["root"].as_str() else {
        return Err(fault(project.path(), "its project.json does not say which project it is"));
    };
    // A name that is no text is not said in full, and cannot be compared.
    let is_whole = !root.contains(char::REPLACEMENT_CHARACTER);
    let name = ProjectDir::new(Path::new(""), Path::new(root)).name();
    if is_whole && project.path().file_name() != Some(OsStr::new(&name)) {
        return Err(fault(project.path(), &format!("its project.json is that of {root}")));
    }
    Ok(root.to_owned())
}

/// What there is of a project.
pub fn look(project: &ProjectDir) -> Result<Holdings, NukeError> {
    let root = root_of(project)?;
    let numbers = project.numbers()?;
    let dirs = numbers.iter().map(|number| retention::disk_usage(project.run(*number).path()));
    Ok(Holdings {
        root,
        active: claim::active(project)?,
        runs: numbers.len() + lines(project)?,
        bytes: dirs.fold(0, u64::saturating_add),
        jobs: jobs::read(project)?.len(),
    })
}

/// How many pruned runs there are of which a line is left and nothing else.
fn lines(project: &ProjectDir) -> io::Result<usize> {
    let (mut count, mut start) = (0, 0);
    while let Some(excerpt) = ledger::read_from(project, start, 1 << 20)? {
        count += excerpt.lines.iter().filter(|line| !project.run(line.run.number).path().is_dir()).count();
        start = excerpt.end;
    }
    Ok(count)
}

/// Stops all that goes on in a project and forgets all that there was. What is started meanwhile is stopped as well.
///
/// The index is told, unless all of it is to go: see [`forget_index`].
pub fn nuke(project: &ProjectDir, index_goes: bool, clock: &dyn Clock) -> Result<Forgot, NukeError> {
    let root = root_of(project)?;
    // Before anything is stopped.
    format::check(project).map_err(io::Error::other)?;
    let deleting = lock::open_deleting(project)?;
    lock::wait_exclusive(&deleting)?;
    let hold = || claim::hold(project, Path::new(&root));
    let mut round = 1;
    let held = loop {
        // Who starts runs all the time waits, in the end, until those that go on have been stopped.
        let before = (round == ROUNDS).then(hold).transpose()?;
        stop_all(project, clock)?;
        // Nobody starts anything from here on.
        let held = before.map_or_else(hold, Ok)?;
        match claim::active(project)?.first() {
            None => break held,
            Some(number) if round == ROUNDS => {
                return Err(NukeError::Unstoppable { number: *number, why: "it goes on all the same".into() });
            }
            Some(_) => round += 1,
        }
    };
    let mut forgotten = Forgotten::read(project)?;
    forgotten.forget_all(claim::last_number(project)?);
    forgotten.write(project)?;
    // What was green in a run that is forgotten is to be seen again.
    let _ = std::fs::remove_dir_all(project.verdicts());
    let jobs = jobs::remove_all(project)?;
    drop(held);
    let mut forgot = clear(project, &forgotten, &[], clock)?;
    forgot.jobs = jobs;
    if !index_goes && let Err(fault) = past::forget(project, forgotten) {
        forgot.warnings.push(format!("the history could not be told ({}: {fault})", project.history().display()));
    }
    Ok(forgot)
}

/// Stops what waits for its turn first, so that nothing starts because something else ended; then the rest, all at once.
fn stop_all(project: &ProjectDir, clock: &dyn Clock) -> Result<(), NukeError> {
    let active = claim::active(project)?;
    let is_queued = |number: &RunNumber| matches!(state::of(&project.run(*number)), Ok(RunState::Queued));
    let (queued, running): (Vec<_>, Vec<_>) = active.into_iter().partition(is_queued);
    for numbers in [queued, running] {
        let stopped: Vec<_> = thread::scope(|scope| {
            let stop = |number: RunNumber| (number, runs::stop_within(&project.run(number), GRACE, clock));
            let threads: Vec<_> = numbers.iter().map(|number| scope.spawn(move || stop(*number))).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for (number, stopped) in stopped.into_iter().flatten() {
            let why = match stopped {
                Ok(Stopped::Ended) => continue,
                Ok(Stopped::StillThere(left)) => {
                    let pids: Vec<String> = left.iter().map(|one| format!("{} (pid {})", one.name, one.pid)).collect();
                    format!("it does not end {}", pids.join(", ")).trim_end().to_owned()
                }
                Ok(Stopped::NotFound) => "its supervisor is not where the run says it is".to_owned(),
                Err(error) => error.to_string(),
            };
            return Err(NukeError::Unstoppable { number, why });
        }
    }
    Ok(())
}

/// Takes the index away, with its copies, after all these projects were forgotten.
pub fn forget_index(state: &Path, projects: &[&ProjectDir]) -> io::Result<()> {
    history::discard(&state.join("history.db"), Patience::Long)?;
    for project in projects {
        let deleting = lock::open_deleting(project)?;
        lock::wait_exclusive(&deleting)?;
        let forgotten = Forgotten { is_pending: false, ..Forgotten::read(project)? };
        forgotten.write(project)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::journal::claim::{Request, claim};
    use crate::journal::turn::Turn;

    fn project() -> (tempfile::TempDir, ProjectDir) {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        let request = Request { project: &project, root: Path::new("/p"), jobs: &[], turn: &Turn::default() };
        claim(&request, |_, _, _| Ok(())).unwrap();
        (dir, project)
    }

    /// H34: where nothing may be deleted nothing is stopped either.
    #[test]
    fn h34_what_a_newer_version_keeps_is_left_alone_with_all_that_goes_on() {
        let (_dir, project) = project();
        let number = RunNumber(1);
        let lock = fs::File::create(project.run(number).lock()).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        fs::write(project.project_file(), "{\"root\":\"/p\",\"format\":99}").unwrap();
        let refused = nuke(&project, false, &SystemClock).unwrap_err().to_string();
        assert!(refused.contains("newer version"), "{refused}");
        assert_eq!(claim::active(&project).unwrap(), [number]);
        assert!(!project.forgotten().exists());
    }

    /// H32: what is no job goes with the jobs.
    #[test]
    fn h32_nothing_is_left_of_a_damaged_list() {
        let (_dir, project) = project();
        fs::write(project.jobs(), "{\"name\":\"abc\"\nnothing\n").unwrap();
        let forgot = nuke(&project, false, &SystemClock).unwrap();
        assert_eq!((forgot.runs, forgot.jobs), (vec![RunNumber(1)], 0));
        assert_eq!(jobs::open(&project).unwrap(), jobs::Jobs::default());
        assert!(look(&project).unwrap().is_empty());
    }
}
