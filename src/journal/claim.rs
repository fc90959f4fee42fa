//! Taking a number: the short step that makes a run of a request, under the project's lock.
//!
//! In order, each step harmless if it is the last: what an earlier, killed claim left is removed; runs that go on are
//! asked whether they have one of our stages; the number is taken and written back; the directory is built where nobody
//! looks, its lock held; the run is marked as going on; the directory is renamed to where everybody looks. A run that
//! can be seen therefore always has its header, and its lock has been held without a gap.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::layout::{ProjectDir, RunDir, create_dir, numbers_in, private_file, read_file};
use super::lock;
use super::state::{self, RunState};
use crate::ids::{RunNumber, Signature, StageName};

/// A run that nobody has started yet, and that nobody else can have.
#[derive(Debug)]
pub struct Claim {
    /// Its directory, published.
    pub run: RunDir,
    /// Its number.
    pub number: RunNumber,
    /// Its lock, held. Whoever supervises the run is handed this.
    pub lock: File,
}

/// Why there is no claim.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// One of the stages is running already.
    #[error("stage {stage} is running already, in run {number}")]
    Running {
        /// The stage, as that run names it.
        stage: StageName,
        /// The run it runs in.
        number: RunNumber,
    },
    /// The state directory cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a claim is made for.
pub struct Request<'a> {
    /// The project's state.
    pub project: &'a ProjectDir,
    /// The project's own directory, canonical.
    pub root: &'a Path,
    /// The jobs that the run would start.
    pub jobs: &'a [(Signature, StageName)],
}

/// Claims a run. `fill` writes what belongs into its directory before it is published.
pub fn claim(
    request: &Request<'_>,
    fill: impl FnOnce(&RunDir, RunNumber) -> io::Result<()>,
) -> Result<Claim, ClaimError> {
    let project = request.project;
    let counter = hold(project, request.root)?;
    remove_unborn(project)?;
    refuse_overlap(project, request.jobs)?;
    let number = next_number(&counter, project)?;
    let unborn = RunDir::new(project.unborn().join(number.to_string()));
    create_dir(&unborn.logs())?;
    let held = lock::create_held(&unborn.lock())?;
    fill(&unborn, number)?;
    write_marker(project, number, request.jobs)?;
    let run = project.run(number);
    fs::rename(unborn.path(), run.path())?;
    Ok(Claim { run, number, lock: held })
}

/// Takes the project's lock, which is held until the file is dropped, and for no longer than a few file operations: nobody
/// takes a number meanwhile, and no ad-hoc job is added. Where the project has no state yet, it has one afterwards.
///
/// While it was waited for, somebody may have deleted the file and another made it anew: then it is that one's lock that
/// counts.
pub fn hold(project: &ProjectDir, root: &Path) -> io::Result<File> {
    loop {
        let counter = open_counter(project, root)?;
        lock::wait_exclusive(&counter)?;
        if lock::is_at(&counter, &project.counter())? {
            return Ok(counter);
        }
    }
}

/// The last number that was given out, as far as that is known; zero where none was.
pub fn last_number(project: &ProjectDir) -> io::Result<RunNumber> {
    let counted = fs::read_to_string(project.counter()).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let there = project.numbers()?.last().map_or(0, |number| number.0);
    Ok(RunNumber(counted.unwrap_or(0).max(there)))
}

/// The names of the jobs that a run is marked with, while it goes on.
pub fn marked(project: &ProjectDir, number: RunNumber) -> Vec<StageName> {
    let marker = fs::read(project.active().join(number.to_string())).unwrap_or_default();
    let marker = String::from_utf8_lossy(&marker);
    marker.lines().filter_map(|line| StageName::new(line.split_once(' ')?.1).ok()).collect()
}

/// Withdraws a claim whose run was never started. Its number stays used.
pub fn withdraw(project: &ProjectDir, run: &RunDir, number: RunNumber) {
    let _ = fs::remove_dir_all(run.path());
    release(project, number);
}

/// Takes the mark of a run away that no longer goes on.
pub fn release(project: &ProjectDir, number: RunNumber) {
    // A mark that stays is found to be stale by the next claim.
    let _ = fs::remove_file(project.active().join(number.to_string()));
}

