//! The index in temporary directories: what is added is found again, and what may happen to its file does no harm.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::file::{Medium, beside};
use super::schema::STEPS;
use super::*;
use crate::event::Basis;
use crate::plan::signature::LOCAL;

mod damage;
mod forgetting;
mod latest;
mod questions;
mod versions;

pub(super) fn name(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

pub(super) fn signature(n: u8) -> Signature {
    Signature::from_bytes([n; 32])
}

/// A stage that passed after so many milliseconds.
pub(super) fn passed(stage: &str, work: u8, duration_ms: u64) -> StageRecord {
    StageRecord {
        name: name(stage),
        is_fix: false,
        signature: signature(work),
        executor: "local".into(),
        status: Status::Pass,
        exit_code: Some(0),
        attempts: 1,
        duration_ms,
        foretold: None,
        inputs: None,
        is_sample: true,
    }
}

pub(super) fn failed(stage: &str, work: u8) -> StageRecord {
    StageRecord { status: Status::Fail, exit_code: Some(1), is_sample: false, ..passed(stage, work, 1) }
}

pub(super) fn run(number: u64, stages: Vec<StageRecord>) -> Ended {
    let record = RunRecord {
        number: RunNumber(number),
        run: format!("{number:032x}"),
        started_ms: 1_700_000_000_000 + number * 1000,
        duration_ms: stages.iter().map(|stage| stage.duration_ms).sum(),
        verdict: "passed".into(),
        exit_code: 0,
        commit: Some("0123456789abcdef".into()),
        branch: None,
        stages,
    };
    Ended { record, bytes: 1000, pruned: false }
}

/// A state directory with an index.
pub(super) struct State {
    dir: TempDir,
}

impl State {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.dir.path().join("history.db")
    }

    pub(super) fn open(&self) -> History {
        History::open(&self.file(), Patience::Long).unwrap()
    }

    pub(super) fn add(&self, project: &str, runs: &[Ended]) {
        self.open().add(project, About::default(), runs).unwrap();
    }

    /// All of the file and nothing beside it.
    pub(super) fn settle(&self) {
        // Another program's connection, which does all of that when it is closed.
        let connection = rusqlite::Connection::open(self.file()).unwrap();
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
        drop(connection);
        assert!(!beside(&self.file(), "-wal").exists());
    }

    pub(super) fn entries(&self) -> BTreeSet<String> {
        fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

pub(super) fn numbers(history: &History, project: &str) -> Vec<u64> {
    let known = history.project(project).unwrap().unwrap();
    history.runs(&known, 1000).unwrap().into_iter().map(|run| run.number.0).collect()
}

#[test]
fn what_is_added_is_found_again() {
    let state = State::new();
    let odd = StageRecord {
        executor: "box".into(),
        attempts: 2,
        foretold: Some([10, 8, 13]),
        inputs: Some("abc".into()),
        ..passed("b:1.80", 2, 20)
    };
    let first = run(1, vec![passed("a", 1, 10), odd.clone()]);
    let mut second = run(2, vec![failed("a", 1), passed("b:1.80", 2, 30), passed("b:1.81", 3, 40)]);
    second.record.verdict = "failed".into();
    second.record.exit_code = 1;
    state.add("p", &[first, second]);
    let history = state.open();
    let known = history.project("p").unwrap().unwrap();
    let runs = history.runs(&known, 10).unwrap();
    assert_eq!(runs.iter().map(|run| (run.number.0, run.stages)).collect::<Vec<_>>(), [(2, (3, 1)), (1, (2, 0))]);
    assert_eq!((runs[0].verdict.as_str(), runs[0].exit_code, runs[0].started_ms), ("failed", 1, 1_700_000_002_000));
    let jobs = history.jobs(&known).unwrap();
    assert_eq!(jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["a", "b:1.80", "b:1.81"]);
    let cells = history.runs_of(&known, &jobs[1..], 10).unwrap();
    let found: Vec<(u64, &str, u64)> =
        cells.iter().map(|run| (run.number.0, run.job.as_ref().unwrap().name.as_str(), run.duration_ms)).collect();
    assert_eq!(found, [(2, "b:1.80", 30), (2, "b:1.81", 40), (1, "b:1.80", 20)]);
    assert_eq!(cells[2].job, Some(odd));
    assert_eq!(history.runs_of(&known, &jobs[1..], 1).unwrap().len(), 1);
    assert_eq!(history.bytes(&known, RunNumber(2)).unwrap(), 1000);
}

#[test]
fn totals_count_what_came_to_an_end_of_its_own() {
    let state = State::new();
    let flaky = StageRecord { attempts: 2, ..passed("a", 1, 30) };
    let with = |status| StageRecord { status, is_sample: false, ..passed("a", 1, 5000) };
    let all = [Status::Cached, Status::Skip, Status::Cancelled, Status::Error, Status::Lost].map(with);
    let mut runs: Vec<Ended> = all.into_iter().enumerate().map(|(n, stage)| run(n as u64 + 1, vec![stage])).collect();
    runs.extend([
        run(11, vec![passed("a", 1, 10)]),
        run(12, vec![with(Status::Timeout)]),
        run(13, vec![failed("a", 1)]),
    ]);
    runs.extend([run(14, vec![flaky]), run(15, vec![passed("b", 1, 99)])]);
    state.add("p", &runs);
    let history = state.open();
    let known = history.project("p").unwrap().unwrap();
    let jobs = history.jobs(&known).unwrap();
    let totals = history.totals(&known, &jobs[..1]).unwrap();
    assert_eq!(
        totals,
        Totals {
            runs: 4,
            passed: 2,
            flaky: 1,
            mean_ms: Some(20.0),
            fastest_ms: Some(10),
            slowest_ms: Some(30),
            last_failure: Some((RunNumber(13), 1_700_000_013_000)),
        }
    );
    assert_eq!(history.totals(&known, &jobs).unwrap().runs, 5);
    assert_eq!(history.totals(&known, &[]).unwrap(), Totals::default());
}

/// A run that was lost and gone on with: what it came to in the end stands in the place of what it had been left at, in all
/// that is added up, and no later run goes with it.
#[test]
fn a_lost_run_that_has_ended_since_is_replaced() {
    let state = State::new();
    let lost = || {
        let left = StageRecord { status: Status::Lost, exit_code: None, is_sample: false, ..passed("b", 2, 0) };
        let mut run = run(1, vec![passed("a", 1, 10), left]);
        (run.record.verdict, run.record.exit_code) = ("lost".into(), 3);
        run
    };
    state.add("p", &[lost(), run(2, vec![passed("a", 1, 12)])]);
    let history = state.open();
    let known = history.project("p").unwrap().unwrap();
    assert_eq!(history.lost_runs(&known, RunNumber(1)).unwrap(), [RunNumber(1)]);
    drop(history);
    let ended = run(1, vec![passed("a", 1, 10), passed("b", 2, 30)]);
    state.add("p", std::slice::from_ref(&ended));
    // However often, and by whomever who has looked before.
    state.add("p", &[ended, lost()]);
    let history = state.open();
    assert_eq!(numbers(&history, "p"), [2, 1]);
    let runs = history.runs(&known, 10).unwrap();
    assert_eq!((runs[1].verdict.as_str(), runs[1].exit_code, runs[1].stages), ("passed", 0, (2, 0)));
    assert_eq!(history.lost_runs(&known, RunNumber(1)).unwrap(), []);
    let jobs = history.jobs(&known).unwrap();
    let totals = |job: usize| history.totals(&known, &jobs[job..=job]).unwrap();
    assert_eq!((totals(0).runs, totals(0).mean_ms), (2, Some(11.0)));
    assert_eq!((totals(1).runs, totals(1).passed), (1, 1));
    let latest = history.latest(&known).unwrap();
    let latest: Vec<_> = latest.iter().map(|one| (one.name.as_str(), one.number.0, one.status)).collect();
    assert_eq!(latest, [("a", 2, Status::Pass), ("b", 1, Status::Pass)]);
}

/// The tally is the stages added up, in whatever order they came, and after a project has begun anew.
#[test]
fn a_tally_is_what_its_stages_add_up_to() {
    let state = State::new();
    let tally = |history: &History| -> Vec<String> {
        let sql = "SELECT concat_ws('|', job, runs, passed, flaky, took, coalesce(fastest, '-'), coalesce(slowest, '-'), \
                   coalesce(failure, '-')) FROM tally ORDER BY job";
        let mut rows = history.connection.prepare(sql).unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let stages = |n: u64| {
        let timeout = StageRecord { status: Status::Timeout, ..failed("c", 3) };
        let flaky = StageRecord { attempts: 2, ..passed("b", 2, 1000 - n) };
        match n % 4 {
            0 => vec![failed("a", 1), passed("b", 2, n)],
            1 => vec![passed("a", 1, 7 * n % 50), flaky],
            2 => vec![passed("a", 1, n), timeout],
            _ => vec![StageRecord { status: Status::Skip, ..passed("a", 1, 0) }],
        }
    };
    let check = || {
        let mut history = state.open();
        let before = tally(&history);
        let transaction = history.connection.transaction().unwrap();
        transaction.execute("DELETE FROM tally", []).unwrap();
        transaction.execute(schema::RECOUNT, [1]).unwrap();
        transaction.commit().unwrap();
        assert_eq!(before, tally(&history));
        before
    };
    let order = (0..40_u64).map(|n| n * 27 % 40 + 1);
    state.add("p", &order.map(|n| run(n, stages(n))).collect::<Vec<_>>());
    let whole = check();
    assert_eq!(whole.len(), 3);
    let mut anew = run(21, stages(21));
    anew.record.run = "f".repeat(32);
    state.add("p", &[anew]);
    assert_ne!(check(), whole);
}

/// Whoever is the first adds it, and that it was pruned is added to what there is.
#[test]
fn a_run_is_there_once() {
    let state = State::new();
    let one = run(1, vec![passed("a", 1, 10)]);
    let gone = Ended { pruned: true, ..one.clone() };
    state.add("p", &[one.clone(), one.clone()]);
    state.add("p", std::slice::from_ref(&one));
    let pruned = |history: &History| history.runs(&history.project("p").unwrap().unwrap(), 9).unwrap()[0].pruned;
    assert!(!pruned(&state.open()));
    state.add("p", &[gone.clone(), one.clone()]);
    let history = state.open();
    assert!(pruned(&history));
    let known = history.project("p").unwrap().unwrap();
    assert_eq!(history.totals(&known, &history.jobs(&known).unwrap()).unwrap().runs, 1);
    // The other way round: the list of pruned runs is read first.
    state.add("q", &[gone, one]);
    assert_eq!(numbers(&state.open(), "q"), [1]);
}

/// A project whose state was deleted counts from one again. Its former life is not mixed with the new one.
#[test]
fn a_project_that_begins_anew_forgets_its_former_life() {
    let state = State::new();
    let before: Vec<Ended> = (1..=5).map(|n| run(n, vec![passed("a", 1, 10)])).collect();
    state.add("p", &before);
    state.add("q", &before);
    let mut anew = run(1, vec![passed("a", 1, 77)]);
    anew.record.run = "f".repeat(32);
    state.add("p", std::slice::from_ref(&anew));
    let history = state.open();
    assert_eq!(numbers(&history, "p"), [1]);
    assert_eq!(numbers(&history, "q"), [5, 4, 3, 2, 1]);
    let known = history.project("p").unwrap().unwrap();
    let runs = history.runs_of(&known, &history.jobs(&known).unwrap(), 9).unwrap();
    assert_eq!(runs.iter().map(|run| run.duration_ms).collect::<Vec<_>>(), [77]);
    drop(history);
    // A line of the former life says nothing of the new one.
    state.add("p", &[Ended { pruned: true, ..before[0].clone() }]);
    let history = state.open();
    assert!(!history.runs(&known, 9).unwrap()[0].pruned);
}

#[test]
fn numbers_beyond_what_sqlite_counts_are_no_error() {
    let state = State::new();
    let mut huge = run(1, vec![passed("a", 1, u64::MAX)]);
    huge.record.number = RunNumber(u64::MAX);
    huge.record.started_ms = u64::MAX;
    state.add("p", &[huge]);
    let history = state.open();
    let known = history.project("p").unwrap().unwrap();
    assert_eq!(history.runs(&known, 1).unwrap()[0].started_ms, i64::MAX.unsigned_abs());
}

/// H84: many who open, write and close at once; none of them is ever refused.
#[test]
fn h84_writers_wait_for_their_turn() {
    let state = State::new();
    std::thread::scope(|scope| {
        for writer in 0..8_u64 {
            let state = &state;
            scope.spawn(move || {
                for n in 0..25 {
                    let ended = run(writer * 25 + n, vec![passed("a", 1, 10), passed("b", 2, 10)]);
                    let mut history = state.open();
                    history.add("p", About::default(), &[ended]).unwrap();
                    assert!(numbers(&history, "p").len() as u64 > n);
                }
            });
        }
    });
    let history = state.open();
    assert_eq!(numbers(&history, "p").len(), 200);
    let check: String = history.connection.query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok", "I3");
}

/// H85: what is written is worked into the file again and again, also where somebody reads on and on.
#[test]
fn h85_the_log_of_writes_stays_short() {
    let state = State::new();
    let stages = || (0..20).map(|n| passed(&format!("s{n}"), n, 10)).collect::<Vec<_>>();
    state.add("p", &[run(1, stages())]);
    let reader = state.open();
    for n in 2..200 {
        state.add("p", &[run(n, stages())]);
        assert_eq!(numbers(&reader, "p").len() as u64, n);
    }
    let log = fs::metadata(beside(&state.file(), "-wal")).unwrap().len();
    assert!(log < 1024 * 1024, "{log} bytes");
}
