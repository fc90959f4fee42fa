//! Clocks that jump and time zones: order comes from numbers, durations from the monotonic clock, and what is shown is
//! the same wherever and in whatever language it is looked at.

use std::fs;

use serde_json::Value;

use crate::support::{Finished, Project};

/// An hour, and a year, in milliseconds.
const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

const PIPELINE: &str = r#"
[stages.a]
run = "echo from a; chaos sleep 0.02"
[stages.b]
needs = ["a"]
run = "echo from b; exit 7"
"#;

fn with_runs(project: &Project, runs: u32) {
    project.config(PIPELINE);
    for _ in 0..runs {
        project.local_ci(&["-q"]).output().assert_code(1);
    }
    project.assert_nothing_left();
}

/// Rewrites the journal of a run: each event's wall and monotonic clock.
fn doctor(project: &Project, number: u64, wall: impl Fn(usize, i64) -> i64, mono: impl Fn(usize, u64) -> u64) {
    let mut events = project.events(number);
    for (at, event) in events.iter_mut().enumerate() {
        event["unix_ms"] = wall(at, event["unix_ms"].as_i64().unwrap()).into();
        event["mono_us"] = mono(at, event["mono_us"].as_u64().unwrap()).into();
    }
    let lines: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
    fs::write(project.run_dir(number).join("events.jsonl"), lines.concat()).unwrap();
    // What was known of it from before.
    let _ = fs::remove_file(project.state_dir().join("history.db"));
}

fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.transcript()))
}

/// H95: the wall clock jumps between any two events of a run, back by an hour, on by a year, to the beginning and to the
/// end of all time. What came of the run and how long it took is as before, and no such duration teaches anything.
#[test]
fn h95_a_wall_clock_that_jumps_in_a_run_changes_nothing_of_it() {
    let project = Project::new();
    with_runs(&project, 2);
    let whole = fs::read(project.run_dir(2).join("events.jsonl")).unwrap();
    let transcript = project.local_ci(&["attach", "2"]).output().assert_code(1).stdout();
    let report = json(&project.local_ci(&["show", "2", "--json"]).output().assert_code(1));
    let count = project.events(2).len();
    for jump in [-HOUR, YEAR, i64::MIN / 2, i64::MAX / 2] {
        for from in 0..count {
            doctor(&project, 2, |at, wall| if at < from { wall } else { wall.saturating_add(jump) }, |_, mono| mono);
            let attached = project.local_ci(&["attach", "2"]).output().assert_code(1);
            assert_eq!(attached.stdout(), transcript, "{jump} from event {from}");
            let shown = json(&project.local_ci(&["show", "2", "--json"]).output().assert_code(1));
            assert_eq!(shown, report, "{jump} from event {from}");
            for args in
                [&["list"][..], &["list", "--json"], &["runs"], &["runs", "a"], &["plan"], &["prune", "--dry-run"]]
            {
                let finished = project.local_ci(args).output().assert_code(0);
                assert_eq!(finished.stderr(), "", "{jump} from event {from}");
                assert!(!finished.stdout().contains("-1 "), "{}", finished.transcript());
            }
            let stats = json(&project.local_ci(&["stats", "a", "--json"]).output().assert_code(0));
            let within_a = from == 2;
            let samples = if within_a { 1 } else { 2 };
            assert_eq!(stats["jobs"][0]["estimate"]["samples"], samples, "{jump} from event {from}");
            fs::write(project.run_dir(2).join("events.jsonl"), &whole).unwrap();
        }
    }
}

/// H95: a monotonic clock cannot go back. A journal in which it does was written by hand; nothing takes less than no time.
#[test]
fn h95_a_journal_whose_time_goes_back_has_no_negative_durations() {
    let project = Project::new();
    with_runs(&project, 1);
    for mono in [
        (|at, mono| mono - at as u64 * 1_000_000) as fn(usize, u64) -> u64,
        |_, _| 0,
        |_, _| u64::MAX,
        |at, _| if at % 2 == 0 { u64::MAX } else { 0 },
    ] {
        doctor(&project, 1, |_, wall| wall, mono);
        for args in [&["show", "1"][..], &["attach", "1"], &["show", "1", "--json"]] {
            let finished = project.local_ci(args).output().assert_code(1);
            assert_eq!(finished.stderr(), "", "{}", finished.transcript());
        }
        for args in [&["list"][..], &["runs"], &["stats", "a"], &["plan"]] {
            let finished = project.local_ci(args).output().assert_code(0);
            assert!(!finished.stderr().contains("panicked"), "{}", finished.transcript());
        }
    }
    project.local_ci(&["-q"]).output().assert_code(1);
}

/// H95: events are in the order of their numbers, whatever their clocks say of it.
#[test]
fn h95_the_order_of_events_is_that_of_their_numbers() {
    let project = Project::new();
    with_runs(&project, 1);
    let before = project.local_ci(&["attach", "1", "--output", "json"]).output().assert_code(1).stdout();
    let wall = |at: usize, wall: i64| wall - i64::try_from(at).unwrap() * HOUR;
    doctor(&project, 1, wall, |_, mono| mono);
    let after = project.local_ci(&["attach", "1", "--output", "json"]).output().assert_code(1).stdout();
    let kinds = |text: &str| -> Vec<(Value, Value)> {
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.map(|event| (event["seq"].clone(), event["event"].clone())).collect()
    };
    assert_eq!(kinds(&after), kinds(&before));
}

/// H97: in every time zone, on both sides of a change to summer time, and in every language, the same is shown of the
/// same runs; what programs read is in UTC.
#[test]
fn h97_time_zones_and_languages_change_nothing() {
    let project = Project::new();
    with_runs(&project, 2);
    // Well back, so that nothing turns from one unit into the next between two looks; across the change of October 2025.
    let now = project.events(1)[0]["unix_ms"].as_i64().unwrap();
    let change = 1_761_440_400_000;
    doctor(&project, 1, |at, _| change - 1 + i64::try_from(at).unwrap(), |_, mono| mono);
    doctor(&project, 2, |_, wall| wall - 40 * 24 * HOUR, |_, mono| mono);
    assert!(now - change > 40 * 24 * HOUR);
    let look = |zone: Option<&str>, language: &str| {
        let commands: [&[&str]; 7] = [
            &["runs"],
            &["runs", "--json"],
            &["runs", "a"],
            &["stats", "a"],
            &["show", "1"],
            &["attach", "2"],
            &["attach", "1", "--output", "json"],
        ];
        commands.map(|args| {
            let invocation = project.local_ci(args).env("LANG", language).env("LC_ALL", language);
            let finished = zone.into_iter().fold(invocation, |invocation, zone| invocation.env("TZ", zone)).output();
            finished.transcript()
        })
    };
    let expected = look(None, "C.UTF-8");
    for zone in
        ["UTC", "", "Europe/Berlin", ":America/St_Johns", "Asia/Kathmandu", "EST5EDT,M3.2.0,M11.1.0", "no such zone"]
    {
        assert_eq!(look(Some(zone), "C.UTF-8"), expected, "{zone}");
    }
    for language in ["de_DE.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8", "xx_XX.UTF-8"] {
        assert_eq!(look(Some("Europe/Berlin"), language), expected, "{language}");
    }
}
