//! What the region shows: a run at a moment, drawn for every width, with all characters and with ASCII, with colour and
//! without.

use proptest::prelude::*;

use super::*;
use crate::cancel::CancelLevel;
use crate::event::{Basis, Estimate, RemoteNews};
use crate::outcome::{CancelReason, Outcome};
use crate::report::live::fit::width;
use crate::report::live::frame::Scene;
use crate::view::RunView;
use crate::view::recorded::{after, expecting, failed, on, remote, stage};

const PLAIN: Style = STYLES[0];

/// The lines of a run so many seconds after it started.
fn drawn(run: &Recorded, seconds: u64, (rows, columns): (u16, u16), style: Style) -> Vec<String> {
    let view = run.view();
    let now = start(&view).after(Duration::from_secs(seconds));
    let cancelling = view.cancelling().map(|_| now);
    Scene {
        view: &view,
        now,
        room: Size { rows, columns },
        style,
        cancelling,
        is_ours: true,
        may_leave: false,
        printed: &[],
    }
    .lines()
}

fn start(view: &RunView) -> Timestamp {
    view.header().unwrap().at
}

/// The lines with a rule above them that is as wide as they may be.
fn ruled(run: &Recorded, seconds: u64, columns: u16, style: Style) -> String {
    let rule = "-".repeat(columns.into());
    let lines = drawn(run, seconds, (23, columns), style).join("\n").replace('\x1b', "^");
    format!("{rule}\n{lines}\n")
}

fn known(name: &str, expected_ms: u64) -> crate::event::StageInfo {
    let mut stage = stage(name, name);
    stage.estimate = Some(expecting(expected_ms));
    stage
}

/// A run after twelve seconds in which everything happens that can: one has passed, one is under way, one takes longer
/// than usual, one nobody knows, one is tried again, one rests on little, and two wait.
fn busy() -> Recorded {
    let mut few = known("e2e:firefox", 30_000);
    few.estimate = few.estimate.map(|estimate| Estimate { samples: 2, ..estimate });
    let mut run = Recorded::of(vec![
        known("fmt", 500),
        known("clippy", 40_000),
        known("test", 7000),
        stage("integration-tests-of-the-whole-workspace", "cargo test --workspace"),
        stage("deploy:staging", "deploy"),
        few,
        after(known("doc", 20_000), &[1]),
        after(known("publish", 3000), &[6]),
    ]);
    run.start(0).wait(500).finish(0, Outcome::Passed).wait(500).start(1).start(2).start(4).start(5).wait(7000);
    run.start(3).retry(4, failed(1), 30_000);
    run
}

