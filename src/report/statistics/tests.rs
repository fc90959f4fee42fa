//! Statistics as they are read, on every kind of terminal.

use super::*;
use crate::event::Basis;
use crate::report::{Glyphs, Look, Style};

const NOW: i64 = 1_700_000_000_000;

fn ago(seconds: u64) -> u64 {
    1_700_000_000_000 - seconds * 1000
}

fn last(run: u64, status: Status, duration_ms: u64, foretold: Option<[u64; 3]>) -> LastRun {
    LastRun { run: RunNumber(run), status, duration_ms, foretold, is_sample: status == Status::Pass }
}

fn job() -> JobStatistics {
    JobStatistics {
        name: StageName::new("test").unwrap(),
        command: Some("cargo test".into()),
        totals: Totals {
            runs: 5,
            passed: 4,
            flaky: 1,
            mean_ms: Some(150_000.4),
            fastest_ms: Some(135_000),
            slowest_ms: Some(165_000),
            last_failure: Some((RunNumber(3), ago(7200))),
        },
        median_ms: Some(149_000),
        next: Next::Expected(Estimate {
            expected_ms: 150_000,
            low_ms: 135_000,
            high_ms: 165_000,
            samples: 9,
            basis: Basis::Own,
            longer_ms: vec![165_000],
        }),
        trend: Some(Trend { recent_ms: 160_000, earlier_ms: 140_000, percent: 14.29, runs: 4, is_clear: true }),
        flaky: Some(Flaky { failed: 1, total: 3, rate: 0.05 }),
        accuracy: Some(Accuracy { count: 2, median_error: 0.042, within: 0.5, bias: 0.01 }),
        machines: Vec::new(),
        last: vec![
            last(5, Status::Pass, 165_000, Some([150_000, 135_000, 160_000])),
            last(4, Status::Pass, 150_000, Some([151_000, 135_000, 160_000])),
            last(3, Status::Fail, 2_000, Some([151_000, 135_000, 160_000])),
            last(2, Status::Cancelled, 2_000, None),
            last(1, Status::Pass, 135_000, None),
        ],
    }
}

fn never() -> JobStatistics {
    JobStatistics {
        totals: Totals::default(),
        median_ms: None,
        next: Next::Unknown,
        trend: None,
        flaky: None,
        accuracy: None,
        machines: Vec::new(),
        last: Vec::new(),
        ..job()
    }
}

fn on_terminal(width: usize, glyphs: Glyphs) -> Look {
    Look { style: Style { glyphs, colour: false }, width: Some(width) }
}

