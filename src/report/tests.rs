//! Every reporter over the same made-up runs. What is made up: see [`crate::view::recorded`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use super::grouped::Grouped;
use super::json::{JsonEvents, JsonReport};
use super::quiet::Quiet;
use super::*;
use crate::event::{Annotation, EventKind, RemoteInfo, RemoteNews, Severity, Spot};
use crate::outcome::{CancelReason, Failure, Outcome, SkipReason, Verdict};
use crate::view::recorded::{Recorded, Step, after, failed, on, remote, skipped, stage};

mod annotations;
mod announced;
mod dialects;
mod durations;
mod github;
mod groups;
mod guests;
mod lines;
mod machines;
mod quiet;
mod services;
mod time;

/// Logs in memory, shared between the run that writes and the reporter that reads.
#[derive(Clone, Default)]
pub(super) struct MemoryLogs(Rc<RefCell<HashMap<LogKey, Vec<u8>>>>);

impl MemoryLogs {
    pub(super) fn append(&mut self, key: LogKey, bytes: &[u8]) {
        self.0.borrow_mut().entry(key).or_default().extend_from_slice(bytes);
    }
}

impl Logs for MemoryLogs {
    fn read(&mut self, log: LogKey, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let logs = self.0.borrow();
        let Some(bytes) = logs.get(&log).and_then(|bytes| bytes.get(usize::try_from(offset).unwrap()..)) else {
            return Ok(0);
        };
        let n = bytes.len().min(buf.len());
        buf[..n].copy_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn path(&self, log: LogKey) -> Option<PathBuf> {
        Some(format!("/state/runs/42/logs/{}.{}.log", log.stage.0, log.attempt).into())
    }

    fn is_kept(&self) -> bool {
        true
    }
}

/// An output that can be looked at while it is written to.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// A run of a stage that finds so many things, and of one that says nothing of the kind.
fn found(count: u32) -> Recorded {
    let mut run = Recorded::of(vec![stage("lint", "lint"), stage("fmt", "fmt")]);
    let item = |n: u32| Annotation {
        severity: if n.is_multiple_of(3) { Severity::Error } else { Severity::Warning },
        message: format!("finding {n}\nand more of it"),
        code: (n == 0).then(|| "E0308".into()),
        title: (n == 1).then(|| "A title".into()),
        at: Some(Spot {
            path: format!("src/{n}.rs"),
            line: (n != 1).then_some(n + 1),
            column: (n == 0).then_some(5),
            end_line: None,
            end_column: None,
        }),
        source: "p".into(),
    };
    run.start(0).wait(5);
    run.push(EventKind::Annotated { stage: StageId(0), attempt: 1, items: (0..count).map(item).collect() });
    run.finish(0, Outcome::Passed).start(1).finish(1, Outcome::Passed).end(Verdict::Passed);
    run
}

/// Options whose tokens count up from one: `0101…`, `0202…`.
pub(super) fn options(dialect: Dialect, colour: bool) -> TranscriptOptions {
    let mut count = 0;
    let randomness = Box::new(move || {
        count += 1;
        [count; 16]
    });
    TranscriptOptions {
        layout: Layout::Groups,
        links: None,
        program: "local-ci".into(),
        style: Style { colour, glyphs: Glyphs::Unicode },
        dialect,
        is_passed_through: false,
        workspace: None,
        randomness,
        is_subcommand: |word| ["list", "doctor"].contains(&word),
        rerun: Rerun::default(),
    }
}

/// Plays a run to a reporter as it would happen: whatever there is to show is shown after each step.
fn play(run: &Recorded, make: impl FnOnce(Paper) -> Box<dyn Reporter>) -> String {
    let (paper, mut logs) = (Paper::default(), MemoryLogs::default());
    let mut display = Display::new(make(paper.clone()), Box::new(logs.clone()));
    for step in &run.steps {
        match step {
            Step::Event(event) => display.event(event),
            Step::Tick(now) => display.tick(*now),
            Step::Output { stage, attempt, tail, bytes } => {
                let part = if *tail { LogPart::Tail } else { LogPart::Head };
                logs.append(LogKey { stage: *stage, attempt: *attempt, part }, bytes);
            }
        }
        while display.output() {}
    }
    assert!(display.closed().is_none());
    paper.text()
}

/// Plays a run that is over: all events first, then whatever there is to show.
fn replay(run: &Recorded, make: impl FnOnce(Paper) -> Box<dyn Reporter>) -> String {
    let (paper, mut logs) = (Paper::default(), MemoryLogs::default());
    let mut display = Display::new(make(paper.clone()), Box::new(logs.clone()));
    for step in &run.steps {
        match step {
            Step::Event(event) => display.event(event),
            Step::Tick(_) => {}
            Step::Output { stage, attempt, tail, bytes } => {
                let part = if *tail { LogPart::Tail } else { LogPart::Head };
                logs.append(LogKey { stage: *stage, attempt: *attempt, part }, bytes);
            }
        }
    }
    while display.output() {}
    paper.text()
}

fn grouped(run: &Recorded) -> String {
    play(run, |paper| Box::new(Grouped::new(paper, options(Dialect::Plain, false))))
}

fn on_github(run: &Recorded) -> String {
    play(run, |paper| Box::new(Grouped::new(paper, options(Dialect::GitHub, false))))
}

fn in_colour(run: &Recorded) -> String {
    play(run, |paper| Box::new(Grouped::new(paper, options(Dialect::Plain, true)))).replace('\x1b', "^")
}

fn quietly(run: &Recorded) -> String {
    play(run, |paper| Box::new(Quiet::new(paper, options(Dialect::Plain, false))))
}

/// The run that the documentation shows: one after another, the second fails.
pub(super) fn failing() -> Recorded {
    failing_on("local", Vec::new(), |_| {})
}

/// The same there, with this happening beside it.
fn failing_on(executor: &str, remotes: Vec<RemoteInfo>, news: impl Fn(&mut Recorded)) -> Recorded {
    let stages = [stage("fmt", "cargo fmt --all -- --check"), stage("clippy", "cargo clippy --workspace")];
    let mut run = Recorded::elsewhere(stages.map(|stage| on(stage, executor)).into(), remotes);
    news(&mut run);
    run.start(0).wait(245).finish(0, Outcome::Passed);
    run.start(1).print(1, "    Checking app v0.1.0\n").wait(2000);
    run.print(1, "error[E0308]: mismatched types\n --> src/main.rs:2:5\n").wait(345).finish(1, failed(101));
    run.end(Verdict::Failed);
    run
}

/// Two stages at once, then a third: the second ends while the first holds the stream.
pub(super) fn parallel() -> Recorded {
    let mut run = Recorded::of(vec![
        stage("test", "cargo test"),
        stage("lint", "npm run lint"),
        after(stage("doc", "cargo doc"), &[1]),
    ]);
    run.start(0).start(1).print(0, "running 1 test\n").wait(100).print(1, "lint says\n").wait(200);
    run.print(0, "test a ... ok\n").finish(1, Outcome::Passed).start(2).print(2, "documenting\n").wait(700);
    run.finish(0, Outcome::Passed).print(2, "still documenting\n").wait(100).finish(2, Outcome::Passed);
    run.end(Verdict::Passed);
    run
}

/// Passes at the second go.
pub(super) fn flaky() -> Recorded {
    let mut run = Recorded::of(vec![stage("test", "cargo test")]);
    run.start(0).print(0, "connection refused").wait(800).retry(0, failed(101), 5000).wait(5000);
    run.start(0).print(0, "ok\n").wait(1200).finish(0, Outcome::Passed).end(Verdict::Passed);
    run
}

/// Every way to end badly, or not at all.
pub(super) fn assorted() -> Recorded {
    let mut stages = vec![
        stage("slow", "sleep 60"),
        stage("lint", "flaky-lint"),
        stage("ghost", "no-such-program --check"),
        after(stage("deploy", "deploy"), &[2]),
        stage("windows", "dir"),
        stage("doctor", "check"),
        stage("kept", "cargo build"),
    ];
    stages[1].allow_failure = true;
    let mut run = Recorded::of(stages);
    run.start(0).print(0, "waiting\n").wait(2000).finish(0, Outcome::TimedOut { limit_ms: 2000 });
    run.start(1).wait(10).finish(1, failed(2));
    let message = "no-such-program: not found in PATH; install it or correct the stage's `run`".into();
    run.start(2).finish(2, Outcome::Failed { failure: Failure::NotStarted { code: 127, message } });
    run.finish(3, Outcome::Skipped { reason: SkipReason::NeedFailed { stage: stage("ghost", "").name } });
    run.finish(4, skipped("os is windows"));
    run.finish(5, Outcome::Errored { message: "the log could not be made:\nno space left on device".into() });
    run.finish(6, Outcome::Cached);
    run.end(Verdict::Failed);
    run
}

/// Ctrl+C, with one stage running and one to come.
pub(super) fn cancelled() -> Recorded {
    let mut run = Recorded::of(vec![stage("test", "cargo test"), after(stage("doc", "cargo doc"), &[0])]);
    run.start(0).print(0, "running").wait(1000);
    run.cancel(CancelReason::Interrupt, crate::cancel::CancelLevel::Interrupt).wait(30);
    let reason = CancelReason::Interrupt;
    run.finish(0, Outcome::Cancelled { reason }).finish(1, Outcome::Cancelled { reason });
    run.end(Verdict::Cancelled { reason });
    run
}