#[test]
fn everything_that_can_be_shown() {
    let all = |style| [20, 40, 79, 199].map(|columns| ruled(&busy(), 12, columns, style)).concat();
    insta::assert_snapshot!(all(PLAIN), @r"
    --------------------
    ⠙ clippy    11s
    ⠙ test      11s
    ⠼ depl…ing  again
    ⠙ e2e:…fox  11s
    ⠼ inte…ace  4s
      2 waiting
    1/8 · 12s · ~1m left
    ----------------------------------------
    ⠙ clippy                11s of ~40s
    ⠙ test                  11s, 4s longer
    ⠼ deploy:staging        attempt 2 in 25s
    ⠙ e2e:firefox           11s of ~30s
    ⠼ integratio…workspace  4s
      2 waiting
    1/8 · 12s · ~1m left, a guess
    -------------------------------------------------------------------------------
    ⠙ clippy                          11s of ~40s                ███░░░░░░░░░░░ 27%
    ⠙ test                            11s, 4s longer than usual  █████████████░ 99%
    ⠼ deploy:staging                  attempt 2 in 25s
    ⠙ e2e:firefox                     11s of ~30s (2 samples)    █████░░░░░░░░░ 36%
    ⠼ integration-tes…hole-workspace  4s, no estimate yet
      2 waiting
    1/8 · 12s · ~1m left, a guess ██░░░░░░░░░░░░░░
    -------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    ⠙ clippy                                    11s of ~40s                ██████░░░░░░░░░░░░░░░░░░ 27%
    ⠙ test                                      11s, 4s longer than usual  ███████████████████████░ 99%
    ⠼ deploy:staging                            attempt 2 in 25s
    ⠙ e2e:firefox                               11s of ~30s (2 samples)    ████████░░░░░░░░░░░░░░░░ 36%
    ⠼ integration-tests-of-the-whole-workspace  4s, no estimate yet
      2 waiting
    1/8 · 12s · ~1m left, a guess ██░░░░░░░░░░░░░░
    ");
    insta::assert_snapshot!(all(STYLES[1]), @r"
    --------------------
    \ clippy    11s
    \ test      11s
    | dep...ng  again
    \ e2e...ox  11s
    | int...ce  4s
      2 waiting
    1/8, 12s, ~1m left
    ----------------------------------------
    \ clippy                11s of ~40s
    \ test                  11s, 4s longer
    | deploy:staging        attempt 2 in 25s
    \ e2e:firefox           11s of ~30s
    | integrati...orkspace  4s
      2 waiting
    1/8, 12s, ~1m left, a guess
    -------------------------------------------------------------------------------
    \ clippy                          11s of ~40s                [###.........] 27%
    \ test                            11s, 4s longer than usual  [###########.] 99%
    | deploy:staging                  attempt 2 in 25s
    \ e2e:firefox                     11s of ~30s (2 samples)    [####........] 36%
    | integration-te...ole-workspace  4s, no estimate yet
      2 waiting
    1/8, 12s, ~1m left, a guess [##............]
    -------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    \ clippy                                    11s of ~40s                [#####.................] 27%
    \ test                                      11s, 4s longer than usual  [#####################.] 99%
    | deploy:staging                            attempt 2 in 25s
    \ e2e:firefox                               11s of ~30s (2 samples)    [#######...............] 36%
    | integration-tests-of-the-whole-workspace  4s, no estimate yet
      2 waiting
    1/8, 12s, ~1m left, a guess [##............]
    ");
}

#[test]
fn colours_say_again_what_words_say() {
    insta::assert_snapshot!(ruled(&busy(), 12, 79, STYLES[2]), @r"
    -------------------------------------------------------------------------------
    ^[36m⠙^[0m clippy                          11s of ~40s                ^[36m███^[0m^[2m░░░░░░░░░░░^[0m 27%
    ^[33m⠙^[0m test                            11s, 4s longer than usual  ^[33m█████████████^[0m^[2m░^[0m 99%
    ^[33m⠼^[0m deploy:staging                  attempt 2 in 25s
    ^[36m⠙^[0m e2e:firefox                     11s of ~30s (2 samples)    ^[36m█████^[0m^[2m░░░░░░░░░^[0m 36%
    ^[36m⠼^[0m integration-tes…hole-workspace  4s, no estimate yet
    ^[2m  2 waiting^[0m
    1/8 · 12s · ~1m left, a guess ^[32m██^[0m^[2m░░░░░░░░░░░░░░^[0m
    ");
    let mut run = busy();
    run.finish(2, failed(1));
    for seconds in [0, 12, 90] {
        for columns in [1, 2, 20, 40, 79, 199] {
            for (plain, coloured) in [(STYLES[0], STYLES[2]), (STYLES[1], STYLES[3])] {
                let coloured = drawn(&run, seconds, (23, columns), coloured);
                let bare: Vec<_> = coloured.iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect();
                assert_eq!(bare, drawn(&run, seconds, (23, columns), plain));
            }
        }
    }
}

/// H193: no character of ours is outside ASCII where there is nothing else.
#[test]
fn h193_frames_are_ascii_where_nothing_else_is_there() {
    for seconds in [0, 12, 90] {
        for columns in [1, 20, 79, 199] {
            let lines = drawn(&busy(), seconds, (23, columns), STYLES[1]);
            assert!(lines.iter().all(|line| line.is_ascii()), "{lines:?}");
        }
    }
}

#[test]
fn without_history_nothing_is_foretold() {
    let stages = || vec![stage("build", "make"), after(stage("test", "make test"), &[0])];
    let mut run = Recorded::numbered(stages(), Some(1));
    run.start(0);
    insta::assert_snapshot!(ruled(&run, 0, 79, PLAIN), @r"
    -------------------------------------------------------------------------------
    ⠋ build  <1s, first run
      1 waiting
    0/2 · <1s
    ");
    insta::assert_snapshot!(ruled(&run, 75, 79, PLAIN), @r"
    -------------------------------------------------------------------------------
    ⠴ build  1m15s, first run
      1 waiting
    0/2 · 1m15s
    ");
    let mut later = Recorded::of(stages());
    later.start(0);
    assert_eq!(drawn(&later, 75, (23, 79), PLAIN)[0], "⠴ build  1m15s, no estimate yet");
}

/// What is expected changes once the point is passed, and is never said to be nothing.
#[test]
fn what_is_expected_moves_on() {
    let mut build = stage("build", "make");
    let longer_ms = vec![12_000, 20_000];
    build.estimate =
        Some(Estimate { expected_ms: 10_000, low_ms: 8000, high_ms: 15_000, samples: 9, basis: Basis::Own, longer_ms });
    let mut run = Recorded::of(vec![build]);
    run.start(0);
    let all = [0, 9, 10, 11, 13, 16, 25, 4000].map(|seconds| drawn(&run, seconds, (23, 79), PLAIN).join("\n") + "\n");
    insta::assert_snapshot!(all.concat(), @r"
    ⠋ build  <1s of ~10s  ░░░░░░░░░░░░░░░░░░░░░░░░  0%
    0/1 · <1s · ~10s left (8s–15s) ░░░░░░░░░░░░░░░░
    ⠏ build  9s of ~10s  █████████████████████░░░ 90%
    0/1 · 9s · ~1s left (1s–6s) ██████████████░░
    ⠋ build  10s of ~16s  ███████████████████████░ 99%
    0/1 · 10s · ~6s left (1s–6s) █████████░░░░░░░
    ⠙ build  11s of ~16s  ███████████████████████░ 99%
    0/1 · 11s · ~5s left (1s–5s) ██████████░░░░░░
    ⠸ build  13s of ~20s  ███████████████████████░ 99%
    0/1 · 13s · ~7s left (1s–7s) ██████████░░░░░░
    ⠦ build  16s, 6s longer than usual  ███████████████████████░ 99%
    0/1 · 16s · ~4s left (1s–4s) ████████████░░░░
    ⠴ build  25s, 15s longer than usual  ███████████████████████░ 99%
    0/1 · 25s · ~10s left, a guess ███████████░░░░░
    ⠋ build  1h06m, 1h06m longer than usual  ███████████████████████░ 99%
    0/1 · 1h06m · ~10s left, a guess ███████████████░
    ");
}

/// Whose past runs it were is said where they were not the stage's own, or few.
#[test]
fn an_estimate_says_what_it_rests_on() {
    let resting = |samples, basis| {
        let mut build = stage("build", "make");
        build.estimate = Some(Estimate { samples, basis, ..expecting(10_000) });
        let mut run = Recorded::of(vec![build]);
        run.start(0);
        drawn(&run, 5, (23, 79), PLAIN)[0].clone()
    };
    for (samples, basis, said) in [
        (1, Basis::Own, "5s of ~10s (1 sample)  "),
        (2, Basis::Own, "5s of ~10s (2 samples)  "),
        (3, Basis::Own, "5s of ~10s  "),
        (30, Basis::OtherWorktree, "5s of ~10s (other work tree)  "),
        (30, Basis::EarlierCommand, "5s of ~10s (earlier command)  "),
        (30, Basis::OtherMachine, "5s of ~10s (other machine)  "),
    ] {
        let line = resting(samples, basis);
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn a_run_that_is_ended_early_says_how_to_end_it_at_once() {
    let told = |level, is_ours| {
        let mut run = busy();
        run.finish(2, failed(1)).cancel(CancelReason::Interrupt, level);
        let view = run.view();
        let now = start(&view).after(Duration::from_secs(12));
        let cancelling = Some(start(&view).after(Duration::from_secs(9)));
        let scene = Scene {
            view: &view,
            now,
            room: Size { rows: 23, columns: 79 },
            style: PLAIN,
            cancelling,
            is_ours,
            may_leave: false,
            printed: &[],
        };
        scene.lines()
    };
    insta::assert_snapshot!(told(CancelLevel::Interrupt, true).join("\n"), @r"
    ⠙ clippy                                    11s
    ⠼ deploy:staging                            attempt 2 in 25s
    ⠙ e2e:firefox                               11s
    ⠼ integration-tests-of-the-whole-workspace  4s
      2 waiting
    2/8 · 1 failed · cancelling for 3s, press Ctrl+C again to kill
    ");
    let last = |lines: Vec<String>| lines.last().unwrap().clone();
    let killing = "2/8 · 1 failed · killing for 3s, press Ctrl+C again to leave at once";
    assert_eq!(last(told(CancelLevel::Kill, true)), killing);
    assert_eq!(last(told(CancelLevel::Terminate, false)), "2/8 · 1 failed · cancelling for 3s: interrupted");
}

/// More than fits: those that take longest are shown, and the others counted.
#[test]
fn what_does_not_fit_is_counted() {
    let mut stages: Vec<_> = (0..20).map(|n| known(&format!("s{n}"), 1000 * (n + 1))).collect();
    stages[3].estimate = None;
    stages.push(after(stage("last", "last"), &[0]));
    let mut run = Recorded::of(stages);
    for n in 0..20 {
        run.start(n);
    }
    let all = [1, 2, 3, 4, 6].map(|rows| format!("{rows}:\n{}\n", drawn(&run, 1, (rows, 60), PLAIN).join("\n")));
    insta::assert_snapshot!(all.concat(), @r"
    1:
    0/21 · 1s · ~1m40s left, a guess ░░░░░░░░░░░░░░░░
    2:
      20 running, 1 waiting
    0/21 · 1s · ~1m40s left, a guess ░░░░░░░░░░░░░░░░
    3:
    ⠙ s3  1s, no estimate yet
      … and 19 more, 1 waiting
    0/21 · 1s · ~1m40s left, a guess ░░░░░░░░░░░░░░░░
    4:
    ⠙ s3   1s, no estimate yet
    ⠙ s19  1s of ~20s           █░░░░░░░░░░░░░░░░░░░░░░░  5%
      … and 18 more, 1 waiting
    0/21 · 1s · ~1m40s left, a guess ░░░░░░░░░░░░░░░░
    6:
    ⠙ s3   1s, no estimate yet
    ⠙ s17  1s of ~18s           █░░░░░░░░░░░░░░░░░░░░░░░  5%
    ⠙ s18  1s of ~19s           █░░░░░░░░░░░░░░░░░░░░░░░  5%
    ⠙ s19  1s of ~20s           █░░░░░░░░░░░░░░░░░░░░░░░  5%
      … and 16 more, 1 waiting
    0/21 · 1s · ~1m40s left, a guess ░░░░░░░░░░░░░░░░
    ");
}

/// Before there is anything to show, and after the end, nothing is.
#[test]
fn there_is_no_region_before_the_run_and_after_it() {
    let view = RunView::new();
    let now = Timestamp { unix_ms: 0, mono_us: 0 };
    let room = Size { rows: 23, columns: 79 };
    let scene =
        Scene { view: &view, now, room, style: PLAIN, cancelling: None, is_ours: true, may_leave: false, printed: &[] };
    assert!(scene.lines().is_empty());
    let mut run = busy();
    run.end(crate::outcome::Verdict::Lost);
    assert!(drawn(&run, 12, (23, 79), PLAIN).is_empty());
}

proptest! {
    /// H22, H189: whatever the size and the time, no frame is taller or wider than it may be, and something is said.
    #[test]
    fn h22_every_frame_fits(rows in 1u16..40, columns in 1u16..200, seconds in 0u64..10_000, style in 0usize..4) {
        let lines = drawn(&busy(), seconds, (rows, columns), STYLES[style]);
        prop_assert!(!lines.is_empty() && lines.len() <= usize::from(rows));
        for line in &lines {
            prop_assert!(width(&console::strip_ansi_codes(line)) <= usize::from(columns), "{line:?} in {columns}");
        }
        // The run's own line is always there; it ends with a bar or without.
        let last = console::strip_ansi_codes(lines.last().unwrap()).into_owned();
        prop_assert!(columns < 3 || last.starts_with("1/8"), "{last:?}");
    }
}

/// H11: while a run is paused nothing of it goes on, and it says so, and since when.
#[test]
fn h11_a_paused_run_stands_still() {
    let mut run =
        Recorded::of(vec![known("clippy", 40_000), stage("test", "cargo test"), after(known("doc", 9000), &[0])]);
    run.start(0).start(1).wait(12_000).push(crate::event::EventKind::Paused);
    insta::assert_snapshot!(ruled(&run, 12, 60, PLAIN) + &ruled(&run, 312, 60, PLAIN) + &ruled(&run, 312, 20, PLAIN), @r"
    ------------------------------------------------------------
    ⠹ clippy  12s of ~40s           ███████░░░░░░░░░░░░░░░░░ 30%
    ⠹ test    12s, no estimate yet
      1 waiting
    0/3 · 12s · paused for <1s ███░░░░░░░░░░░░░
    ------------------------------------------------------------
    ⠹ clippy  12s of ~40s           ███████░░░░░░░░░░░░░░░░░ 30%
    ⠹ test    12s, no estimate yet
      1 waiting
    0/3 · 12s · paused for 5m ███░░░░░░░░░░░░░
    --------------------
    ⠹ clippy  12s
    ⠹ test    12s
      1 waiting
    0/3 · 12s · paused
    ");
    let view = run.view();
    let now = start(&view).after(Duration::from_secs(312));
    let scene = |view| Scene {
        view,
        now,
        room: Size { rows: 9, columns: 60 },
        style: PLAIN,
        cancelling: None,
        is_ours: true,
        may_leave: false,
        printed: &[],
    };
    assert!(matches!(scene(&view).mark(), crate::report::terminal::Mark::Paused(percent) if percent > 0));
    run.wait(300_000).push(crate::event::EventKind::Resumed);
    insta::assert_snapshot!(ruled(&run, 313, 60, PLAIN), @r"
    ------------------------------------------------------------
    ⠸ clippy  13s of ~40s           ███████░░░░░░░░░░░░░░░░░ 32%
    ⠸ test    13s, no estimate yet
      1 waiting
    0/3 · 13s · ~35s left, a guess ████░░░░░░░░░░░░
    ");
}

/// What seems stuck says so in its row, and where there is little room, in fewer words.
#[test]
fn what_seems_stuck_is_said_in_its_row() {
    let mut run = Recorded::of(vec![known("slow", 10_000), known("fast", 10_000)]);
    run.start(0).wait(400_000).start(1);
    let view = run.view();
    let now = start(&view).after(Duration::from_secs(405));
    let printed = [(crate::ids::StageId(0), now.unix_ms - 250_000)];
    let drawn = |columns, cancelling| {
        let room = Size { rows: 9, columns };
        Scene { view: &view, now, room, style: PLAIN, cancelling, is_ours: true, may_leave: false, printed: &printed }
            .lines()[0]
            .clone()
    };
    insta::assert_snapshot!(drawn(120, None), @"⠴ slow  6m45s, seems stuck: nothing printed for 4m, usually done after 10.0s  ███████████████████████░ 99%");
    insta::assert_snapshot!(drawn(40, None), @"⠴ slow  6m45s, seems stuck  ███████░ 99%");
    assert!(!drawn(120, Some(now)).contains("stuck"));
}

/// The key that leaves is told where there is room for it beside everything else, and only where it leaves.
#[test]
fn the_key_that_leaves_is_told_where_there_is_room() {
    let mut run = Recorded::of(vec![known("clippy", 40_000)]);
    run.start(0);
    let view = run.view();
    let now = start(&view).after(Duration::from_secs(12));
    let last = |columns, may_leave| {
        let room = Size { rows: 9, columns };
        let scene =
            Scene { view: &view, now, room, style: PLAIN, cancelling: None, is_ours: true, may_leave, printed: &[] };
        scene.lines().pop().unwrap()
    };
    let told = last(79, true);
    assert!(told.ends_with("  d detach"), "{told:?}");
    assert_eq!(format!("{}  d detach", last(79, false)), told);
    for columns in 1..80 {
        let line = last(columns, true);
        assert!(width(&line) <= columns.into(), "{columns}: {line:?}");
        assert!(line.strip_suffix("  d detach").unwrap_or(&line) == last(columns, false), "{columns}: {line:?}");
    }
}

/// H126: what is the matter with another machine has a line of its own for as long as it lasts, and is said before what
/// runs there where there is no room for both.
#[test]
fn h126_the_line_to_another_machine_is_shown_while_it_is_not_there() {
    let mut run = Recorded::elsewhere(
        vec![on(known("clippy", 40_000), "box"), on(stage("test", "make"), "box"), stage("doc", "make")],
        vec![remote("box", "example.invalid"), remote("idle", "idle.example.invalid")],
    );
    run.start(0).start(2);
    let here = |run: &Recorded, rows| drawn(run, 1, (rows, 60), PLAIN).join("\n");
    insta::assert_snapshot!(here(&run, 10), @r"
    ⠙ clippy  1s of ~40s           ░░░░░░░░░░░░░░░░░░░░░░░░  2%
    ⠙ doc     1s, no estimate yet
      1 waiting
      box: connecting
    0/3 · 1s · ~40s left, a guess ░░░░░░░░░░░░░░░░
    ");
    run.news("box", RemoteNews::Connected { round_trip_us: 1, onlook: None });
    insta::assert_snapshot!(here(&run, 10), @r"
    ⠙ clippy  1s of ~40s           ░░░░░░░░░░░░░░░░░░░░░░░░  2%
    ⠙ doc     1s, no estimate yet
      1 waiting
      box: sending files
    0/3 · 1s · ~40s left, a guess ░░░░░░░░░░░░░░░░
    ");
    run.news("box", RemoteNews::Sent { files: 1, bytes: 1, duration_ms: 1 });
    insta::assert_snapshot!(here(&run, 10), @r"
    ⠙ clippy  1s of ~40s           ░░░░░░░░░░░░░░░░░░░░░░░░  2%
    ⠙ doc     1s, no estimate yet
      1 waiting
    0/3 · 1s · ~40s left, a guess ░░░░░░░░░░░░░░░░
    ");
    run.news("box", RemoteNews::Down { why: "cut".into(), attempt: 3, next_ms: 5000 });
    insta::assert_snapshot!(here(&run, 10), @r"
    ⠙ clippy  1s of ~40s           ░░░░░░░░░░░░░░░░░░░░░░░░  2%
    ⠙ doc     1s, no estimate yet
      1 waiting
      box: reconnecting (attempt 3, next in 4s)
    0/3 · 1s · ~40s left, a guess ░░░░░░░░░░░░░░░░
    ");
    insta::assert_snapshot!(here(&run, 2), @r"
      box: reconnecting (attempt 3, next in 4s)
    0/3 · 1s · ~40s left, a guess ░░░░░░░░░░░░░░░░
    ");
    insta::assert_snapshot!(here(&run, 1), @"0/3 · 1s · ~40s left, a guess ░░░░░░░░░░░░░░░░");
}
