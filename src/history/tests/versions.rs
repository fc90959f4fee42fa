//! Files of other versions of the program.

use super::*;

const NEXT: &str = "ALTER TABLE run ADD COLUMN weather TEXT; UPDATE run SET weather = 'fair'";

/// How many steps this version has.
fn newest() -> u32 {
    STEPS.len().try_into().unwrap()
}

fn steps() -> Vec<&'static str> {
    STEPS.iter().copied().chain([NEXT]).collect()
}

fn here(_: &Path) -> Medium {
    Medium::Local
}

fn version(history: &History) -> u32 {
    history.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// Every released version's file, for ever.
fn released() -> Vec<(u32, PathBuf)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/databases");
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().parse().unwrap(), path))
        .collect();
    found.sort();
    found
}

/// H81: the file of every released version is led to this one's tables, and nothing of it is lost.
#[test]
fn h81_files_of_every_version_are_read() {
    let released = released();
    let newest = newest();
    assert_eq!(released.iter().map(|(version, _)| *version).collect::<Vec<_>>(), (1..=newest).collect::<Vec<_>>());
    for (_, path) in released {
        let state = State::new();
        fs::copy(path, state.file()).unwrap();
        let history = state.open();
        assert_eq!(version(&history), newest);
        assert_eq!(numbers(&history, "project-0123456789ab"), [3, 2, 1]);
        let known = history.project("project-0123456789ab").unwrap().unwrap();
        let jobs = history.jobs(&known).unwrap();
        let runs = history.runs_of(&known, &jobs[..1], 9).unwrap();
        assert_eq!(runs[0].job.as_ref().unwrap().foretold, Some([10, 8, 13]));
        assert_eq!(runs.iter().map(|run| run.duration_ms).take(1).collect::<Vec<_>>(), [30]);
        assert_eq!(history.totals(&known, &jobs[..1]).unwrap().last_failure, Some((RunNumber(2), 1_700_000_002_000)));
        assert_eq!(known.ledger, 77);
        let latest = history.latest(&known).unwrap();
        let latest: Vec<_> = latest.iter().map(|one| (one.name.as_str(), one.number.0, one.duration_ms)).collect();
        assert_eq!(latest, [("a", 3, 30), ("b:x", 1, 20)]);
    }
}

/// H81: the way to the next version is gone in one step, and the way back is kept.
#[test]
fn h81_an_older_file_is_brought_up_to_date_with_a_copy_kept() {
    let state = State::new();
    state.add("p", &[run(1, vec![passed("a", 1, 1)])]);
    let history = History::open_with(&state.file(), &steps(), here, Patience::Long).unwrap();
    assert_eq!((version(&history), numbers(&history, "p")), (newest() + 1, vec![1]));
    let weather: String = history.connection.query_row("SELECT weather FROM run", [], |row| row.get(0)).unwrap();
    assert_eq!(weather, "fair");
    drop(history);
    let copy = beside(&state.file(), &format!(".version-{}", newest()));
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&copy).unwrap().permissions()) & 0o777, 0o600);
    let old = History::open_with(&copy, STEPS, here, Patience::Long).unwrap();
    assert_eq!((version(&old), numbers(&old, "p")), (newest(), vec![1]));
    assert!(!state.entries().contains("history.db.backup"), "{:?}", state.entries());
}

/// H81: a way that leads nowhere leaves the old file as it was, and so does one that was left in the middle.
#[test]
fn h81_a_migration_that_fails_leaves_the_old_file() {
    let state = State::new();
    state.add("p", &[run(1, vec![passed("a", 1, 1)])]);
    let broken: Vec<&str> =
        steps().into_iter().chain(["CREATE TABLE half (a); SELECT no_such_column FROM run"]).collect();
    // What a process left that was killed while it wrote the copy.
    fs::write(beside(&state.file(), ".backup"), "half a copy").unwrap();
    assert!(History::open_with(&state.file(), &broken, here, Patience::Long).is_err());
    let history = state.open();
    assert_eq!((version(&history), numbers(&history, "p")), (newest(), vec![1]));
    let weather = history.connection.prepare("SELECT weather FROM run");
    assert!(weather.is_err(), "a step of a way that was not gone to its end");
}

/// H81: of several that open an old file at once, one brings it up to date and all can use it.
#[test]
fn h81_many_may_meet_an_old_file() {
    let state = State::new();
    state.add("p", &[run(1, vec![passed("a", 1, 1)])]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let history = History::open_with(&state.file(), &steps(), here, Patience::Long).unwrap();
                assert_eq!((version(&history), numbers(&history, "p")), (newest() + 1, vec![1]));
            });
        }
    });
}

/// H80: a later version's file is read as far as it can be, and not a byte of it is changed.
#[test]
fn h80_a_newer_file_is_read_and_never_written() {
    let state = State::new();
    state.add("p", &[run(1, vec![passed("a", 1, 1)])]);
    let history = state.open();
    history.connection.execute_batch("ALTER TABLE run ADD COLUMN weather TEXT; PRAGMA user_version = 999").unwrap();
    drop(history);
    state.settle();
    let before = fs::read(state.file()).unwrap();
    let mut history = state.open();
    assert!(!history.is_writable());
    assert_eq!(history.notices.len(), 1, "{:?}", history.notices);
    assert_eq!(numbers(&history, "p"), [1]);
    assert!(history.add("p", About::default(), &[run(2, Vec::new())]).is_err());
    drop(history);
    assert!(fs::read(state.file()).unwrap() == before);
}

/// H80: one that has become something else is left alone.
#[test]
fn h80_a_newer_file_that_cannot_be_read_is_left_alone() {
    let state = State::new();
    state.add("p", &[run(1, vec![passed("a", 1, 1)])]);
    let history = state.open();
    history.connection.execute_batch("ALTER TABLE run RENAME TO runs; PRAGMA user_version = 999").unwrap();
    drop(history);
    state.settle();
    let before = fs::read(state.file()).unwrap();
    let fault = History::open(&state.file(), Patience::Long).unwrap_err();
    assert!(matches!(fault, Fault::Newer { found: 999 }), "{fault:?}");
    assert!(fs::read(state.file()).unwrap() == before);
}
