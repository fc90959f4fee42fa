//! What is asked of the index about runs and jobs. The questions of the estimates are in `forecast`.

use rusqlite::{OptionalExtension, Row, params};

use super::database::History;
use super::fault::Fault;
use super::write::signed;
use super::{PastRun, StageRecord, Status, Totals};
use crate::ids::{RunNumber, Signature, StageName};
use crate::plan::signature::LOCAL;

/// A project that has runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its key in the tables.
    pub(super) id: i64,
    /// Up to which byte the list of its pruned runs was read.
    pub ledger: u64,
}

const RUN: &str = "r.number, r.started, r.duration, r.verdict, r.exit_code, r.stages, r.failed, r.pruned, r.commit_id, \
                   r.branch";
const STAGE: &str = "s.status, s.duration, s.attempts, s.is_sample, s.exit_code, s.expected, s.low, s.high, s.remote, \
                     s.inputs, w.signature";

pub(super) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(unsigned)
}

impl History {
    /// A project by the name of its directory; none where nothing is known of it.
    pub fn project(&self, name: &str) -> Result<Option<Known>, Fault> {
        let sql = "SELECT id, ledger FROM project WHERE name = ?1";
        let known = |row: &Row<'_>| Ok(Known { id: row.get(0)?, ledger: number(row, 1)? });
        Ok(self.connection.query_row(sql, [name], known).optional()?)
    }

    /// The numbers of the runs that are known, of those from this one on, ascending.
    pub fn known_runs(&self, project: &Known, from: RunNumber) -> Result<Vec<RunNumber>, Fault> {
        let mut statement =
            self.connection.prepare("SELECT number FROM run WHERE project = ?1 AND number >= ?2 ORDER BY number")?;
        let numbers = statement.query_map([project.id, signed(from.0)], |row| number(row, 0))?;
        Ok(numbers.map(|number| number.map(RunNumber)).collect::<Result<_, _>>()?)
    }

    /// Those of them that were lost, and are there: another supervisor may have gone on with them since.
    pub fn lost_runs(&self, project: &Known, from: RunNumber) -> Result<Vec<RunNumber>, Fault> {
        let sql = "SELECT number FROM run WHERE project = ?1 AND number >= ?2 AND verdict = 'lost' AND pruned = 0";
        let mut statement = self.connection.prepare(sql)?;
        let numbers = statement.query_map([project.id, signed(from.0)], |row| number(row, 0))?;
        Ok(numbers.map(|number| number.map(RunNumber)).collect::<Result<_, _>>()?)
    }

    /// The identity of a run that is known.
    pub fn run_id(&self, project: &Known, run: RunNumber) -> Result<Option<String>, Fault> {
        let sql = "SELECT id FROM run WHERE project = ?1 AND number = ?2";
        Ok(self.connection.query_row(sql, [project.id, signed(run.0)], |row| row.get(0)).optional()?)
    }

