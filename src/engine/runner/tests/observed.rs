//! Who is told of events beside the sink.

use super::*;

/// Remembers what it is told; how it takes the last event is given.
#[derive(Default)]
pub(super) struct Watcher {
    pub(super) kinds: Vec<EventKind>,
    /// Where it says that it was told the last event.
    said: Option<Sender<Message>>,
    /// What it waits for before it is done.
    waits_for: Option<Receiver<()>>,
    /// What happens as soon as it was told the last event.
    happens: Option<(Sender<Message>, Message)>,
    abandoned: bool,
}

impl Observer for Watcher {
    fn event(&mut self, event: &Event) {
        self.kinds.push(event.kind.clone());
    }

    fn last(&mut self, event: &Event) -> Option<Receiver<()>> {
        self.event(event);
        if let Some(said) = self.said.take() {
            said.send(Message::Remark { stage: None, text: "it was told".into() }).unwrap();
        }
        if let Some((to, message)) = self.happens.take() {
            to.send(message).unwrap();
        }
        Some(self.waits_for.take().unwrap_or_else(|| crossbeam_channel::bounded(0).1))
    }

    fn abandon(&mut self) -> Vec<String> {
        self.abandoned = true;
        vec!["not told".into()]
    }
}

fn texts(bench: &Bench) -> Vec<String> {
    let notice = |event: &Event| match &event.kind {
        EventKind::Notice { text, .. } => Some(text.clone()),
        EventKind::RunFinished { .. } => Some("end".into()),
        _ => None,
    };
    bench.events.seen.iter().filter_map(notice).collect()
}

/// It hears what the sink hears, in the same order; what it has to say of the last event stands before that.
#[test]
fn an_observer_hears_the_last_event_before_it_is_written() {
    let mut bench = Bench::new();
    bench.observer = Some(Watcher { said: Some(bench.messages.0.clone()), ..Watcher::default() });
    assert_eq!(bench.run(plan(vec![stage("a", "fake", &[])])), Verdict::Passed);
    let heard = bench.observer.take().unwrap();
    assert_eq!(texts(&bench), ["it was told", "end"]);
    let seen: Vec<&EventKind> = bench.events.seen.iter().map(|event| &event.kind).collect();
    let without_notice: Vec<&EventKind> =
        seen.into_iter().filter(|kind| !matches!(kind, EventKind::Notice { .. })).collect();
    assert_eq!(heard.kinds.iter().collect::<Vec<_>>(), without_notice);
    assert!(!heard.abandoned);
}

/// Whoever asks once more for the end of a run waits for nobody.
#[test]
fn an_observer_that_does_not_end_is_given_up_when_somebody_wants_the_run_to_end() {
    let mut bench = Bench::new();
    let (hold, told) = crossbeam_channel::bounded(0);
    let cancel = Message::Cancel { reason: CancelReason::Interrupt, level: CancelLevel::Terminate };
    let happens = Some((bench.messages.0.clone(), cancel));
    bench.observer = Some(Watcher { waits_for: Some(told), happens, ..Watcher::default() });
    assert_eq!(bench.run(plan(vec![stage("a", "fake", &[])])), Verdict::Passed);
    drop(hold);
    assert_eq!(texts(&bench), ["not told", "end"]);
    assert!(bench.observer.unwrap().abandoned);
}

/// Else what an observer has to say of what it is told would be told to it, and so on for ever.
#[test]
fn an_observer_does_not_hear_itself() {
    let mut bench = Bench::new();
    bench.observer = Some(Watcher::default());
    bench.messages.0.send(Message::Aside { text: "so it says".into() }).unwrap();
    bench.messages.0.send(Message::Remark { stage: None, text: "somebody else says".into() }).unwrap();
    assert_eq!(bench.run(plan(vec![stage("a", "fake", &[])])), Verdict::Passed);
    assert_eq!(texts(&bench), ["so it says", "somebody else says", "end"]);
    let heard = bench.observer.take().unwrap().kinds;
    let notices: Vec<&EventKind> = heard.iter().filter(|kind| matches!(kind, EventKind::Notice { .. })).collect();
    assert_eq!(notices, [&EventKind::Notice { stage: None, text: "somebody else says".into() }]);
}
