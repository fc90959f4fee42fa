//! `forgotten.jsonl`: jobs that were removed, each with the last run that there was by then.
//!
//! What is forgotten is forgotten from the moment at which this is written. Taking away the directories, the lines of
//! pruned runs and the rows of the index comes after, and may be cut off: until it is written that the index was told,
//! whoever opens the index tells it, and directories and lines that are still there go with the next job that is removed.
//! A run can also be there for good, because it had other stages as well: the index is made from it without the forgotten
//! one, then and whenever it is made anew.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::history::{Ended, Forget, RunRecord};
use crate::ids::{RunNumber, StageName};
use crate::journal::layout::{ProjectDir, open_to_read};
use crate::journal::replace::replace;

/// What was forgotten of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// All of these runs.
    pub all: Option<RunNumber>,
    /// Of these jobs all runs up to these.
    pub jobs: BTreeMap<StageName, RunNumber>,
    /// Whether the index may not have been told of all this.
    pub is_pending: bool,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    /// The job; none for all that there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<StageName>,
    /// The last run that is meant.
    through: RunNumber,
    /// Whether the index was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
}

impl Forgotten {
    /// Reads what was forgotten. A line that is damaged is passed over.
    pub fn read(project: &ProjectDir) -> io::Result<Self> {
        let mut text = Vec::new();
        match open_to_read(&project.forgotten()) {
            Ok(mut file) => file.read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let (mut forgotten, mut is_pending) = (Self::default(), false);
        for line in text.split(|byte| *byte == b'\n') {
            let Ok(Line { job, through, told }) = serde_json::from_slice(line) else { continue };
            is_pending |= !told;
            match job {
                Some(job) => forgotten.forget(job, through),
                None => forgotten.all = forgotten.all.max(Some(through)),
            }
        }
        forgotten.is_pending = is_pending;
        Ok(forgotten)
    }

    /// Writes it. To be called by who deletes runs.
    pub fn write(&self, project: &ProjectDir) -> io::Result<()> {
        let told = !self.is_pending;
        let all = self.all.map(|through| Line { job: None, through, told });
        let jobs = self.jobs.iter().map(|(job, through)| Line { job: Some(job.clone()), through: *through, told });
        let mut text = Vec::new();
        for line in all.into_iter().chain(jobs) {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        replace(&project.forgotten(), &text)
    }

    /// Forgets a job up to this run.
    pub fn forget(&mut self, job: StageName, through: RunNumber) {
        self.is_pending = true;
        let known = self.jobs.entry(job).or_insert(through);
        *known = (*known).max(through);
    }

    /// Forgets all runs up to this one.
    pub fn forget_all(&mut self, through: RunNumber) {
        self.is_pending = true;
        self.jobs.retain(|_, known| *known > through);
        self.all = self.all.max(Some(through));
    }

    /// The same as the index is told it, with how far the list of pruned runs goes by now, where that has changed.
    pub(super) fn told(&self, ledger: Option<u64>) -> Forget {
        let jobs = self.jobs.iter().map(|(job, through)| (job.clone(), *through)).collect();
        Forget { all: self.all, jobs, ledger }
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.jobs.is_empty()
    }

    /// Whether what came of a job in this run is forgotten.
    pub fn has(&self, job: &StageName, run: RunNumber) -> bool {
        self.all.is_some_and(|through| run <= through) || self.jobs.get(job).is_some_and(|through| run <= *through)
    }

    /// What is left of a run's record. None where nothing is, because all that it had is forgotten.
    pub fn left_of(&self, mut record: RunRecord) -> Option<RunRecord> {
        let had = record.stages.len();
        let run = record.number;
        record.stages.retain(|stage| !self.has(&stage.name, run));
        (had == 0 && self.all.is_none_or(|through| run > through) || !record.stages.is_empty()).then_some(record)
    }

    /// The same of a run that is about to be added to the index.
    pub(super) fn left_of_ended(&self, ended: Ended) -> Option<Ended> {
        let Ended { record, bytes, pruned } = ended;
        Some(Ended { record: self.left_of(record)?, bytes, pruned })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{StageRecord, Status};
    use crate::ids::Signature;
    use std::path::Path;

    fn name(text: &str) -> StageName {
        StageName::new(text).unwrap()
    }

    fn run(number: u64, stages: &[&str]) -> RunRecord {
        let stage = |stage: &&str| StageRecord {
            name: name(stage),
            is_fix: false,
            signature: Signature::from_bytes([1; 32]),
            executor: "local".into(),
            status: Status::Pass,
            exit_code: Some(0),
            attempts: 1,
            duration_ms: 1,
            foretold: None,
            inputs: None,
            is_sample: true,
        };
        RunRecord {
            number: RunNumber(number),
            run: String::new(),
            started_ms: 1,
            duration_ms: 1,
            verdict: "passed".into(),
            exit_code: 0,
            commit: None,
            branch: None,
            stages: stages.iter().map(stage).collect(),
        }
    }

    #[test]
    fn what_is_forgotten_is_what_was_there_by_then() {
        let mut forgotten = Forgotten::default();
        forgotten.forget(name("a"), RunNumber(5));
        forgotten.forget(name("a"), RunNumber(3));
        let stages = |run| forgotten.left_of(run).map(|run| run.stages.len());
        assert_eq!(stages(run(5, &["a"])), None);
        assert_eq!(stages(run(5, &["a", "b"])), Some(1));
        assert_eq!(stages(run(6, &["a", "b"])), Some(2));
        assert_eq!(stages(run(1, &[])), Some(0), "what had nothing has lost nothing");
    }

    #[test]
    fn all_is_all_and_no_more() {
        let mut forgotten = Forgotten::default();
        forgotten.forget(name("a"), RunNumber(5));
        forgotten.forget(name("b"), RunNumber(9));
        forgotten.forget_all(RunNumber(7));
        assert_eq!(forgotten.jobs.len(), 1);
        assert_eq!(forgotten.left_of(run(7, &["x"])), None);
        assert_eq!(forgotten.left_of(run(7, &[])), None);
        assert!(forgotten.left_of(run(8, &["x"])).is_some());
        assert!(forgotten.has(&name("b"), RunNumber(9)) && !forgotten.has(&name("a"), RunNumber(8)));
    }

    /// H32: it is read back as it was written, and a damaged line is nobody's.
    #[test]
    fn h32_it_is_read_back_and_damage_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        crate::journal::layout::create_dir(project.path()).unwrap();
        assert!(Forgotten::read(&project).unwrap().is_empty());
        let mut forgotten = Forgotten::default();
        forgotten.forget_all(RunNumber(2));
        forgotten.forget(name("a"), RunNumber(5));
        forgotten.write(&project).unwrap();
        assert_eq!(Forgotten::read(&project).unwrap(), forgotten);
        forgotten.is_pending = false;
        forgotten.write(&project).unwrap();
        assert_eq!(Forgotten::read(&project).unwrap(), forgotten, "the index was told");
        let mut text = std::fs::read_to_string(project.forgotten()).unwrap();
        text.push_str("{\"through\":\"x\"}\nnothing\n{\"job\":\"b\"");
        std::fs::write(project.forgotten(), text).unwrap();
        assert_eq!(Forgotten::read(&project).unwrap(), forgotten);
    }
}
