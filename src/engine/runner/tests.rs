//! The loop with threads, a scripted executor and a clock that stands still.

mod left;
mod observed;

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use super::*;
use crate::clock::{ManualClock, Timestamp};
use crate::engine::request::{Answer, Request};
use crate::event::{OutputSink, StageLog, Stream};
use crate::executor::Ended;
use crate::executor::fake::{FakeExecutor, Script};
use crate::ids::{Signature, StageName};
use crate::outcome::{Outcome, exit};
use crate::pipeline::{Command, Policy};
use crate::plan::{Decision, PlannedStage};
use observed::Watcher;

/// Remembers events; can be told to fail.
#[derive(Default)]
struct Events {
    seen: Vec<Event>,
    failing: bool,
}

impl Sink for Events {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.seen.push(event.clone());
        if self.failing { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn tick(&mut self, _now: Timestamp) -> io::Result<()> {
        Ok(())
    }
}

impl Events {
    fn outcomes(&self) -> Vec<(u32, &'static str)> {
        let mut outcomes: Vec<_> = self
            .seen
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::StageFinished(finished) => Some((finished.stage.0, finished.outcome.word())),
                _ => None,
            })
            .collect();
        outcomes.sort_unstable();
        outcomes
    }
}

#[derive(Default)]
struct Book(Arc<Mutex<Vec<u8>>>);

struct Page(Arc<Mutex<Vec<u8>>>, u64);

impl Logbook for Book {
    fn open(&self, _stage: &StageName, _attempt: u32, _max: u64) -> Box<dyn StageLog> {
        Box::new(Page(Arc::clone(&self.0), 0))
    }

    fn reopen(&self, _stage: &StageName, _attempt: u32, _max: u64) -> (Box<dyn StageLog>, u64) {
        let bytes = self.0.lock().unwrap().len() as u64;
        (Box::new(Page(Arc::clone(&self.0), bytes)), bytes)
    }
}

impl OutputSink for Page {
    fn write(&mut self, _stream: Stream, bytes: &[u8]) {
        self.1 += bytes.len() as u64;
        self.0.lock().unwrap().extend_from_slice(bytes);
    }
}

impl StageLog for Page {
    fn finish(self: Box<Self>) -> LogInfo {
        LogInfo { bytes: self.1, ..LogInfo::default() }
    }
}

/// An executor that has a bug.
struct Panicking;

impl Executor for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn execute(&self, _: &Job, _: &mut dyn OutputSink, _: &CancelToken) -> Result<Ended, ExecError> {
        panic!("on purpose")
    }
}

/// An executor elsewhere, which has something to tell once it was used.
#[derive(Default)]
struct Elsewhere(std::sync::atomic::AtomicBool);

impl Executor for Elsewhere {
    fn name(&self) -> &'static str {
        "box"
    }

    fn execute(&self, _: &Job, _: &mut dyn OutputSink, _: &CancelToken) -> Result<Ended, ExecError> {
        self.0.store(true, std::sync::atomic::Ordering::Release);
        Ok(Ended { exit: crate::outcome::Exit::Code(0), leaked: Vec::new(), took: Some(Duration::from_secs(9)) })
    }

    fn last_news(&self) -> Option<RemoteNews> {
        let is_used = self.0.load(std::sync::atomic::Ordering::Acquire);
        is_used.then_some(RemoteNews::Done { received: 3, round_trip_us: 2 })
    }
}