    /// About how much room the runs take from this one on whose directories are there, in bytes.
    pub fn bytes(&self, project: &Known, from: RunNumber) -> Result<u64, Fault> {
        let sql = "SELECT total(bytes) FROM run WHERE project = ?1 AND number >= ?2 AND pruned = 0";
        let total: f64 = self.connection.query_row(sql, [project.id, signed(from.0)], |row| row.get(0))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it saturates, and is not negative"
        )]
        Ok(total as u64)
    }

    /// The newest runs of a project.
    pub fn runs(&self, project: &Known, limit: usize) -> Result<Vec<PastRun>, Fault> {
        let sql = format!("SELECT {RUN} FROM run r WHERE r.project = ?1 ORDER BY r.number DESC LIMIT ?2");
        let mut statement = self.connection.prepare(&sql)?;
        let runs = statement.query_map(params![project.id, signed(limit as u64)], |row| past_run(row, None))?;
        Ok(runs.collect::<Result<_, _>>()?)
    }

    /// The newest runs that had one of these jobs, a line for each of the jobs in them.
    pub fn runs_of(&self, project: &Known, jobs: &[Job], limit: usize) -> Result<Vec<PastRun>, Fault> {
        let sql = format!(
            "SELECT {RUN}, {STAGE}, s.place FROM stage s JOIN run r ON r.project = ?3 AND r.number = s.number \
             JOIN work w ON w.id = s.work WHERE s.job = ?1 ORDER BY s.number DESC LIMIT ?2"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut found = Vec::new();
        for job in jobs {
            let rows = statement.query_map(params![job.id, signed(limit as u64), project.id], |row| {
                Ok((row.get::<_, i64>(21)?, past_run(row, Some(&job.name))?))
            })?;
            for row in rows {
                found.push(row?);
            }
        }
        found.sort_by_key(|(place, run)| (std::cmp::Reverse(run.number), *place));
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, run)| run).collect())
    }

    /// All jobs of a project that ever ran, by name.
    pub fn jobs(&self, project: &Known) -> Result<Vec<Job>, Fault> {
        let mut statement = self.connection.prepare("SELECT id, name FROM job WHERE project = ?1 ORDER BY name")?;
        let rows = statement.query_map([project.id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        let mut jobs = Vec::new();
        for row in rows {
            let (id, name) = row?;
            jobs.extend(StageName::new(&name).map(|name| Job { id, name }));
        }
        Ok(jobs)
    }

    /// All that ever came of these jobs, added up.
    pub fn totals(&self, project: &Known, jobs: &[Job]) -> Result<Totals, Fault> {
        let mut statement = self
            .connection
            .prepare("SELECT runs, passed, flaky, took, fastest, slowest, failure FROM tally WHERE job = ?1")?;
        let mut totals = Totals::default();
        let (mut took, mut failed) = (0.0, None);
        for job in jobs {
            let mut rows = statement.query([job.id])?;
            let Some(row) = rows.next()? else { continue };
            // A damaged file may say anything.
            totals.runs = totals.runs.saturating_add(number(row, 0)?);
            totals.passed = totals.passed.saturating_add(number(row, 1)?);
            totals.flaky = totals.flaky.saturating_add(number(row, 2)?);
            took += row.get::<_, f64>(3)?;
            let least = row.get::<_, Option<i64>>(4)?.map(unsigned);
            totals.fastest_ms = totals.fastest_ms.into_iter().chain(least).min();
            totals.slowest_ms = totals.slowest_ms.max(row.get::<_, Option<i64>>(5)?.map(unsigned));
            failed = failed.max(row.get::<_, Option<i64>>(6)?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
        if totals.passed > 0 {
            totals.mean_ms = Some(took / totals.passed as f64);
        }
        if let Some(last) = failed {
            let sql = "SELECT started FROM run WHERE project = ?1 AND number = ?2";
            let started: Option<i64> =
                self.connection.query_row(sql, [project.id, last], |row| row.get(0)).optional()?;
            totals.last_failure = started.map(|started| (RunNumber(unsigned(last)), unsigned(started)));
        }
        Ok(totals)
    }
}

/// A job of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub(super) id: i64,
    /// The stage's name.
    pub name: StageName,
}

/// A run of the columns [`RUN`], and of [`STAGE`] where a job is asked for.
fn past_run(row: &Row<'_>, job: Option<&StageName>) -> rusqlite::Result<PastRun> {
    let count = |column| number(row, column).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let mut run = PastRun {
        number: RunNumber(number(row, 0)?),
        started_ms: number(row, 1)?,
        duration_ms: number(row, 2)?,
        verdict: row.get(3)?,
        exit_code: row.get(4)?,
        commit: row.get(8)?,
        branch: row.get(9)?,
        stages: (count(5)?, count(6)?),
        job: None,
        pruned: row.get(7)?,
    };
    if let Some(name) = job {
        let job = stage_record(row, name)?;
        run.duration_ms = job.duration_ms;
        run.job = Some(job);
    }
    Ok(run)
}

fn stage_record(row: &Row<'_>, name: &StageName) -> rusqlite::Result<StageRecord> {
    let odd = |column: usize| rusqlite::Error::IntegralValueOutOfRange(column, 0);
    let signature: [u8; 32] = row.get(20)?;
    let foretold: [Option<i64>; 3] = [row.get(15)?, row.get(16)?, row.get(17)?];
    Ok(StageRecord {
        name: name.clone(),
        is_fix: false,
        signature: Signature::from_bytes(signature),
        executor: row.get::<_, Option<String>>(18)?.unwrap_or_else(|| LOCAL.to_owned()),
        status: Status::of(row.get(10)?).ok_or_else(|| odd(10))?,
        exit_code: row.get(14)?,
        attempts: row.get(12)?,
        duration_ms: number(row, 11)?,
        foretold: match foretold {
            [Some(point), Some(low), Some(high)] => Some([point, low, high].map(unsigned)),
            _ => None,
        },
        inputs: row.get(19)?,
        is_sample: row.get(13)?,
    })
}
