use super::recorded::{Recorded, after, failed, on, remote, skipped, stage};
use super::*;
use crate::event::RemoteNews;
use crate::outcome::{Failure, SkipReason};

fn names(view: &RunView, stages: &[StageId]) -> Vec<String> {
    stages.iter().map(|id| view.stages()[*id].info.name.to_string()).collect()
}

#[test]
fn every_finished_stage_counts_once() {
    let mut stages: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| stage(name, "true")).into();
    stages[2].allow_failure = true;
    let mut run = Recorded::of(stages);
    run.start(0).finish(0, Outcome::Passed);
    run.start(1).finish(1, failed(1));
    run.start(2).finish(2, failed(1));
    run.start(3).finish(3, Outcome::TimedOut { limit_ms: 5 });
    run.start(4).finish(4, Outcome::Errored { message: "the disk is full".into() });
    run.finish(5, skipped("os is windows"));
    run.finish(6, Outcome::Cached);
    run.start(7).finish(7, Outcome::Cancelled { reason: CancelReason::Interrupt });
    let view = run.view();
    let counts = Counts { total: 8, passed: 1, failed: 4, skipped: 1, cached: 1, cancelled: 1 };
    assert_eq!(view.counts(), counts);
    assert!(view.stages()[StageId(2)].is_allowed_failure());
    assert!(!view.stages()[StageId(1)].is_allowed_failure());
}

#[test]
fn a_pass_after_a_failed_attempt_is_flaky_and_a_failure_is_not() {
    let mut run = Recorded::of(vec![stage("a", "true"), stage("b", "true")]);
    run.start(0).print(0, "first").retry(0, failed(1), 100).wait(100);
    assert!(matches!(run.view().stages()[StageId(0)].state, StageState::Retrying { attempt: 2, .. }));
    run.start(0).print(0, "second!").wait(5).finish(0, Outcome::Passed);
    run.start(1).retry(1, failed(1), 0).start(1).finish(1, failed(1));
    let view = run.view();
    let a = &view.stages()[StageId(0)];
    assert!(a.is_flaky());
    assert_eq!((a.attempt_log(1).unwrap().bytes, a.attempt_log(2).unwrap().bytes), (5, 7));
    assert_eq!(a.attempt_log(3), None);
    assert_eq!(a.duration(), Duration::from_millis(105));
    assert!(!view.stages()[StageId(1)].is_flaky());
}

#[test]
fn running_stages_are_in_the_order_they_started() {
    let mut run = Recorded::of(vec![stage("a", "x"), stage("b", "x"), stage("c", "x"), stage("d", "x")]);
    run.start(2).wait(1).start(0).wait(1).start(1).wait(1).finish(0, Outcome::Passed);
    run.retry(1, failed(1), 1000);
    let view = run.view();
    assert_eq!(names(&view, &view.running()), ["c", "b"]);
    assert!(view.was_parallel());
}

#[test]
fn stages_one_after_another_are_not_parallel() {
    let mut run = Recorded::of(vec![stage("a", "x"), stage("b", "x")]);
    run.start(0).wait(10).finish(0, Outcome::Passed).start(1).wait(10).finish(1, Outcome::Passed);
    assert!(!run.view().was_parallel());
}

#[test]
fn the_critical_path_follows_needs_by_duration() {
    let mut run = Recorded::of(vec![
        stage("fmt", "x"),
        after(stage("clippy", "x"), &[0]),
        after(stage("test", "x"), &[0]),
        after(stage("skipped", "x"), &[2]),
        after(stage("doc", "x"), &[3, 1]),
    ]);
    run.start(0).wait(100).finish(0, Outcome::Passed);
    run.start(1).start(2).wait(300).finish(1, Outcome::Passed).wait(200).finish(2, Outcome::Passed);
    run.finish(3, skipped("not here"));
    run.start(4).wait(50).finish(4, Outcome::Passed);
    let view = run.view();
    let path = view.critical_path();
    assert_eq!(names(&view, &path.stages), ["fmt", "test", "doc"]);
    assert_eq!(path.duration, Duration::from_millis(650));
    assert_eq!(RunView::new().critical_path(), CriticalPath::default());
}

/// H95: a jump of the wall clock is not seen in any duration.
#[test]
fn h95_elapsed_is_monotonic() {
    let run = Recorded::of(vec![stage("a", "x")]);
    let view = run.view();
    let start = view.header().unwrap().at;
    let mut now = start.after(Duration::from_secs(3));
    now.unix_ms -= 3_600_000;
    assert_eq!(view.elapsed(now), Duration::from_secs(3));
}

#[test]
fn a_lost_run_gets_an_end_of_its_own_and_an_ended_one_does_not() {
    let mut run = Recorded::of(vec![stage("a", "x"), stage("b", "x")]);
    run.wait(1500).start(0);
    let mut view = run.view();
    let event = view.lost_event().unwrap();
    assert_eq!(event.seq, 2);
    view.apply(&event);
    assert_eq!(view.verdict(), Some(Verdict::Lost));
    assert_eq!(view.exit_code(), Some(3));
    assert_eq!(view.end().unwrap().duration_ms, 1500);
    assert_eq!(view.lost_event(), None);
    let report = view.report(|_, _| None);
    assert_eq!(report.verdict, "lost");
    assert_eq!(report.failed, 2);
    assert_eq!(report.results[0].error.as_deref(), Some("the run ended before this stage did"));
    assert_eq!(report.results[1].error.as_deref(), Some("the run ended before this stage started"));
}

