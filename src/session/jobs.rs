//! Ad-hoc jobs: commands that were given on the command line, and are known by a short name from then on.
//!
//! `jobs.jsonl` in a project's state has a line for each. A job is what it runs and where: the same command in the same
//! directory is the same job, whenever it is added again. Runs of it are runs like any other, of one stage that has the
//! job's name. See `docs/design.md`, "Ad-hoc jobs".
//!
//! The list is written under the project's lock alone: a line is added by one write, and taken away by replacing the file.
//! Readers take no lock. A line that is no job is passed over, and so is the beginning of one that a crash cut off.

mod name;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::changed::Since;
use super::prepare::Project;
use super::source;
use crate::clock::Timestamp;
use crate::ids::{DenseMap, Signature, StageId, StageName};
use crate::journal::claim;
use crate::journal::layout::{ProjectDir, open_to_read, private_file};
use crate::journal::replace::replace;
use crate::pipeline::{Command, Jobserver, Pipeline, PipelineError, RunDefaults, Stage};
use crate::plan::signature::{self, Work};

/// A job that was given on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdHoc {
    /// What it is called: three letters that were made up for it.
    pub name: StageName,
    /// What it runs, the program first. No shell reads it.
    pub argv: Vec<String>,
    /// Where, relative to the project's directory.
    pub dir: PathBuf,
    /// When it was added first, in milliseconds since 1970-01-01 UTC.
    pub added_ms: i64,
}

/// Why there is no job of a command.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The list cannot be read or written.
    #[error("the list of ad-hoc jobs cannot be used: {0}")]
    List(#[from] io::Error),
    /// There is no name left.
    #[error("all names of ad-hoc jobs are taken")]
    NoNames,
}

impl AdHoc {
    /// What it runs.
    pub fn command(&self) -> Command {
        Command::Argv(self.argv.clone())
    }

    /// The fingerprint of what it runs and where: what it is known by.
    pub fn signature(&self) -> Signature {
        fingerprint(&self.argv, &self.dir)
    }

    /// The project as a run of this job sees it: one stage, which has all that a stage has that says nothing more than its
    /// command. `root` is the project's directory, canonical.
    pub fn project(&self, root: &Path) -> Result<Project, PipelineError> {
        let mut stage = Stage::new(self.name.clone(), self.command());
        stage.dir.clone_from(&self.dir);
        // It has all slots to itself, and does as it would where it is typed.
        stage.policy.jobserver = Jobserver::Off;
        let stages: DenseMap<StageId, Stage> = std::iter::once(stage).collect();
        let defaults = RunDefaults { jobs: Some(1), ..RunDefaults::default() };
        Ok(Project {
            pipeline: Pipeline::new(root.to_owned(), stages, BTreeMap::new(), defaults)?,
            root: root.to_owned(),
            config: Vec::new(),
            source: source::read(root),
            warnings: Vec::new(),
            detected: None,
            remotes: BTreeMap::new(),
            hook: None,
            since: Since::Work,
        })
    }

    /// Whether it is what a job can be: something to run, in a directory of the project.
    fn is_sound(&self) -> bool {
        let below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        self.argv.first().is_some_and(|program| !program.is_empty()) && self.dir.components().all(below)
    }
}

fn fingerprint(argv: &[String], dir: &Path) -> Signature {
    let (command, env) = (Command::Argv(argv.to_vec()), BTreeMap::new());
    signature::signature(&Work { command: &command, env: &env, dir, secrets: &[], executor: signature::LOCAL })
}

/// The list of a project's ad-hoc jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jobs {
    /// The jobs, in the order in which they were added, each once.
    pub list: Vec<AdHoc>,
    /// How many lines are damaged and were passed over.
    pub damaged: usize,
}

/// Reads the list. Where there is none, no jobs were added.
pub fn open(project: &ProjectDir) -> io::Result<Jobs> {
    Ok(parse(&text(project)?))
}

/// The ad-hoc jobs of a project, in the order in which they were added. A line that is damaged is passed over.
pub fn read(project: &ProjectDir) -> io::Result<Vec<AdHoc>> {
    Ok(open(project)?.list)
}

/// The job of this name.
pub fn find(project: &ProjectDir, name: &str) -> io::Result<Option<AdHoc>> {
    Ok(read(project)?.into_iter().find(|job| job.name.as_str() == name))
}

fn text(project: &ProjectDir) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match open_to_read(&project.jobs()) {
        Ok(mut file) => file.read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(text)
}

