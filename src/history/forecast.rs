//! What estimates rest on: for each stage of a plan the durations of its last good runs, its own or, for want of those,
//! others'; and how good the project's last predictions were.

use rusqlite::{OptionalExtension, Row, Statement, params};

use super::database::History;
use super::fault::Fault;
use super::read::{Known, unsigned};
use super::write::signed;
use crate::estimate;
use crate::event::Basis;
use crate::ids::{Signature, StageName};
use crate::plan::signature::LOCAL;

/// How many durations are looked at.
const NEWEST: usize = estimate::SAMPLES;
/// How many errors of predictions are.
const ERRORS: usize = 100;
/// How many work trees of a repository are looked through, those first that ran last.
const WORKTREES: i64 = 20;

/// A stage whose duration is sought.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Its name; none where nothing else that ran under it is like it: for its `fix`.
    pub name: Option<&'a StageName>,
    /// The fingerprint of what it runs.
    pub signature: &'a Signature,
    /// Where it runs: `local`, or the name of a remote.
    pub executor: &'a str,
}

impl Sought<'_> {
    /// The remote, where it is one.
    fn remote(&self) -> Option<&str> {
        Some(self.executor).filter(|executor| *executor != LOCAL)
    }
}

/// What a stage's estimate rests on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Durations in milliseconds.
    pub newest_first: Vec<u64>,
    /// Whose they are.
    pub basis: Basis,
    /// Errors of the predictions of the project's other stages: logarithms of what they took over what was foretold.
    pub pooled: Vec<f64>,
}

impl History {
    /// What the estimates of these stages rest on, in their order. `repository` names the repository of the project
    /// where its own runs are not enough, and is asked for only then.
    pub fn samples_for(
        &self,
        project: Option<&Known>,
        repository: impl Fn() -> Option<Vec<u8>>,
        stages: &[Sought<'_>],
    ) -> Result<Vec<Samples>, Fault> {
        // One look at the file for all stages, where each question by itself would lock it and let it go.
        let _look = self.connection.unchecked_transaction()?;
        let mut search = Search::new(self, project, &repository)?;
        // Where nothing of this project and of its other work trees ever ran, no stage has to be looked for.
        if project.is_none() {
            let worktrees = search.find_worktrees()?;
            if worktrees.is_empty() {
                return Ok(vec![Samples::default(); stages.len()]);
            }
            search.worktrees = Some(worktrees);
        }
        stages.iter().map(|stage| search.samples(stage)).collect()
    }
}

/// The statements of one search, prepared once for all stages.
struct Search<'h> {
    history: &'h History,
    project: Option<&'h Known>,
    repository: &'h dyn Fn() -> Option<Vec<u8>>,
    work: Statement<'h>,
    own: Statement<'h>,
    own_there: Option<Statement<'h>>,
    // What most searches do not need is prepared by those that do.
    elsewhere: Option<Statement<'h>>,
    earlier: Option<Statement<'h>>,
    other_machines: Option<Statement<'h>>,
    /// The other work trees, once they were needed.
    worktrees: Option<Vec<i64>>,
    /// The last predictions of the project, once they were needed: of which work, and by how much they were wrong.
    errors: Option<Vec<(i64, f64)>>,
}

impl<'h> Search<'h> {
    fn new(
        history: &'h History,
        project: Option<&'h Known>,
        repository: &'h dyn Fn() -> Option<Vec<u8>>,
    ) -> Result<Self, Fault> {
        let prepare = |sql| history.connection.prepare(sql);
        Ok(Self {
            history,
            project,
            repository,
            work: prepare("SELECT id FROM work WHERE signature = ?1")?,
            own: prepare(
                "SELECT duration FROM stage WHERE work = ?1 AND project = ?2 AND is_sample = 1 AND status = 0 \
                 ORDER BY number DESC LIMIT ?3",
            )?,
            own_there: None,
            elsewhere: None,
            earlier: None,
            other_machines: None,
            worktrees: None,
            errors: None,
        })
    }

    fn samples(&mut self, stage: &Sought<'_>) -> Result<Samples, Fault> {
        let signature = &stage.signature.as_bytes()[..];
        let work: Option<i64> = self.work.query_row([signature], |row| row.get(0)).optional()?;
        let mut samples = Samples::default();
        if let Some(work) = work {
            samples.newest_first = self.own(work, stage.remote())?;
            if samples.newest_first.is_empty() {
                samples.newest_first = self.elsewhere(work, stage.remote())?;
                samples.basis = Basis::OtherWorktree;
            }
        }
        if samples.newest_first.is_empty() {
            samples.newest_first = self.earlier(stage)?;
            samples.basis = Basis::EarlierCommand;
        }
        if samples.newest_first.is_empty() {
            samples.newest_first = self.on_other_machines(stage)?;
            samples.basis = Basis::OtherMachine;
        }
        if samples.newest_first.is_empty() {
            return Ok(Samples::default());
        }
        let errors = match (&self.errors, self.project) {
            (Some(errors), _) => errors,
            (None, None) => self.errors.insert(Vec::new()),
            (None, Some(project)) => self.errors.insert(errors(self.history, project)?),
        };
        let others = errors.iter().filter(|(of, _)| Some(*of) != work);
        samples.pooled = others.map(|(_, error)| *error).take(ERRORS).collect();
        Ok(samples)
    }

