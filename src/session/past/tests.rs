//! The history as commands ask it, over run directories that are written here.

use std::fs;
use std::time::Duration;

use super::*;
use crate::clock::Timestamp;
use crate::event::SCHEMA_VERSION;
use crate::ids::{RunId, Signature};
use crate::journal::header::{Header, HeaderStage};
use crate::journal::layout::create_dir;
use crate::outcome::Verdict;
use crate::pipeline::Command;

/// A run that was lost before it said anything: a directory with a header.
fn lost_run(project: &ProjectDir, number: u64) {
    lost_run_as(project, number, u8::try_from(number).unwrap());
}

fn lost_run_as(project: &ProjectDir, number: u64, id: u8) {
    let run = project.run(RunNumber(number));
    create_dir(run.path()).unwrap();
    let stage = HeaderStage {
        name: StageName::new("test:a").unwrap(),
        signature: Signature::from_bytes([1; 32]),
        command: Command::Argv(vec!["true".into()]),
        dir: String::new(),
        env: Vec::new(),
    };
    let header = Header {
        schema_version: SCHEMA_VERSION,
        program: String::new(),
        run: RunId::from_bytes([id; 16]),
        number: Some(RunNumber(number)),
        started: Timestamp { unix_ms: 1, mono_us: 1 },
        argv: Vec::new(),
        equivalent: Vec::new(),
        project: String::new(),
        directory: String::new(),
        commit: None,
        branch: None,
        config: Vec::new(),
        stages: vec![stage],
        remotes: Vec::new(),
        jobs: 1,
        waits: None,
    };
    header.write(&run).unwrap();
}

fn numbers(past: &Past, job: Option<&str>) -> Vec<u64> {
    let job = job.map(|name| [StageName::new(name).unwrap()]);
    past.runs(job.as_ref().map(<[_; 1]>::as_slice), 10).unwrap().iter().map(|run| run.number.0).collect()
}

fn with_runs() -> (tempfile::TempDir, ProjectDir) {
    let dir = tempfile::tempdir().unwrap();
    let project = ProjectDir::new(dir.path(), Path::new("/p"));
    lost_run(&project, 1);
    lost_run(&project, 2);
    (dir, project)
}

#[test]
fn what_the_index_has_not_seen_is_there_when_it_is_asked() {
    let (_dir, project) = with_runs();
    let past = open(&project, Path::new("/p"));
    assert_eq!((numbers(&past, None), past.warnings()), (vec![2, 1], Vec::new()));
    assert_eq!(numbers(&past, Some("test:a")), [2, 1]);
    assert_eq!(numbers(&past, Some("test")), [0; 0], "a name is not its beginning");
    assert_eq!(past.runs(None, 1).unwrap()[0].verdict, "lost");
    assert_eq!(past.jobs().unwrap(), [StageName::new("test:a").unwrap()]);
    assert_eq!(past.totals(&StageName::new("test:a").unwrap()).unwrap(), Totals::default());
}

/// H30: what a killed removal left is made good by who comes next, once.
#[test]
fn h30_that_the_index_was_told_what_is_forgotten_is_written_down() {
    let (_dir, project) = with_runs();
    assert_eq!(numbers(&open(&project, Path::new("/p")), None), [2, 1]);
    let mut forgotten = Forgotten::default();
    forgotten.forget(StageName::new("test:a").unwrap(), RunNumber(1));
    forgotten.write(&project).unwrap();
    let deleting = lock::open_deleting(&project).unwrap();
    assert!(lock::try_exclusive(&deleting).unwrap());
    assert_eq!(numbers(&open(&project, Path::new("/p")), None), [2]);
    assert!(Forgotten::read(&project).unwrap().is_pending, "whoever deletes says so");
    drop(deleting);
    assert_eq!(numbers(&open(&project, Path::new("/p")), None), [2]);
    assert_eq!(Forgotten::read(&project).unwrap(), Forgotten { is_pending: false, ..forgotten });
}

