use super::*;
use crate::report::style::{Glyphs, Style};
use crate::report::table::Look;

fn side(run: u64, verdict: &'static str, duration_ms: u64) -> Side {
    Side {
        run: RunNumber(run),
        verdict,
        exit_code: Some(u8::from(verdict == "failed")),
        duration_ms,
        commit: Some("0123456789abcdef".into()),
        branch: Some("main".into()),
        directory: "/p".into(),
        config: vec![ConfigFile { path: "/p/local-ci.toml".into(), hash: "aa".into() }],
        critical_path: Vec::new(),
    }
}

fn stage_side(status: &'static str, duration_ms: u64) -> StageSide {
    StageSide {
        status,
        exit_code: Some(if status == "fail" { 101 } else { 0 }),
        attempts: 1,
        duration_ms: Some(duration_ms),
        command: "cargo test".into(),
        directory: String::new(),
    }
}

fn stage(name: &str, from: Option<StageSide>, to: Option<StageSide>) -> StageChange {
    StageChange {
        name: StageName::new(name).unwrap(),
        from,
        to,
        delta_ms: None,
        outside: None,
        environment_added: Vec::new(),
        environment_gone: Vec::new(),
        annotations_new: Vec::new(),
        annotations_gone: Vec::new(),
        output: OutputChange::Same,
    }
}

fn comparison(stages: Vec<StageChange>) -> Comparison {
    Comparison { schema_version: 1, from: side(41, "passed", 150_000), to: side(42, "passed", 150_000), stages }
}

fn shown(comparison: &Comparison, width: usize) -> String {
    render(comparison, Look { style: Style { colour: false, glyphs: Glyphs::Unicode }, width: Some(width) })
}

#[test]
fn what_is_the_same_is_said_in_a_line() {
    let same = comparison(vec![stage("fmt", Some(stage_side("pass", 245)), Some(stage_side("pass", 245)))]);
    assert!(!same.differs());
    insta::assert_snapshot!(shown(&same, 80), @"
    Run 41 → run 42

    verdict        ✓ passed
    time           2m30s

    Stage  Status    Time   Change
    fmt    ✓ passed  245ms
    ");
}

#[test]
fn what_differs_is_said_where_it_does() {
    let mut changed = stage("test", Some(stage_side("pass", 120_000)), Some(stage_side("fail", 160_000)));
    changed.to.as_mut().unwrap().command = "cargo test --all\nls \u{1b}[2J".into();
    changed.outside = Some("slower");
    changed.environment_added = vec!["RUST_LOG".into()];
    changed.environment_gone = vec!["CI".into()];
    let found = |message: &str| Annotation {
        severity: crate::event::Severity::Error,
        message: message.into(),
        code: None,
        title: None,
        at: None,
        source: "rustc".into(),
    };
    changed.annotations_new = vec![found("cannot borrow\u{1b}")];
    changed.annotations_gone = vec![found("unused")];
    changed.output = OutputChange::Differs {
        stream: Stream::Stderr,
        line: 12,
        from: Some("   Compiling a v1.0.0".into()),
        to: None,
    };
    let mut comparison = comparison(vec![
        stage("fmt", Some(stage_side("pass", 245)), Some(stage_side("pass", 190))),
        changed,
        stage("doc", None, Some(stage_side("pass", 3_000))),
        stage("lint", Some(StageSide { duration_ms: None, ..stage_side("skip", 0) }), None),
    ]);
    comparison.to = Side {
        commit: Some("fedcba9876543210".into()),
        config: vec![ConfigFile { path: "/p/local-ci.toml".into(), hash: "bb".into() }],
        critical_path: vec![StageName::new("fmt").unwrap(), StageName::new("test").unwrap()],
        ..side(42, "failed", 190_000)
    };
    assert!(comparison.differs());
    insta::assert_snapshot!(shown(&comparison, 80), @r"
    Run 41 → run 42

    verdict        ✓ passed → ✗ failed (1)
    time           2m30s → 3m10s  +40.0s, +27 %
    commit         0123456 main → fedcba9 main
    config         /p/local-ci.toml changed
    critical path  nothing → fmt, test

    Stage  Status                     Time           Change
    fmt    ✓ passed                   245ms → 190ms  -22 %
    test   ✓ passed → ✗ failed (101)  2m00s → 2m40s  +33 % · slower than expected
    doc    new: ✓ passed              3.0s
    lint   gone: - skipped

    test
      command
        - cargo test
        + cargo test --all
        + ls \u{1b}[2J
      environment
        - CI
        + RUST_LOG
      not found any more
        - error: unused
      found now
        + error: cannot borrow\u{1b}
      output differs from line 12 of stderr on
        -    Compiling a v1.0.0
        + (nothing more)
    ");
    // In a narrow terminal no line is longer than that.
    assert!(shown(&comparison, 30).lines().all(|line| console::measure_text_width(line) <= 30));
}
