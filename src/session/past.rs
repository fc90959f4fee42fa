//! What came of a project's earlier runs: the index brought up to date with the runs, and asked.
//!
//! The index is `history.db`, of all projects. A run's supervisor adds it when it has ended; readers add those that the
//! index has not seen, because their supervisor was killed, or because the index had to be made anew. Nothing here fails a
//! run: where the index cannot be used there are no estimates, and a warning.

mod everywhere;
pub mod forgotten;
mod intake;
pub mod ledger;
mod record;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::slice;

use forgotten::Forgotten;
use intake::Depth;

pub use everywhere::{Elsewhere, everywhere};

use super::source;
use crate::clock::{Clock, SystemClock};
use crate::estimate::estimate;
use crate::event::Estimate;
use crate::history::{
    self, About, Ended, Fault, History, Identity, Job, Known, Latest, PastRun, Patience, Sought, Totals,
};
use crate::ids::{RunNumber, StageId, StageName};
use crate::journal::format;
use crate::journal::layout::ProjectDir;
use crate::journal::lock;
use crate::plan::{Plan, PlannedStage};

/// The history of one project.
#[derive(Debug)]
pub struct Past {
    file: PathBuf,
    project: ProjectDir,
    root: PathBuf,
    depth: Depth,
    index: RefCell<Option<Index>>,
    warnings: RefCell<Vec<String>>,
}

/// The index, open.
#[derive(Debug)]
struct Index {
    history: History,
    /// Which file it is; none in memory.
    identity: Option<Identity>,
    /// The project in it, where it has any runs.
    known: Option<Known>,
}

/// Opens the history of a project and takes in the runs that it has not seen. Never fails: where there is no history,
/// there is an empty one and a warning.
///
/// For commands that show it: all is taken in, however long that takes, and where the file cannot be used, the runs that
/// are there are shown without it.
pub fn open(project: &ProjectDir, root: &Path) -> Past {
    Past::new(project, root, Depth::All)
}

/// The same for the estimates of a run that is about to start: what takes long is left for others, and so is a run whose
/// supervisor is about to add it.
pub fn glance(project: &ProjectDir, root: &Path) -> Past {
    Past::new(project, root, Depth::Recent)
}

impl Past {
    fn new(project: &ProjectDir, root: &Path, depth: Depth) -> Self {
        let mut past = Self {
            file: project.history(),
            project: project.clone(),
            root: root.to_owned(),
            depth,
            index: RefCell::default(),
            warnings: RefCell::default(),
        };
        let index = match past.begin() {
            Err(fault) if fault.is_damage() => past.remake(Identity::of(&past.file).ok(), &fault),
            other => other,
        };
        let index = index.unwrap_or_else(|fault| past.without(&fault));
        past.index = RefCell::new(index);
        past
    }

    /// Opens the index and takes in what it has not seen. None where there is nothing in it and nothing for it.
    fn begin(&self) -> Result<Option<Index>, Fault> {
        if !self.file.exists() && !intake::is_needed(&self.project, self.depth) {
            return Ok(None);
        }
        let history = History::open(&self.file, self.depth.patience())?;
        let identity = Identity::of(&self.file).ok();
        self.fill(history, identity).map(Some)
    }

    fn fill(&self, mut history: History, identity: Option<Identity>) -> Result<Index, Fault> {
        self.warnings.borrow_mut().append(&mut history.notices);
        match intake::take_in(&mut history, &self.project, &self.root, self.depth) {
            Ok(0) => {}
            Ok(missing) if self.depth == Depth::All => self.warn(format!(
                "{} missing from this: the history cannot be written ({})",
                if missing == 1 { "a run is".to_owned() } else { format!("{missing} runs are") },
                self.file.display()
            )),
            Ok(_) => {}
            Err(fault) if fault.is_damage() => return Err(fault),
            // Whoever holds it up is about to be done, and the next one who looks takes them in.
            Err(Fault::Busy(_)) if self.depth == Depth::Recent => {}
            Err(fault) => self.warn(format!(
                "the history cannot be written ({}: {fault}): runs are kept, and are added to it later",
                self.file.display()
            )),
        }
        if identity.is_some() && history.is_writable() {
            match complete_forgetting(&mut history, &self.project) {
                Err(fault) if fault.is_damage() => return Err(fault),
                // Whoever comes next does it.
                Ok(()) | Err(_) => {}
            }
        }
        let known = history.project(&self.project.name())?;
        Ok(Index { history, identity, known })
    }