fn parse_line(line: &[u8]) -> Option<AdHoc> {
    serde_json::from_slice(line).ok().filter(AdHoc::is_sound)
}

fn parse(text: &[u8]) -> Jobs {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let found: Vec<Option<AdHoc>> = lines.map(parse_line).collect();
    // A name, and what a job is known by, stand for one job each: of two the first.
    let (mut names, mut works) = (HashSet::with_capacity(found.len()), HashSet::with_capacity(found.len()));
    let is_job = found.iter().map(|job| {
        let Some(job) = job else { return false };
        works.insert((&job.argv, job.dir.as_os_str())) && names.insert(job.name.as_str())
    });
    let is_job: Vec<bool> = is_job.collect();
    let damaged = is_job.iter().filter(|is_job| !**is_job).count();
    let list = found.into_iter().zip(is_job).filter_map(|(job, is_job)| job.filter(|_| is_job)).collect();
    Jobs { list, damaged }
}

/// What a job is to be made of.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// What to run, the program first.
    pub argv: &'a [String],
    /// Where, relative to the project's directory.
    pub dir: &'a Path,
    /// Whether something else has this name already, as a stage or a command. Other jobs are known here.
    pub is_taken: &'a dyn Fn(&str) -> bool,
    /// The time.
    pub now: Timestamp,
}

/// A job that was found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The job.
    pub job: AdHoc,
    /// Whether it is new.
    pub is_new: bool,
    /// How many lines of the list are damaged.
    pub damaged: usize,
}

/// Finds the job of a command, or makes one. Of several who do this at once one makes it, and all others find it.
pub fn find_or_create(project: &ProjectDir, root: &Path, wanted: &Wanted<'_>) -> Result<Found, JobsError> {
    let signature = fingerprint(wanted.argv, wanted.dir);
    let _held = claim::hold(project, root)?;
    let text = text(project)?;
    let Jobs { list, damaged } = parse(&text);
    if let Some(job) = list.iter().find(|job| job.signature() == signature) {
        return Ok(Found { job: job.clone(), is_new: false, damaged });
    }
    let is_taken = |name: &str| (wanted.is_taken)(name) || list.iter().any(|job| job.name.as_str() == name);
    let name = name::name(&signature, &is_taken).ok_or(JobsError::NoNames)?;
    let job = AdHoc { name, argv: wanted.argv.to_vec(), dir: wanted.dir.to_owned(), added_ms: wanted.now.unix_ms };
    let torn = append(project, &text, &job)?;
    Ok(Found { job, is_new: true, damaged: damaged.saturating_sub(usize::from(torn)) })
}

/// Adds a line to the list, whose text is this. What was cut off at its end is taken away; says whether anything was.
fn append(project: &ProjectDir, text: &[u8], job: &AdHoc) -> io::Result<bool> {
    let begun = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut line = serde_json::to_vec(job).map_err(io::Error::other)?;
    line.push(b'\n');
    let mut file = private_file().read(true).write(true).create(true).truncate(false).open(project.jobs())?;
    let torn = begun < text.len() && parse_line(&text[begun..]).is_none();
    let end = if torn { begun } else { text.len() } as u64;
    if begun < text.len() && !torn {
        line.insert(0, b'\n');
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    match file.write(&line) {
        Ok(n) if n == line.len() => Ok(torn),
        other => {
            let _ = file.set_len(end);
            Err(other.err().unwrap_or_else(|| io::ErrorKind::StorageFull.into()))
        }
    }
}

/// Whether a job that was found a moment ago is still in the list: somebody may have removed it.
pub fn is_listed(project: &ProjectDir, job: &AdHoc) -> io::Result<bool> {
    Ok(read(project)?.contains(job))
}

/// Empties the list, of what is damaged in it as well. To be called by who holds the project's lock. Says how many jobs
/// there were.
pub fn remove_all(project: &ProjectDir) -> io::Result<usize> {
    let text = text(project)?;
    if !text.is_empty() {
        replace(&project.jobs(), b"")?;
    }
    Ok(parse(&text).list.len())
}

/// Takes the jobs out of the list that are `gone`. To be called by who holds the project's lock. Says how many there were.
pub fn remove(project: &ProjectDir, gone: &dyn Fn(&AdHoc) -> bool) -> io::Result<usize> {
    let text = text(project)?;
    let mut kept = Vec::with_capacity(text.len());
    let mut count = 0;
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if parse_line(line).is_some_and(|job| gone(&job)) {
            count += 1;
        } else {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    }
    if count > 0 {
        replace(&project.jobs(), &kept)?;
    }
    Ok(count)
}