fn name(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

fn stage(text: &str, executor: &str, needs: &[u32]) -> PlannedStage {
    PlannedStage {
        name: name(text),
        decision: Decision::Run,
        reasons: Vec::new(),
        command: Command::Argv(vec!["true".into()]),
        needs: needs.iter().map(|id| StageId(*id)).collect(),
        env: std::collections::BTreeMap::new(),
        dir: PathBuf::new(),
        policy: Policy::default(),
        executor: executor.into(),
        signature: Signature::from_bytes([0; 32]),
        is_fix: false,
        has_fix: false,
        inputs: Vec::new(),
        inputs_digest: None,
        outputs: Vec::new(),
        annotate: Vec::new(),
        secrets: Vec::new(),
        estimate: None,
    }
}

fn plan(stages: Vec<PlannedStage>) -> Plan {
    Plan {
        root: "/p".into(),
        stages: stages.into_iter().collect(),
        jobs: 4,
        fail_fast: false,
        flaky: crate::pipeline::Flaky::Pass,
        timeout: None,
        left_out: Vec::new(),
        warnings: Vec::new(),
        remotes: std::collections::BTreeMap::new(),
        plugins: std::collections::BTreeMap::new(),
        reporters: Vec::new(),
        secrets: std::collections::BTreeMap::new(),
        mask: Vec::new(),
    }
}

struct Bench {
    fake: Arc<FakeExecutor>,
    events: Events,
    output: Arc<Mutex<Vec<u8>>>,
    messages: (Sender<Message>, Receiver<Message>),
    lent: Lent,
    observer: Option<Watcher>,
    clock: Arc<ManualClock>,
}

/// Remembers what was lent; none where all was called back.
#[derive(Default)]
struct Lent(Vec<Option<u32>>);

impl Lender for Lent {
    fn lend(&mut self, slots: u32) {
        self.0.push(Some(slots));
    }

    fn recall(&mut self) {
        self.0.push(None);
    }
}

impl Bench {
    fn new() -> Self {
        Self {
            fake: Arc::new(FakeExecutor::new()),
            events: Events::default(),
            output: Arc::default(),
            messages: crossbeam_channel::unbounded(),
            lent: Lent::default(),
            observer: None,
            clock: Arc::default(),
        }
    }

    fn run(&mut self, plan: Plan) -> Verdict {
        self.with_ports(|identity, ports| run(plan, identity, ports))
    }

    fn with_ports(&mut self, go: impl FnOnce(Identity, Ports<'_>) -> Verdict) -> Verdict {
        let identity =
            Identity { run: RunId::from_bytes([7; 16]), number: Some(RunNumber(1)), env: Vec::new(), grace_cap: None };
        let fake: Arc<dyn Executor> = self.fake.clone();
        let ports = Ports {
            clock: self.clock.clone(),
            executors: vec![fake, Arc::new(Panicking), Arc::new(Elsewhere::default())],
            logbook: Arc::new(Book(Arc::clone(&self.output))),
            sink: &mut self.events,
            messages: self.messages.clone(),
            lender: Some(&mut self.lent),
            observer: self.observer.as_mut().map(|observer| observer as &mut dyn Observer),
        };
        go(identity, ports)
    }
}

#[test]
fn events_are_numbered_without_gaps_and_begin_and_end_as_documented() {
    let mut bench = Bench::new();
    bench.fake.script(&name("a"), Script::exit(0).printing("hello"));
    let verdict = bench.run(plan(vec![stage("a", "fake", &[]), stage("b", "fake", &[0])]));
    assert_eq!(verdict, Verdict::Passed);
    assert_eq!(bench.fake.started(), [(name("a"), 1), (name("b"), 1)]);
    assert_eq!(*bench.output.lock().unwrap(), b"hello");
    let events = &bench.events.seen;
    assert!(events.iter().enumerate().all(|(at, event)| event.seq == at as u64));
    assert!(matches!(events[0].kind, EventKind::RunStarted(_)));
    assert!(matches!(events[events.len() - 1].kind, EventKind::RunFinished { exit_code: exit::PASSED, .. }));
    let log = events.iter().find_map(|event| match &event.kind {
        EventKind::StageFinished(finished) if finished.stage == StageId(0) => Some(finished.log),
        _ => None,
    });
    assert_eq!(log.map(|log| log.bytes), Some(5));
}

/// A bug in an executor, and one that is not there, cost their stage a verdict and nothing else.
#[test]
fn a_panicking_executor_is_no_verdict_and_the_rest_goes_on() {
    let mut bench = Bench::new();
    let stages = vec![stage("a", "panicking", &[]), stage("b", "nowhere", &[]), stage("c", "fake", &[])];
    assert_eq!(bench.run(plan(stages)), Verdict::Errored);
    assert_eq!(bench.events.outcomes(), [(0, "error"), (1, "error"), (2, "pass")]);
}

/// Nobody being able to write about a run does not change what it comes to.
#[test]
fn h75_a_failing_sink_changes_nothing() {
    let mut bench = Bench::new();
    bench.events.failing = true;
    bench.fake.script(&name("a"), Script::exit(3));
    assert_eq!(bench.run(plan(vec![stage("a", "fake", &[])])), Verdict::Failed);
}

/// A request that is there before anything else was heard ends everything, each stage once.
#[test]
fn a_request_to_end_reaches_a_stage_that_would_never_end() {
    let mut bench = Bench::new();
    bench.fake.script(&name("a"), Script::endless());
    let cancel = Message::Cancel { reason: CancelReason::Stopped, level: CancelLevel::Terminate };
    bench.messages.0.send(cancel).unwrap();
    let verdict = bench.run(plan(vec![stage("a", "fake", &[]), stage("b", "fake", &[0])]));
    assert_eq!(verdict, Verdict::Cancelled { reason: CancelReason::Stopped });
    assert_eq!(bench.events.outcomes(), [(0, "cancelled"), (1, "cancelled")]);
    assert_eq!(bench.fake.started(), [(name("a"), 1)]);
}

#[test]
fn the_attempts_of_a_stage_are_numbered() {
    let mut bench = Bench::new();
    let mut flaky = stage("a", "fake", &[]);
    flaky.policy.retries = 2;
    bench.fake.script(&name("a"), Script::exit(1));
    bench.fake.script(&name("a"), Script::exit(0));
    assert_eq!(bench.run(plan(vec![flaky])), Verdict::Passed);
    assert_eq!(bench.fake.started(), [(name("a"), 1), (name("a"), 2)]);
    let last = bench.events.seen.iter().find_map(|event| match &event.kind {
        EventKind::StageFinished(finished) => Some((finished.attempt, finished.outcome.clone())),
        _ => None,
    });
    assert_eq!(last, Some((2, Outcome::Passed)));
}

/// What was lost is there again for every stage that runs after all others have ended, chained to them or not.
#[test]
fn slots_are_lent_while_something_runs_and_called_back_when_nothing_does() {
    let mut bench = Bench::new();
    let mut own = stage("own", "fake", &[1]);
    own.policy = Policy { threads: 3, jobserver: crate::pipeline::Jobserver::Off, ..Policy::default() };
    bench.run(plan(vec![stage("a", "fake", &[]), stage("b", "fake", &[0]), own]));
    assert_eq!(bench.lent.0, [Some(3), None, None, Some(1), None, Some(0)]);
}

/// A stage that is about to start has its slot asked back first; one whose attempt cannot be run gives it back.
#[test]
fn a_start_asks_for_its_slot_and_an_error_returns_it() {
    let mut bench = Bench::new();
    bench.fake.script(&name("long"), Script::endless());
    let mut last = stage("last", "fake", &[1]);
    last.policy.timeout = Some(Duration::ZERO);
    let first = stage("first", "panicking", &[]);
    let cancel = Message::Cancel { reason: CancelReason::Interrupt, level: CancelLevel::Terminate };
    let messages = bench.messages.0.clone();
    let fake = Arc::clone(&bench.fake);
    let watcher = std::thread::spawn(move || {
        while fake.started().is_empty() {
            std::thread::yield_now();
        }
        messages.send(cancel).unwrap();
    });
    bench.run(plan(vec![stage("long", "fake", &[]), first, last]));
    watcher.join().unwrap();
    assert_eq!(bench.lent.0.first(), Some(&Some(2)), "two run");
    let end = bench.lent.0.len().saturating_sub(2);
    assert_eq!(bench.lent.0[end..], [None, Some(0)], "nothing runs, and nothing is lent");
}

/// Has somebody ask this of a run whose stage `a` runs.
fn ask_once_started(
    bench: &Bench,
    ask: impl FnOnce(&dyn Fn(Request) -> Option<Answer>) + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let (messages, fake) = (bench.messages.0.clone(), Arc::clone(&bench.fake));
    std::thread::spawn(move || {
        while fake.started().is_empty() {
            std::thread::yield_now();
        }
        ask(&|request| {
            let (answer, answered) = crossbeam_channel::bounded(1);
            messages.send(Message::Asked(Asked { request, answer })).unwrap();
            answered.recv_timeout(Duration::from_secs(30)).ok()
        });
        let cancel = Message::Cancel { reason: CancelReason::Stopped, level: CancelLevel::Terminate };
        messages.send(cancel).unwrap();
    })
}

/// Who asks is answered once it is so, and every request finds the run as the one before has left it.
#[test]
fn requests_are_answered_when_they_are_done() {
    let mut bench = Bench::new();
    bench.fake.script(&name("a"), Script::endless());
    let asking = ask_once_started(&bench, |ask| {
        let signal = |stage: Option<&str>, signal| Request::Signal { stage: stage.map(name), signal };
        let refused = |why: &str| Some(Answer::Refused(why.into()));
        assert_eq!(ask(Request::Resume), Some(Answer::Already));
        assert_eq!(ask(signal(None, 10)), Some(Answer::Signalled(0)), "the attempt has started nothing");
        assert_eq!(ask(signal(Some("b"), 10)), refused("b is not running"));
        assert_eq!(ask(Request::Pause), Some(Answer::Done));
        assert_eq!(ask(Request::Pause), Some(Answer::Already));
        assert_eq!(ask(signal(Some("a"), libc::SIGCONT)), refused("it is paused, and `local-ci resume` has it go on"));
        assert_eq!(ask(signal(Some("a"), 10)), Some(Answer::Signalled(0)));
        assert_eq!(ask(Request::Resume), Some(Answer::Done));
        assert_eq!(ask(Request::Pause), Some(Answer::Done));
    });
    bench.run(plan(vec![stage("a", "fake", &[]), stage("b", "fake", &[0])]));
    asking.join().unwrap();
    let said = |event: &Event| match event.kind {
        EventKind::Paused => Some("paused"),
        EventKind::Resumed => Some("resumed"),
        EventKind::Cancelling { .. } => Some("cancelling"),
        _ => None,
    };
    let said: Vec<_> = bench.events.seen.iter().filter_map(said).collect();
    assert_eq!(said, ["paused", "resumed", "paused", "resumed", "cancelling"]);
}

/// A run that ends leaves nobody waiting.
#[test]
fn who_asks_a_run_that_ends_is_told() {
    let mut bench = Bench::new();
    bench.fake.script(&name("a"), Script::endless());
    let (answer, answered) = crossbeam_channel::bounded(1);
    let asking = ask_once_started(&bench, |_| {});
    let late = bench.messages.0.clone();
    bench.run(plan(vec![stage("a", "fake", &[])]));
    asking.join().unwrap();
    late.send(Message::Asked(Asked { request: Request::Pause, answer })).unwrap();
    drop((bench, late));
    assert!(answered.recv().is_err());
}

/// A signal that comes when the next attempt of a stage is due is for that one, and not for the one that has ended.
#[test]
fn a_signal_is_for_the_attempt_that_runs_by_now() {
    let mut bench = Bench::new();
    let mut flaky = stage("a", "fake", &[]);
    (flaky.policy.retries, flaky.policy.retry_delay) = (1, Duration::from_secs(10));
    bench.fake.script(&name("a"), Script::exit(1));
    bench.fake.script(&name("a"), Script::endless());
    let clock = Arc::clone(&bench.clock);
    let (tell, told) = crossbeam_channel::bounded(1);
    let asking = ask_once_started(&bench, move |ask| {
        let answer = loop {
            clock.advance(Duration::from_secs(11));
            match ask(Request::Signal { stage: None, signal: 10 }) {
                // The first attempt has ended, and it was too early for the second.
                Some(Answer::Refused(_)) => {}
                other => break other,
            }
        };
        tell.send(answer).unwrap();
    });
    bench.run(plan(vec![flaky]));
    asking.join().unwrap();
    assert_eq!(told.recv().unwrap(), Some(Answer::Signalled(0)));
}

#[test]
fn what_there_is_to_tell_of_an_executor_comes_before_the_last_event() {
    let mut bench = Bench::new();
    bench.run(plan(vec![stage("a", "box", &[])]));
    let kinds: Vec<&EventKind> = bench.events.seen.iter().rev().map(|event| &event.kind).take(3).collect();
    assert!(matches!(kinds[0], EventKind::RunFinished { .. }), "{kinds:?}");
    let done = RemoteNews::Done { received: 3, round_trip_us: 2 };
    assert_eq!(kinds[1], &EventKind::Remote { remote: "box".into(), news: done });
    // How long it took is measured where it ran.
    assert!(matches!(kinds[2], EventKind::StageFinished(finished) if finished.duration_ms == 9000), "{kinds:?}");
}
