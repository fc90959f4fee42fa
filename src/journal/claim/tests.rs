//! Claims, alone and side by side, in a state directory of their own.

use super::*;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind, SCHEMA_VERSION, Sink};
use crate::ids::RunId;
use crate::journal::header::Header;
use crate::journal::write::JournalWriter;
use crate::outcome::Verdict;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

fn project() -> (tempfile::TempDir, ProjectDir) {
    let dir = tempfile::tempdir().unwrap();
    let project = ProjectDir::new(dir.path(), Path::new("/p"));
    (dir, project)
}

fn jobs(jobs: &[(u8, &str)]) -> Vec<(Signature, StageName)> {
    jobs.iter().map(|(n, name)| (Signature::from_bytes([*n; 32]), StageName::new(name).unwrap())).collect()
}

fn try_claim(project: &ProjectDir, wanted: &[(u8, &str)]) -> Result<Claim, ClaimError> {
    claim_in_turn(project, wanted, &Turn::default())
}

fn claim_in_turn(project: &ProjectDir, wanted: &[(u8, &str)], turn: &Turn) -> Result<Claim, ClaimError> {
    let request = Request { project, root: Path::new("/p"), jobs: &jobs(wanted), turn };
    claim(&request, |run, number, waits| header(number, waits).write(run))
}

fn header(number: RunNumber, waits: Option<&Waits>) -> Header {
    Header {
        schema_version: SCHEMA_VERSION,
        program: String::new(),
        run: RunId::from_bytes([7; 16]),
        number: Some(number),
        started: Timestamp { unix_ms: 1, mono_us: 1 },
        argv: Vec::new(),
        equivalent: Vec::new(),
        project: String::new(),
        directory: String::new(),
        commit: None,
        branch: None,
        config: Vec::new(),
        stages: Vec::new(),
        remotes: Vec::new(),
        jobs: 1,
        waits: waits.cloned(),
    }
}

const QUEUE: Turn = Turn { queue: true, after: None, after_any: None, outer: Vec::new() };

fn after(number: RunNumber) -> Turn {
    Turn { after: Some(number), ..Turn::default() }
}

fn after_any(number: RunNumber) -> Turn {
    Turn { after_any: Some(number), ..Turn::default() }
}

/// Ends a run, as its supervisor does.
fn end(run: &Claim, verdict: Verdict) {
    let kind = EventKind::RunFinished { verdict, exit_code: verdict.exit_code(), duration_ms: 1 };
    let event = Event { seq: 0, at: Timestamp { unix_ms: 1, mono_us: 1 }, kind };
    JournalWriter::open(&run.run).unwrap().event(&event).unwrap();
}

/// The numbers that a run waits for to have ended, and to have passed.
fn waits_of(claim: &Claim) -> (Vec<u64>, Option<u64>) {
    let waits = claim.waits.clone().unwrap_or_default();
    (waits.until_ended.iter().map(|number| number.0).collect(), waits.until_passed.map(|number| number.0))
}

#[test]
fn numbers_count_up_and_survive_a_lost_counter() {
    let (_dir, project) = project();
    assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(1));
    assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(2));
    for broken in ["", "abc", "\u{fffd}", "18446744073709551615"] {
        let before = project.numbers().unwrap().len() as u64;
        fs::write(project.counter(), broken).unwrap();
        assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(before + 1), "{broken:?}");
    }
}

/// H91: numbers of runs that are gone are not given out again either: a new run would be taken for what was forgotten.
#[test]
fn h91_a_lost_counter_is_made_good_from_what_is_known_of_runs_that_are_gone() {
    let (_dir, project) = project();
    let next = || {
        fs::remove_file(project.counter()).unwrap();
        let held = hold(&project, Path::new("/p")).unwrap();
        let last = last_number(&project).unwrap();
        drop(held);
        fs::remove_file(project.counter()).unwrap();
        (last.0, try_claim(&project, &[]).unwrap().number.0)
    };
    try_claim(&project, &[]).unwrap();
    fs::write(project.pruned(), "{\"pruned_ms\":1,\"number\":7,\"run\":\"x\"}\n{\"number\":3}\nnothing\n").unwrap();
    assert_eq!(next(), (7, 8));
    fs::write(project.forgotten(), "{\"job\":\"a\",\"through\":41}\n{\"through\":5,\"told\":true}\n{\"thr").unwrap();
    assert_eq!(next(), (41, 42));
    fs::write(project.forgotten(), "{\"through\":18446744073709551615}\n").unwrap();
    assert_eq!(next(), (42, 43), "no number comes after that one");
}

