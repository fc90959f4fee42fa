//! The same run's output, however it is looked at: in the foreground, attached from the beginning, in the middle or after
//! the end, and as logs. All of them show the same bytes, and what was kept is what was written.

use std::fs;

use local_ci::event::Stream;
use local_ci::journal::index;

use crate::support::{Finished, Project, wait_until};

/// Stages and what they print.
const STAGES: &[(&str, &str)] = &[
    ("flood", "chaos flood 6M"),
    ("long", "chaos flood 300k --no-newline"),
    ("bytes", "chaos print-hex 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f7f8081feff0a61"),
    ("torn", "chaos print-hex 61c3; chaos print-hex a4f09f9880e2820ac3280aeda080; chaos print-hex c328f09f0a"),
    ("open", "printf 'no end'"),
    ("both", "chaos interleave 3000"),
    ("errors", "chaos flood 700k --stderr; printf 'last words' >&2"),
    ("progress", "chaos progress-cr 3000"),
    ("colour", "chaos print-hex 1b5b33316d7265640a7374696c6c1b5d303b7469746c65070a1b5b324a"),
    ("lines", "chaos lines 60000"),
    ("nothing", "true"),
];

fn config() -> String {
    let stages = STAGES.iter().map(|(name, run)| format!("[stages.{name}]\nrun = \"{run}\"\n"));
    stages.collect::<String>() + "[stages.held]\nrun = \"echo held; chaos wait-for $SIDE/go; chaos flood 1M; exit 7\"\n"
}

/// The transcript's groups by stage, without their commands.
fn groups(transcript: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut groups: Vec<(String, Vec<u8>)> = Vec::new();
    let mut is_open = false;
    for line in transcript.split_inclusive(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"::group::") {
            groups.push((String::from_utf8_lossy(name).trim_end().to_owned(), Vec::new()));
            is_open = true;
        } else if line == b"::endgroup::\n" {
            is_open = false;
        } else if let (true, Some((_, text))) = (is_open, groups.last_mut()) {
            text.extend_from_slice(line);
        }
    }
    for (_, text) in &mut groups {
        let command = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        text.drain(..command);
    }
    groups.sort();
    groups
}

/// Fails without showing megabytes.
#[track_caller]
fn assert_same(one: &[u8], other: &[u8], what: &str) {
    let differs = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
    let near = |bytes: &[u8]| {
        let end = bytes.len().min(differs + 60);
        String::from_utf8_lossy(&bytes[differs.saturating_sub(60).min(end)..end]).into_owned()
    };
    let (a, b) = (one.len(), other.len());
    assert!(one == other, "{what}: {a} and {b} bytes, different from {differs} on: {:?} {:?}", near(one), near(other));
}

/// H71, H72: whoever looks, whenever, from the first byte on, sees the same, in one order and side by side.
#[test]
fn h71_h72_all_who_look_see_the_same() {
    std::thread::scope(|scope| {
        for jobs in ["1", "4"] {
            scope.spawn(move || looked_at_in_every_way(jobs));
        }
    });
}

fn looked_at_in_every_way(jobs: &str) {
    let project = Project::new();
    project.config(&config());
    let options = ["--output", "grouped"];
    let run = [&["-j", jobs][..], &options].concat();
    let foreground = project.local_ci(&run).env("SIDE", project.side_dir()).spawn();
    wait_until("the run to be there", || project.runs_dir().is_some_and(|runs| runs.join("1/events.jsonl").exists()));
    let attach = || project.local_ci(&[&["attach"][..], &options].concat()).spawn();
    let (early, followed) = (attach(), project.local_ci(&["logs", "-f", "lines"]).spawn());
    project.wait_for_event(1, "stage_finished");
    let middle = attach();
    foreground.wait_for_stdout("\nheld\n");
    let late = attach();
    late.wait_for_stdout("\nheld\n");
    project.open_gate("go");
    let foreground = foreground.wait().assert_code(1);
    let after = attach().wait().assert_code(1);
    let others: [(&str, Finished); 4] = [
        ("attached from the beginning", early.wait().assert_code(1)),
        ("attached in the middle", middle.wait().assert_code(1)),
        ("attached at the end", late.wait().assert_code(1)),
        ("attached after the end", after),
    ];
    let shown = groups(&foreground.stdout);
    assert_eq!(shown.len(), STAGES.len() + 1);
    for (when, other) in &others {
        let seen = groups(&other.stdout);
        for ((stage, text), (also, same)) in shown.iter().zip(&seen) {
            assert_eq!(stage, also, "{when}");
            assert_same(same, text, &format!("{stage}, {when}"));
        }
        assert_eq!(seen.len(), shown.len(), "{when}");
        if jobs == "1" {
            // One after the other, and so in the same order, summary and all.
            assert_same(&other.stdout, &foreground.stdout, when);
        }
    }
    for (stage, text) in &shown {
        let logged = project.local_ci(&["logs", stage]).output().assert_code(0).stdout;
        assert_same(&logged, text, &format!("{stage} in logs"));
        assert_kept(&project, stage);
    }
    assert_same(
        &followed.wait().assert_code(0).stdout,
        &shown.iter().find(|(stage, _)| stage == "lines").unwrap().1,
        "logs -f",
    );
    project.assert_nothing_left();
}

/// I4: what was kept is what the stage writes where nobody is between.
#[track_caller]
fn assert_kept(project: &Project, stage: &str) {
    let Some((_, command)) = STAGES.iter().find(|(name, _)| *name == stage) else { return };
    let written = project.sh(command).output();
    let kept = fs::read(project.run_dir(1).join(format!("logs/{stage}.log"))).unwrap_or_default();
    if stage != "both" {
        assert_same(&kept, &[written.stdout, written.stderr].concat(), &format!("{stage} as kept"));
        return;
    }
    // Two pipes have no order between them, and each has one of its own: the index says which bytes are whose.
    let pieces = index::decode(&project.log(1, &format!("{stage}.idx")));
    let of = |stream: Stream| {
        let starts = [0].into_iter().chain(pieces.iter().map(|piece| piece.end));
        let mine = starts.zip(&pieces).filter(|(_, piece)| piece.stream == stream);
        let bytes =
            mine.map(|(start, piece)| &kept[usize::try_from(start).unwrap()..usize::try_from(piece.end).unwrap()]);
        bytes.collect::<Vec<_>>().concat()
    };
    assert_same(&of(Stream::Stdout), &written.stdout, "stdout as kept");
    assert_same(&of(Stream::Stderr), &written.stderr, "stderr as kept");
}
