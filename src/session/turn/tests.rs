//! A line of runs as a model: runs come and end in any order, and each begins when its turn has come.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind, RunStarted, SCHEMA_VERSION, Sink};
use crate::ids::{RunId, Signature, StageName};
use crate::journal::claim::{Claim, ClaimError, Request, claim};
use crate::journal::header::Header;
use crate::journal::turn::{Refusal, Turn};
use crate::journal::write::JournalWriter;
use crate::session::queue::Waiting;

const QUEUE: Turn = Turn { queue: true, after: None, after_any: None, outer: Vec::new() };

const AT: Timestamp = Timestamp { unix_ms: 1, mono_us: 1 };

fn header(number: RunNumber, waits: Option<&Waits>) -> Header {
    Header {
        schema_version: SCHEMA_VERSION,
        program: String::new(),
        run: RunId::from_bytes([7; 16]),
        number: Some(number),
        started: AT,
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

fn try_claim(project: &ProjectDir, job: u8, turn: &Turn) -> Result<Claim, ClaimError> {
    let jobs = [(Signature::from_bytes([job; 32]), StageName::new("job").unwrap())];
    let request = Request { project, root: Path::new("/p"), jobs: &jobs, turn };
    claim(&request, |run, number, waits| header(number, waits).write(run))
}

/// Writes an event, as a supervisor does.
fn say(run: &RunDir, kind: EventKind) {
    JournalWriter::open(run).unwrap().event(&Event { seq: 0, at: AT, kind }).unwrap();
}

fn finished(verdict: Verdict) -> EventKind {
    EventKind::RunFinished { verdict, exit_code: verdict.exit_code(), duration_ms: 1 }
}

/// What becomes of the model next.
#[derive(Clone, Debug)]
enum Step {
    /// A run is asked for. Runs are named by how many there were when they came.
    Come { job: u8, queue: bool, after: Option<usize>, any: bool },
    /// One of those that run ends like this; lost where there is no verdict.
    End { which: usize, verdict: Option<Verdict> },
    /// One of those that wait is stopped, or its supervisor is killed.
    Stop { which: usize, killed: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let verdict = prop_oneof![3 => Just(Some(Verdict::Passed)), 1 => Just(Some(Verdict::Failed)), 1 => Just(None)];
    let step = prop_oneof![
        4 => (0..3_u8, any::<bool>(), prop::option::weighted(0.5, 0..30_usize), any::<bool>())
            .prop_map(|(job, queue, after, any)| Step::Come { job, queue, after, any }),
        3 => (any::<usize>(), verdict).prop_map(|(which, verdict)| Step::End { which, verdict }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(which, killed)| Step::Stop { which, killed }),
    ];
    prop::collection::vec(step, 1..40)
}

/// A run that goes on.
struct Going {
    claim: Claim,
    job: u8,
    queue: bool,
    begun: bool,
}

/// What there is, beside what the state directory says.
struct Model {
    project: ProjectDir,
    going: Vec<Going>,
    passed: BTreeSet<RunNumber>,
    ended: BTreeSet<RunNumber>,
}

impl Model {
    fn come(&mut self, job: u8, turn: &Turn) {
        let goes_on = |number: &RunNumber| !self.ended.contains(number);
        match try_claim(&self.project, job, turn) {
            Ok(claim) => {
                let begun = claim.waits.is_none();
                if begun {
                    assert!(turn.after.is_none_or(|number| self.passed.contains(&number)));
                    assert!(turn.after_any.as_ref().is_none_or(|number| !goes_on(number)));
                    assert!(!turn.queue || self.going.is_empty());
                    say(&claim.run, EventKind::Resumed);
                }
                self.going.push(Going { claim, job, queue: turn.queue, begun });
            }
            Err(ClaimError::Refused(Refusal::Running { number, is_queued, .. })) => {
                assert!(!turn.queue, "whoever queues is never refused");
                let other = self.going.iter().find(|run| run.claim.number == number).unwrap();
                assert_eq!((other.job, !other.begun), (job, is_queued));
            }
            Err(ClaimError::Refused(Refusal::NotPassed { number, .. })) => {
                assert!(Some(number) == turn.after && !goes_on(&number) && !self.passed.contains(&number));
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn end(&mut self, at: usize, verdict: Option<Verdict>) {
        let run = self.going.remove(at);
        let number = run.claim.number;
        if let Some(verdict) = verdict {
            say(&run.claim.run, finished(verdict));
            self.passed.extend((verdict == Verdict::Passed).then_some(number));
        }
        self.ended.insert(number);
    }

    /// Has everybody look who waits, until nothing more comes of it.
    fn settle(&mut self) {
        while let Some(at) = self.going.iter().position(|run| !run.begun && self.look(run) != Look::Wait) {
            let (number, waits) = (self.going[at].claim.number, self.going[at].claim.waits.clone().unwrap());
            if self.look(&self.going[at]) == Look::InVain {
                let awaited = waits.until_passed.unwrap();
                assert!(self.ended.contains(&awaited) && !self.passed.contains(&awaited));
                self.end(at, Some(Verdict::Cancelled { reason: CancelReason::AwaitedNotPassed }));
                continue;
            }
            assert!(waits.runs().iter().all(|other| *other < number && self.ended.contains(other)));
            assert!(waits.until_passed.is_none_or(|other| self.passed.contains(&other)));
            let run = &self.going[at];
            for other in &self.going {
                assert!(!run.queue || other.claim.number >= number, "it began before its turn");
                assert!(other.job != run.job || !other.begun, "a job runs twice");
            }
            say(&run.claim.run, EventKind::Resumed);
            self.going[at].begun = true;
        }
        let lowest = self.going.iter().min_by_key(|run| run.claim.number);
        assert!(lowest.is_none_or(|run| run.begun), "nobody is left to wait for");
    }

    fn look(&self, run: &Going) -> Look {
        look(&self.project, run.claim.waits.as_ref().unwrap())
    }

    /// Which of those that run, or of those that wait, a number stands for.
    fn choose(&self, which: usize, begun: bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.going.len()).filter(|at| self.going[*at].begun == begun).collect();
        (!fitting.is_empty()).then(|| fitting[which % fitting.len()])
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Each run begins after what it waits for and never before; no job runs twice at a time; whoever queues has its turn
    /// in the order of numbers; there is always one that can go on.
    #[test]
    fn every_run_has_its_turn(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(dir.path(), Path::new("/p"));
        let mut model = Model { project, going: Vec::new(), passed: BTreeSet::new(), ended: BTreeSet::new() };
        let mut came = Vec::new();
        for step in steps {
            match step {
                Step::Come { job, queue, after, any } => {
                    let after = after.and_then(|which| came.get(which).copied());
                    let turn = Turn {
                        queue,
                        after: after.filter(|_| !any),
                        after_any: after.filter(|_| any),
                        outer: Vec::new(),
                    };
                    model.come(job, &turn);
                    came.extend(model.going.last().map(|run| run.claim.number).filter(|last| !came.contains(last)));
                }
                Step::End { which, verdict } => {
                    if let Some(at) = model.choose(which, true) {
                        model.end(at, verdict);
                    }
                }
                Step::Stop { which, killed } => {
                    if let Some(at) = model.choose(which, false) {
                        let stopped = Verdict::Cancelled { reason: CancelReason::Stopped };
                        model.end(at, (!killed).then_some(stopped));
                    }
                }
            }
            model.settle();
        }
        while let Some(at) = model.choose(0, true) {
            model.end(at, Some(Verdict::Passed));
            model.settle();
        }
        prop_assert!(model.going.is_empty(), "all have had their turn");
    }
}

fn project() -> (tempfile::TempDir, ProjectDir) {
    let dir = tempfile::tempdir().unwrap();
    let project = ProjectDir::new(dir.path(), Path::new("/p"));
    (dir, project)
}

/// What is not there any more has ended; of a run that was pruned it is still known whether it passed.
#[test]
fn a_run_that_is_gone_has_ended() {
    let (_dir, project) = project();
    let first = try_claim(&project, 1, &Turn::default()).unwrap();
    let waits = |passed: bool| Waits {
        until_passed: passed.then_some(first.number),
        until_ended: if passed { Vec::new() } else { vec![first.number] },
    };
    assert_eq!([true, false].map(|passed| look(&project, &waits(passed))), [Look::Wait, Look::Wait]);
    std::fs::remove_dir_all(first.run.path()).unwrap();
    assert_eq!([true, false].map(|passed| look(&project, &waits(passed))), [Look::InVain, Look::Come]);
    let line = r#"{"pruned_ms":1,"number":1,"run":"07","started_ms":1,"duration_ms":1,"verdict":"passed","exit_code":0,"stages":[]}"#;
    std::fs::write(project.pruned(), format!("{line}\n")).unwrap();
    assert_eq!(look(&project, &waits(true)), Look::Come);
}

/// A request to end that comes while a run waits ends it; one that is not for waiting is kept for the run.
#[test]
fn a_run_that_waits_can_be_ended() {
    let (_dir, project) = project();
    let first = try_claim(&project, 1, &Turn::default()).unwrap();
    let second = try_claim(&project, 2, &QUEUE).unwrap();
    let messages = crossbeam_channel::unbounded();
    let reason = CancelReason::Hangup;
    messages.0.send(Message::Cancel { reason, level: crate::cancel::CancelLevel::Terminate }).unwrap();
    let waits = second.waits.clone().unwrap();
    assert_eq!(wait(&second.run, &project, &waits, &messages), Waited::Cancelled(reason));
    drop(first);
    assert_eq!(wait(&second.run, &project, &waits, &messages), Waited::Come);
    std::fs::remove_dir_all(second.run.path()).unwrap();
    let stopped = Waited::Cancelled(CancelReason::Stopped);
    assert_eq!(wait(&second.run, &project, &waits, &messages), stopped, "somebody has deleted it");
}

/// The end of an awaited run is heard, not only looked for now and then: by its last word, or by its lock alone.
#[test]
fn an_end_is_heard_at_once() {
    for lost in [false, true] {
        let (_dir, project) = project();
        let first = try_claim(&project, 1, &Turn::default()).unwrap();
        let second = try_claim(&project, 2, &QUEUE).unwrap();
        let messages = crossbeam_channel::unbounded();
        let clock = crate::clock::SystemClock;
        let took = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(&second.run, &project, second.waits.as_ref().unwrap(), &messages));
            // Long enough for the looks to have become seldom.
            sleep(&mut [], Duration::from_millis(1800));
            let ended = crate::clock::Clock::now(&clock);
            if lost {
                drop(first.lock);
            } else {
                say(&first.run, finished(Verdict::Failed));
            }
            assert_eq!(waiting.join().unwrap(), Waited::Come);
            crate::clock::Clock::now(&clock).since(ended)
        });
        // The next look would have come after five.
        assert!(took < Duration::from_secs(3), "lost: {lost}, {took:?}");
    }
}

/// For what a run waits is said when it begins to, when some of it has ended, and in a log when it was not said for a
/// minute; how far the others are stands beside it.
#[test]
fn it_is_said_what_a_run_waits_for() {
    let (_dir, project) = project();
    let first = try_claim(&project, 1, &Turn::default()).unwrap();
    let second = try_claim(&project, 1, &QUEUE).unwrap();
    let third = try_claim(&project, 1, &QUEUE).unwrap();
    let at = |seconds: u64| Timestamp { unix_ms: 0, mono_us: 1_000_000 * seconds };
    let waits = third.waits.clone().unwrap();
    let waiting = |repeats| Waiting::new(project.clone(), third.number, waits.clone(), repeats);
    let (mut log, mut terminal) = (waiting(true), waiting(false));
    let mut both = |seconds| [log.tick(at(seconds)), terminal.tick(at(seconds))].map(Option::unwrap_or_default);
    let text = "run 3 waits for runs 1 (starting) and 2 (queued)";
    assert_eq!(both(100), [text, text]);
    let started = EventKind::RunStarted(RunStarted {
        schema_version: 1,
        run: RunId::from_bytes([7; 16]),
        number: Some(first.number),
        project: "/p".into(),
        jobs: 1,
        stages: Vec::new(),
        remotes: Vec::new(),
    });
    let started = Event { seq: 0, at: at(90), kind: started };
    JournalWriter::open(&first.run).unwrap().event(&started).unwrap();
    assert_eq!(both(130), ["", ""]);
    assert_eq!(both(156), ["", ""]);
    assert_eq!(both(158), ["run 3 waits for runs 1 (running for 1m08s) and 2 (queued)", ""]);
    say(&first.run, finished(Verdict::Failed));
    let text = "run 3 waits for run 2 (queued)";
    assert_eq!(both(160), [text, text]);
    drop(second.lock);
    assert_eq!(both(300), ["", ""], "it is about to begin");
}

/// What stages print wakes nobody who waits for the end of a run; its events do, and its lock.
#[test]
fn only_ends_are_watched_for() {
    let (_dir, project) = project();
    let run = try_claim(&project, 1, &Turn::default()).unwrap();
    let watch = Watch::of_ends().unwrap();
    let heard = || {
        let heard = sleep(&mut [PollFd::new(&watch, PollFlags::IN)], Duration::ZERO);
        watch.clear();
        heard
    };
    watch.add_end(&run.run).unwrap();
    let print = |path: &Path| std::fs::write(path, "a line\n").unwrap();
    print(&run.run.logs().join("a.log"));
    assert!(!heard());
    say(&run.run, EventKind::Resumed);
    assert!(heard(), "its journal was made");
    watch.add_end(&run.run).unwrap();
    heard();
    print(&run.run.logs().join("a.log"));
    assert!(!heard());
    say(&run.run, EventKind::Resumed);
    assert!(heard());
    drop(run.lock);
    assert!(heard());
}