    /// Sets a damaged index aside and makes it anew from what the runs say.
    fn remake(&self, damaged: Option<Identity>, why: &Fault) -> Result<Option<Index>, Fault> {
        let aside = set_aside(&self.file, damaged, self.depth.patience())?;
        if let Some(aside) = aside {
            self.warn(format!("the history was damaged ({why}) and was made anew; the old one is {}", aside.display()));
        }
        let history = History::open(&self.file, self.depth.patience())?;
        let identity = Identity::of(&self.file).ok();
        self.fill(history, identity).map(Some)
    }

    /// What there is without the file: the runs themselves, where somebody waits to see them.
    fn without(&self, why: &Fault) -> Option<Index> {
        let file = self.file.display();
        let index = match self.depth {
            Depth::Recent => None,
            Depth::All => History::in_memory().and_then(|history| self.fill(history, None)).ok(),
        };
        self.warn(match &index {
            None => format!("nothing is known of earlier runs: the history cannot be used ({file}: {why})"),
            Some(_) => format!("the history cannot be used, and this is from the runs themselves ({file}: {why})"),
        });
        index
    }

    fn warn(&self, text: String) {
        self.warnings.borrow_mut().push(text);
    }

    /// What a person should know of it that was not asked for yet: that it could not be read, or had to be made anew. Some
    /// of it turns out only when the index is asked.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// Asks the index; once more where it was damaged and could be made anew.
    fn ask<T: Default>(&self, question: impl Fn(&History, Option<&Known>) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut index = self.index.borrow_mut();
        let Some(open) = index.as_ref() else { return Ok(T::default()) };
        let fault = match question(&open.history, open.known.as_ref()) {
            Err(fault) if fault.is_damage() && open.history.is_writable() && open.identity.is_some() => fault,
            other => return other,
        };
        let identity = open.identity;
        // Closed before it is moved.
        *index = None;
        *index = self.remake(identity, &fault)?;
        let Some(open) = index.as_ref() else { return Ok(T::default()) };
        question(&open.history, open.known.as_ref())
    }

    /// Asks about the project's jobs of these names.
    fn ask_of<T: Default>(
        &self,
        names: &[StageName],
        question: impl Fn(&History, &Known, &[Job]) -> Result<T, Fault>,
    ) -> io::Result<T> {
        self.ask(|history, known| {
            let Some(known) = known else { return Ok(T::default()) };
            let mut jobs = history.jobs(known)?;
            jobs.retain(|found| names.contains(&found.name));
            question(history, known, &jobs)
        })
        .map_err(unreadable)
    }

    /// The runs, newest first; with jobs, those that had one of them, one line for each that they had, with what came of
    /// it.
    pub fn runs(&self, jobs: Option<&[StageName]>, limit: usize) -> io::Result<Vec<PastRun>> {
        match jobs {
            Some(names) => self.ask_of(names, |history, known, jobs| history.runs_of(known, jobs, limit)),
            None => self
                .ask(|history, known| known.map_or(Ok(Vec::new()), |known| history.runs(known, limit)))
                .map_err(unreadable),
        }
    }

    /// All that ever came of a job.
    pub fn totals(&self, job: &StageName) -> io::Result<Totals> {
        self.ask_of(slice::from_ref(job), History::totals)
    }

