//! Reporters that do as they are told.

use std::path::PathBuf;

use super::*;
use crate::clock::Timestamp;
use crate::outcome::Verdict;
use crate::pipeline::plugin::{ParserUse, Use};
use crate::plugin::guests::{Listener, Parser};
use crate::plugin::info::{Context, StageEnd};

/// Remembers what reporters are told; `bad` fails at once, `picky` is there when it is let and wants the start of stages alone,
/// `slow` takes the last event when it is let, and `chatty` says much.
#[derive(Default)]
struct Notes {
    told: Arc<Mutex<Vec<(String, Notification)>>>,
    lets: Option<Receiver<()>>,
    /// How many bytes of events it was told at once at most.
    largest: Arc<AtomicUsize>,
}

struct Note {
    plugin: String,
    told: Arc<Mutex<Vec<(String, Notification)>>>,
    lets: Option<Receiver<()>>,
    /// How many bytes of events it was told at once at most.
    largest: Arc<AtomicUsize>,
}

impl Listener for Note {
    fn notify(&mut self, batch: &[Notification]) -> Result<(), Fault> {
        self.largest.fetch_max(batch.iter().map(|told| told.data.len()).sum(), Ordering::Relaxed);
        if self.plugin == "bad" {
            return Err(Fault::new("bad", FaultKind::Trapped("gave up".into())));
        }
        if let Some(lets) = self.lets.as_ref().filter(|_| self.plugin == "slow") {
            let _ = lets.recv();
        }
        let named = batch.iter().map(|told| (self.plugin.clone(), told.clone()));
        self.told.lock().unwrap().extend(named);
        Ok(())
    }
}

impl Guests for Notes {
    fn stage(&self, used: &Use, _around: Around, _context: &Context) -> Result<StageEnd, Fault> {
        Err(Fault::new(&used.plugin, FaultKind::NoSuchRole("has no stages".into())))
    }

    fn parser(&self, used: &ParserUse, _around: Around, _context: &Context) -> Result<Box<dyn Parser>, Fault> {
        Err(Fault::new(&used.plugin, FaultKind::NoSuchRole("has no parsers".into())))
    }

    fn reporter(&self, plugin: &str, mut around: Around) -> Result<Box<dyn Listener>, Fault> {
        if let Some(lets) = self.lets.as_ref().filter(|_| plugin == "picky") {
            let _ = lets.recv();
        }
        if plugin == "chatty" {
            (0..LINES_MAX + 3).for_each(|_| (around.log)(&"x".repeat(5000)));
        }
        Ok(Box::new(Note {
            plugin: plugin.into(),
            told: Arc::clone(&self.told),
            lets: self.lets.clone(),
            largest: Arc::clone(&self.largest),
        }))
    }

    fn wanted(&self, plugin: &str) -> Vec<String> {
        if plugin == "picky" { vec!["stage_started".into()] } else { Vec::new() }
    }

    fn root(&self) -> PathBuf {
        "/project".into()
    }
}

fn event(seq: u64, kind: EventKind) -> Event {
    Event { seq, at: Timestamp { unix_ms: 5, mono_us: 7 }, kind }
}

fn started(seq: u64) -> Event {
    event(seq, EventKind::StageStarted { stage: StageId(0), attempt: 1 })
}

fn last(seq: u64) -> Event {
    event(seq, EventKind::RunFinished { verdict: Verdict::Passed, exit_code: 0, duration_ms: 1 })
}

fn start(notes: Notes, plugins: &[&str]) -> (Reporters, Receiver<String>) {
    let (say, said) = crossbeam_channel::unbounded();
    let tell: Tell = Arc::new(move |news| {
        if let News::Aside { text } = news {
            say.send(text).unwrap();
        }
    });
    let guests: Arc<dyn Guests> = Arc::new(notes);
    let plugins: Vec<String> = plugins.iter().map(|&name| name.to_owned()).collect();
    let stages = vec![StageName::new("fmt").unwrap()];
    (Reporters::start(&guests, &[], &plugins, stages, &tell), said)
}