#[test]
fn a_job_is_told_in_the_order_of_its_documentation() {
    insta::assert_snapshot!(render(&[job()], false, NOW, Look::default()), @"
    Job: test (cargo test)
    Total runs: 5
    Success rate: 80% (4/5)
    Average duration: 2m30s
    Fastest: 2m15s
    Slowest: 2m45s
    Estimated next run: ~2m30s
    Band: 2m15s–2m45s, eight of ten runs
    Estimated from: 9 passed runs
    Median duration: 2m29s
    Trend: 14% slower (the last 4 runs: 2m40s, those before: 2m20s)
    Last failure: run 3, 2 hours ago
    Passed only after another attempt: 1 of 4
    Flaky: 1 of 3 runs failed or needed another attempt on unchanged inputs
    Estimates so far: off by 4% in the median over 2 runs; 50% within the band
    ");
}

#[test]
fn a_terminal_gets_bars_and_is_not_written_past_its_edge() {
    insta::assert_snapshot!(render(&[job()], true, NOW, on_terminal(80, Glyphs::Unicode)), @"
    Job: test (cargo test)
    Total runs: 5
    Success rate: 80% (4/5)
    Average duration: 2m30s
    Fastest: 2m15s
    Slowest: 2m45s
    Estimated next run: ~2m30s
    Band: 2m15s–2m45s, eight of ten runs
    Estimated from: 9 passed runs
    Median duration: 2m29s
    Trend: 14% slower (the last 4 runs: 2m40s, those before: 2m20s)
    Last failure: run 3, 2 hours ago
    Passed only after another attempt: 1 of 4
    Flaky: 1 of 3 runs failed or needed another attempt on unchanged inputs
    Estimates so far: off by 4% in the median over 2 runs; 50% within the band
    Last 4 runs: ▁✗▅█

    Run  Foretold   Took  Off by  Band
      5    ~2m30s  2m45s     -9%  2m15s–2m40s, missed
      4    ~2m31s  2m30s     +1%  2m15s–2m40s
    ");
    insta::assert_snapshot!(render(&[job()], false, NOW, on_terminal(40, Glyphs::Ascii)), @"
    Job: test (cargo test)
    Total runs: 5
    Success rate: 80% (4/5)
    Average duration: 2m30s
    Fastest: 2m15s
    Slowest: 2m45s
    Estimated next run: ~2m30s
    Band: 2m15s-2m45s, eight of ten runs
    Estimated from: 9 passed runs
    Median duration: 2m29s
    Trend: 14% slower (the last 4 runs: 2m4~
    Last failure: run 3, 2 hours ago
    Passed only after another attempt: 1 of~
    Flaky: 1 of 3 runs failed or needed ano~
    Estimates so far: off by 4% in the medi~
    Last 4 runs: .x+@
    ");
    for width in [1, 10, 20, 40, 80, 200] {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            for jobs in [vec![job()], vec![job(), never()]] {
                let text = render(&jobs, true, NOW, on_terminal(width, glyphs));
                let long = text.lines().find(|line| console::measure_text_width(line) > width);
                // Names of stages stand whole: they are what is typed next.
                assert!(long.is_none_or(|line| line == "test"), "{width}: {long:?}");
                assert!(glyphs == Glyphs::Unicode || text.is_ascii(), "{text}");
            }
        }
    }
}

#[test]
fn what_is_not_known_is_not_invented() {
    insta::assert_snapshot!(render(&[never()], true, NOW, Look::default()), @"
    Job: test (cargo test)
    Total runs: 0
    Estimated next run: not known yet (no passed runs)

    Nothing was foretold yet that can be compared.
    ");
    let skipped = SkipReason::Condition { why: "os is not linux".into() };
    insta::assert_snapshot!(render(&[JobStatistics { next: Next::Skipped(skipped), ..never() }], false, NOW, Look::default()), @"
    Job: test (cargo test)
    Total runs: 0
    Estimated next run: none, it would be skipped (os is not linux)
    ");
    let gone = JobStatistics { command: None, next: Next::Gone, ..job() };
    let text = render(&[gone], false, NOW, Look::default());
    assert!(text.starts_with("Job: test (not in the config any more)\n"), "{text}");
    assert!(text.contains("\nEstimated next run: none, the config has no such stage any more\n"), "{text}");
}

#[test]
fn machines_are_told_apart_where_there_are_several() {
    let mut job = job();
    job.machines.push(OnMachine { executor: "local".into(), runs: 4, passed: 3, median_ms: Some(149_000) });
    assert!(
        !render(&[job.clone()], false, NOW, Look::default()).contains("Here:"),
        "where there is one, nothing is said"
    );
    job.machines.push(OnMachine { executor: "box\x1b".into(), runs: 9, passed: 9, median_ms: None });
    let executors = document(None, &[job.clone()], false)["jobs"][0]["executors"].to_string();
    assert!(executors.starts_with(r#"[{"executor":"local","median_ms":149000,"passed":3,"runs":4},"#), "{executors}");
    let text = render(&[job], false, NOW, Look::default());
    let told: Vec<&str> = text.lines().filter(|line| line.starts_with("Here") || line.starts_with("On ")).collect();
    assert_eq!(told, ["Here: 3 of 4 passed, median 2m29s", "On box\\u{1b}: 9 of 9 passed"]);
}

#[test]
fn several_jobs_are_a_table() {
    let other = JobStatistics { name: StageName::new("test:1.80").unwrap(), ..never() };
    insta::assert_snapshot!(render(&[job(), other], false, NOW, on_terminal(80, Glyphs::Unicode)), @"
    Job        Runs  Success  Median     Next  Last failure
    test          5      80%   2m29s   ~2m30s  ✗ run 3, 2 hours ago
    test:1.80     0                   unknown
    ");
}

#[test]
fn an_estimate_says_whose_runs_it_rests_on() {
    let from = |basis, samples| {
        let Next::Expected(estimate) = job().next else { unreachable!() };
        let next = Next::Expected(Estimate { samples, basis, ..estimate });
        let text = render(&[JobStatistics { next, ..job() }], false, NOW, Look::default());
        text.lines().find(|line| line.starts_with("Estimated from")).unwrap().to_owned()
    };
    assert_eq!(from(Basis::Own, 1), "Estimated from: 1 passed run");
    assert_eq!(from(Basis::OtherWorktree, 3), "Estimated from: 3 passed runs in another work tree of the repository");
    assert_eq!(from(Basis::EarlierCommand, 3), "Estimated from: 3 passed runs with the command that it had before");
    assert_eq!(from(Basis::OtherMachine, 3), "Estimated from: 3 passed runs on other machines");
}

#[test]
fn shares_are_rounded_but_never_to_all_or_nothing() {
    for (part, whole, expected) in [(0, 0, 0), (0, 3, 0), (3, 3, 100), (4, 5, 80), (999, 1000, 99), (1, 1000, 1)] {
        assert_eq!(percent(part, whole), expected, "{part}/{whole}");
    }
    assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
}

#[test]
fn programs_get_the_same_and_no_more_than_is_known() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&document(Some("test"), &[job()], true)).unwrap(), @r#"
    {
      "job": "test",
      "jobs": [
        {
          "accuracy": {
            "bias": 0.01,
            "count": 2,
            "median_error": 0.042,
            "within": 0.5
          },
          "average_ms": 150000,
          "command": "cargo test",
          "estimate": {
            "expected_ms": 150000,
            "high_ms": 165000,
            "longer_ms": [
              165000
            ],
            "low_ms": 135000,
            "samples": 9
          },
          "executors": [],
          "fastest_ms": 135000,
          "flaky": {
            "failed": 1,
            "rate": 0.05,
            "total": 3
          },
          "last": [
            {
              "duration_ms": 165000,
              "run": 5,
              "status": "pass"
            },
            {
              "duration_ms": 150000,
              "run": 4,
              "status": "pass"
            },
            {
              "duration_ms": 2000,
              "run": 3,
              "status": "fail"
            },
            {
              "duration_ms": 2000,
              "run": 2,
              "status": "cancelled"
            },
            {
              "duration_ms": 135000,
              "run": 1,
              "status": "pass"
            }
          ],
          "last_failure": {
            "run": 3,
            "started_unix_ms": 1699992800000
          },
          "median_ms": 149000,
          "name": "test",
          "passed": 4,
          "predictions": [
            {
              "duration_ms": 165000,
              "expected_ms": 150000,
              "high_ms": 160000,
              "low_ms": 135000,
              "run": 5
            },
            {
              "duration_ms": 150000,
              "expected_ms": 151000,
              "high_ms": 160000,
              "low_ms": 135000,
              "run": 4
            }
          ],
          "retried": 1,
          "runs": 5,
          "skip": null,
          "slowest_ms": 165000,
          "trend": {
            "earlier_ms": 140000,
            "is_clear": true,
            "percent": 14.29,
            "recent_ms": 160000,
            "runs": 4
          }
        }
      ],
      "schema_version": 1
    }
    "#);
    let unknown = document(Some("test"), &[never()], false);
    assert_eq!(unknown["jobs"][0]["estimate"], serde_json::Value::Null);
    assert_eq!(unknown["jobs"][0].get("predictions"), None);
}

#[test]
fn a_foreign_command_cannot_steer_the_terminal() {
    let hostile = JobStatistics { command: Some("a\x1b[2Jb\nsecond".into()), ..job() };
    let text = render(&[hostile], false, NOW, Look::default());
    assert!(text.starts_with("Job: test (a\\u{1b}[2Jb …)\n"), "{text}");
}
