//! Adding runs: all of some runs in one transaction, each run once, whoever is the first.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::database::History;
use super::fault::Fault;
use super::schema::RECOUNT;
use super::{RunRecord, StageRecord, Status};
use crate::outcome::Verdict;
use crate::plan::signature::LOCAL;

/// A run that has ended, as it is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What came of it.
    pub record: RunRecord,
    /// About how much room it takes, in bytes.
    pub bytes: u64,
    /// Whether its directory is gone.
    pub pruned: bool,
}

/// What is said of a project along with its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The repository that it is a work tree of, by what all its work trees have in common.
    pub repository: Option<&'a [u8]>,
    /// Up to which byte the list of its pruned runs was read.
    pub ledger: Option<u64>,
}

/// What SQLite can hold; nothing that is counted here comes near its end.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Status {
    /// Its number in the file. Never changed, for old files have it.
    pub(super) fn code(self) -> i64 {
        match self {
            Status::Pass => 0,
            Status::Cached => 1,
            Status::Fail => 2,
            Status::Timeout => 3,
            Status::Skip => 4,
            Status::Cancelled => 5,
            Status::Error => 6,
            Status::Lost => 7,
        }
    }

    /// The status of a number.
    pub(super) fn of(code: i64) -> Option<Self> {
        const ALL: [Status; 8] = [
            Status::Pass,
            Status::Cached,
            Status::Fail,
            Status::Timeout,
            Status::Skip,
            Status::Cancelled,
            Status::Error,
            Status::Lost,
        ];
        ALL.into_iter().find(|status| status.code() == code)
    }

    /// Whether the stage counts as failed in its run.
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Status::Fail | Status::Timeout | Status::Error)
    }
}