    /// This work's own, in this project. What runs here is other work than what runs there, so that here nothing has to be
    /// told apart.
    fn own(&mut self, work: i64, remote: Option<&str>) -> Result<Vec<u64>, Fault> {
        let Some(project) = self.project else { return Ok(Vec::new()) };
        let Some(remote) = remote else {
            let rows = self.own.query_map(params![work, project.id, signed(NEWEST as u64)], duration)?;
            return Ok(rows.collect::<Result<_, _>>()?);
        };
        let statement = match &mut self.own_there {
            Some(statement) => statement,
            unprepared @ None => unprepared.insert(self.history.connection.prepare(
                "SELECT duration FROM stage WHERE work = ?1 AND project = ?2 AND is_sample = 1 AND status = 0 \
                 AND remote = ?4 ORDER BY number DESC LIMIT ?3",
            )?),
        };
        let rows = statement.query_map(params![work, project.id, signed(NEWEST as u64), remote], duration)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The same work's, in other work trees of the repository.
    fn elsewhere(&mut self, work: i64, remote: Option<&str>) -> Result<Vec<u64>, Fault> {
        let worktrees = match &self.worktrees {
            Some(worktrees) => worktrees,
            None => {
                let found = self.find_worktrees()?;
                self.worktrees.insert(found)
            }
        };
        if worktrees.is_empty() {
            return Ok(Vec::new());
        }
        let statement = match &mut self.elsewhere {
            Some(statement) => statement,
            unprepared @ None => unprepared.insert(self.history.connection.prepare(
                "SELECT s.duration, r.started FROM stage s JOIN run r ON r.project = ?2 AND r.number = s.number \
                 WHERE s.work = ?1 AND s.project = ?2 AND s.is_sample = 1 AND s.status = 0 \
                 AND s.remote IS ?4 ORDER BY s.number DESC LIMIT ?3",
            )?),
        };
        let mut found: Vec<(u64, u64)> = Vec::new();
        for worktree in worktrees {
            let rows = statement.query_map(params![work, worktree, signed(NEWEST as u64), remote], |row| {
                Ok((duration(row)?, row.get(1).map(unsigned)?))
            })?;
            for row in rows {
                found.push(row?);
            }
        }
        found.sort_by_key(|(_, started)| std::cmp::Reverse(*started));
        Ok(found.into_iter().map(|(duration, _)| duration).take(NEWEST).collect())
    }

    fn find_worktrees(&self) -> Result<Vec<i64>, Fault> {
        let Some(repository) = (self.repository)() else { return Ok(Vec::new()) };
        let mut statement = self.history.connection.prepare(
            "SELECT id, (SELECT started FROM run WHERE project = p.id ORDER BY number DESC LIMIT 1) AS last \
             FROM project p WHERE repository = ?1 AND id IS NOT ?2 ORDER BY last DESC LIMIT ?3",
        )?;
        let own = self.project.map(|project| project.id);
        let rows = statement.query_map(params![repository, own, WORKTREES], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Those of the stage of this name in the same place, with whatever command it had.
    fn earlier(&mut self, stage: &Sought<'_>) -> Result<Vec<u64>, Fault> {
        let Some(project) = self.project else { return Ok(Vec::new()) };
        let Some(name) = stage.name else { return Ok(Vec::new()) };
        let key = params![project.id, name.as_str(), stage.remote(), signed(NEWEST as u64)];
        let statement = match &mut self.earlier {
            Some(statement) => statement,
            unprepared @ None => unprepared.insert(self.history.connection.prepare(
                "SELECT duration FROM stage WHERE job = (SELECT id FROM job WHERE project = ?1 AND name = ?2) \
                 AND is_sample = 1 AND status = 0 AND remote IS ?3 ORDER BY number DESC LIMIT ?4",
            )?),
        };
        let rows = statement.query_map(key, duration)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Those of the stage of this name in other places, with whatever command it had: another machine says little, but more
    /// than nothing.
    fn on_other_machines(&mut self, stage: &Sought<'_>) -> Result<Vec<u64>, Fault> {
        let Some(project) = self.project else { return Ok(Vec::new()) };
        let Some(name) = stage.name else { return Ok(Vec::new()) };
        let key = params![project.id, name.as_str(), stage.remote(), signed(NEWEST as u64)];
        let statement = match &mut self.other_machines {
            Some(statement) => statement,
            unprepared @ None => unprepared.insert(self.history.connection.prepare(
                "SELECT duration FROM stage WHERE job = (SELECT id FROM job WHERE project = ?1 AND name = ?2) \
                 AND is_sample = 1 AND status = 0 AND remote IS NOT ?3 ORDER BY number DESC LIMIT ?4",
            )?),
        };
        let rows = statement.query_map(key, duration)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn duration(row: &Row<'_>) -> rusqlite::Result<u64> {
    row.get(0).map(unsigned)
}

/// By how much the project's last predictions were wrong, newest first, each with the work that it was about.
fn errors(history: &History, project: &Known) -> Result<Vec<(i64, f64)>, Fault> {
    let mut statement = history.connection.prepare(
        "SELECT work, duration, expected FROM stage \
         WHERE project = ?1 AND is_sample = 1 AND status = 0 AND expected IS NOT NULL ORDER BY number DESC LIMIT ?2",
    )?;
    // Some of them are the stage's own, which are left out for it.
    let rows = statement.query_map(params![project.id, signed(2 * ERRORS as u64)], |row| {
        // A stage that took no time at all took less than a millisecond.
        let ms = |column| row.get::<_, f64>(column).map(|ms| ms.max(1.0));
        Ok((row.get(0)?, (ms(1)? / ms(2)?).ln()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
