//! Failures and the summary.

use super::*;

#[test]
fn failures_and_summary_only() {
    insta::assert_snapshot!(quietly(&failing()), @r#"
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
fn a_good_run_is_its_summary() {
    insta::assert_snapshot!(quietly(&parallel()), @r#"
        📊 Summary:
          Total stages: 3
          Passed: 3
          Total time: 1.1s

        Critical path: lint → doc, 1.1s of 1.1s.

        Run 42 is kept: local-ci show 42
    "#);
    let flaky = quietly(&flaky());
    assert!(flaky.contains("Passed only after another attempt (flaky): test (attempt 2).\n"));
}

#[test]
fn all_failures_are_shown() {
    let text = quietly(&assorted());
    for headline in ["✗ slow (2.0s) timed out\n", "✗ lint (10ms) allowed to fail\n", "✗ ghost (0ms)\n", "✗ doctor ("]
    {
        assert!(text.contains(headline), "{text}");
    }
    assert!(!text.contains("windows"));
}

/// What went otherwise than was asked for is said where all went well, too.
#[test]
fn what_was_noticed_of_a_stage_that_passed_is_said() {
    let mut run = Recorded::of(vec![stage("build", "make")]);
    run.start(0).notice(Some(0), "`dist/**` in `outputs` matches no file").finish(0, Outcome::Passed);
    run.end(Verdict::Passed);
    let text = quietly(&run);
    assert!(text.contains("note: build: `dist/**` in `outputs` matches no file\n"), "{text}");
    assert_eq!(run.view().report(|_, _| None).warnings, ["build: `dist/**` in `outputs` matches no file"]);
}