#[test]
fn events_about_unknown_stages_change_nothing() {
    let mut run = Recorded::of(vec![stage("a", "x")]);
    let mut view = run.view();
    run.notice(Some(9), "somewhere else");
    for kind in [
        EventKind::StageStarted { stage: StageId(9), attempt: 1 },
        EventKind::StageFinished(StageFinished {
            stage: StageId(9),
            attempt: 1,
            outcome: Outcome::Passed,
            exit: None,
            duration_ms: 0,
            log: LogInfo::default(),
            leaked: Vec::new(),
        }),
    ] {
        view.apply(&Event { seq: 1, at: Timestamp { unix_ms: 0, mono_us: 0 }, kind });
    }
    assert_eq!(view.counts(), Counts { total: 1, ..Counts::default() });
    assert_eq!(run.view().report(|_, _| None).warnings, ["somewhere else"]);
}

#[test]
fn the_report_has_every_documented_field() {
    let mut run = Recorded::of(vec![stage("fmt", "cargo fmt"), stage("test", "cargo test"), stage("doc", "cargo doc")]);
    run.start(0).print(0, "x").wait(245).leak(77, "sleep", true).finish(0, Outcome::Passed);
    let failure = Failure::NotStarted { code: 127, message: "cargo: not found".into() };
    run.start(1).finish(1, Outcome::Failed { failure });
    run.finish(2, skipped("os is linux")).notice(Some(1), "look here").end(Verdict::Failed);
    let report = run.view().report(|stage, attempt| Some(format!("logs/{}.{attempt}", stage.0)));
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap(), @r#"
        {
          "schema_version": 1,
          "run": {
            "id": "01010101010101010101010101010101",
            "number": 42
          },
          "verdict": "failed",
          "exit_code": 1,
          "results": [
            {
              "name": "fmt",
              "command": "cargo fmt",
              "status": "pass",
              "exit_code": 0,
              "duration_ms": 245,
              "expected_ms": null,
              "cache_hit": false,
              "attempt": 1,
              "log": "logs/0.1",
              "annotations": []
            },
            {
              "name": "test",
              "command": "cargo test",
              "status": "fail",
              "exit_code": 127,
              "duration_ms": 0,
              "expected_ms": null,
              "cache_hit": false,
              "attempt": 1,
              "log": null,
              "annotations": [],
              "error": "cargo: not found"
            },
            {
              "name": "doc",
              "command": "cargo doc",
              "status": "skip",
              "exit_code": null,
              "duration_ms": 0,
              "expected_ms": null,
              "cache_hit": false,
              "attempt": 0,
              "log": null,
              "annotations": [],
              "error": "os is linux"
            }
          ],
          "passed": 1,
          "failed": 1,
          "skipped": 1,
          "cached": 0,
          "duration_ms": 245,
          "warnings": [
            "test: look here",
            "fmt: process 77 (sleep) outlived its stage; it was killed"
          ]
        }
    "#);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

/// What is known of a line follows what was told of it, whatever the order.
#[test]
fn a_line_is_as_it_was_told_last() {
    let mut run = Recorded::elsewhere(vec![on(stage("a", "x"), "box")], vec![remote("box", "example.invalid")]);
    let line = |run: &Recorded| run.view().remotes()[0].line.clone();
    let down = |attempt| RemoteNews::Down { why: "cut".into(), attempt, next_ms: 1000 };
    assert_eq!(line(&run), Line::Connecting);
    run.news("box", RemoteNews::Connected { round_trip_us: 7, onlook: None });
    assert_eq!(line(&run), Line::Sending);
    run.news("box", down(1)).wait(1000).news("box", down(2)).news("box", RemoteNews::Up { after_ms: 1500 });
    assert_eq!(line(&run), Line::Sending, "nothing was sent yet");
    run.news("box", RemoteNews::Sent { files: 1, bytes: 2, duration_ms: 3 });
    assert_eq!(line(&run), Line::Up);
    let gone = run.events().last().unwrap().at;
    run.news("box", down(1)).wait(1000).news("box", down(2));
    let now = run.events().last().unwrap().at;
    let Line::Down { since, attempt, next, .. } = line(&run) else { panic!("{:?}", line(&run)) };
    assert_eq!((since, attempt, next), (gone, 2, now.after(Duration::from_secs(1))));
    run.news("box", RemoteNews::GaveUp { why: "x".into() });
    run.news("box", RemoteNews::Done { received: 9, round_trip_us: 8 });
    assert!(matches!(line(&run), Line::Left { .. }), "what was left there goes on");
    run.news("unknown", down(1));
    let view = run.view();
    assert_eq!((view.remotes().len(), view.remotes()[0].received), (1, 9));
}

#[test]
fn a_run_is_elsewhere_where_all_that_runs_is_on_one_machine() {
    let of = |executors: &[(&str, bool)]| {
        let stages = executors.iter().map(|(executor, runs)| {
            let mut stage = on(stage("a", "x"), executor);
            stage.skip = (!runs).then(|| SkipReason::Condition { why: "x".into() });
            stage
        });
        let run = Recorded::elsewhere(stages.collect(), vec![remote("box", "b"), remote("other", "o")]);
        run.view().elsewhere().map(|remote| remote.info.host.clone())
    };
    assert_eq!(of(&[("box", true), ("local", false), ("box", true)]).as_deref(), Some("b"));
    assert_eq!(of(&[("box", true), ("local", true)]), None);
    assert_eq!(of(&[("box", true), ("other", true)]), None);
    assert_eq!(of(&[("local", true)]), None);
    assert_eq!(of(&[("box", false)]), None);
}
