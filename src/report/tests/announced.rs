//! Which annotations are said at the end of a run.

use super::dialects::text_of;
use super::services::on_github_actions;
use super::*;

/// Of more than a service hears, the worst are said, those with a place first and of each stage some; the rest is counted.
#[test]
fn a_step_s_budget_is_kept() {
    let mut run = Recorded::of(vec![stage("a", "a"), stage("b", "b"), stage("silent", "c")]);
    let at = |n: u32| Spot { path: format!("{n}.rs"), line: Some(n), column: None, end_line: None, end_column: None };
    for id in [0u32, 1] {
        let items = (1..=30).map(|n| Annotation {
            severity: [Severity::Note, Severity::Warning, Severity::Error][n as usize % 3],
            message: format!("{n} {}", "x".repeat(5000)),
            code: None,
            title: None,
            // The first of each has no place.
            at: (n > 3).then(|| at(100 * id + n)),
            source: "p".into(),
        });
        let items: Vec<Annotation> = items.collect();
        run.start(id).push(EventKind::Annotated { stage: StageId(id), attempt: 1, items });
        run.finish(id, failed(1));
    }
    run.start(2).finish(2, failed(3)).end(Verdict::Failed);
    let text = text_of(&run, Dialect::GitHub, false);
    let found = on_github_actions(&text);
    let of = |kind: &str| found.iter().filter(|(name, ..)| name == kind).collect::<Vec<_>>();
    assert_eq!(["error", "warning", "notice"].map(|kind| of(kind).len()), [10, 10, 10]);
    let files: Vec<&str> = of("error").iter().filter_map(|(_, pairs, _)| Some(pairs.first()?.1.as_str())).collect();
    assert_eq!(files[..3], ["silent failed", "user/project/5.rs", "user/project/105.rs"]);
    assert!(files[1..].iter().all(|file| file.starts_with("user/project/")), "{files:?}");
    assert!(found.iter().all(|(.., message)| message.chars().count() <= 4096));
    assert!(text.contains(
        "\nnote: not annotated, being more than are shown: 11 errors, 10 warnings, 10 notes; local-ci show 42\n"
    ));
    assert_eq!(text, text_of(&run, Dialect::GitHub, false));
}

/// What cells of a matrix find alike is said once.
#[test]
fn the_same_at_the_same_place_is_said_once() {
    let mut run = Recorded::of(vec![stage("a:1", "a"), stage("a:2", "a")]);
    let item = Annotation {
        severity: Severity::Warning,
        message: "m".into(),
        code: None,
        title: None,
        at: Some(Spot { path: "x".into(), line: Some(1), column: None, end_line: None, end_column: None }),
        source: "p".into(),
    };
    for id in [0u32, 1] {
        run.start(id).push(EventKind::Annotated { stage: StageId(id), attempt: 1, items: vec![item.clone()] });
        run.finish(id, Outcome::Passed);
    }
    run.end(Verdict::Passed);
    assert_eq!(text_of(&run, Dialect::GitHub, false).matches("::warning ").count(), 1);
}
