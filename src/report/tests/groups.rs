//! The transcript of runs, as wrappers parse it.

use super::*;

/// The example of the documentation, to the letter.
#[test]
fn a_run_reads_as_documented() {
    insta::assert_snapshot!(grouped(&failing()), @r#"
        🚀 Running local CI pipeline...

        ::group::fmt
        $ cargo fmt --all -- --check
        ::endgroup::
        ✓ fmt (245ms)

        ::group::clippy
        $ cargo clippy --workspace
            Checking app v0.1.0
        error[E0308]: mismatched types
         --> src/main.rs:2:5
        ::endgroup::
        ✗ clippy (2.3s)
          Error: exit code 101
          |     Checking app v0.1.0
          | error[E0308]: mismatched types
          |  --> src/main.rs:2:5

        📊 Summary:
          Total stages: 2
          Passed: 1
          Failed: 1
          Total time: 2.6s

        Failed:
          ✗ clippy: exit code 101
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci clippy

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn colour_is_in_glyphs_and_in_what_stages_print() {
    let mut run = Recorded::of(vec![stage("a", "make"), stage("b", "make"), stage("c", "make")]);
    run.start(0).print(0, "\x1b[1;32mgood\x1b[0m\n").finish(0, Outcome::Passed);
    run.start(1).print(1, "\x1b[31mbad, and never reset\n").finish(1, failed(1));
    run.finish(2, skipped("branch is main")).end(Verdict::Failed);
    insta::assert_snapshot!(in_colour(&run), @r#"
        🚀 Running local CI pipeline...

        ::group::a
        $ make
        ^[1;32mgood^[0m
        ::endgroup::
        ^[32m✓^[0m a (0ms)

        ::group::b
        $ make
        ^[31mbad, and never reset^[0m
        ::endgroup::
        ^[31m✗^[0m b (0ms)
          Error: exit code 1
          | ^[31mbad, and never reset^[0m

        ^[33m-^[0m c (skipped: branch is main)

        📊 Summary:
          Total stages: 3
          Passed: 1
          Failed: 1
          Skipped: 1
          Total time: 0ms

        Failed:
          ^[31m✗^[0m b: exit code 1
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci b

        Run 42 is kept: local-ci show 42
    "#);
    assert!(!grouped(&run).contains('\x1b'));
}

/// H66: groups are written one after another, whoever runs beside whom.
#[test]
fn h66_parallel_stages_are_not_interleaved() {
    insta::assert_snapshot!(grouped(&parallel()), @r#"
        🚀 Running local CI pipeline...

        ::group::test
        $ cargo test
        running 1 test
        test a ... ok
        ::endgroup::
        ✓ test (1.0s)

        ::group::lint
        $ npm run lint
        lint says
        ::endgroup::
        ✓ lint (300ms)

        ::group::doc
        $ cargo doc
        documenting
        still documenting
        ::endgroup::
        ✓ doc (800ms)

        📊 Summary:
          Total stages: 3
          Passed: 3
          Total time: 1.1s

        Critical path: lint → doc, 1.1s of 1.1s.

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn attempts_share_a_group_and_a_late_pass_is_called_flaky() {
    insta::assert_snapshot!(grouped(&flaky()), @r#"
        🚀 Running local CI pipeline...

        ::group::test
        $ cargo test
        connection refused
        … attempt 1 did not pass: exit code 101 (800ms); trying again after 5.0s
        ok
        ::endgroup::
        ✓ test (1.2s) passed on attempt 2 (flaky)

        📊 Summary:
          Total stages: 1
          Passed: 1
          Total time: 7.0s

        Passed only after another attempt (flaky): test (attempt 2).

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn a_failure_after_attempts_says_how_many() {
    let mut run = Recorded::of(vec![stage("test", "make")]);
    run.start(0).print(0, "one\n").retry(0, failed(1), 0).start(0).print(0, "two\n").wait(1000).finish(0, failed(1));
    run.end(Verdict::Failed);
    insta::assert_snapshot!(grouped(&run), @r#"
        🚀 Running local CI pipeline...

        ::group::test
        $ make
        one
        … attempt 1 did not pass: exit code 1 (0ms); trying again
        two
        ::endgroup::
        ✗ test (1.0s) after 2 attempts
          Error: exit code 1
          | two

        📊 Summary:
          Total stages: 1
          Failed: 1
          Total time: 1.0s

        Failed:
          ✗ test: exit code 1
            log: /state/runs/42/logs/0.2.log
            rerun: local-ci test

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn a_retry_that_is_cancelled_closes_its_group() {
    let mut run = Recorded::of(vec![stage("test", "make")]);
    run.start(0).print(0, "one\n").retry(0, failed(1), 60_000).wait(500);
    run.finish(0, Outcome::Cancelled { reason: CancelReason::Stopped });
    run.end(Verdict::Cancelled { reason: CancelReason::Stopped });
    insta::assert_snapshot!(grouped(&run), @r#"
        🚀 Running local CI pipeline...

        ::group::test
        $ make
        one
        … attempt 1 did not pass: exit code 1 (0ms); trying again after 1m00s
        ::endgroup::
        - test (500ms) cancelled: stopped

        📊 Summary:
          Total stages: 1
          Cancelled: 1
          Total time: 500ms

        Cancelled: stopped.

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn every_other_end_is_said_in_words() {
    insta::assert_snapshot!(grouped(&assorted()), @"
        🚀 Running local CI pipeline...

        ::group::slow
        $ sleep 60
        waiting
        ::endgroup::
        ✗ slow (2.0s) timed out
          Error: timed out (limit 2.0s)
          | waiting

        ::group::lint
        $ flaky-lint
        ::endgroup::
        ✗ lint (10ms) allowed to fail
          Error: exit code 2

        ::group::ghost
        $ no-such-program --check
        ::endgroup::
        ✗ ghost (0ms)
          Error: no-such-program: not found in PATH; install it or correct the stage's `run`

        - deploy (skipped: needs ghost, which did not pass)
        - windows (skipped: os is windows)

        ✗ doctor (0ms) could not be run
          Error: the log could not be made:
          | no space left on device

        ✓ kept (cached)

        📊 Summary:
          Total stages: 7
          Failed: 4
          Skipped: 2
          Cached: 1
          Total time: 2.0s

        Allowed to fail: lint.

        Failed:
          ✗ slow: timed out (limit 2.0s)
            log: /state/runs/42/logs/0.1.log
            rerun: local-ci slow
          ✗ ghost: no-such-program: not found in PATH; install it or correct the stage's `run`
            rerun: local-ci ghost
          ✗ doctor: the log could not be made:
            rerun: local-ci run doctor

        Run 42 is kept: local-ci show 42
    ");
}

/// H56: what has no final newline gets one, and the next marker stands in column 0.
#[test]
fn h56_cancelling_is_said_in_the_open_group() {
    insta::assert_snapshot!(grouped(&cancelled()), @r#"
        🚀 Running local CI pipeline...

        ::group::test
        $ cargo test
        running
        … cancelling: interrupted
        ::endgroup::
        - test (1.0s) cancelled: interrupted

        - doc (cancelled: interrupted)

        📊 Summary:
          Total stages: 2
          Cancelled: 2
          Total time: 1.0s

        Cancelled: interrupted.

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn a_run_that_is_lost_says_so_and_is_not_passed() {
    let mut run = Recorded::of(vec![stage("test", "cargo test"), stage("doc", "cargo doc"), stage("fmt", "cargo fmt")]);
    run.start(0).start(1).print(0, "running\n").print(1, "documenting").wait(1500).notice(None, "low on disk");
    let lost = run.view().lost_event().unwrap();
    run.push(lost.kind);
    insta::assert_snapshot!(grouped(&run), @r#"
        🚀 Running local CI pipeline...

        ::group::test
        $ cargo test
        running
        ::endgroup::
        ✗ test lost: the run ended before it did

        note: low on disk

        ::group::doc
        $ cargo doc
        documenting
        ::endgroup::
        ✗ doc lost: the run ended before it did

        - fmt (not started)

        📊 Summary:
          Total stages: 3
          Total time: 1.5s

        Lost: the process that ran it died before it could say how the run ended.

        Failed:
          ✗ test: lost
            log: /state/runs/42/logs/0.1.log
            rerun: local-ci test
          ✗ doc: lost
            log: /state/runs/42/logs/1.1.log
            rerun: local-ci doc

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn what_was_left_behind_and_noticed_comes_after_the_verdict() {
    let mut run = Recorded::of(vec![stage("serve", "npm start &"), stage("next", "true")]);
    run.notice(None, "the state directory cannot be written; this run is not kept");
    run.start(0).notice(Some(0), "its clock jumped").print(0, "up\n").wait(20);
    run.leak(4242, "node", true).leak(4243, "no\nde", false).finish(0, Outcome::Passed);
    run.notice(Some(0), "a late word");
    run.start(1).notice(None, "first\nsecond").finish(1, Outcome::Passed).end(Verdict::Passed);
    insta::assert_snapshot!(grouped(&run), @r#"
        🚀 Running local CI pipeline...

        note: the state directory cannot be written; this run is not kept

        ::group::serve
        $ npm start &
        up
        ::endgroup::
        ✓ serve (20ms)
        note: process 4242 (node) outlived its stage; it was killed
        note: process 4243 (no\nde) outlived its stage; it was left running
        note: its clock jumped

        note: serve: a late word

        ::group::next
        $ true
        ::endgroup::
        ✓ next (0ms)

        note: first
          | second

        📊 Summary:
          Total stages: 2
          Passed: 2
          Total time: 20ms

        Run 42 is kept: local-ci show 42
    "#);
}

/// H54: a capped log shows where something is missing, and its end.
#[test]
fn h54_a_capped_log_shows_head_gap_and_tail() {
    let mut run = Recorded::of(vec![stage("flood", "yes")]);
    run.start(0).print(0, "y\ny\ncut he").tail(0, 123_456, "ere\ny\nlast words\n").lose(0, 99).finish(0, failed(1));
    run.end(Verdict::Failed);
    insta::assert_snapshot!(grouped(&run), @"
        🚀 Running local CI pipeline...

        ::group::flood
        $ yes
        y
        y
        cut he
        [123456 bytes omitted; the log keeps the first 10 and the last 17 (log-max)]
        ere
        y
        last words
        [99 bytes lost: they could not be written to the log]
        ::endgroup::
        ✗ flood (0ms)
          Error: exit code 1
          | ere
          | y
          | last words

        📊 Summary:
          Total stages: 1
          Failed: 1
          Total time: 0ms

        Log incomplete, because it could not be written: flood (99 bytes lost).

        Failed:
          ✗ flood: exit code 1
            log: /state/runs/42/logs/0.1.log
            rerun: local-ci flood

        Run 42 is kept: local-ci show 42
    ");
}

#[test]
fn a_log_that_ends_early_is_said_to() {
    let mut run = Recorded::of(vec![stage("a", "make")]);
    run.start(0).print(0, "some\n").print(0, "gone").finish(0, Outcome::Passed).end(Verdict::Passed);
    run.steps.retain(|step| !matches!(step, Step::Output { bytes, .. } if bytes == b"gone"));
    assert!(grouped(&run).contains("some\n[the log ends early: 4 bytes of it are missing]\n::endgroup::\n✓ a"));
}

#[test]
fn a_log_that_cannot_be_read_is_said_and_does_not_stop_the_display() {
    struct Broken;
    impl Logs for Broken {
        fn read(&mut self, _: LogKey, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("bad sector"))
        }
        fn path(&self, _: LogKey) -> Option<PathBuf> {
            None
        }
        fn is_kept(&self) -> bool {
            false
        }
    }
    let paper = Paper::default();
    let reporter = Grouped::new(paper.clone(), options(Dialect::Plain, false));
    let mut display = Display::new(Box::new(reporter), Box::new(Broken));
    for event in failing().events() {
        crate::event::Sink::event(&mut display, &event).unwrap();
    }
    insta::assert_snapshot!(paper.text(), @r#"
        🚀 Running local CI pipeline...

        ::group::fmt
        $ cargo fmt --all -- --check
        [the log cannot be read: bad sector]
        ::endgroup::
        ✓ fmt (245ms)

        ::group::clippy
        $ cargo clippy --workspace
        [the log cannot be read: bad sector]
        ::endgroup::
        ✗ clippy (2.3s)
          Error: exit code 101
        note: the log cannot be read: bad sector

        📊 Summary:
          Total stages: 2
          Passed: 1
          Failed: 1
          Total time: 2.6s

        Failed:
          ✗ clippy: exit code 101
            rerun: local-ci clippy

        Run 42 is not kept: its record was removed while it went on.
    "#);
}

#[test]
fn runs_with_little_in_them() {
    let mut run = Recorded::numbered(vec![], None);
    run.end(Verdict::Passed);
    insta::assert_snapshot!(grouped(&run), @r#"
        🚀 Running local CI pipeline...

        📊 Summary:
          Total stages: 0
          Total time: 0ms
    "#);
    let mut run = Recorded::of(vec![stage("a", "x"), stage("b", "x"), stage("c", "x")]);
    run.finish(0, skipped("os is windows")).finish(1, Outcome::Cached).finish(2, skipped("CI is off"));
    run.end(Verdict::Passed);
    insta::assert_snapshot!(grouped(&run), @r#"
        🚀 Running local CI pipeline...

        - a (skipped: os is windows)
        ✓ b (cached)
        - c (skipped: CI is off)

        📊 Summary:
          Total stages: 3
          Skipped: 2
          Cached: 1
          Total time: 0ms

        Run 42 is kept: local-ci show 42
    "#);
}

#[test]
fn a_remote_run_differs_in_its_first_line_alone() {
    let news = |run: &mut Recorded| {
        run.news("box", RemoteNews::Sent { files: 2, bytes: 34, duration_ms: 5 });
        run.news("box", RemoteNews::Down { why: "cut".into(), attempt: 0, next_ms: 0 });
        run.news("box", RemoteNews::Up { after_ms: 7 });
    };
    let run = failing_on("box", vec![remote("box", "ci@build.example.invalid")], news);
    let remote = grouped(&run);
    let (first, rest) = remote.split_once('\n').unwrap();
    assert_eq!(first, "🚀 Running local CI pipeline remotely on ci@build.example.invalid...");
    assert_eq!(Some(rest), grouped(&failing()).split_once('\n').map(|(_, rest)| rest));
}

#[test]
fn a_command_of_several_lines_is_quoted() {
    let mut run = Recorded::of(vec![stage("a", "set -u\n::group::x\n\techo ##[error]y\n")]);
    run.start(0).finish(0, Outcome::Passed).end(Verdict::Passed);
    let group = "::group::a\n$ set -u\n  | ::group::x\n  | \techo ## [error]y\n::endgroup::\n";
    assert!(grouped(&run).contains(group), "{}", grouped(&run));
}

/// H54: what a stage prints is shown as it comes, in bounded steps.
#[test]
fn h54_output_is_shown_live_and_in_steps() {
    let (paper, mut logs) = (Paper::default(), MemoryLogs::default());
    let reporter = Grouped::new(paper.clone(), options(Dialect::Plain, false));
    let mut display = Display::new(Box::new(reporter), Box::new(logs.clone()));
    let mut run = Recorded::of(vec![stage("a", "yes")]);
    run.start(0);
    for event in run.events() {
        display.event(&event);
    }
    while display.output() {}
    assert!(paper.text().ends_with("::group::a\n$ yes\n"));
    let key = LogKey { stage: StageId(0), attempt: 1, part: LogPart::Head };
    logs.append(key, "y\n".repeat(500_000).as_bytes());
    let (mut before, mut steps) = (paper.text().len(), 0);
    while display.output() {
        let now = paper.text().len();
        assert!(now - before <= 256 * 1024);
        (before, steps) = (now, steps + 1);
    }
    assert!(steps >= 4);
    assert!(paper.text().ends_with("y\n".repeat(500_000).as_str()));
}

/// A run that is over is shown as it was, but for the order of what ran side by side.
#[test]
fn a_replayed_run_reads_like_the_live_one() {
    let make = |paper| -> Box<dyn Reporter> { Box::new(Grouped::new(paper, options(Dialect::Plain, false))) };
    for run in [failing(), flaky(), assorted()] {
        assert_eq!(replay(&run, make), grouped(&run));
    }
    let lines = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(replay(&parallel(), make)), lines(grouped(&parallel())));
}