#[test]
fn a_project_without_runs_has_an_empty_history_and_no_index() {
    let dir = tempfile::tempdir().unwrap();
    let project = ProjectDir::new(dir.path(), Path::new("/p"));
    let past = open(&project, Path::new("/p"));
    assert_eq!((numbers(&past, None), past.warnings()), (Vec::new(), Vec::new()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Somebody has deleted the project's state, and of what ran since nobody could say what came of it.
#[test]
fn runs_of_a_state_that_was_deleted_are_not_taken_for_those_of_the_new_one() {
    let (_dir, project) = with_runs();
    lost_run(&project, 3);
    assert_eq!(numbers(&open(&project, Path::new("/p")), None), [3, 2, 1]);
    fs::remove_dir_all(project.path()).unwrap();
    lost_run_as(&project, 1, 77);
    lost_run_as(&project, 2, 78);
    assert_eq!(numbers(&open(&project, Path::new("/p")), None), [2, 1]);
}

/// H34: of what a later version has written, this one says nothing, and so keeps it for that one.
#[test]
fn h34_a_run_of_a_later_version_is_left_to_it() {
    let (_dir, project) = with_runs();
    let header = project.run(RunNumber(1)).header();
    let text = fs::read_to_string(&header).unwrap();
    fs::write(&header, text.replace("\"schema_version\":1", "\"schema_version\":2")).unwrap();
    assert_eq!(numbers(&open(&project, Path::new("/p")), None), [2]);
    assert_eq!(outcome_of(&project, RunNumber(1)).unwrap(), None);
    assert!(outcome_of(&project, RunNumber(2)).unwrap().is_some());
}

/// H75: without the file, the runs that are there are shown from their directories.
#[test]
fn h75_where_the_index_cannot_be_used_the_runs_are_shown_without_it() {
    let (dir, project) = with_runs();
    fs::create_dir(dir.path().join("history.db")).unwrap();
    let past = open(&project, Path::new("/p"));
    assert_eq!(numbers(&past, Some("test:a")), [2, 1]);
    assert_eq!(past.warnings().len(), 1);
    let past = glance(&project, Path::new("/p"));
    assert_eq!((numbers(&past, None), past.warnings().len()), (Vec::new(), 1), "nobody waits for a run's estimates");
}

/// H79: damage that shows only when the index is asked is made good, and said.
#[test]
fn h79_damage_that_is_met_later_is_made_good() {
    let (dir, project) = with_runs();
    let past = open(&project, Path::new("/p"));
    let other = rusqlite::Connection::open(dir.path().join("history.db")).unwrap();
    other.execute_batch("DROP TABLE stage").unwrap();
    drop(other);
    assert_eq!(past.warnings(), [""; 0]);
    assert_eq!(numbers(&past, Some("test:a")), [2, 1]);
    assert_eq!(past.warnings().len(), 1);
    assert_eq!(numbers(&open(&project, Path::new("/p")), Some("test:a")), [2, 1]);
}

/// A run is not held up by whoever holds the index: one that writes, one that lets nobody else read, and one that was
/// stopped while it made the file.
#[test]
fn h75_a_glance_and_a_run_without_a_supervisor_do_not_wait_for_others() {
    let in_time = |what: &str, look: &dyn Fn()| {
        let began = SystemClock.now();
        look();
        let took = SystemClock.now().since(began);
        assert!(took < Duration::from_secs(3), "{what}: {took:?}");
    };
    for hold in ["BEGIN IMMEDIATE", "PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE", ""] {
        let (dir, project) = with_runs();
        let file = dir.path().join("history.db");
        let mut holder = None;
        let mut lock = None;
        if hold.is_empty() {
            let beside = fs::File::create(dir.path().join("history.db.lock")).unwrap();
            crate::journal::lock::wait_exclusive(&beside).unwrap();
            lock = Some(beside);
        } else {
            drop(open(&project, Path::new("/p")));
            lost_run(&project, 3);
            let other = rusqlite::Connection::open(&file).unwrap();
            other.execute_batch(hold).unwrap();
            holder = Some(other);
        }
        in_time(hold, &|| {
            let past = glance(&project, Path::new("/p"));
            let known = if hold == "BEGIN IMMEDIATE" { (vec![2, 1], 0) } else { (Vec::new(), 1) };
            let (found, warnings) = (numbers(&past, None), past.warnings());
            assert_eq!((found, warnings.len()), known, "{hold}: {warnings:?}");
        });
        in_time(hold, &|| {
            let recorded = record(&project, RunNumber(2), Path::new("/p"), Patience::Short);
            assert_eq!(recorded.complaints.len(), 1, "{hold}");
        });
        drop((holder, lock));
        assert!(numbers(&open(&project, Path::new("/p")), None).starts_with(&[if hold.is_empty() { 2 } else { 3 }]));
    }
}

/// A run that the index has as lost, and that somebody has gone on with: what it came to in the end is taken in by whoever
/// looks next, also where its supervisor was killed before it could say so to the index.
#[test]
fn h24_what_became_of_a_lost_run_is_taken_in() {
    use crate::event::{Event, EventKind, Sink};
    use crate::journal::write::JournalWriter;
    let (dir, project) = with_runs();
    let root = Path::new("/p");
    let verdicts = || {
        let runs = open(&project, root).runs(None, 10).unwrap();
        runs.iter().map(|run| (run.number.0, run.verdict.clone())).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(), [(2, "lost".to_owned()), (1, "lost".to_owned())]);
    let kind = EventKind::RunFinished { verdict: Verdict::Passed, exit_code: 0, duration_ms: 1 };
    let event = Event { seq: 0, at: Timestamp { unix_ms: 1, mono_us: 1 }, kind };
    JournalWriter::open(&project.run(RunNumber(1))).unwrap().event(&event).unwrap();
    assert_eq!(verdicts(), [(2, "lost".to_owned()), (1, "passed".to_owned())]);
    drop(dir);
}
