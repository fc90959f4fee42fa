//! Runs that end here without a verdict, and go on with the next loop.

use super::*;
use crate::clock::Pause;
use crate::engine::machine::past::Before;

/// What such a run said, without the times.
fn said(events: &[Event]) -> Vec<String> {
    let said = |event: &Event| {
        let what = match &event.kind {
            EventKind::RunStarted(_) => "started".into(),
            EventKind::TakenOver { .. } => "taken over".into(),
            EventKind::StageStarted { stage, attempt } => format!("{} starts {attempt}", stage.0),
            EventKind::StageFinished(f) => format!("{} {} with {} bytes", f.stage.0, f.outcome.word(), f.log.bytes),
            EventKind::Remote { remote, .. } => format!("news of {remote}"),
            EventKind::Notice { text, .. } => text.clone(),
            EventKind::RunFinished { verdict, .. } => verdict.word().into(),
            other => format!("{other:?}"),
        };
        format!("{} {what}", event.seq)
    };
    events.iter().map(said).collect()
}

#[test]
fn a_run_that_is_left_ends_without_a_last_event_and_goes_on_with_the_next_loop() {
    let mut bench = Bench::new();
    bench.fake.script(&name("a"), Script::left().printing("hel"));
    let stages = || plan(vec![stage("a", "fake", &[]), stage("b", "fake", &[0])]);
    let news = RemoteNews::GaveUp { why: "ten minutes are over".into() };
    bench.messages.0.send(Message::News { remote: "box".into(), news }).unwrap();
    assert_eq!(bench.run(stages()), Verdict::Lost);
    let first = ["0 started", "1 0 starts 1", "2 news of box", "3 it cannot be reached"];
    assert_eq!(said(&bench.events.seen), first);
    assert_eq!(bench.fake.started(), [(name("a"), 1)]);

    let began = bench.events.seen[0].at;
    bench.clock.advance(Duration::from_mins(1));
    bench.fake.script(&name("a"), Script::exit(0).printing("lo"));
    let heard: Vec<EventKind> = bench.events.seen.iter().map(|event| event.kind.clone()).collect();
    let past = Past {
        next_seq: 4,
        started: began,
        last: began,
        clock: Pause::default(),
        told: bench.events.seen[..1].to_vec(),
        stages: [Before::Elsewhere { attempt: 1, since: began }, Before::Waiting].into_iter().collect(),
        barred: Vec::new(),
        cancelling: None,
        stop: None,
        sent: Vec::new(),
        after_ms: 60_000,
        ahead_us: 0,
    };
    let plan = stages();
    bench.observer = Some(observed::Watcher::default());
    assert_eq!(bench.with_ports(|identity, ports| resume(plan, past, identity, ports)), Verdict::Passed);
    let second = ["4 taken over", "5 0 pass with 5 bytes", "6 1 starts 1", "7 1 pass with 0 bytes", "8 passed"];
    assert_eq!(said(&bench.events.seen), [&first[..], &second[..]].concat());
    // Who is told of events hears how the run began, and what is new.
    let told = &bench.observer.as_ref().unwrap().kinds;
    assert_eq!((told.len(), &told[0]), (second.len() + 1, &heard[0]));
    assert!(matches!(told[1], EventKind::TakenOver { .. }));
    assert_eq!(*bench.output.lock().unwrap(), b"hello");
    assert_eq!(bench.fake.joined(), [(name("a"), 3)]);
    assert_eq!(bench.fake.started(), [(name("a"), 1), (name("b"), 1)]);
    let Some(EventKind::RunFinished { duration_ms, .. }) = bench.events.seen.last().map(|event| event.kind.clone())
    else {
        panic!()
    };
    assert_eq!(duration_ms, 60_000, "from its own beginning");
}
