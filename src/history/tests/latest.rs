//! What came of each job the last time.

use super::*;

/// `job number status`, a line each.
fn listed(latest: &[Latest]) -> Vec<String> {
    latest.iter().map(|one| format!("{} {} {}", one.name, one.number, one.status.word())).collect()
}

fn latest(history: &History, project: &str) -> Vec<String> {
    listed(&history.latest(&history.project(project).unwrap().unwrap()).unwrap())
}

#[test]
fn the_last_run_that_started_a_job_says_what_came_of_it() {
    let state = State::new();
    let skipped = StageRecord { status: Status::Skip, attempts: 0, exit_code: None, ..passed("a", 1, 0) };
    let fixed = StageRecord { is_fix: true, ..passed("a", 9, 1) };
    let lost = StageRecord { status: Status::Lost, exit_code: None, ..passed("b", 2, 0) };
    // In whatever order they come.
    state.add("p", &[run(3, vec![failed("a", 1), lost])]);
    state.add("p", &[run(1, vec![passed("a", 1, 10), passed("c", 3, 7)])]);
    state.add("p", &[run(4, vec![skipped, passed("b:x", 4, 5)]), run(5, vec![fixed])]);
    state.add("q", &[run(1, vec![passed("a", 1, 10)])]);
    let history = state.open();
    assert_eq!(latest(&history, "p"), ["a 3 fail", "b 3 lost", "b:x 4 pass", "c 1 pass"]);
    let all = history.latest_of_all().unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["p", "q"]);
    assert_eq!(listed(&all["p"]), latest(&history, "p"));
    let a = &all["p"][0];
    assert_eq!((a.started_ms, a.duration_ms, a.exit_code), (1_700_000_003_000, 1, Some(1)));
    assert_eq!(a.signature, signature(1));
}

/// Whoever takes stages away, by whatever statement, need not know of what is kept of the last ones.
#[test]
fn what_is_forgotten_is_not_the_last_any_more() {
    let state = State::new();
    let both = || vec![passed("a", 1, 10), passed("b", 2, 10)];
    state.add("p", &(1..=4).map(|n| run(n, both())).collect::<Vec<_>>());
    let history = state.open();
    history.connection.execute("DELETE FROM stage WHERE number >= 3", []).unwrap();
    assert_eq!(latest(&history, "p"), ["a 2 pass", "b 2 pass"]);
    history.connection.execute("DELETE FROM stage WHERE job = (SELECT id FROM job WHERE name = 'a')", []).unwrap();
    assert_eq!(latest(&history, "p"), ["b 2 pass"]);
    drop(history);
    // A project that began anew has nothing of its former life.
    let mut anew = run(1, vec![passed("a", 1, 77)]);
    anew.record.run = "f".repeat(32);
    state.add("p", &[anew]);
    assert_eq!(latest(&state.open(), "p"), ["a 1 pass"]);
}

/// H81: what is asked of a file that cannot be led to these tables is answered from the older ones.
#[test]
fn h81_an_older_file_that_can_only_be_read_says_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/databases/1.db");
    let state = State::new();
    fs::copy(path, state.file()).unwrap();
    let old = History::as_it_is(&state.file(), STEPS).unwrap();
    let before = latest(&old, "project-0123456789ab");
    drop(old);
    assert_eq!(before, ["a 3 pass", "b:x 1 pass"]);
    assert_eq!(latest(&state.open(), "project-0123456789ab"), before);
}