#[test]
fn only_what_is_named_as_runs_are_is_a_run() {
    let (_dir, project) = project();
    try_claim(&project, &[]).unwrap();
    for name in ["007", "+8", "9.old", "10 "] {
        create_dir(&project.runs().join(name)).unwrap();
    }
    assert_eq!(project.numbers().unwrap(), [RunNumber(1)]);
    create_dir(project.run(RunNumber(u64::MAX)).path()).unwrap();
    fs::write(project.counter(), "").unwrap();
    assert!(matches!(try_claim(&project, &[]), Err(ClaimError::Io(_))), "there is no number after that");
}

/// H89: one job runs once at a time; another job of the same project does not mind.
#[test]
fn h89_a_running_job_is_refused_until_its_lock_is_free() {
    let (_dir, project) = project();
    let first = try_claim(&project, &[(1, "fmt"), (2, "test")]).unwrap();
    assert!(try_claim(&project, &[(3, "lint")]).is_ok());
    match try_claim(&project, &[(2, "test")]) {
        Err(ClaimError::Refused(Refusal::Running { stage, number, is_queued: false })) => {
            assert_eq!((stage.as_str(), number), ("test", first.number));
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    assert!(try_claim(&project, &[(2, "test")]).is_ok());
}

/// H89: two starters at once have exactly one winner, every time.
#[test]
fn h89_a_race_has_one_winner() {
    let (_dir, project) = project();
    for round in 0..200 {
        let barrier = std::sync::Barrier::new(4);
        let claims: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        try_claim(&project, &[(1, "test")])
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1, "round {round}");
    }
}

/// H29: what a killed claim left behind, even read-only, is in nobody's way.
#[test]
fn h29_leftovers_of_a_killed_claim_are_removed() {
    let (_dir, project) = project();
    try_claim(&project, &[]).unwrap();
    let leftover = project.unborn().join("2");
    create_dir(&leftover).unwrap();
    private_file().write(true).create(true).truncate(false).mode_read_only(leftover.join("lock"));
    fs::write(project.active().join("9"), "no line of ours").unwrap();
    let claim = try_claim(&project, &[]).unwrap();
    assert_eq!(claim.number, RunNumber(2));
    assert!(!leftover.exists());
    assert!(!project.active().join("9").exists());
}

trait ReadOnly {
    fn mode_read_only(&mut self, path: std::path::PathBuf);
}
impl ReadOnly for fs::OpenOptions {
    fn mode_read_only(&mut self, path: std::path::PathBuf) {
        use std::os::unix::fs::OpenOptionsExt;
        self.mode(0o444).open(path).unwrap();
    }
}

/// H27: a first claim that was killed before it had made all directories is made up for by the next one.
#[test]
fn h27_a_project_that_was_never_finished_is_finished() {
    let (_dir, project) = project();
    for made in [project.path().to_owned(), project.active(), project.unborn(), project.runs()] {
        let _ = fs::remove_dir_all(project.path());
        create_dir(&made).unwrap();
        assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(1), "{}", made.display());
    }
}

#[test]
fn a_claim_whose_directory_cannot_be_filled_publishes_nothing() {
    let (_dir, project) = project();
    let failed = claim(&Request { project: &project, root: Path::new("/p"), jobs: &[], turn: &QUEUE }, |_, _, _| {
        Err(io::ErrorKind::StorageFull.into())
    });
    assert!(matches!(failed, Err(ClaimError::Io(_))));
    assert!(project.numbers().unwrap().is_empty());
    assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(2));
}

