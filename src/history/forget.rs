//! Taking away what was asked to be forgotten: stages of runs, the runs that had nothing else, and all that was added up
//! from them.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::Status;
use super::database::History;
use super::fault::Fault;
use super::schema::recount_job;
use super::write::signed;
use crate::ids::{RunNumber, StageName};

/// What a project is to forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forget {
    /// All runs up to this one, if any.
    pub all: Option<RunNumber>,
    /// Jobs, each up to this run.
    pub jobs: Vec<(StageName, RunNumber)>,
    /// Up to which byte the list of its pruned runs is known by now.
    pub ledger: Option<u64>,
}

impl History {
    /// Has a project forget. What is not there is forgotten already; says how many runs are gone with it.
    pub fn forget(&mut self, project: &str, what: &Forget) -> Result<u64, Fault> {
        self.will_write()?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = "SELECT id FROM project WHERE name = ?1";
        let id: Option<i64> = transaction.query_row(sql, [project], |row| row.get(0)).optional()?;
        let Some(id) = id else { return Ok(0) };
        let mut gone = 0;
        if let Some(through) = what.all {
            gone += forget_all(&transaction, id, through)?;
        }
        for (job, through) in &what.jobs {
            // What its fix came to is kept under a name of its own.
            for name in [job.as_str().to_owned(), format!("{job} --fix")] {
                gone += forget_job(&transaction, id, &name, *through)?;
            }
        }
        if let Some(ledger) = what.ledger {
            transaction.execute("UPDATE project SET ledger = ?2 WHERE id = ?1", params![id, signed(ledger)])?;
        }
        transaction.commit()?;
        Ok(gone)
    }
}

fn forget_all(transaction: &Transaction<'_>, project: i64, through: RunNumber) -> Result<u64, Fault> {
    let range = params![project, signed(through.0)];
    let stages = transaction.execute("DELETE FROM stage WHERE project = ?1 AND number <= ?2", range)?;
    let runs = transaction.execute("DELETE FROM run WHERE project = ?1 AND number <= ?2", range)?;
    if stages > 0 {
        let jobs: Vec<i64> = transaction
            .prepare("SELECT id FROM job WHERE project = ?1")?
            .query_map([project], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for job in jobs {
            count_again(transaction, job)?;
        }
    }
    Ok(runs as u64)
}

fn forget_job(transaction: &Transaction<'_>, project: i64, name: &str, through: RunNumber) -> Result<u64, Fault> {
    let sql = "SELECT id FROM job WHERE project = ?1 AND name = ?2";
    let job: Option<i64> = transaction.query_row(sql, params![project, name], |row| row.get(0)).optional()?;
    let Some(job) = job else { return Ok(0) };
    let of_job = params![job, signed(through.0)];
    let gone: Vec<(i64, i64)> = transaction
        .prepare("SELECT number, status FROM stage WHERE job = ?1 AND number <= ?2")?
        .query_map(of_job, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    // Nothing to be forgotten that was not forgotten before: then nothing has to be counted again.
    if gone.is_empty() {
        return Ok(0);
    }
    transaction.execute("DELETE FROM stage WHERE job = ?1 AND number <= ?2", of_job)?;
    let mut fewer = transaction
        .prepare("UPDATE run SET stages = stages - 1, failed = failed - ?3 WHERE project = ?1 AND number = ?2")?;
    let mut empty = transaction.prepare("DELETE FROM run WHERE project = ?1 AND number = ?2 AND stages <= 0")?;
    let mut runs = 0;
    for (number, status) in gone {
        let failed = Status::of(status).is_some_and(Status::is_failure);
        fewer.execute(params![project, number, failed])?;
        runs += empty.execute([project, number])? as u64;
    }
    count_again(transaction, job)?;
    Ok(runs)
}

/// Adds up again what is left of a job, and takes the job away where nothing is.
fn count_again(transaction: &Transaction<'_>, job: i64) -> Result<(), Fault> {
    transaction.execute("DELETE FROM tally WHERE job = ?1", [job])?;
    transaction.execute(&recount_job(), [job])?;
    transaction.execute("DELETE FROM job WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM stage WHERE job = ?1)", [job])?;
    Ok(())
}