/// The runs that are marked as going on; those of them that have ended are left out.
pub fn active(project: &ProjectDir) -> io::Result<Vec<RunNumber>> {
    let mut numbers = numbers_in(&project.active())?;
    numbers.retain(|number| state::of(&project.run(*number)).is_ok_and(RunState::is_active));
    Ok(numbers)
}

/// Opens the file whose lock is the project's. It is made last of all that a project has, so that where it is, all is.
fn open_counter(project: &ProjectDir, root: &Path) -> io::Result<File> {
    let mut options = private_file();
    options.read(true).write(true);
    match options.open(project.counter()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            for dir in [project.active(), project.unborn(), project.runs()] {
                create_dir(&dir)?;
            }
            let about = serde_json::json!({ "root": root.to_string_lossy() }).to_string();
            private_file()
                .write(true)
                .create(true)
                .truncate(true)
                .open(project.project_file())?
                .write_all(about.as_bytes())?;
            options.create(true).truncate(false).open(project.counter())
        }
        other => other,
    }
}

/// A claim that was killed while it built its directory left it behind; nobody ever saw it.
fn remove_unborn(project: &ProjectDir) -> io::Result<()> {
    for number in numbers_in(&project.unborn())? {
        fs::remove_dir_all(project.unborn().join(number.to_string()))?;
    }
    Ok(())
}

fn refuse_overlap(project: &ProjectDir, jobs: &[(Signature, StageName)]) -> Result<(), ClaimError> {
    let ours: HashSet<Signature> = jobs.iter().map(|(signature, _)| *signature).collect();
    for number in numbers_in(&project.active())? {
        match state::of(&project.run(number)) {
            Ok(RunState::Queued | RunState::Running) => {}
            Ok(RunState::Finished { .. } | RunState::Lost) => {
                release(project, number);
                continue;
            }
            // Not known to go on, and not known to have ended.
            Err(_) => continue,
        }
        let marker = read_file(&project.active().join(number.to_string())).unwrap_or_default();
        for line in String::from_utf8_lossy(&marker).lines() {
            let Some((signature, name)) = line.split_once(' ') else { continue };
            let Ok(signature) = Signature::try_from(signature.to_owned()) else { continue };
            if let (true, Ok(stage)) = (ours.contains(&signature), StageName::new(name)) {
                return Err(ClaimError::Running { stage, number });
            }
        }
    }
    Ok(())
}

/// A line for each job: its signature and its name.
fn write_marker(project: &ProjectDir, number: RunNumber, jobs: &[(Signature, StageName)]) -> io::Result<()> {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(jobs.len() * 80);
    for (signature, name) in jobs {
        let _ = writeln!(text, "{signature} {name}");
    }
    let path = project.active().join(number.to_string());
    private_file().write(true).create(true).truncate(true).open(path)?.write_all(text.as_bytes())
}