#[test]
fn a_queued_run_waits_for_all_that_go_on_and_is_seen_to_wait() {
    let (_dir, project) = project();
    let alone = claim_in_turn(&project, &[(1, "test")], &QUEUE).unwrap();
    assert_eq!(alone.waits, None, "there is nobody to wait for");
    let other = try_claim(&project, &[(2, "lint")]).unwrap();
    let third = claim_in_turn(&project, &[(1, "test")], &QUEUE).unwrap();
    assert_eq!(waits_of(&third), (vec![1, 2], None));
    assert_eq!(state::of(&alone.run).unwrap(), RunState::Running, "it says nothing yet, and waits for nobody");
    assert_eq!(state::of(&third.run).unwrap(), RunState::Queued);
    end(&other, Verdict::Failed);
    let fourth = claim_in_turn(&project, &[(1, "test")], &QUEUE).unwrap();
    assert_eq!(waits_of(&fourth), (vec![1, 3], None));
    assert_eq!(active(&project).unwrap(), [RunNumber(1), RunNumber(3), RunNumber(4)]);
}

/// H89: a job that another run has is refused, whether that one runs or waits, unless it is waited for.
#[test]
fn h89_a_queued_job_is_refused_by_who_does_not_wait_for_it() {
    let (_dir, project) = project();
    let first = try_claim(&project, &[(1, "test")]).unwrap();
    let second = claim_in_turn(&project, &[(1, "test"), (2, "lint")], &QUEUE).unwrap();
    let refused = |turn: &Turn, job| match claim_in_turn(&project, &[job], turn) {
        Err(ClaimError::Refused(Refusal::Running { number, is_queued, .. })) => (number.0, is_queued),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&Turn::default(), (2, "lint")), (2, true));
    assert_eq!(refused(&Turn::default(), (1, "test")), (1, false));
    assert_eq!(refused(&after(first.number), (2, "lint")), (2, true), "it waits for another run than that");
    let third = claim_in_turn(&project, &[(3, "docs")], &after_any(second.number)).unwrap();
    assert_eq!(waits_of(&third), (vec![2], None));
}

/// Who waits for a queued run waits for what is before it too, where they have a job in common: the one between may be
/// stopped before its turn has come.
#[test]
fn a_chain_is_kept_where_a_run_in_it_is_stopped() {
    let (_dir, project) = project();
    let _first = try_claim(&project, &[(1, "test")]).unwrap();
    let second = claim_in_turn(&project, &[(1, "test")], &after(RunNumber(1))).unwrap();
    let third = claim_in_turn(&project, &[(1, "test")], &after(second.number)).unwrap();
    assert_eq!(waits_of(&third), (vec![1], Some(2)));
    let fourth = claim_in_turn(&project, &[(1, "test")], &after_any(third.number)).unwrap();
    assert_eq!(waits_of(&fourth), (vec![1, 2, 3], None));
    let other = claim_in_turn(&project, &[(9, "docs")], &after(second.number)).unwrap();
    assert_eq!(waits_of(&other), (vec![], Some(2)), "that has nothing to do with the first");
    let both = Turn { queue: true, ..after(third.number) };
    let both = claim_in_turn(&project, &[(1, "test")], &both).unwrap();
    assert_eq!(waits_of(&both), (vec![1, 2, 4, 5], Some(3)));
}

#[test]
fn after_a_run_that_has_ended_it_starts_at_once_or_not_at_all() {
    let (_dir, project) = project();
    let [passed, failed, lost] = [(); 3].map(|()| try_claim(&project, &[]).unwrap());
    let numbers = [passed.number, failed.number, lost.number];
    end(&passed, Verdict::Passed);
    end(&failed, Verdict::Failed);
    drop(lost);
    assert_eq!(claim_in_turn(&project, &[], &after(numbers[0])).unwrap().waits, None);
    for number in &numbers[1..] {
        let before = project.numbers().unwrap();
        let refused = claim_in_turn(&project, &[], &after(*number));
        assert!(matches!(refused, Err(ClaimError::Refused(Refusal::NotPassed { number: n, .. })) if n == *number));
        assert_eq!(project.numbers().unwrap(), before, "nothing was claimed");
        assert_eq!(claim_in_turn(&project, &[], &after_any(*number)).unwrap().waits, None);
    }
}

