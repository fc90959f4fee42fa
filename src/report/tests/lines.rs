//! Every line with its stage's name.

use super::*;
use crate::report::lines::Lines;

fn lines_in(run: &Recorded, options: TranscriptOptions, sentences: bool) -> String {
    play(run, |paper| Box::new(Lines::new(paper, options, sentences)))
}

fn in_lines(run: &Recorded) -> String {
    lines_in(run, options(Dialect::Plain, false), false)
}

/// As for who has it read out.
fn in_sentences(run: &Recorded) -> String {
    let mut options = options(Dialect::Plain, false);
    options.style.glyphs = Glyphs::Ascii;
    lines_in(run, options, true)
}

#[test]
fn stages_at_the_same_time_are_shown_line_by_line() {
    insta::assert_snapshot!(in_lines(&parallel()), @r"
    [test] $ cargo test
    [lint] $ npm run lint
    [test] running 1 test
    [lint] lint says
    [test] test a ... ok
    [lint] ✓ passed in 300ms
    [doc] $ cargo doc
    [doc] documenting
    [test] ✓ passed in 1.0s
    [doc] still documenting
    [doc] ✓ passed in 800ms

    📊 Summary:
      Total stages: 3
      Passed: 3
      Total time: 1.1s

    Critical path: lint → doc, 1.1s of 1.1s.

    Run 42 is kept: local-ci show 42
    ");
}

#[test]
fn a_failure_is_said_where_it_happens_and_at_the_end() {
    insta::assert_snapshot!(in_lines(&failing()), @r"
    [fmt] $ cargo fmt --all -- --check
    [fmt] ✓ passed in 245ms
    [clippy] $ cargo clippy --workspace
    [clippy]     Checking app v0.1.0
    [clippy] error[E0308]: mismatched types
    [clippy]  --> src/main.rs:2:5
    [clippy] ✗ failed in 2.3s: exit code 101

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
    insta::assert_snapshot!(in_lines(&assorted()), @r"
    [slow] $ sleep 60
    [slow] waiting
    [slow] ✗ timed out after 2.0s (limit 2.0s)
    [lint] $ flaky-lint
    [lint] ✗ failed in 10ms, which is allowed: exit code 2
    [ghost] $ no-such-program --check
    [ghost] ✗ failed in 0ms: no-such-program: not found in PATH; install it or correct the stage's `run`
    [deploy] - skipped: needs ghost, which did not pass
    [windows] - skipped: os is windows
    [doctor] ✗ could not be run: the log could not be made:
    [doctor] no space left on device
    [kept] ✓ cached

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
fn attempts_and_cancelling_are_said() {
    insta::assert_snapshot!(in_lines(&flaky()), @r"
    [test] $ cargo test
    [test] connection refused
    [test] … attempt 1 did not pass: exit code 101 (800ms); trying again after 5.0s
    [test] ok
    [test] ✓ passed in 1.2s on attempt 2 (flaky)

    📊 Summary:
      Total stages: 1
      Passed: 1
      Total time: 7.0s

    Passed only after another attempt (flaky): test (attempt 2).

    Run 42 is kept: local-ci show 42
    ");
    insta::assert_snapshot!(in_lines(&cancelled()), @r"
    [test] $ cargo test
    … cancelling: interrupted
    [test] running
    [test] - cancelled after 1.0s: interrupted
    [doc] - cancelled: interrupted

    📊 Summary:
      Total stages: 2
      Cancelled: 2
      Total time: 1.0s

    Cancelled: interrupted.

    Run 42 is kept: local-ci show 42
    ");
}

#[test]
fn whoever_has_it_read_out_gets_sentences() {
    insta::assert_snapshot!(in_sentences(&failing()), @r"
    fmt started.
    fmt passed in less than a second.
    clippy started.
    [clippy]     Checking app v0.1.0
    [clippy] error[E0308]: mismatched types
    [clippy]  --> src/main.rs:2:5
    clippy failed in 2 seconds: exit code 101.

    Summary:
      Total stages: 2
      Passed: 1
      Failed: 1
      Total time: 2.6s

    Failed:
      FAIL clippy: exit code 101
        log: /state/runs/42/logs/1.1.log
        rerun: local-ci clippy

    Run 42 is kept: local-ci show 42
    ");
    insta::assert_snapshot!(in_sentences(&assorted()), @r"
    slow started.
    [slow] waiting
    slow timed out after 2 seconds (limit 2 seconds).
    lint started.
    lint failed in less than a second, which is allowed: exit code 2.
    ghost started.
    ghost failed in less than a second: no-such-program: not found in PATH; install it or correct the stage's `run`.
    deploy was skipped: needs ghost, which did not pass.
    windows was skipped: os is windows.
    doctor could not be run: the log could not be made:
      | no space left on device.
    kept was cached.

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
    for run in [parallel(), flaky(), cancelled()] {
        let text = in_sentences(&run);
        assert!(text.is_ascii() && !text.contains('\x1b'), "{text}");
    }
    let text = in_sentences(&flaky()) + &in_sentences(&cancelled());
    for sentence in [
        "test: attempt 1 did not pass: exit code 101 (800ms); trying again after 5.0s.\n",
        "test passed in 1 second on attempt 2 (flaky).\n",
        "The run is being ended (cancelling): interrupted.\n",
        "test was cancelled after 1 second: interrupted.\n",
        "doc was cancelled: interrupted.\n",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
}

/// H193: without UTF-8, words in place of signs.
#[test]
fn h193_lines_in_ascii() {
    let mut options = options(Dialect::Plain, false);
    options.style.glyphs = Glyphs::Ascii;
    let text = lines_in(&assorted(), options, false);
    assert!(text.is_ascii(), "{text}");
    for line in ["[slow] TIMEOUT timed out", "[lint] FAIL failed in 10ms, which is allowed", "[kept] ok cached"] {
        assert!(text.contains(line), "{text}");
    }
}

/// Of a run that has ended, what ended first is shown first, each stage whole.
#[test]
fn a_replay_is_in_order() {
    let replayed = |run| replay(&run, |paper| Box::new(Lines::new(paper, options(Dialect::Plain, false), false)));
    assert_eq!(replayed(failing()), in_lines(&failing()));
    assert_eq!(replayed(flaky()), in_lines(&flaky()));
    assert_eq!(replayed(assorted()), in_lines(&assorted()));
    let text = replayed(parallel());
    let stages: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix('[')?.split_once(']').map(|(stage, _)| stage)).collect();
    assert_eq!(stages, ["test", "test", "test", "test", "lint", "lint", "lint", "doc", "doc", "doc", "doc"], "{text}");
}

/// H56, H60, H64: a line is what a person would have seen of it in the end, and the last one is whole.
#[test]
fn h56_h60_h64_lines_are_filtered() {
    let mut run = Recorded::of(vec![stage("build", "make")]);
    run.start(0).print(0, "\x1b[2J\x1b]0;title\x07one\r\ntwo\n 10%\r 20%").print(0, "\r 30%\nno").print(0, " end");
    run.finish(0, Outcome::Passed).end(Verdict::Passed);
    let text = in_lines(&run);
    assert!(text.starts_with("[build] $ make\n[build] one\n[build] two\n[build]  30%\n[build] no end\n"), "{text}");
}

/// H62: a colour ends with its line, and with a piece of one.
#[test]
fn h62_a_colour_ends_with_its_line() {
    let mut run = Recorded::of(vec![stage("red", "red")]);
    run.start(0).print(0, "\x1b[31mred\nstill\n").print(0, "\x1b[32m".to_owned() + &"g".repeat(200_000));
    run.finish(0, Outcome::Passed).end(Verdict::Passed);
    let text = lines_in(&run, options(Dialect::Plain, true), false);
    assert!(text.contains(" \x1b[31mred\x1b[0m\x1b[0m\n"), "{text:?}");
    for line in text.lines().filter(|line| line.contains('\x1b')) {
        let (_, last) = line.rsplit_once('\x1b').unwrap();
        assert!(last.starts_with("[0m"), "{}", &line[line.len() - 20..]);
    }
}

/// H57: a line without an end is shown in pieces, each with the name, and nothing of it is lost or kept for ever.
#[test]
fn h57_a_line_without_an_end_is_shown_in_pieces() {
    let mut run = Recorded::of(vec![stage("long", "long")]);
    run.start(0);
    for _ in 0..10 {
        run.print(0, "x".repeat(30_000));
    }
    let so_far = in_lines(&run);
    assert!(so_far.matches('x').count() > 200_000, "{}", so_far.len());
    run.finish(0, Outcome::Passed).end(Verdict::Passed);
    let text = in_lines(&run);
    assert_eq!(text.matches('x').count(), 300_000);
    assert!(text.lines().filter(|line| line.contains("xx")).all(|line| line.starts_with("[long] x")), "{text}");
}

/// H65, H66: whatever a stage prints, no line of it is one that GitHub's runner would act on; and where nothing is
/// acted on there is nothing to fence.
#[test]
fn h65_h66_no_line_of_a_stage_is_a_command() {
    let commands =
        "::error::x\n  ::group::y\n::endgroup::\n::stop-commands::t\na ##[group]b\n\u{feff}::set-env name=A::b\n";
    let mut failing = stage("hostile", "echo '::error::'\n::endgroup::\n##[group]c");
    failing.allow_failure = true;
    let mut run = Recorded::of(vec![failing]);
    run.start(0).print(0, commands).print(0, "::error::".to_owned() + &"x".repeat(200_000) + "\n::error::z");
    run.notice(Some(0), "::warning::n\n::warning::m").finish(0, Outcome::Errored { message: "a\n::error::b".into() });
    run.end(Verdict::Errored);
    for dialect in [Dialect::Plain, Dialect::GitHub] {
        for sentences in [false, true] {
            let text = lines_in(&run, options(dialect, false), sentences);
            for line in text.lines() {
                // The one that is ours says what came of the stage.
                let is_ours = dialect == Dialect::GitHub && line == "::error title=hostile failed::a%0A::error::b";
                assert!(is_ours || !line.trim_start().trim_start_matches('\u{feff}').starts_with("::"), "{line}");
            }
            assert!(!text.contains("##["), "{text}");
            assert!(text.contains("[hostile] ::error::x\n"), "{text}");
        }
    }
}

/// A stage that prints without end leaves its turn to others.
#[test]
fn no_stage_waits_for_another_to_end() {
    let mut run = Recorded::of(vec![stage("loud", "yes"), stage("calm", "echo")]);
    run.start(0).start(1).print(0, "y\n".repeat(100_000)).print(1, "hello\n");
    let text = replay(&run, |paper| Box::new(Lines::new(paper, options(Dialect::Plain, false), false)));
    let before = text.split("[calm] hello\n").next().unwrap();
    assert!(text.contains("[calm] hello\n") && before.lines().count() < 20_000, "{}", before.lines().count());
}

/// Each line is written whole, its name with it.
#[test]
fn lines_are_not_cut_by_writes() {
    #[derive(Clone, Default)]
    struct Whole(Rc<RefCell<usize>>);
    impl Write for Whole {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(bytes.ends_with(b"\n") && (bytes[0] == b'[' || !bytes.contains(&b'[')), "{bytes:?}");
            *self.0.borrow_mut() += 1;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let writes = Whole::default();
    let mut logs = MemoryLogs::default();
    let lines = Lines::new(writes.clone(), options(Dialect::Plain, false), false);
    let mut display = Display::new(Box::new(lines), Box::new(logs.clone()));
    let mut run = Recorded::of(vec![stage("a", "a"), stage("b", "b")]);
    run.start(0).start(1);
    for _ in 0..20 {
        run.print(0, "half ").print(1, "whole\nha").print(0, "a line\n").print(1, "lf\n");
    }
    for step in &run.steps {
        match step {
            Step::Event(event) => display.event(event),
            Step::Tick(now) => display.tick(*now),
            Step::Output { stage, attempt, bytes, .. } => {
                logs.append(LogKey { stage: *stage, attempt: *attempt, part: LogPart::Head }, bytes);
            }
        }
        while display.output() {}
    }
    assert!(display.closed().is_none() && *writes.0.borrow() > 40);
}

/// No silence is longer than a minute here either.
#[test]
fn a_silent_minute_is_broken() {
    let mut run = Recorded::of(vec![stage("slow", "sleep 600")]);
    run.start(0);
    for _ in 0..121 {
        run.tick(1000);
    }
    let text = in_lines(&run);
    assert_eq!(text.matches("… still running: slow (since ").count(), 2, "{text}");
}

#[test]
fn a_pause_is_told_when_it_begins_and_when_it_ends() {
    let mut run = Recorded::of(vec![stage("test", "cargo test")]);
    run.start(0).wait(2000).push(crate::event::EventKind::Paused).wait(9000).push(crate::event::EventKind::Resumed);
    insta::assert_snapshot!(in_lines(&run), @r"
    [test] $ cargo test
    … paused
    … resumed
    ");
    insta::assert_snapshot!(in_sentences(&run), @r"
    test started.
    The run is paused.
    The run goes on.
    ");
}

#[test]
fn what_was_found_is_said_with_the_stages_name() {
    insta::assert_snapshot!(in_lines(&found(2)), @"
        [lint] $ lint
        [lint] ✓ passed in 5ms
        [lint]   src/0.rs:1:5: error: finding 0 (E0308)
        [lint]   src/1.rs: warning: A title: finding 1
        [fmt] $ fmt
        [fmt] ✓ passed in 0ms

        📊 Summary:
          Total stages: 2
          Passed: 2
          Total time: 5ms

        Annotations: 1 error, 1 warning.

        Run 42 is kept: local-ci show 42
    ");
}
