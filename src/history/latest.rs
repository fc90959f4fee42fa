//! What came of every job the last time: one question, however many jobs there are.

use std::collections::BTreeMap;

use rusqlite::{Row, Statement};

use super::Status;
use super::database::History;
use super::fault::Fault;
use super::read::{Known, number};
use crate::ids::{RunNumber, Signature, StageName};

/// What came of a job in the last run that started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    /// The job.
    pub name: StageName,
    /// The run's number.
    pub number: RunNumber,
    /// When the run started: milliseconds since 1970-01-01 UTC.
    pub started_ms: u64,
    /// What came of the job.
    pub status: Status,
    /// How long it took, in milliseconds, from its first attempt to its last word.
    pub duration_ms: u64,
    /// The fingerprint of what it ran.
    pub signature: Signature,
    /// The exit code of its last attempt, as a shell would give it, where it had one.
    pub exit_code: Option<i32>,
}

/// What [`Latest`] is made of, the name of its project last.
const LATEST: &str = "SELECT j.name, l.number, l.started, l.status, l.duration, w.signature, l.exit_code, p.name \
                      FROM job j JOIN latest l ON l.job = j.id JOIN work w ON w.id = l.work \
                      JOIN project p ON p.id = j.project";
/// The same from a file that has not been led to these tables, because it can only be read.
const LATEST_BEFORE: &str = "SELECT j.name, s.number, r.started, s.status, s.duration, w.signature, s.exit_code, p.name \
     FROM job j JOIN stage s ON s.job = j.id \
         AND s.number = (SELECT number FROM stage WHERE job = j.id AND attempts > 0 ORDER BY number DESC LIMIT 1) \
     JOIN run r ON r.project = s.project AND r.number = s.number JOIN work w ON w.id = s.work \
     JOIN project p ON p.id = j.project";

impl History {
    /// What came of each job of a project in the last run that started it, in the order of their names. What a stage's
    /// `fix` came to is not among them.
    pub fn latest(&self, project: &Known) -> Result<Vec<Latest>, Fault> {
        let mut statement = self.about_latest("WHERE j.project = ?1 ORDER BY j.name")?;
        let mut rows = statement.query([project.id])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(latest(row)?);
        }
        Ok(found)
    }

    /// The same of all projects, each by the name of its directory.
    pub fn latest_of_all(&self) -> Result<BTreeMap<String, Vec<Latest>>, Fault> {
        let mut statement = self.about_latest("ORDER BY j.project, j.name")?;
        let mut rows = statement.query([])?;
        let mut found: BTreeMap<String, Vec<Latest>> = BTreeMap::new();
        // Rows of one project follow each other: its name is looked at for each, and copied once.
        let mut jobs: Vec<Latest> = Vec::new();
        let mut project = String::new();
        while let Some(row) = rows.next()? {
            let name = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
            if name != project {
                let done = std::mem::replace(&mut project, name.to_owned());
                found.entry(done).or_default().append(&mut jobs);
            }
            jobs.extend(latest(row)?);
        }
        found.entry(project).or_default().append(&mut jobs);
        found.retain(|_, jobs| !jobs.is_empty());
        Ok(found)
    }

    fn about_latest(&self, which: &str) -> Result<Statement<'_>, Fault> {
        match self.connection.prepare(&format!("{LATEST} {which}")) {
            Ok(statement) => Ok(statement),
            Err(_) => Ok(self.connection.prepare(&format!("{LATEST_BEFORE} {which}"))?),
        }
    }
}

/// A row of [`LATEST`]; none for what is no job's name.
fn latest(row: &Row<'_>) -> rusqlite::Result<Option<Latest>> {
    let Ok(name) = StageName::new(row.get_ref(0)?.as_str()?) else { return Ok(None) };
    let signature: [u8; 32] = row.get(5)?;
    Ok(Some(Latest {
        name,
        number: RunNumber(number(row, 1)?),
        started_ms: number(row, 2)?,
        status: Status::of(row.get(3)?).ok_or(rusqlite::Error::IntegralValueOutOfRange(3, 0))?,
        duration_ms: number(row, 4)?,
        signature: Signature::from_bytes(signature),
        exit_code: row.get(6)?,
    }))
}
