//! What is said while nothing is printed.

use std::time::Duration;

use super::*;
use crate::clock::Timestamp;
use crate::text::terminal::PIECE;
use crate::view::recorded::expecting;

#[test]
fn a_silent_minute_is_broken_with_what_runs() {
    let mut stages = vec![stage("test", "cargo test"), stage("lint", "npm run lint"), stage("fmt", "cargo fmt")];
    stages[0].estimate = Some(expecting(150_000));
    let mut run = Recorded::of(stages);
    run.start(0).print(0, "running").tick(1000).wait(30_000).start(1);
    for _ in 0..95 {
        run.tick(1000);
    }
    run.finish(0, Outcome::Passed).finish(1, Outcome::Passed).finish(2, skipped("os is windows")).end(Verdict::Passed);
    insta::assert_snapshot!(grouped(&run), @r#"
        🚀 Running local CI pipeline...

        ::group::test
        $ cargo test
        running
        … still running: test (since 58.0s, usually 2m30s), lint (since 27.0s)
        … still running: test (since 1m55s, usually 2m30s), lint (since 1m24s)
        ::endgroup::
        ✓ test (2m06s)

        ::group::lint
        $ npm run lint
        ::endgroup::
        ✓ lint (1m35s)

        - fmt (skipped: os is windows)

        📊 Summary:
          Total stages: 3
          Passed: 2
          Skipped: 1
          Total time: 2m06s

        Critical path: test, 2m06s of 2m06s; -j4 would not help.

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn a_run_that_prints_is_not_interrupted() {
    let mut run = Recorded::of(vec![stage("test", "cargo test")]);
    run.start(0);
    for _ in 0..10 {
        run.print(0, "line\n").tick(30_000);
    }
    assert!(!grouped(&run).contains("still running"));
}

/// No silence is longer than a minute, wherever it begins between two ticks.
#[test]
fn no_silence_is_longer_than_a_minute() {
    let (paper, logs) = (Paper::default(), MemoryLogs::default());
    let reporter = Grouped::new(paper.clone(), options(Dialect::Plain, false));
    let mut display = Display::new(Box::new(reporter), Box::new(logs));
    let mut run = Recorded::of(vec![stage("test", "cargo test")]);
    for event in run.start(0).events() {
        display.event(&event);
    }
    while display.output() {}
    let start = Timestamp { unix_ms: 0, mono_us: 5_000_000 };
    let (mut length, mut silent) = (paper.text().len(), 0);
    for second in 1..=600 {
        display.tick(start.after(Duration::from_secs(second)));
        silent += 1;
        if paper.text().len() != length {
            (length, silent) = (paper.text().len(), 0);
        }
        assert!(silent < 60);
    }
    assert_eq!(paper.text().matches("still running").count(), 10);
}

#[test]
fn a_wait_between_attempts_is_said() {
    let mut run = Recorded::of(vec![stage("test", "x")]);
    run.start(0).retry(0, failed(1), 300_000).tick(1000).tick(60_000);
    assert!(grouped(&run).ends_with("… still running: test (attempt 2 is to come)\n"));
    let mut run = Recorded::of(vec![stage("test", "x")]);
    run.tick(1000).tick(60_000);
    assert!(grouped(&run).ends_with("...\n\n… still waiting: nothing runs\n"));
}

/// H57: a line of ours in the middle of an endless one stands on a line of its own, and what goes on is guarded.
#[test]
fn h57_a_long_line_is_broken_for_ours() {
    let mut run = Recorded::of(vec![stage("test", "x")]);
    run.start(0).print(0, "x".repeat(PIECE)).tick(1000).tick(60_000).print(0, "::error::y\n");
    run.finish(0, Outcome::Passed);
    let text = grouped(&run);
    assert!(text.contains("xx\n… still running: test (since 1m01s)\n  | ::error::y\n::endgroup::\n"), "{text}");
}

/// H11: the clock of a paused run stands still, and whoever waits is told that it is paused.
#[test]
fn h11_a_paused_run_says_so() {
    let mut run = Recorded::of(vec![stage("test", "cargo test")]);
    run.start(0).print(0, "running").tick(30_000).push(crate::event::EventKind::Paused);
    run.tick(1000).tick(60_000);
    run.wait(3_600_000).push(crate::event::EventKind::Resumed).tick(1000).tick(60_000);
    run.finish(0, Outcome::Passed).end(Verdict::Passed);
    let said = |text: &str| {
        text.lines().filter(|line| line.trim_start().starts_with('…')).map(str::to_owned).collect::<Vec<_>>()
    };
    insta::assert_snapshot!(said(&grouped(&run)).join("\n"), @r"
    … paused
    … paused for 1m01s: test (since 30.0s)
    … resumed
    … still running: test (since 1m31s)
    ");
}

/// What runs far longer than ever and says nothing seems stuck, which is said where it is said what runs.
#[test]
fn what_seems_stuck_is_said_to_be() {
    let mut stages = vec![stage("slow", "make slow"), stage("new", "make new")];
    stages[0].estimate = Some(expecting(10_000));
    let mut run = Recorded::of(stages);
    run.start(0).start(1);
    for _ in 0..120 {
        run.tick(1000);
    }
    let said: Vec<String> =
        grouped(&run).lines().filter(|line| line.contains("still running")).map(str::to_owned).collect();
    assert_eq!(
        said,
        [
            "… still running: slow (since 58.0s, usually 10.0s), new (since 58.0s)",
            "… still running: slow (since 1m55s, seems stuck: nothing printed for 1m, usually done after 10.0s), new (since 1m55s)"
        ]
    );
}