impl History {
    /// Adds runs of a project. One that is there already stays as it is, but for that it was pruned; and one that was lost
    /// then and has come to something since, which another supervisor has gone on with, is replaced.
    pub fn add(&mut self, project: &str, about: About<'_>, runs: &[Ended]) -> Result<(), Fault> {
        self.will_write()?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let project = describe(&transaction, project, about)?;
        {
            let mut statements = Statements::new(&transaction)?;
            for run in runs {
                statements.add(project, run)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

/// The project's row, made or brought up to date.
fn describe(transaction: &Transaction<'_>, name: &str, about: About<'_>) -> Result<i64, Fault> {
    transaction.execute("INSERT INTO project (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
    if about.repository.is_some() {
        transaction.execute(
            "UPDATE project SET repository = ?2 WHERE name = ?1 AND repository IS NOT ?2",
            params![name, about.repository],
        )?;
    }
    if let Some(ledger) = about.ledger {
        transaction.execute("UPDATE project SET ledger = ?2 WHERE name = ?1", params![name, signed(ledger)])?;
    }
    Ok(transaction.query_row("SELECT id FROM project WHERE name = ?1", [name], |row| row.get(0))?)
}

/// The statements that add a run, prepared once for all runs of a transaction.
struct Statements<'t> {
    known: rusqlite::Statement<'t>,
    insert_run: rusqlite::Statement<'t>,
    mark_pruned: rusqlite::Statement<'t>,
    forget_stages: rusqlite::Statement<'t>,
    forget_runs: rusqlite::Statement<'t>,
    forget_stages_of: rusqlite::Statement<'t>,
    forget_run: rusqlite::Statement<'t>,
    job: rusqlite::Statement<'t>,
    new_job: rusqlite::Statement<'t>,
    work: rusqlite::Statement<'t>,
    new_work: rusqlite::Statement<'t>,
    insert_stage: rusqlite::Statement<'t>,
    count: rusqlite::Statement<'t>,
    is_latest: rusqlite::Statement<'t>,
    forget_tally: rusqlite::Statement<'t>,
    recount: rusqlite::Statement<'t>,
}

impl<'t> Statements<'t> {
    fn new(transaction: &'t Transaction<'_>) -> Result<Self, Fault> {
        Ok(Self {
            known: transaction
                .prepare("SELECT id, verdict = 'lost' AND pruned = 0 FROM run WHERE project = ?1 AND number = ?2")?,
            insert_run: transaction.prepare(
                "INSERT INTO run (project, number, id, started, duration, verdict, exit_code, stages, failed, pruned, \
                 bytes, commit_id, branch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?,
            mark_pruned: transaction
                .prepare("UPDATE run SET pruned = 1 WHERE project = ?1 AND number = ?2 AND pruned = 0")?,
            forget_stages: transaction.prepare("DELETE FROM stage WHERE project = ?1 AND number >= ?2")?,
            forget_runs: transaction.prepare("DELETE FROM run WHERE project = ?1 AND number >= ?2")?,
            forget_stages_of: transaction.prepare("DELETE FROM stage WHERE project = ?1 AND number = ?2")?,
            forget_run: transaction.prepare("DELETE FROM run WHERE project = ?1 AND number = ?2")?,
            job: transaction.prepare("SELECT id FROM job WHERE project = ?1 AND name = ?2")?,
            new_job: transaction.prepare("INSERT INTO job (project, name) VALUES (?1, ?2)")?,
            work: transaction.prepare("SELECT id FROM work WHERE signature = ?1")?,
            new_work: transaction.prepare("INSERT INTO work (signature) VALUES (?1)")?,
            insert_stage: transaction.prepare(
                "INSERT INTO stage (job, number, status, duration, attempts, work, project, place, is_sample, exit_code, \
                 expected, low, high, remote, inputs) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
            )?,
            count: transaction.prepare(
                "INSERT INTO tally (job, runs, passed, flaky, took, fastest, slowest, failure) \
                 VALUES (?1, 1, ?2, ?3, coalesce(?4, 0), ?4, ?4, ?5) ON CONFLICT DO UPDATE SET runs = runs + 1, \
                 passed = passed + excluded.passed, flaky = flaky + excluded.flaky, took = took + excluded.took, \
                 fastest = min(coalesce(fastest, excluded.fastest), coalesce(excluded.fastest, fastest)), \
                 slowest = max(coalesce(slowest, excluded.slowest), coalesce(excluded.slowest, slowest)), \
                 failure = max(coalesce(failure, excluded.failure), coalesce(excluded.failure, failure))",
            )?,
            is_latest: transaction.prepare(
                "INSERT INTO latest (job, number, started, status, duration, work, exit_code) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET number = excluded.number, \
                 started = excluded.started, status = excluded.status, duration = excluded.duration, \
                 work = excluded.work, exit_code = excluded.exit_code WHERE excluded.number >= number",
            )?,
            forget_tally: transaction
                .prepare("DELETE FROM tally WHERE job IN (SELECT id FROM job WHERE project = ?1)")?,
            recount: transaction.prepare(RECOUNT)?,
        })
    }

    fn add(&mut self, project: i64, run: &Ended) -> Result<(), Fault> {
        let record = &run.record;
        let number = signed(record.number.0);
        let known = self.known.query_row([project, number], |row| Ok((row.get(0)?, row.get(1)?)));
        let known: Option<(String, bool)> = known.optional()?;
        match known {
            Some((id, true)) if id == record.run && !run.pruned && record.verdict != Verdict::Lost.word() => {
                self.forget_stages_of.execute([project, number])?;
                self.forget_run.execute([project, number])?;
                self.forget_tally.execute([project])?;
                self.recount.execute([project])?;
            }
            Some((id, _)) if id == record.run => {
                if run.pruned {
                    self.mark_pruned.execute([project, number])?;
                }
                return Ok(());
            }
            // The list of pruned runs has one of a former life of the project; what there is now goes before it.
            Some(_) if run.pruned => return Ok(()),
            Some(_) => {
                // Numbers are never used twice, so somebody has deleted the project's state, and it began anew.
                self.forget_stages.execute([project, number])?;
                self.forget_runs.execute([project, number])?;
                self.forget_tally.execute([project])?;
                self.recount.execute([project])?;
            }
            None => {}
        }
        let failed = record.stages.iter().filter(|stage| stage.status.is_failure()).count();
        self.insert_run.execute(params![
            project,
            number,
            record.run,
            signed(record.started_ms),
            signed(record.duration_ms),
            record.verdict,
            record.exit_code,
            signed(record.stages.len() as u64),
            signed(failed as u64),
            run.pruned,
            signed(run.bytes),
            record.commit,
            record.branch,
        ])?;
        for (place, stage) in record.stages.iter().enumerate() {
            self.add_stage(project, record, signed(place as u64), stage)?;
        }
        Ok(())
    }

    fn add_stage(&mut self, project: i64, run: &RunRecord, place: i64, stage: &StageRecord) -> Result<(), Fault> {
        let number = signed(run.number.0);
        // No stage has a blank in its name.
        let fixing = stage.is_fix.then(|| format!("{} --fix", stage.name));
        let name = fixing.as_deref().unwrap_or(stage.name.as_str());
        let job: Option<i64> = self.job.query_row(params![project, name], |row| row.get(0)).optional()?;
        let job = match job {
            Some(job) => job,
            None => self.new_job.insert(params![project, name])?,
        };
        let signature = &stage.signature.as_bytes()[..];
        let work: Option<i64> = self.work.query_row([signature], |row| row.get(0)).optional()?;
        let work = match work {
            Some(work) => work,
            None => self.new_work.insert([signature])?,
        };
        let foretold = stage.foretold.map(|foretold| foretold.map(signed));
        let [expected, low, high] = foretold.map_or([None; 3], |foretold| foretold.map(Some));
        let is_new = self.insert_stage.execute(params![
            job,
            number,
            stage.status.code(),
            signed(stage.duration_ms),
            stage.attempts,
            work,
            project,
            place,
            stage.is_sample,
            stage.exit_code,
            expected,
            low,
            high,
            (stage.executor != LOCAL).then_some(&stage.executor),
            stage.inputs,
        ])?;
        let passed = stage.status == Status::Pass;
        if is_new == 1 && (passed || matches!(stage.status, Status::Fail | Status::Timeout)) {
            let took = passed.then_some(signed(stage.duration_ms));
            let failure = (!passed).then_some(number);
            self.count.execute(params![job, passed, passed && stage.attempts > 1, took, failure])?;
        }
        if is_new == 1 && stage.attempts > 0 {
            let (started, took) = (signed(run.started_ms), signed(stage.duration_ms));
            self.is_latest.execute(params![job, number, started, stage.status.code(), took, work, stage.exit_code])?;
        }
        Ok(())
    }
}
