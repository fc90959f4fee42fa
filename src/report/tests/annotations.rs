//! What was found in the project, as it is shown.

use super::*;
use crate::ids::StageId;

/// What was found stands with its stage, in the order in which it was said; the counts come after the block that wrappers
/// parse.
#[test]
fn what_was_found_stands_after_its_stage() {
    insta::assert_snapshot!(grouped(&found(2)), @"
        🚀 Running local CI pipeline...

        ::group::lint
        $ lint
        ::endgroup::
        ✓ lint (5ms)
          src/0.rs:1:5: error: finding 0 (E0308)
          src/1.rs: warning: A title: finding 1

        ::group::fmt
        $ fmt
        ::endgroup::
        ✓ fmt (0ms)

        📊 Summary:
          Total stages: 2
          Passed: 2
          Total time: 5ms

        Annotations: 1 error, 1 warning.

        Run 42 is kept: local-ci show 42
    ");
    insta::assert_snapshot!(grouped(&found(13)), @"
        🚀 Running local CI pipeline...

        ::group::lint
        $ lint
        ::endgroup::
        ✓ lint (5ms)
          src/0.rs:1:5: error: finding 0 (E0308)
          src/1.rs: warning: A title: finding 1
          src/2.rs:3: warning: finding 2
          src/3.rs:4: error: finding 3
          src/4.rs:5: warning: finding 4
          src/5.rs:6: warning: finding 5
          src/6.rs:7: error: finding 6
          src/7.rs:8: warning: finding 7
          src/8.rs:9: warning: finding 8
          src/9.rs:10: error: finding 9
          and 3 more: local-ci show 42

        ::group::fmt
        $ fmt
        ::endgroup::
        ✓ fmt (0ms)

        📊 Summary:
          Total stages: 2
          Passed: 2
          Total time: 5ms

        Annotations: 5 errors, 8 warnings.

        Run 42 is kept: local-ci show 42
    ");
}

/// H160: whatever a plugin says, a line of it is a line, and no terminal and no CI acts on it.
#[test]
fn h160_what_plugins_say_is_harmless() {
    let mut run = Recorded::of(vec![stage("lint", "lint")]);
    let at = |path: &str| Some(Spot { path: path.into(), line: None, column: None, end_line: None, end_column: None });
    let hostile = Annotation {
        severity: Severity::Warning,
        message: "a\x1b[2Jb\r\u{202e}c ##[error]d\n::error::second line".into(),
        code: Some("::stop-commands::x\n::error::y".into()),
        title: Some("\x1b]0;title\x07".into()),
        at: at("  ::error file=a::b"),
        source: "p".into(),
    };
    let long =
        Annotation { message: "x".repeat(100_000), title: None, code: None, at: at("##[endgroup]"), ..hostile.clone() };
    run.start(0);
    run.push(EventKind::Annotated { stage: StageId(0), attempt: 1, items: vec![hostile, long] });
    run.finish(0, Outcome::Passed).end(Verdict::Passed);
    let text = grouped(&run);
    assert!(!text.contains('\x1b') && !text.contains('\u{202e}') && !text.contains("##["), "{text}");
    let acts = |line: &&str| {
        line.trim_start().starts_with("::") && !line.starts_with("::group::lint") && *line != "::endgroup::"
    };
    assert_eq!(text.lines().find(acts), None);
    assert!(text.lines().all(|line| line.chars().count() < 1000), "{text}");
}