/// What a stage starts cannot wait for the run that the stage is in, nor for what waits for that one.
#[test]
fn a_run_never_waits_for_what_waits_for_it() {
    let (_dir, project) = project();
    let outer = try_claim(&project, &[(1, "outer")]).unwrap();
    let _aside = try_claim(&project, &[(2, "aside")]).unwrap();
    let _behind = claim_in_turn(&project, &[(1, "outer")], &after_any(outer.number)).unwrap();
    let _further = claim_in_turn(&project, &[(5, "further")], &after_any(RunNumber(3))).unwrap();
    let within = |turn: Turn, job| claim_in_turn(&project, &[job], &Turn { outer: vec![outer.number], ..turn });
    assert_eq!(waits_of(&within(QUEUE, (6, "inner")).unwrap()), (vec![2], None));
    for turn in [after(outer.number), after_any(RunNumber(3)), Turn { after: Some(RunNumber(4)), ..QUEUE }] {
        assert!(matches!(within(turn, (7, "inner")), Err(ClaimError::Refused(Refusal::WaitsForUs { .. }))));
    }
    let same = within(QUEUE, (1, "outer"));
    assert!(matches!(same, Err(ClaimError::Refused(Refusal::Running { number: RunNumber(1), .. }))), "{same:?}");
}

/// H89: of many that queue at once, each waits for all that came before it.
#[test]
fn h89_a_race_of_queuers_makes_one_line() {
    let (_dir, project) = project();
    for round in 0..50 {
        let barrier = std::sync::Barrier::new(4);
        let claims: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        claim_in_turn(&project, &[(1, "test")], &QUEUE).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let numbers: BTreeSet<u64> = claims.iter().map(|claim| claim.number.0).collect();
        for claim in &claims {
            let before: Vec<u64> = numbers.range(..claim.number.0).copied().collect();
            assert_eq!(waits_of(claim), (before, None), "round {round}");
        }
    }
}

/// H92: whoever waited for the lock of a file that was replaced meanwhile waits for the lock of the new one.
#[test]
fn h92_the_lock_of_a_file_that_was_replaced_is_nobodys() {
    let (_dir, project) = project();
    try_claim(&project, &[]).unwrap();
    let old = File::options().read(true).write(true).open(project.counter()).unwrap();
    lock::wait_exclusive(&old).unwrap();
    let is_waited_for = |file: &File| {
        let inode = format!(":{} ", file.metadata().unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("->") && line.contains(&inode))
    };
    std::thread::scope(|scope| {
        let claim = scope.spawn(|| try_claim(&project, &[]).unwrap());
        while !is_waited_for(&old) {
            std::thread::yield_now();
        }
        fs::remove_file(project.counter()).unwrap();
        let new = File::options().read(true).write(true).create_new(true).open(project.counter()).unwrap();
        lock::wait_exclusive(&new).unwrap();
        fs::write(project.counter(), "40").unwrap();
        drop(old);
        while !is_waited_for(&new) {
            assert!(!claim.is_finished(), "it went on with a lock that was worth nothing");
            std::thread::yield_now();
        }
        fs::write(project.counter(), "41").unwrap();
        drop(new);
        assert_eq!(claim.join().unwrap().number, RunNumber(42));
    });
    fs::remove_file(project.counter()).unwrap();
    assert_eq!(try_claim(&project, &[]).unwrap().number, RunNumber(43), "one that is gone is made anew");
}

