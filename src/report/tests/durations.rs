//! What the summary says of how long things took.

use super::*;
use crate::event::RemoteNews;
use crate::ids::StageId;
use crate::view::recorded::{expecting, on, remote};

/// Nine of ten runs end within the band; a second past its end is worth a word.
#[test]
fn stages_that_take_longer_than_nearly_all_before_are_named() {
    let mut stages = vec![stage("slow", "x"), stage("same", "x"), stage("short", "x"), stage("failed", "x")];
    stages[0].estimate = Some(expecting(10_000));
    stages[1].estimate = Some(expecting(10_000));
    stages[2].estimate = Some(expecting(10));
    stages[3].estimate = Some(expecting(10_000));
    let mut run = Recorded::of(stages);
    for (id, ms) in [(0, 12_000), (1, 11_999), (2, 1_010)] {
        run.start(id).wait(ms).finish(id, Outcome::Passed);
    }
    run.start(3).wait(60_000).finish(3, failed(1));
    run.end(Verdict::Failed);
    assert!(grouped(&run).contains("\nSlower than usual: slow (12.0s, usually 10.0s).\n"), "{}", grouped(&run));
}

/// A stage elsewhere waits for the work tree to be there, which is not the stage's own time.
#[test]
fn the_critical_path_says_what_of_it_was_sending_files() {
    let sentence = |sent_ms: u64| {
        let stages = vec![on(stage("test", "x"), "box"), on(stage("doc", "x"), "box")];
        let mut run = Recorded::elsewhere(stages, vec![remote("box", "box.example.invalid")]);
        run.start(0).start(1).wait(sent_ms);
        run.news("box", RemoteNews::Sent { files: 1, bytes: 1, duration_ms: sent_ms }).wait(9000 - sent_ms);
        run.finish(1, Outcome::Passed).wait(1000).finish(0, Outcome::Passed).end(Verdict::Passed);
        let text = grouped(&run);
        text.lines().find(|line| line.starts_with("Critical path: ")).map(str::to_owned).unwrap()
    };
    assert!(sentence(4000).starts_with("Critical path: test, 10.0s of 10.0s; sending files took 4.0s of it"));
    assert!(!sentence(500).contains("sending"), "{}", sentence(500));
}

/// A long critical path is told by its ends, and what would have helped is told with it.
#[test]
fn the_critical_path_is_told_in_one_line() {
    let sentence = |run: &mut Recorded| {
        let text = grouped(run.end(Verdict::Passed));
        text.lines().find(|line| line.starts_with("Critical path: ")).map(str::to_owned)
    };
    let names: Vec<String> = (0..12).map(|index| format!("s{index}")).collect();
    let mut stages: Vec<_> = names.iter().map(|name| stage(name, "x")).collect();
    for (need, stage) in (0..9).zip(&mut stages[1..10]) {
        stage.needs = vec![StageId(need)];
    }
    stages[10].locks = vec!["a\u{1b}b".into()];
    stages[11].locks = stages[10].locks.clone();
    let mut run = Recorded::of(stages.clone());
    run.start(10);
    for id in 0..10 {
        run.start(id).wait(1000).finish(id, Outcome::Passed);
    }
    run.finish(10, Outcome::Passed);
    let told = sentence(&mut run.clone()).unwrap();
    assert_eq!(told, "Critical path: s0 → s1 → s2 → … 4 more … → s7 → s8 → s9, 10.0s of 10.0s; -j4 would not help.");

    run.start(11).wait(5000).finish(11, Outcome::Passed);
    let told = sentence(&mut run).unwrap();
    assert!(told.ends_with("10.0s of 15.0s; -j4 would not help, the lock a\\u{1b}b was held for 15.0s."), "{told}");

    let mut run = Recorded::of(names[..4].iter().map(|name| stage(name, "x")).collect());
    for pair in [[0, 1], [2, 3]] {
        run.start(pair[0]).start(pair[1]).wait(9000);
        run.finish(pair[0], Outcome::Passed).finish(pair[1], Outcome::Passed);
    }
    assert_eq!(sentence(&mut run).unwrap(), "Critical path: s0, 9.0s of 18.0s; -j4 could save 9.0s at most.");
}
