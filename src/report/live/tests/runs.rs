//! Whole runs on the screen.

use super::*;
use crate::outcome::{Outcome, Verdict};
use crate::report::terminal::Host;
use crate::report::tests::{assorted, cancelled, failing, flaky, parallel};
use crate::text::terminal::PIECE;
use crate::view::recorded::{expecting, failed, stage};

#[test]
fn a_run_leaves_what_came_of_it() {
    insta::assert_snapshot!(shown(&failing(), 30, 80, transcript(Layout::Verdicts)), @r"
    ✓ fmt  245ms

    ✗ clippy  exit 101  2.3s
      |     Checking app v0.1.0
      | error[E0308]: mismatched types
      |  --> src/main.rs:2:5
      log: /state/runs/42/logs/1.1.log

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
    ");
    insta::assert_snapshot!(shown(&assorted(), 60, 80, transcript(Layout::Verdicts)), @r"
    ✗ slow  timed out (limit 2.0s)  2.0s
      | waiting
      log: /state/runs/42/logs/0.1.log

    ✗ lint  exit 2  allowed to fail  10ms

    ✗ ghost  could not be started  0ms
      Error: no-such-program: not found in PATH; install it or correct the stage's `run`

    - deploy  skipped: needs ghost, which did not pass
    - windows  skipped: os is windows

    ✗ doctor  could not be run
      Error: the log could not be made:
      | no space left on device

    ✓ kept  cached

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

#[test]
fn other_ends_are_said_in_words() {
    insta::assert_snapshot!(shown(&flaky(), 30, 80, transcript(Layout::Verdicts)), @r"
    … test  attempt 1 did not pass: exit code 101 (800ms); trying again after 5.0s
    ✓ test  passed on attempt 2 (flaky)  1.2s

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: 7.0s

    Passed only after another attempt (flaky): test (attempt 2).

    Run 42 is kept: local-ci show 42
    ");
    insta::assert_snapshot!(shown(&cancelled(), 30, 80, transcript(Layout::Verdicts)), @r"
    - test  cancelled: interrupted  1.0s
    - doc  cancelled: interrupted

    📊 Summary:
      Total stages: 2
      Cancelled: 2
      Total time: 1.0s

    Cancelled: interrupted.

    Run 42 is kept: local-ci show 42
    ");
    let mut lost = Recorded::of(vec![stage("test", "cargo test")]);
    lost.start(0).print(0, "half of it\n").wait(1000).end(Verdict::Lost);
    insta::assert_snapshot!(shown(&lost, 30, 80, transcript(Layout::Verdicts)), @r"
    ✗ test  lost: the run ended before it did

    📊 Summary:
      Total stages: 1
      Total time: 1.0s

    Lost: the process that ran it died before it could say how the run ended.

    Failed:
      ✗ test: lost
        log: /state/runs/42/logs/0.1.log
        rerun: local-ci test

    Run 42 is kept: local-ci show 42
    ");
}

/// With `-v` all output is shown: as it comes, of the stage that is first; whole, of the others.
#[test]
fn all_output_can_be_shown() {
    insta::assert_snapshot!(shown(&parallel(), 30, 80, transcript(Layout::Everything)), @r"
    test  $ cargo test
    running 1 test
    test a ... ok
    ✓ test  1.0s

    lint  $ npm run lint
    lint says
    ✓ lint  300ms

    doc  $ cargo doc
    documenting
    still documenting
    ✓ doc  800ms

    📊 Summary:
      Total stages: 3
      Passed: 3
      Total time: 1.1s

    Critical path: lint → doc, 1.1s of 1.1s.

    Run 42 is kept: local-ci show 42
    ");
    insta::assert_snapshot!(shown(&failing(), 40, 80, transcript(Layout::Everything)), @r"
    fmt  $ cargo fmt --all -- --check
    ✓ fmt  245ms

    clippy  $ cargo clippy --workspace
        Checking app v0.1.0
    error[E0308]: mismatched types
     --> src/main.rs:2:5
    ✗ clippy  exit 101  2.3s
      log: /state/runs/42/logs/1.1.log

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
    ");
    let screen = Screen::new(20, 60);
    let mut stage = Stage::new(&screen, transcript(Layout::Everything), false);
    stage.play(&parallel().steps[..6]);
    insta::assert_snapshot!(screen.text(), @r"
      3 waiting
    0/3 · <1s
    ");
}

/// H193: without UTF-8, what we say is ASCII.
#[test]
fn h193_a_run_in_ascii() {
    let ascii = || {
        let mut transcript = transcript(Layout::Verdicts);
        transcript.style.glyphs = Glyphs::Ascii;
        transcript
    };
    insta::assert_snapshot!(shown(&assorted(), 60, 80, ascii()), @r"
    TIMEOUT slow  timed out (limit 2.0s)  2.0s
      | waiting
      log: /state/runs/42/logs/0.1.log

    FAIL lint  exit 2  allowed to fail  10ms

    FAIL ghost  could not be started  0ms
      Error: no-such-program: not found in PATH; install it or correct the stage's `run`

    SKIP deploy  skipped: needs ghost, which did not pass
    SKIP windows  skipped: os is windows

    FAIL doctor  could not be run
      Error: the log could not be made:
      | no space left on device

    ok kept  cached

    Summary:
      Total stages: 7
      Failed: 4
      Skipped: 2
      Cached: 1
      Total time: 2.0s

    Allowed to fail: lint.

    Failed:
      FAIL slow: timed out (limit 2.0s)
        log: /state/runs/42/logs/0.1.log
        rerun: local-ci slow
      FAIL ghost: no-such-program: not found in PATH; install it or correct the stage's `run`
        rerun: local-ci ghost
      FAIL doctor: the log could not be made:
        rerun: local-ci run doctor

    Run 42 is kept: local-ci show 42
    ");
    for run in [failing(), parallel(), flaky(), cancelled()] {
        let screen = Screen::new(40, 80);
        Stage::new(&screen, ascii(), false).play(&run.steps);
        assert!(screen.bytes().is_ascii(), "{}", screen.text());
    }
}

#[test]
fn how_long_it_usually_takes_is_said() {
    let mut stages = vec![stage("clippy", "cargo clippy"), stage("test", "cargo test")];
    for stage in &mut stages {
        stage.estimate = Some(expecting(11_800));
    }
    let mut run = Recorded::of(stages);
    run.start(0).wait(12_300).finish(0, Outcome::Passed).start(1).wait(41_000).finish(1, failed(101));
    run.end(Verdict::Failed);
    let text = shown(&run, 30, 80, transcript(Layout::Verdicts));
    assert!(
        text.starts_with("✓ clippy  12.3s  (usually 11.8s)\n\n✗ test  exit 101  41.0s  (usually 11.8s)\n"),
        "{text}"
    );
}

/// H61: a link is made of the log's path alone, and only where the terminal has links.
#[test]
fn h61_a_failed_stage_links_to_its_log() {
    let screen = Screen::new(30, 80);
    let transcript =
        TranscriptOptions { links: Some(Host::named("box.example.invalid")), ..transcript(Layout::Verdicts) };
    Stage::new(&screen, transcript, false).play(&failing().steps);
    let text = String::from_utf8(screen.bytes()).unwrap();
    let path = "/state/runs/42/logs/1.1.log";
    let link = format!("  log: \x1b]8;;file://box.example.invalid{path}\x1b\\{path}\x1b]8;;\x1b\\\n");
    assert_eq!(text.matches("\x1b]8;;file").count(), 1, "{text}");
    assert!(text.contains(&link), "{text}");
}

/// H191: however much happens, twenty frames a second at most; and where nothing happens, one a second, for the time.
#[test]
fn h191_frames_are_few() {
    let screen = Screen::new(40, 80);
    let count: u32 = 300;
    let mut run = Recorded::of((0..count).map(|n| stage(&format!("s{n}"), "true")).collect());
    let quiet = run.steps.len();
    for n in 0..count {
        run.start(n).wait(5).finish(n, Outcome::Passed);
    }
    let mut stage = Stage::new(&screen, transcript(Layout::Verdicts), false);
    stage.play(&run.steps[..quiet]);
    let before = screen.writes();
    stage.play(&run.steps[quiet..]);
    let frames = screen.writes() - before;
    assert!((10..=31).contains(&frames), "{frames} frames in 1.5 seconds");

    let screen = Screen::new(40, 80);
    let mut run = Recorded::of(vec![super::stage_named("test")]);
    run.start(0);
    let mut stage = Stage::new(&screen, transcript(Layout::Verdicts), false);
    stage.play(&run.steps);
    let before = screen.writes();
    for _ in 0..40 {
        stage.wait(Duration::from_millis(250));
    }
    let frames = screen.writes() - before;
    assert!((10..=11).contains(&frames), "{frames} frames in ten seconds");
}

/// A line that a stage prints is on the screen 10 ms after the line before it at the latest, without that anything else
/// happens; and however many lines there are, there are no more frames than that.
#[test]
fn what_is_printed_is_shown_as_it_is_written() {
    let screen = Screen::new(40, 80);
    let mut run = Recorded::of(vec![super::stage_named("test")]);
    run.start(0);
    let mut stage = Stage::new(&screen, transcript(Layout::Everything), false);
    stage.play(&run.steps);
    let key = LogKey { stage: crate::ids::StageId(0), attempt: 1, part: LogPart::Head };
    for n in 0..20 {
        stage.logs.append(key, format!("line {n}\n").as_bytes());
        while stage.display.output() {}
        let mut waited = Duration::ZERO;
        while !screen.text().contains(&format!("line {n}\n")) {
            let pace = stage.display.pace();
            waited += pace;
            assert!(waited <= Duration::from_millis(10), "line {n}: {waited:?}");
            stage.wait(pace);
        }
    }
    let before = screen.writes();
    for n in 0..1500 {
        stage.logs.append(key, format!("flood {n}\n").as_bytes());
        stage.wait(Duration::from_millis(1));
    }
    let frames = screen.writes() - before;
    assert!((130..=150).contains(&frames), "{frames} frames in 1.5 seconds");
}

/// H55: a terminal that takes nothing is not waited for; what was to stay is written as soon as it can be, and at the end
/// in any case.
#[test]
fn h55_a_terminal_that_takes_nothing_costs_frames() {
    let screen = Screen::new(30, 80);
    let mut stage = Stage::new(&screen, transcript(Layout::Verdicts), false);
    let run = failing();
    let (before_end, end) = run.steps.split_at(run.steps.len() - 1);
    screen.0.is_free.set(false);
    stage.play(before_end);
    assert_eq!(screen.writes(), 0);
    screen.0.is_free.set(true);
    stage.wait(Duration::from_millis(250));
    assert_eq!(screen.writes(), 1);
    assert!(screen.text().contains("✗ clippy  exit 101"), "{}", screen.text());
    screen.0.is_free.set(false);
    stage.play(end);
    assert!(screen.text().contains("Run 42 is kept"), "{}", screen.text());
}

/// H55: nor is what waits for it without bounds: of an endless output, no more is read.
#[test]
fn h55_what_waits_for_a_terminal_is_bounded() {
    let screen = Screen::new(30, 80);
    let mut stage = Stage::new(&screen, transcript(Layout::Everything), false);
    screen.0.is_free.set(false);
    let mut run = Recorded::of(vec![super::stage_named("talks")]);
    run.start(0);
    for _ in 0..40 {
        run.print(0, "x".repeat(79).repeat(1000) + "\n");
    }
    stage.play(&run.steps);
    screen.0.is_free.set(true);
    stage.wait(Duration::from_millis(250));
    let largest = screen.0.writes.borrow().iter().copied().max().unwrap();
    assert!(largest < 400_000, "{largest} bytes were kept");
    assert!(screen.bytes().len() > 3_000_000, "then all of it is read");
}

/// H57: of a line without an end, what is shown stays, and its colour stays with it.
#[test]
fn h57_the_region_takes_nothing_of_an_endless_line() {
    let screen = Screen::new(30, 80);
    let mut options = transcript(Layout::Everything);
    options.style.colour = true;
    let mut stage = Stage::new(&screen, options, false);
    let mut run = Recorded::of(vec![super::stage_named("talks")]);
    run.start(0).print(0, format!("\x1b[31m{}", "x".repeat(PIECE + 30))).tick(1000);
    stage.play(&run.steps);
    assert!(screen.text().ends_with("xxx\n⠙ talks  1s, no estimate yet\n0/1 · 1s"), "{}", screen.text());
    let shown = String::from_utf8(screen.bytes()).unwrap();
    assert_eq!(shown.matches('x').count(), PIECE + 30, "all of what came is there");
    assert!(shown.contains("x\x1b[0m\n"), "the region is in no colour of the stage's");
    let before = run.steps.len();
    run.print(0, "yyy\n").finish(0, Outcome::Passed).end(Verdict::Passed);
    stage.play(&run.steps[before..]);
    assert!(screen.text().contains("x\nyyy\n"), "{}", screen.text());
}

/// H10: a terminal that is gone costs what was to be shown, and nothing else.
#[test]
fn h10_a_terminal_that_is_gone_changes_no_verdict() {
    let screen = Screen::new(30, 80);
    let mut stage = Stage::new(&screen, transcript(Layout::Verdicts), true);
    let run = failing();
    stage.play(&run.steps[..3]);
    screen.0.is_gone.set(true);
    stage.play(&run.steps[3..]);
    assert_eq!(stage.display.closed().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    assert_eq!(stage.display.view().verdict(), Some(Verdict::Failed));
    assert_eq!(stage.display.view().counts().failed, 1);
}

/// The mark in the terminal's tab follows the run, and is taken away with its end.
#[test]
fn the_mark_says_how_far_the_run_is_and_that_something_failed() {
    let marks = |run: &Recorded| {
        let screen = Screen::new(30, 80);
        Stage::new(&screen, transcript(Layout::Verdicts), true).play(&run.steps);
        let text = String::from_utf8(screen.bytes()).unwrap();
        let marks: Vec<String> =
            text.split("\x1b]9;4;").skip(1).map(|rest| rest.split('\x1b').next().unwrap().to_owned()).collect();
        marks
    };
    let mut stages = vec![stage("build", "make"), stage("test", "make test"), stage("doc", "make doc")];
    for stage in &mut stages {
        stage.estimate = Some(expecting(10_000));
    }
    let mut run = Recorded::of(stages);
    run.start(0).tick(5000).tick(5000).finish(0, Outcome::Passed).start(1).tick(5000).finish(1, failed(1));
    run.start(2).tick(9999).end(Verdict::Failed);
    let (passing, rest): (Vec<_>, Vec<_>) = marks(&run).into_iter().partition(|mark| mark.starts_with("1;"));
    let (failing, end): (Vec<_>, Vec<_>) = rest.into_iter().partition(|mark| mark.starts_with("2;"));
    assert!(passing.len() > 20 && passing[0] == "1;0" && failing.len() > 20, "{passing:?} {failing:?}");
    assert!(!failing.iter().any(|mark| mark.ends_with(";100")), "{failing:?}");
    assert_eq!(end, ["0;0"]);
    assert_eq!(marks(&parallel()), ["3;0", "0;0"]);
}

/// H22: on any terminal, all the way through a run.
#[test]
fn h22_no_size_is_too_small() {
    for (rows, columns) in [(1, 1), (2, 1), (1, 20), (3, 20), (24, 20), (24, 200), (2, 500)] {
        for run in [failing(), parallel(), flaky(), assorted(), cancelled()] {
            let screen = Screen::new(rows, columns);
            let mut stage = Stage::new(&screen, transcript(Layout::Verdicts), true);
            stage.play(&run.steps);
            assert!(stage.display.closed().is_none());
        }
    }
}
