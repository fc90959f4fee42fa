//! How jobs stand, over run directories that are written here.

use std::fs::File;

use tempfile::TempDir;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::event::{EventKind, SCHEMA_VERSION, Sink};
use crate::ids::RunId;
use crate::journal::claim::{Claim, Request, claim};
use crate::journal::header::{HeaderStage, Waits};
use crate::journal::layout::open_append;
use crate::journal::turn::Turn;
use crate::journal::write::JournalWriter;
use crate::outcome::{Outcome, Verdict};
use crate::pipeline::Command;
use crate::view::recorded::{Recorded, expecting, failed, stage};

fn name(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

/// A project's state, with the locks of the runs that go on in it.
struct Place {
    _dir: TempDir,
    project: ProjectDir,
    held: Vec<File>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { project: ProjectDir::new(dir.path(), Path::new("/p")), _dir: dir, held: Vec::new() }
    }

    /// A run that has these stages and has said nothing yet.
    fn claim(&mut self, stages: &[&str], waits: Option<Waits>) -> Claim {
        let jobs: Vec<_> = stages.iter().map(|stage| (Signature::from_bytes([7; 32]), name(stage))).collect();
        let stages = jobs.iter().map(|(signature, name)| HeaderStage {
            name: name.clone(),
            signature: *signature,
            command: Command::Argv(vec!["make".into(), name.to_string()]),
            dir: String::new(),
            env: Vec::new(),
        });
        let header = Header {
            schema_version: SCHEMA_VERSION,
            program: String::new(),
            run: RunId::from_bytes([1; 16]),
            number: None,
            started: Timestamp { unix_ms: 1_700_000_000_000, mono_us: 1 },
            argv: Vec::new(),
            equivalent: Vec::new(),
            project: "/p".into(),
            directory: "/p".into(),
            commit: None,
            branch: None,
            config: Vec::new(),
            stages: stages.collect(),
            remotes: Vec::new(),
            jobs: 1,
            waits,
        };
        // What overlaps here is nobody's concern.
        let request = Request { project: &self.project, root: Path::new("/p"), jobs: &[], turn: &Turn::default() };
        claim(&request, |run, _, _| header.write(run)).unwrap()
    }

    /// A run of which this was said, and that goes on.
    fn goes_on(&mut self, recorded: &Recorded) -> RunNumber {
        let events = recorded.events();
        let EventKind::RunStarted(started) = &events[0].kind else { panic!("{events:?}") };
        let stages: Vec<&str> = started.stages.iter().map(|stage| stage.name.as_str()).collect();
        let claim = self.claim(&stages, None);
        let mut journal = JournalWriter::open(&claim.run).unwrap();
        for event in &events {
            journal.event(event).unwrap();
        }
        self.held.push(claim.lock);
        claim.number
    }

    /// The same of one that nobody sees to any more.
    fn is_over(&mut self, recorded: &Recorded) -> RunNumber {
        let number = self.goes_on(recorded);
        self.held.pop();
        number
    }

    /// The jobs, so long after the first event of a recorded run; nothing is in the index.
    fn board(&self, seconds: u64) -> Board {
        let now = Timestamp { unix_ms: 1_700_000_000_000, mono_us: 5_000_000 }.after(Duration::from_secs(seconds));
        board(&self.project, Vec::new(), &self.project.numbers().unwrap(), now)
    }
}

/// How a job stands, in a word and its run.
fn said(board: &Board, job: &str) -> String {
    let Some(standing) = board.jobs.get(&name(job)) else { return "nothing".into() };
    let state = match &standing.state {
        State::Queued { behind } => format!("queued behind {behind:?}"),
        State::Waiting => "waiting".into(),
        State::Running(progress) => match progress.paused {
            Some(paused) => format!("paused for {paused:?} after {:?}", progress.elapsed),
            None => format!("running for {:?}, silent for {:?}", progress.elapsed, progress.silent),
        },
        State::Stopped { status, exit_code, .. } => format!("{status} {exit_code:?}"),
        State::Lost => "lost".into(),
        State::Left => "left".into(),
    };
    let queued = if standing.queued.is_empty() { String::new() } else { format!(", then {:?}", standing.queued) };
    format!("{state}, run {}{queued}", standing.number)
}

#[test]
fn a_run_that_goes_on_says_how_its_jobs_stand() {
    let mut place = Place::new();
    let mut run = Recorded::of(["done", "bad", "now", "next"].map(|name| stage(name, "true")).to_vec());
    run.start(0).wait(1000).finish(0, Outcome::Passed).start(1).finish(1, failed(3)).start(2);
    place.goes_on(&run);
    let board = place.board(61);
    assert_eq!(said(&board, "done"), "pass Some(0), run 1");
    assert_eq!(said(&board, "bad"), "fail Some(3), run 1");
    assert_eq!(said(&board, "now"), "running for 60s, silent for 60s, run 1");
    assert_eq!(said(&board, "next"), "waiting, run 1");
    assert_eq!(said(&board, "other"), "nothing");
    assert_eq!(board.jobs[&name("now")].command.as_deref(), Some("true"));
}

