//! The tables, as the steps that lead to them. Steps are only ever added: a file of any released version is led to the
//! newest by those it has not seen, and `user_version` says how many it has.
//!
//! `tests/fixtures/databases/` has a file of every released version.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;
use super::file::{Lock, beside, create};

/// What leads from nothing to the tables of this version.
///
/// `stage` lies in the order of a job's runs, for a job's history is what is read in a row. Each of its indexes has all
/// that one question of the estimates needs: the durations that one rests on, and how good the last ones were. Status 0 is
/// a pass (see `Status::code`). `tally` has nothing of its own: it is `stage` added up (see `RECOUNT`), so that nobody has
/// to look at every run that ever was. A column that is only ever null or the same is last, where it costs a byte.
///
/// The second step adds `latest`, which has nothing of its own either: of each job the stage of the last run that started
/// it, so that ten thousand jobs are listed by reading ten thousand rows that lie side by side. Whoever adds a stage brings
/// it up to date; whoever takes stages away need not know of it.
pub(super) const STEPS: &[&str] = &[
    "
    PRAGMA application_id = 0x6c634869;
    CREATE TABLE project (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        repository BLOB,
        ledger INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX worktree ON project (repository) WHERE repository IS NOT NULL;
    CREATE TABLE run (
        project INTEGER NOT NULL,
        number INTEGER NOT NULL,
        started INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        stages INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        pruned INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        id TEXT NOT NULL,
        commit_id TEXT,
        branch TEXT,
        PRIMARY KEY (project, number)
    ) WITHOUT ROWID;
    CREATE TABLE job (
        id INTEGER PRIMARY KEY,
        project INTEGER NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (project, name)
    );
    CREATE TABLE work (
        id INTEGER PRIMARY KEY,
        signature BLOB NOT NULL UNIQUE
    );
    CREATE TABLE stage (
        job INTEGER NOT NULL,
        number INTEGER NOT NULL,
        status INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        work INTEGER NOT NULL,
        project INTEGER NOT NULL,
        place INTEGER NOT NULL,
        is_sample INTEGER NOT NULL,
        exit_code INTEGER,
        expected INTEGER,
        low INTEGER,
        high INTEGER,
        remote TEXT,
        inputs TEXT,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID;
    CREATE TABLE tally (
        job INTEGER PRIMARY KEY,
        runs INTEGER NOT NULL,
        passed INTEGER NOT NULL,
        flaky INTEGER NOT NULL,
        took REAL NOT NULL,
        fastest INTEGER,
        slowest INTEGER,
        failure INTEGER
    );
    CREATE INDEX sample ON stage (work, project, number, duration) WHERE is_sample = 1 AND status = 0;
    CREATE INDEX foretold ON stage (project, number, work, duration, expected)
        WHERE is_sample = 1 AND status = 0 AND expected IS NOT NULL;
",
    "
    CREATE TABLE latest (
        job INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        started INTEGER NOT NULL,
        status INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        work INTEGER NOT NULL,
        exit_code INTEGER
    );
    INSERT INTO latest (job, number, started, status, duration, work, exit_code)
    SELECT s.job, s.number, r.started, s.status, s.duration, s.work, s.exit_code
    FROM job j
    JOIN stage s ON s.job = j.id
        AND s.number = (SELECT number FROM stage WHERE job = j.id AND attempts > 0 ORDER BY number DESC LIMIT 1)
    JOIN run r ON r.project = s.project AND r.number = s.number;
    CREATE TRIGGER forgotten AFTER DELETE ON stage
    WHEN old.number = (SELECT number FROM latest WHERE job = old.job)
    BEGIN
        DELETE FROM latest WHERE job = old.job;
        INSERT INTO latest (job, number, started, status, duration, work, exit_code)
        SELECT s.job, s.number, r.started, s.status, s.duration, s.work, s.exit_code
        FROM stage s JOIN run r ON r.project = s.project AND r.number = s.number
        WHERE s.job = old.job AND s.attempts > 0 ORDER BY s.number DESC LIMIT 1;
    END;
",
];

/// What makes the tally of a project's jobs from their stages: what passed, failed or timed out.
pub(super) const RECOUNT: &str = "
    INSERT INTO tally (job, runs, passed, flaky, took, fastest, slowest, failure)
    SELECT job, count(*), count(*) FILTER (WHERE status = 0), count(*) FILTER (WHERE status = 0 AND attempts > 1),
        total(duration) FILTER (WHERE status = 0), min(duration) FILTER (WHERE status = 0),
        max(duration) FILTER (WHERE status = 0), max(number) FILTER (WHERE status <> 0)
    FROM stage WHERE job IN (SELECT id FROM job WHERE project = ?1) AND status IN (0, 2, 3) GROUP BY job
";

/// The same of one job, by its key.
pub(super) fn recount_job() -> String {
    RECOUNT.replace("job IN (SELECT id FROM job WHERE project = ?1)", "job = ?1")
}

/// How many steps a file has seen.
pub(super) fn version(connection: &Connection) -> Result<u32, Fault> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// How many steps lead to the tables of this version.
pub(super) fn newest(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// Whether a file that another version made can be asked what this one asks.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    for sql in [
        "SELECT id, name, repository, ledger FROM project",
        "SELECT project, number, started, duration, verdict, exit_code, stages, failed, pruned, bytes, id, commit_id, branch \
         FROM run",
        "SELECT id, project, name FROM job",
        "SELECT id, signature FROM work",
        "SELECT job, number, status, duration, attempts, work, project, place, is_sample, exit_code, expected, low, high, \
         remote, inputs FROM stage",
        "SELECT job, runs, passed, flaky, took, fastest, slowest, failure FROM tally",
    ] {
        connection.prepare(sql)?;
    }
    Ok(())
}

/// Leads a file to the newest tables, all of the way or not at all. What there was is kept in a copy beside it.
pub(super) fn migrate(connection: &mut Connection, path: &Path, steps: &[&str], _lock: &Lock) -> Result<(), Fault> {
    // Somebody may have done so while the lock was waited for.
    let seen = version(connection)?;
    if seen >= newest(steps) {
        return Ok(());
    }
    if seen > 0 {
        back_up(connection, path, seen)?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps.iter().skip(seen as usize) {
        // Tables that are there already make this fail: then it is somebody else's file, or a damaged one.
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", newest(steps))?;
    Ok(transaction.commit()?)
}

/// Writes a copy of the file as it is.
fn back_up(connection: &Connection, path: &Path, seen: u32) -> Result<(), Fault> {
    let unfinished = beside(path, ".backup");
    // What a process left that was killed right here. SQLite writes into an empty file, and keeps its mode.
    let _ = fs::remove_file(&unfinished);
    create(&unfinished)?;
    // SQLite takes text only.
    let name = unfinished.to_str().ok_or(io::Error::from(io::ErrorKind::InvalidFilename))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    fs::rename(unfinished, beside(path, &format!(".version-{seen}")))?;
    Ok(())
}
