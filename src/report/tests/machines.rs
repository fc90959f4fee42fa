//! What programs read, and what happens when nobody reads.

use super::*;
use crate::view::Report;

fn events(run: &Recorded) -> String {
    play(run, |paper| Box::new(JsonEvents::new(paper)))
}

fn report(run: &Recorded) -> String {
    play(run, |paper| Box::new(JsonReport::new(paper)))
}

#[test]
fn the_event_stream_is_the_journals() {
    for run in [failing(), parallel(), flaky(), assorted(), cancelled()] {
        let text = events(&run);
        let read: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, run.events());
        let written: String = run.events().iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
        assert_eq!(text, written);
    }
}

#[test]
fn the_report_is_one_object_at_the_end() {
    let text = report(&assorted());
    assert_eq!(text.lines().count(), 1);
    let report: Report = serde_json::from_str(&text).unwrap();
    let statuses: Vec<&str> = report.results.iter().map(|result| result.status.as_str()).collect();
    assert_eq!(statuses, ["timeout", "fail", "fail", "skip", "skip", "error", "pass"]);
    assert_eq!((report.passed, report.failed, report.skipped, report.cached), (0, 4, 2, 1));
    assert_eq!(report.results[2].exit_code, Some(127));
    assert_eq!(report.results[0].log.as_deref(), Some("/state/runs/42/logs/0.1.log"));
    assert_eq!(report.results[3].log, None);
    assert!(report.results[6].cache_hit);
    assert!(report.results.iter().all(|result| !result.command.is_empty()));
}

/// The objects in the documentation are what we write: read and written again they are the same.
#[test]
fn the_documented_examples_are_true() {
    let page = include_str!("../../../docs/events.md");
    let blocks: Vec<&str> = page.split("```json\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    let (mut kinds, mut reports) = (Vec::new(), 0);
    for block in blocks {
        if let Ok(report) = serde_json::from_str::<Report>(block) {
            assert_eq!(serde_json::to_string_pretty(&report).unwrap(), block.trim());
            reports += 1;
            continue;
        }
        for line in block.lines() {
            let event: Event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(serde_json::to_string(&event).unwrap(), line);
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            kinds.push(value["event"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(reports, 1, "a report that cannot be read is taken for events");
    kinds.sort();
    kinds.dedup();
    let of_runs = ["cancelling", "notice", "paused", "remote", "resumed", "run_finished", "run_started"];
    let of_stages = ["stage_finished", "stage_retrying", "stage_started", "taken_over"];
    assert_eq!(kinds, [&of_runs[..], &of_stages].concat());
}

/// Takes so many bytes, then fails like this for ever.
struct Failing {
    left: usize,
    kind: io::ErrorKind,
    calls: Rc<RefCell<u32>>,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.left);
        self.left -= n;
        if n == 0 {
            *self.calls.borrow_mut() += 1;
            return Err(self.kind.into());
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// H09: a closed or full output silences the display; the run's view goes on, and the reporter is not tried again.
#[test]
fn h09_a_broken_output_never_fails_the_run() {
    for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull] {
        for left in [0, 1, 40, 100, 200] {
            let makers: [&dyn Fn(Failing) -> Box<dyn Reporter>; 4] = [
                &|out| Box::new(Grouped::new(out, options(Dialect::Plain, false))),
                &|out| Box::new(Quiet::new(out, options(Dialect::Plain, false))),
                &|out| Box::new(JsonEvents::new(out)),
                &|out| Box::new(JsonReport::new(out)),
            ];
            for make in makers {
                let calls = Rc::new(RefCell::new(0));
                let reporter = make(Failing { left, kind, calls: Rc::clone(&calls) });
                let mut display = Display::new(reporter, Box::new(MemoryLogs::default()));
                for event in failing().events() {
                    crate::event::Sink::event(&mut display, &event).unwrap();
                }
                assert_eq!(display.closed().map(io::Error::kind), Some(kind));
                assert_eq!(*calls.borrow(), 1);
                assert_eq!(display.view().exit_code(), Some(1));
                assert!(!display.output());
            }
        }
    }
}

/// H09: a real full device.
#[test]
#[cfg(target_os = "linux")]
fn h09_a_full_device_is_remembered() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let reporter = Grouped::new(full, options(Dialect::Plain, false));
    let mut display = Display::new(Box::new(reporter), Box::new(MemoryLogs::default()));
    for event in failing().events() {
        display.event(&event);
    }
    assert_eq!(display.closed().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    assert_eq!(display.view().exit_code(), Some(1));
}

#[test]
fn a_lost_run_is_ended_once() {
    let paper = Paper::default();
    let reporter = JsonEvents::new(paper.clone());
    let mut display = Display::new(Box::new(reporter), Box::new(MemoryLogs::default()));
    let mut run = Recorded::of(vec![stage("a", "x")]);
    for event in run.start(0).events() {
        display.event(&event);
    }
    display.lose();
    display.lose();
    assert_eq!(paper.text().matches(r#""verdict":{"kind":"lost"}"#).count(), 1);
    assert_eq!(display.view().exit_code(), Some(3));
}