/// What was printed last is what a silence is counted from, and nobody prints while a run is paused.
#[test]
fn a_silence_is_counted_from_the_last_byte_or_from_the_end_of_a_pause() {
    let mut place = Place::new();
    let mut run = Recorded::of(vec![stage("now", "true")]);
    run.start(0);
    place.goes_on(&run);
    let log = open_append(&place.project.run(RunNumber(1)).log(&name("now"), 1)).unwrap();
    let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    log.set_modified(at(100)).unwrap();
    assert_eq!(said(&place.board(160), "now"), "running for 160s, silent for 60s, run 1");
    // A clock that was set back.
    assert_eq!(said(&place.board(90), "now"), "running for 90s, silent for 0ns, run 1");
    let mut paused = Recorded::of(vec![stage("held", "true")]);
    paused.start(0).wait(10_000).push(EventKind::Paused);
    place.goes_on(&paused);
    assert_eq!(said(&place.board(100), "held"), "paused for 90s after 10s, run 2");
    paused.wait(500_000).push(EventKind::Resumed);
    let number = place.goes_on(&paused);
    open_append(&place.project.run(number).events()).unwrap().set_modified(at(510)).unwrap();
    assert_eq!(said(&place.board(540), "held"), "running for 40s, silent for 30s, run 3");
}

#[test]
fn what_is_foretold_goes_along_but_not_between_two_attempts() {
    let mut place = Place::new();
    let mut info = stage("now", "true");
    info.estimate = Some(expecting(9000));
    let mut run = Recorded::of(vec![info]);
    run.start(0).wait(1000);
    place.goes_on(&run);
    let progress = |board: &Board| match &board.jobs[&name("now")].state {
        State::Running(progress) => (progress.attempt, progress.estimate.is_some()),
        other => panic!("{other:?}"),
    };
    assert_eq!(progress(&place.board(2)), (1, true));
    run.retry(0, failed(1), 60_000);
    place.goes_on(&run);
    assert_eq!(progress(&place.board(2)), (2, false));
}

/// H24: what nobody sees to any more and never said how it ended is lost.
#[test]
fn h24_what_was_started_in_a_lost_run_is_lost() {
    let mut place = Place::new();
    let mut run = Recorded::of(vec![stage("now", "true"), stage("next", "true")]);
    run.start(0);
    place.is_over(&run);
    let board = place.board(9);
    assert_eq!((said(&board, "now"), said(&board, "next")), ("lost, run 1".into(), "nothing".into()));
}

#[test]
fn a_queued_run_says_what_it_still_waits_for() {
    let mut place = Place::new();
    let mut first = Recorded::of(vec![stage("a", "true")]);
    first.start(0);
    place.goes_on(&first);
    let mut over = Recorded::of(vec![stage("b", "true")]);
    over.start(0).finish(0, Outcome::Passed).end(Verdict::Passed);
    place.is_over(&over);
    let waits = Waits { until_ended: vec![RunNumber(1), RunNumber(2)], until_passed: None };
    let queued = place.claim(&["b", "new"], Some(waits));
    let board = place.board(9);
    assert_eq!(said(&board, "new"), "queued behind [RunNumber(1)], run 3");
    assert_eq!(said(&board, "b"), "queued behind [RunNumber(1)], run 3");
    assert_eq!(board.jobs[&name("new")].command.as_deref(), Some("make new"));
    // What runs is not hidden by what is to run after it.
    let again = place.claim(&["a", "new"], Some(Waits { until_ended: vec![RunNumber(3)], until_passed: None }));
    let board = place.board(9);
    assert_eq!(said(&board, "a"), "running for 9s, silent for 9s, run 1, then [RunNumber(4)]");
    assert_eq!(said(&board, "new"), "queued behind [RunNumber(1)], run 3, then [RunNumber(4)]");
    drop((queued, again));
    let young = place.claim(&["new"], None);
    assert_eq!(said(&place.board(9), "new"), "waiting, run 5");
    drop(young);
}

/// The index says what came of a job unless a later run does; what its `fix` came to says nothing of it.
#[test]
fn the_latest_run_has_the_last_word() {
    let mut place = Place::new();
    for outcome in [failed(1), Outcome::Passed] {
        let mut run = Recorded::of(vec![stage("a", "true")]);
        run.start(0).finish(0, outcome).end(Verdict::Failed);
        place.is_over(&run);
    }
    let mut info = stage("a", "true");
    info.is_fix = true;
    let mut fix = Recorded::of(vec![info]);
    fix.start(0).finish(0, Outcome::Passed).end(Verdict::Passed);
    place.is_over(&fix);
    let latest = |job: &str, number| Latest {
        name: name(job),
        number: RunNumber(number),
        started_ms: 1,
        status: Status::Cancelled,
        duration_ms: 5,
        signature: Signature::from_bytes([7; 32]),
        exit_code: None,
    };
    let unseen = [RunNumber(2), RunNumber(3)];
    let now = SystemClock.now();
    let with = |number| board(&place.project, vec![latest("a", number), latest("old", 1)], &unseen, now);
    assert_eq!(said(&with(1), "a"), "pass Some(0), run 2");
    assert_eq!(said(&with(9), "a"), "cancelled None, run 9");
    let mut found = with(9);
    assert_eq!(said(&found, "old"), "cancelled None, run 1");
    found.find_commands(&place.project, |_| true);
    assert_eq!(found.jobs[&name("old")].command, None, "run 1 had no such stage");
}

#[test]
fn a_damaged_run_is_named_and_passed_over() {
    let mut place = Place::new();
    let mut run = Recorded::of(vec![stage("a", "true")]);
    run.start(0).finish(0, failed(1)).end(Verdict::Failed);
    place.is_over(&run);
    for _ in 0..3 {
        drop(place.claim(&["b"], None));
    }
    let dir = |number| place.project.run(RunNumber(number));
    fs::write(dir(2).header(), "{").unwrap();
    fs::remove_dir_all(dir(3).path()).unwrap();
    fs::write(dir(3).path(), "no directory").unwrap();
    fs::remove_file(dir(4).header()).unwrap();
    let board = place.board(9);
    assert_eq!(said(&board, "a"), "fail Some(1), run 1");
    let damaged: Vec<u64> = board.damaged.iter().map(|(number, _)| number.0).collect();
    assert_eq!(damaged, [2, 3, 4]);
}