    /// What came of each job in the last run that started it, as far as the index has it. To be completed from the runs
    /// that are [unseen](Self::unseen).
    pub fn latest(&self) -> io::Result<Vec<Latest>> {
        self.ask(|history, known| known.map_or(Ok(Vec::new()), |known| history.latest(known))).map_err(unreadable)
    }

    /// The runs that are there and that the index does not have, oldest first: those that go on or have only just ended,
    /// and what nobody can read.
    pub fn unseen(&self) -> io::Result<Vec<RunNumber>> {
        if self.index.borrow().is_none() {
            return self.project.numbers();
        }
        self.ask(|history, known| intake::unseen(history, &self.project, known)).map_err(unreadable)
    }

    /// The names of all jobs that ever ran.
    pub fn jobs(&self) -> io::Result<Vec<StageName>> {
        let jobs = self.ask(|history, known| known.map_or(Ok(Vec::new()), |known| history.jobs(known)));
        Ok(jobs.map_err(unreadable)?.into_iter().map(|job| job.name).collect())
    }

    /// Foretells how long each stage of a plan takes.
    pub fn foretell(&self, plan: &mut Plan) {
        let stages: Vec<(StageId, &PlannedStage)> = plan.stages.iter().filter(|(_, stage)| stage.runs()).collect();
        let sought: Vec<Sought<'_>> = stages
            .iter()
            .map(|(_, stage)| Sought {
                name: (!stage.is_fix).then_some(&stage.name),
                signature: &stage.signature,
                executor: &stage.executor,
            })
            .collect();
        let ids: Vec<StageId> = stages.iter().map(|(id, _)| *id).collect();
        let estimates = self.estimates(&sought);
        for (id, estimate) in ids.into_iter().zip(estimates) {
            if let Some(stage) = plan.stages.get_mut(id) {
                stage.estimate = estimate;
            }
        }
    }