#[test]
fn each_reporter_hears_what_it_wants_in_order_and_a_bad_one_is_said_once() {
    let notes = Notes::default();
    let told = Arc::clone(&notes.told);
    let (reporters, said) = start(notes, &["all", "picky", "bad"]);
    reporters.event(&started(0));
    reporters.event(&event(1, EventKind::Paused));
    let done = reporters.last(&last(2)).unwrap();
    assert!(done.recv().is_err());
    let told = told.lock().unwrap();
    let heard = |plugin: &str| -> Vec<u64> {
        told.iter().filter(|(name, _)| name == plugin).map(|(_, event)| event.seq).collect()
    };
    assert_eq!((heard("all"), heard("picky"), heard("bad")), (vec![0, 1, 2], vec![0], Vec::new()));
    assert_eq!(said.try_iter().collect::<Vec<_>>(), ["plugin bad gave up; it is told nothing more of this run"]);
    let first = &told.iter().find(|(name, _)| name == "all").unwrap().1;
    assert_eq!((first.kind.as_str(), first.stage.as_deref(), first.at_ms), ("stage_started", Some("fmt"), 5));
    assert_eq!(first.data, serde_json::to_string(&started(0)).unwrap());
    assert!(reporters.abandon().is_empty());
}

/// Nobody waits for a reporter but at the end, and then not for ever; what it could not take is counted.
#[test]
fn a_slow_reporter_is_given_up_and_what_it_missed_is_said() {
    let (lets, waits) = crossbeam_channel::unbounded();
    let (reporters, said) = start(Notes { lets: Some(waits), ..Notes::default() }, &["slow"]);
    for seq in 0..QUEUE_MAX as u64 * 2 {
        reporters.event(&started(seq));
    }
    let done = reporters.last(&last(1)).unwrap();
    assert_eq!(
        reporters.abandon(),
        ["plugin slow had not been told everything when the run ended, and was not waited for"]
    );
    drop(lets);
    assert!(done.recv().is_err());
    let text = said.recv().unwrap();
    assert!(text.starts_with("plugin slow is too slow: it was not told of "), "{text}");
}

/// H160: a reporter that says much is cut short, and that is said.
#[test]
fn h160_what_a_reporter_says_is_bounded_and_what_was_left_out_is_said() {
    let (reporters, said) = start(Notes::default(), &["chatty"]);
    assert!(reporters.last(&last(0)).unwrap().recv().is_err());
    let said: Vec<String> = said.try_iter().collect();
    assert_eq!(said.len(), LINES_MAX + 1);
    assert!(said[0].starts_with("plugin chatty says: xxx") && said[0].len() < 1100, "{}", said[0].len());
    assert_eq!(said[LINES_MAX], "plugin chatty said 3 more lines, which were left out");
}

/// H160: a hundred events may be anything but small.
#[test]
fn h160_events_that_are_large_are_told_in_small_batches() {
    let notes = Notes::default();
    let (told, largest) = (Arc::clone(&notes.told), Arc::clone(&notes.largest));
    let (reporters, _said) = start(notes, &["all"]);
    for seq in 0..20 {
        reporters.event(&event(seq, EventKind::Notice { stage: None, text: "x".repeat(BATCH_BYTES / 5) }));
    }
    assert!(reporters.last(&last(20)).unwrap().recv().is_err());
    let heard: Vec<u64> = told.lock().unwrap().iter().map(|(_, event)| event.seq).collect();
    assert_eq!(heard, (0..=20).collect::<Vec<_>>());
    assert!(largest.load(Ordering::Relaxed) <= BATCH_BYTES);
}

/// What a reporter does not want takes no room of what it wants.
#[test]
fn events_that_are_not_wanted_do_not_wait_to_be_told() {
    let notes = Notes::default();
    let told = Arc::clone(&notes.told);
    let (lets, waits) = crossbeam_channel::bounded::<()>(0);
    let (reporters, said) = start(Notes { lets: Some(waits), ..notes }, &["picky"]);
    for seq in 0..QUEUE_MAX as u64 * 2 {
        reporters.event(&event(seq, EventKind::Paused));
    }
    reporters.event(&started(7));
    drop(lets);
    assert!(reporters.last(&last(8)).unwrap().recv().is_err());
    assert_eq!(told.lock().unwrap().iter().map(|(_, event)| event.seq).collect::<Vec<_>>(), [7]);
    assert_eq!(said.try_iter().count(), 0);
}