/// H34: where a later version keeps its state, nothing is claimed, and nothing is touched.
#[test]
fn h34_a_state_of_a_later_version_is_left_alone() {
    let (_dir, project) = project();
    try_claim(&project, &[(1, "test")]).unwrap();
    assert!(fs::read_to_string(project.project_file()).unwrap().contains("\"format\":1"));
    create_dir(&project.unborn().join("2")).unwrap();
    fs::write(project.project_file(), "{\"root\":\"/p\",\"format\":2}").unwrap();
    let all = || {
        let dirs = [project.path().to_owned(), project.active(), project.unborn(), project.runs()];
        let names =
            dirs.map(|dir| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect::<BTreeSet<_>>());
        (names, fs::read(project.counter()).unwrap())
    };
    let before = all();
    let refused = try_claim(&project, &[(2, "lint")]);
    assert!(matches!(&refused, Err(ClaimError::Newer(newer)) if newer.found == "2"), "{refused:?}");
    assert_eq!(all(), before);
    // Nor where it has given up the file whose lock was the project's.
    fs::remove_file(project.counter()).unwrap();
    assert!(matches!(try_claim(&project, &[]), Err(ClaimError::Newer(_))));
    assert!(!project.counter().exists());
}

/// Whoever has the project's lock, a claim that is withdrawn is gone.
#[test]
fn a_withdrawn_claim_leaves_its_number_and_nothing_else() {
    let (_dir, project) = project();
    for holds in [false, true] {
        let claim = try_claim(&project, &[(1, "test")]).unwrap();
        let held = holds.then(|| hold(&project, Path::new("/p")).unwrap());
        withdraw(&project, &claim.run, claim.number);
        drop(held);
        assert_eq!(project.numbers().unwrap(), []);
        for dir in [project.active(), project.unborn()] {
            assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
        }
    }
    assert_eq!(try_claim(&project, &[(1, "test")]).unwrap().number, RunNumber(3));
}

/// A run of these jobs that was lost.
fn lost(project: &ProjectDir, wanted: &[(u8, &str)]) -> RunNumber {
    let claim = try_claim(project, wanted).unwrap();
    drop(claim.lock);
    claim.number
}

/// H89: of all who go on with a lost run at the same time one does, and it is seen to without a gap from then on.
#[test]
fn h89_a_lost_run_is_taken_again_by_one() {
    let (_dir, project) = project();
    for _ in 0..20 {
        let number = lost(&project, &[(1, "a")]);
        let barrier = std::sync::Barrier::new(4);
        let taken: Vec<_> = std::thread::scope(|scope| {
            let take = || {
                barrier.wait();
                retake(&project, Path::new("/p"), number, &jobs(&[(1, "a")]))
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.iter().filter(|taken| matches!(taken, Err(RetakeError::Held))).count(), 3, "{taken:?}");
        assert_eq!(state::of(&project.run(number)).unwrap(), RunState::Running);
        assert_eq!(active(&project).unwrap(), [number]);
        assert_eq!(marked(&project, number), [StageName::new("a").unwrap()]);
    }
}

/// H89: what another run does meanwhile is not done twice.
#[test]
fn h89_a_lost_run_is_not_taken_again_while_its_jobs_run_elsewhere() {
    let (_dir, project) = project();
    let number = lost(&project, &[(1, "a"), (2, "b")]);
    let other = try_claim(&project, &[(2, "b")]).unwrap();
    let take = |wanted| retake(&project, Path::new("/p"), number, &jobs(wanted));
    match take(&[(1, "a"), (2, "b")]) {
        Err(RetakeError::Refused(Refusal::Running { stage, number, .. })) => {
            assert_eq!((stage.as_str(), number), ("b", other.number));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(state::of(&project.run(number)).unwrap(), RunState::Lost);
    // What has ended of it is no job any more.
    let (run, waits) = (project.run(number), None);
    let again = Claim { run, number, lock: take(&[(1, "a")]).unwrap(), waits };
    end(&again, Verdict::Passed);
    drop(again);
    assert!(matches!(take(&[]), Err(RetakeError::Over)));
    fs::remove_dir_all(project.run(number).path()).unwrap();
    assert!(matches!(take(&[]), Err(RetakeError::Over)), "it was deleted");
}