    /// Foretells how long each of these takes, in their order; nothing where the history does not know, or cannot be read.
    pub fn estimates(&self, sought: &[Sought<'_>]) -> Vec<Option<Estimate>> {
        if self.index.borrow().is_none() {
            return Vec::new();
        }
        let repository = || source::common_dir(&self.root).map(|dir| dir.as_os_str().as_bytes().to_owned());
        match self.ask(|history, known| history.samples_for(known, repository, sought)) {
            Ok(samples) => samples.into_iter().map(|one| estimate(&one.newest_first, &one.pooled, one.basis)).collect(),
            Err(fault) => {
                self.warn(format!("there are no estimates: the history cannot be read ({fault})"));
                Vec::new()
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(fault: Fault) -> io::Error {
    io::Error::other(fault.to_string())
}

fn set_aside(file: &Path, damaged: Option<Identity>, patience: Patience) -> Result<Option<PathBuf>, Fault> {
    Ok(history::set_aside(file, damaged, SystemClock.now().unix_ms / 1000, patience)?)
}

/// What recording a run came to.
#[derive(Debug, Default)]
pub struct Recorded {
    /// What went wrong, in sentences. The run's directory says what came of it all the same.
    pub complaints: Vec<String>,
    /// About how much room the project's runs take, in bytes, as far as the index knows.
    pub bytes: u64,
}

/// Adds a run that has ended to the index. What cannot be added is added later, by whoever opens the history.
pub fn record(project: &ProjectDir, number: RunNumber, root: &Path, patience: Patience) -> Recorded {
    let mut recorded = Recorded::default();
    let left = |ended: Ended| Forgotten::read(project).map(|forgotten| forgotten.left_of_ended(ended));
    let ended = match record::read(project, number).and_then(|ended| ended.map_or(Ok(None), left)) {
        Ok(Some(ended)) => ended,
        // A journal that could not be written says nothing.
        Ok(None) => return recorded,
        Err(error) => {
            recorded.complaints.push(format!("the run is not added to the history: it cannot be read ({error})"));
            return recorded;
        }
    };
    let file = project.history();
    let identity = Identity::of(&file).ok();
    let outcome = match add(&file, project, root, &ended, patience) {
        Err(fault) if fault.is_damage() => set_aside(&file, identity, patience).and_then(|aside| {
            if let Some(aside) = aside {
                let aside = aside.display();
                recorded
                    .complaints
                    .push(format!("the history was damaged ({fault}) and is made anew; the old one is {aside}"));
            }
            let mut history = History::open(&file, patience)?;
            intake::take_in(&mut history, project, root, Depth::All)?;
            add(&file, project, root, &ended, patience)
        }),
        other => other,
    };
    match outcome {
        Ok(bytes) => recorded.bytes = bytes,
        Err(fault) => {
            recorded.complaints.push(format!("the run is not added to the history yet ({}: {fault})", file.display()));
        }
    }
    recorded
}

fn add(file: &Path, project: &ProjectDir, root: &Path, ended: &Ended, patience: Patience) -> Result<u64, Fault> {
    let mut history = History::open(file, patience)?;
    let repository = source::common_dir(root);
    let about = About { repository: repository.as_ref().map(|dir| dir.as_os_str().as_bytes()), ledger: None };
    if !history.is_writable() {
        // It is on what can only be read, or a later version has made it.
        return Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "it can only be read").into());
    }
    history.add(&project.name(), about, slice::from_ref(ended))?;
    let first = project.numbers()?.first().copied().unwrap_or(RunNumber(0));
    history.project(&project.name())?.map_or(Ok(0), |known| history.bytes(&known, first))
}

/// Takes in all that the index has not seen of a project; for who has just deleted runs.
pub(super) fn catch_up(project: &ProjectDir, root: &Path) -> Result<(), Fault> {
    let mut history = History::open(&project.history(), Patience::Long)?;
    intake::take_in(&mut history, project, root, Depth::All).map(drop)
}

/// Has the index forget what a project has forgotten, and writes down that it was told. To be called by who deletes runs,
/// when the directories and the list of pruned runs are as they should be. What the index cannot be told now, it is told by
/// the next who opens it.
pub(super) fn forget(project: &ProjectDir, mut forgotten: Forgotten) -> Result<(), Fault> {
    let file = project.history();
    if file.exists() {
        let told = forgotten.told(Some(ledger::length(project)));
        let tell = |mut history: History| {
            if history.is_writable() {
                return history.forget(&project.name(), &told).map(drop);
            }
            Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "it can only be read").into())
        };
        match History::open(&file, Patience::Long).and_then(tell) {
            // It is made anew by who reads it, without what is forgotten.
            Err(fault) if fault.is_damage() => {}
            other => other?,
        }
    }
    forgotten.is_pending = false;
    Ok(forgotten.write(project)?)
}

/// Writes down that the index was told what is forgotten, where whoever removed it was cut off before that: or else
/// everybody who opens the index would tell it again. Not where somebody deletes just now, who does so at the end.
fn complete_forgetting(history: &mut History, project: &ProjectDir) -> Result<(), Fault> {
    if !Forgotten::read(project)?.is_pending || format::check(project).is_err() {
        return Ok(());
    }
    let deleting = lock::open_deleting(project)?;
    if !lock::try_exclusive(&deleting)? {
        return Ok(());
    }
    // It may be more by now.
    let forgotten = Forgotten::read(project)?;
    history.forget(&project.name(), &forgotten.told(None))?;
    Ok(Forgotten { is_pending: false, ..forgotten }.write(project)?)
}

/// Why nothing can be said of a run that is neither in the index nor goes on, if that is so: its directory is damaged.
pub fn damage(project: &ProjectDir, number: RunNumber) -> Option<io::Error> {
    let error = record::read(project, number).err()?;
    // One that is being deleted is none.
    project.run(number).path().exists().then_some(error)
}

/// What came of a run that is about to be deleted. None where it goes on, or is for a later version to read.
pub(super) fn outcome_of(project: &ProjectDir, number: RunNumber) -> io::Result<Option<Ended>> {
    record::read(project, number)
}
