//! The list of runs as it is read, on every kind of terminal.

use super::*;
use crate::report::{Glyphs, Style};

const NOW: i64 = 1_700_000_000_000;

fn name(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

fn run(number: u64, seconds_ago: u64, verdict: &str, exit_code: Option<u8>) -> PastLine {
    PastLine {
        run: RunNumber(number),
        started_unix_ms: 1_700_000_000_000 - seconds_ago * 1000,
        verdict: verdict.into(),
        exit_code,
        duration_ms: 135_000,
        stages: 7,
        finished: 7,
        failed: 0,
        failed_stages: Vec::new(),
        only: None,
        running_stages: Vec::new(),
        left_ms: None,
        paused_ms: None,
        left_on: Vec::new(),
        waits_for: Vec::new(),
        commit: Some("0123456789abcdef".into()),
        branch: Some("main".into()),
        pruned: false,
        job: None,
    }
}

fn some_runs() -> Vec<PastLine> {
    vec![
        PastLine {
            duration_ms: 12_300,
            finished: 3,
            left_ms: Some(40_000),
            running_stages: vec![name("test"), name("doc")],
            ..run(44, 12, "running", None)
        },
        run(43, 3700, "passed", Some(0)),
        PastLine {
            failed: 2,
            failed_stages: vec![name("clippy"), name("test:1.80:linux")],
            branch: Some("a-branch-with-a-very-long-name-日本語".into()),
            ..run(42, 7300, "failed", Some(1))
        },
        run(41, 90_000, "cancelled", Some(130)),
        PastLine { failed: 1, failed_stages: vec![name("doc")], ..run(40, 3 * 86_400, "passed", Some(0)) },
        PastLine { failed: 3, pruned: true, commit: None, branch: None, ..run(9, 30 * 86_400, "failed", Some(1)) },
        PastLine { pruned: true, ..run(8, 31 * 86_400, "lost", Some(3)) },
        PastLine { commit: None, branch: None, ..run(7, 400 * 86_400, "errored", Some(3)) },
    ]
}

fn on_terminal(width: usize, glyphs: Glyphs) -> Look {
    Look { style: Style { glyphs, colour: false }, width: Some(width) }
}

#[test]
fn runs_are_told_a_line_each() {
    insta::assert_snapshot!(render(&some_runs(), NOW, Look::default()), @"
    Run  Started      Duration  Status         Commit                                         Details
    44   12 sec ago      12.3s  ◉ running      0123456 main                                   3/7, ~40s left: test, doc
    43   1 hour ago      2m15s  ✓ passed       0123456 main
    42   2 hours ago     2m15s  ✗ failed (1)   0123456 a-branch-with-a-very-long-name-日本語  clippy, test:1.80:linux
    41   1 day ago       2m15s  - cancelled    0123456 main
    40   3 days ago      2m15s  ✓ passed       0123456 main                                   doc (allowed to fail)
    9    1 month ago     2m15s  ✗ failed (1)                                                  3 of 7 failed · pruned
    8    1 month ago     2m15s  ! lost         0123456 main                                   pruned
    7    1 year ago      2m15s  ! errored (3)
    ");
    insta::assert_snapshot!(render(&some_runs(), NOW, on_terminal(80, Glyphs::Unicode)), @"
    Run  Started      Duration  Status         Commit         Details
    44   12 sec ago      12.3s  ◉ running      0123456 main   3/7, ~40s left: test,…
    43   1 hour ago      2m15s  ✓ passed       0123456 main
    42   2 hours ago     2m15s  ✗ failed (1)   0123456 a-br…  clippy, test:1.80:lin…
    41   1 day ago       2m15s  - cancelled    0123456 main
    40   3 days ago      2m15s  ✓ passed       0123456 main   doc (allowed to fail)
    9    1 month ago     2m15s  ✗ failed (1)                  3 of 7 failed · pruned
    8    1 month ago     2m15s  ! lost         0123456 main   pruned
    7    1 year ago      2m15s  ! errored (3)
    ");
    insta::assert_snapshot!(render(&some_runs(), NOW, on_terminal(40, Glyphs::Ascii)), @"
    Run  Duration  Status         Details
    44      12.3s  * running      3/7, ~40s~
    43      2m15s  + passed
    42      2m15s  x failed (1)   clippy, t~
    41      2m15s  - cancelled
    40      2m15s  + passed       doc (allo~
    9       2m15s  x failed (1)   3 of 7 fa~
    8       2m15s  ! lost         pruned
    7       2m15s  ! errored (3)
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal_and_every_status_is_a_word() {
    for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
        for width in [1, 10, 20, 40, 66, 80, 200] {
            for colour in [false, true] {
                let text = render(&some_runs(), NOW, Look { style: Style { colour, glyphs }, width: Some(width) });
                assert!(text.lines().all(|line| console::measure_text_width(line) <= width), "{width}:\n{text}");
            }
        }
    }
    let text = render(&some_runs(), NOW, on_terminal(40, Glyphs::Ascii));
    assert!(text.is_ascii(), "{text}");
    let coloured = render(&some_runs(), NOW, Look { style: Style { colour: true, ..Style::default() }, width: None });
    assert_eq!(console::strip_ansi_codes(&coloured), render(&some_runs(), NOW, Look::default()));
}

#[test]
fn a_job_is_told_by_what_came_of_it_in_each_run() {
    let job = |status, exit_code, attempts, flaky| JobLine {
        name: name("test"),
        status,
        exit_code,
        duration_ms: if attempts == 0 { 0 } else { 41_000 },
        expected_ms: Some(40_000),
        attempts,
        flaky,
    };
    let with =
        |number, verdict: &str, job| PastLine { job: Some(job), ..run(number, 60 * (60 - number), verdict, None) };
    let lines = [
        with(12, "running", job("running", None, 1, false)),
        PastLine { finished: 2, ..with(11, "running", job("waiting", None, 0, false)) },
        with(10, "passed", job("pass", Some(0), 1, false)),
        with(9, "passed", job("pass", Some(0), 2, true)),
        with(8, "failed", job("fail", Some(101), 3, false)),
        with(7, "failed", job("timeout", Some(143), 1, false)),
        with(6, "failed", job("skip", None, 0, false)),
        with(5, "passed", job("cached", None, 0, false)),
        PastLine { pruned: true, ..with(4, "cancelled", job("cancelled", Some(130), 1, false)) },
        with(3, "errored", job("error", None, 1, false)),
        with(2, "lost", job("lost", None, 1, false)),
    ];
    insta::assert_snapshot!(render(&lines, NOW, Look::default()), @"
    Run      Started     Duration  Status          Commit        Details
    12/test  48 min ago     41.0s  ◉ running       0123456 main  of ~40s
    11/test  49 min ago            - waiting       0123456 main  2/7
    10/test  50 min ago     41.0s  ✓ passed        0123456 main
    9/test   51 min ago     41.0s  ✓ passed        0123456 main  flaky: passed on attempt 2
    8/test   52 min ago     41.0s  ✗ failed (101)  0123456 main  3 attempts
    7/test   53 min ago     41.0s  ✗ timed out     0123456 main
    6/test   54 min ago            - skipped       0123456 main
    5/test   55 min ago            ✓ cached        0123456 main
    4/test   56 min ago     41.0s  - cancelled     0123456 main  pruned
    3/test   57 min ago     41.0s  ! errored       0123456 main
    2/test   58 min ago     41.0s  ! lost          0123456 main
    ");
}

/// A run that waits for its turn says for what, and nothing of how long it has taken.
#[test]
fn a_queued_run_says_what_it_waits_for() {
    let job = JobLine {
        name: name("test"),
        status: "queued",
        exit_code: None,
        duration_ms: 0,
        expected_ms: Some(40_000),
        attempts: 0,
        flaky: false,
    };
    let queued = |number, after: &[u64]| PastLine {
        waits_for: after.iter().map(|number| RunNumber(*number)).collect(),
        commit: None,
        ..run(number, 5, "queued", None)
    };
    let lines =
        [queued(46, &[]), queued(45, &[43, 44]), queued(44, &[43]), PastLine { job: Some(job), ..queued(44, &[43]) }];
    insta::assert_snapshot!(render(&lines, NOW, Look::default()), @"
    Run      Started    Duration  Status    Commit  Details
    46       5 sec ago            - queued  main    about to begin
    45       5 sec ago            - queued  main    waits for runs 43 and 44
    44       5 sec ago            - queued  main    waits for run 43
    44/test  5 sec ago            - queued  main    waits for run 43
    ");
    let document = serde_json::to_value(&lines[1]).unwrap();
    assert_eq!((&document["verdict"], &document["waits_for"]), (&"queued".into(), &serde_json::json!([43, 44])));
}

/// runs.txt, `runs abc`: relative times, durations, and what came of each as a sign and as a word; what has not ended
/// says how it stands.
#[test]
fn what_has_not_ended_says_how_it_stands() {
    let job = JobLine {
        name: name("abc"),
        status: "paused",
        exit_code: None,
        duration_ms: 12_300,
        expected_ms: Some(135_000),
        attempts: 1,
        flaky: false,
    };
    let one = |number, seconds_ago, verdict: &str| PastLine { stages: 1, ..run(number, seconds_ago, verdict, None) };
    let lines = [
        PastLine { waits_for: vec![RunNumber(5), RunNumber(6)], ..one(7, 30, "queued") },
        PastLine { finished: 0, paused_ms: Some(190_000), running_stages: vec![name("abc")], ..one(6, 130, "paused") },
        PastLine { paused_ms: Some(190_000), job: Some(job.clone()), ..one(6, 130, "paused") },
        PastLine {
            job: Some(JobLine { status: "queued", attempts: 0, ..job }),
            waits_for: vec![RunNumber(4)],
            ..one(5, 140, "queued")
        },
    ];
    insta::assert_snapshot!(render(&lines, NOW, Look::default()), @"
    Run    Started     Duration  Status    Commit        Details
    7      30 sec ago            - queued  0123456 main  waits for runs 5 and 6
    6      2 min ago      2m15s  - paused  0123456 main  for 3m10s · 0/1: abc
    6/abc  2 min ago      12.3s  - paused  0123456 main  for 3m10s · of ~2m15s
    5/abc  2 min ago             - queued  0123456 main  waits for run 4
    ");
}

#[test]
fn a_foreign_branch_cannot_steer_the_terminal() {
    let hostile = PastLine { branch: Some("\x1b[2J\u{202e}main".into()), ..run(1, 5, "passed", Some(0)) };
    let text = render(&[hostile], NOW, Look::default());
    assert!(text.contains(r"0123456 \u{1b}[2J\u{202e}main"), "{text}");
}

#[test]
fn a_line_is_one_flat_object_for_programs() {
    insta::assert_snapshot!(serde_json::to_string(&some_runs()[0]).unwrap(), @r#"{"run":44,"started_unix_ms":1699999988000,"verdict":"running","exit_code":null,"duration_ms":12300,"stages":7,"finished":3,"failed":0,"failed_stages":[],"running_stages":["test","doc"],"left_ms":40000,"commit":"0123456789abcdef","branch":"main","pruned":false}"#);
}

#[test]
fn a_paused_run_is_told_as_one_that_has_not_ended() {
    let paused = PastLine {
        finished: 3,
        left_ms: Some(40_000),
        running_stages: vec![name("test")],
        ..run(44, 12, "paused", None)
    };
    let job = JobLine {
        name: name("test"),
        status: "paused",
        exit_code: None,
        duration_ms: 41_000,
        expected_ms: Some(60_000),
        attempts: 1,
        flaky: false,
    };
    let lines = [paused.clone(), PastLine { job: Some(job), ..paused }];
    insta::assert_snapshot!(render(&lines, NOW, Look::default()), @r"
    Run      Started     Duration  Status    Commit        Details
    44       12 sec ago     2m15s  - paused  0123456 main  3/7, ~40s left: test
    44/test  12 sec ago     41.0s  - paused  0123456 main  of ~1m00s
    ");
}