/// The number after the last one given out, which is written back before it is used.
fn next_number(mut counter: &File, project: &ProjectDir) -> io::Result<RunNumber> {
    let mut text = String::new();
    counter.rewind()?;
    // Bytes that are no text are as good as no number.
    let _ = counter.read_to_string(&mut text);
    let last = match text.trim().parse::<u64>() {
        Ok(last) if last < u64::MAX => last,
        // Never a number twice, even where the counter was lost: the runs themselves say what was given out.
        Ok(_) | Err(_) => project.numbers()?.last().map_or(0, |number| number.0),
    };
    let next = last.checked_add(1).map(RunNumber).ok_or_else(|| io::Error::other("there are no numbers left"))?;
    let line = format!("{next:>20}\n");
    counter.write_all_at(line.as_bytes(), 0)?;
    counter.set_len(line.len() as u64)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, ProjectDir) {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        (dir, project)
    }

    fn try_claim(project: &ProjectDir, jobs: &[(u8, &str)]) -> Result<Claim, ClaimError> {
        let jobs: Vec<_> =
            jobs.iter().map(|(n, name)| (Signature::from_bytes([*n; 32]), StageName::new(name).unwrap())).collect();
        claim(&Request { project, root: Path::new("/p"), jobs: &jobs }, |_, _| Ok(()))
    }

    #[test]
    fn numbers_count_up_and_survive_a_lost_counter() {
        let (_dir, project) = project();
        assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(1));
        assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(2));
        for broken in ["", "abc", "\u{fffd}", "18446744073709551615"] {
            let before = project.numbers().unwrap().len() as u64;
            fs::write(project.counter(), broken).unwrap();
            assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(before + 1), "{broken:?}");
        }
    }

    #[test]
    fn only_what_is_named_as_runs_are_is_a_run() {
        let (_dir, project) = project();
        try_claim(&project, &[]).unwrap();
        for name in ["007", "+8", "9.old", "10 "] {
            create_dir(&project.runs().join(name)).unwrap();
        }
        assert_eq!(project.numbers().unwrap(), [RunNumber(1)]);
        create_dir(project.run(RunNumber(u64::MAX)).path()).unwrap();
        fs::write(project.counter(), "").unwrap();
        assert!(matches!(try_claim(&project, &[]), Err(ClaimError::Io(_))), "there is no number after that");
    }

    /// H89: one job runs once at a time; another job of the same project does not mind.
    #[test]
    fn h89_a_running_job_is_refused_until_its_lock_is_free() {
        let (_dir, project) = project();
        let first = try_claim(&project, &[(1, "fmt"), (2, "test")]).unwrap();
        assert!(try_claim(&project, &[(3, "lint")]).is_ok());
        match try_claim(&project, &[(2, "test")]) {
            Err(ClaimError::Running { stage, number }) => assert_eq!((stage.as_str(), number), ("test", first.number)),
            other => panic!("{other:?}"),
        }
        drop(first);
        assert!(try_claim(&project, &[(2, "test")]).is_ok());
    }

    /// H89: two starters at once have exactly one winner, every time.
    #[test]
    fn h89_a_race_has_one_winner() {
        let (_dir, project) = project();
        for round in 0..50 {
            let barrier = std::sync::Barrier::new(4);
            let claims: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| {
                            barrier.wait();
                            try_claim(&project, &[(1, "test")])
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1, "round {round}");
        }
    }

    /// H92: who waited for the lock of a file that was deleted meanwhile does not take it for the project's.
    #[test]
    fn h92_a_lock_on_a_deleted_file_is_not_the_projects() {
        let (_dir, project) = project();
        try_claim(&project, &[]).unwrap();
        let old = File::open(project.counter()).unwrap();
        lock::wait_exclusive(&old).unwrap();
        let waiting = |project: &ProjectDir| hold(project, Path::new("/p")).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| waiting(&project));
            // Nothing tells that it waits by now; where it does not yet, it opens the new file at once.
            std::thread::yield_now();
            fs::remove_file(project.counter()).unwrap();
            fs::write(project.counter(), "1").unwrap();
            drop(old);
            assert!(lock::is_at(&waiter.join().unwrap(), &project.counter()).unwrap());
        });
    }

    /// H29: what a killed claim left behind, even read-only, is in nobody's way.
    #[test]
    fn h29_leftovers_of_a_killed_claim_are_removed() {
        let (_dir, project) = project();
        try_claim(&project, &[]).unwrap();
        let leftover = project.unborn().join("2");
        create_dir(&leftover).unwrap();
        private_file().write(true).create(true).truncate(false).mode_read_only(leftover.join("lock"));
        fs::write(project.active().join("9"), "no line of ours").unwrap();
        let claim = try_claim(&project, &[]).unwrap();
        assert_eq!(claim.number, RunNumber(2));
        assert!(!leftover.exists());
        assert!(!project.active().join("9").exists());
    }

    trait ReadOnly {
        fn mode_read_only(&mut self, path: std::path::PathBuf);
    }
    impl ReadOnly for fs::OpenOptions {
        fn mode_read_only(&mut self, path: std::path::PathBuf) {
            use std::os::unix::fs::OpenOptionsExt;
            self.mode(0o444).open(path).unwrap();
        }
    }

    /// H27: a first claim that was killed before it had made all directories is made up for by the next one.
    #[test]
    fn h27_a_project_that_was_never_finished_is_finished() {
        let (_dir, project) = project();
        for made in [project.path().to_owned(), project.active(), project.unborn(), project.runs()] {
            let _ = fs::remove_dir_all(project.path());
            create_dir(&made).unwrap();
            assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(1), "{}", made.display());
        }
    }

    #[test]
    fn a_claim_whose_directory_cannot_be_filled_publishes_nothing() {
        let (_dir, project) = project();
        let failed = claim(&Request { project: &project, root: Path::new("/p"), jobs: &[] }, |_, _| {
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(failed, Err(ClaimError::Io(_))));
        assert!(project.numbers().unwrap().is_empty());
        assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(2));
    }
}
