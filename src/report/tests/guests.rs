//! Who has the terminal, and what is shown when: the dialogue of a stage that has it, and the face's own text before and
//! after it.

use super::*;
use crate::event::EventKind;

/// A terminal that several look at: what is on it, in order.
#[derive(Clone, Default)]
struct Shared {
    paper: Paper,
    is_away: Rc<RefCell<bool>>,
}

impl Shared {
    fn note(&self, text: &str) {
        self.paper.0.borrow_mut().extend_from_slice(format!("<{text}>\n").as_bytes());
    }
}

impl StageTerminal for Shared {
    fn expect(&mut self, more: bool) {
        self.note(if more { "expected" } else { "not expected" });
    }

    fn hand_over(&mut self) {
        self.note("handed over");
    }

    fn redraw(&mut self) {
        self.note("redraw");
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if *self.is_away.borrow() {
            return Ok(0);
        }
        // Few at a time, as a slow terminal takes them.
        let n = bytes.len().min(7);
        self.paper.0.borrow_mut().extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn take_back(&mut self) {
        self.note("taken back");
    }

    fn say(&mut self, text: &str) {
        self.note(text);
    }
}

fn interactive(name: &str) -> crate::event::StageInfo {
    let mut stage = stage(name, name);
    stage.interactive = true;
    stage
}

/// What is on the terminal after these steps. The follower takes in so many of them at a time.
fn on_terminal(run: &Recorded, from_start: bool, at_a_time: usize) -> String {
    let (shared, mut logs) = (Shared::default(), MemoryLogs::default());
    let grouped = Grouped::new(shared.paper.clone(), options(Dialect::Plain, false));
    let display = Display::new(Box::new(grouped), Box::new(logs.clone()));
    let mut display = display.with_terminal(Box::new(shared.clone()), from_start);
    for steps in run.steps.chunks(at_a_time) {
        for step in steps {
            match step {
                Step::Event(event) => display.event(event),
                Step::Tick(now) => display.tick(*now),
                Step::Output { stage, attempt, bytes, .. } => {
                    logs.append(LogKey { stage: *stage, attempt: *attempt, part: LogPart::Head }, bytes);
                }
            }
        }
        while display.output() {}
    }
    shared.paper.text()
}

/// A stage that asks, beside one that prints.
fn dialogue() -> Recorded {
    let mut run = Recorded::of(vec![interactive("asks"), stage("beside", "make"), after(stage("last", "last"), &[0])]);
    run.start(0).print(0, "name? \x1b[5n").start(1).print(1, "from beside\n").wait(5).finish(1, Outcome::Passed);
    run.print(0, "ada\r\nhello\r\n").tick(90_000).wait(5).finish(0, Outcome::Passed);
    run.start(2).print(2, "from the last\n").wait(5).finish(2, Outcome::Passed).end(Verdict::Passed);
    run
}

#[test]
fn everything_else_waits_while_a_stage_has_the_terminal() {
    let shown = on_terminal(&dialogue(), true, 1).replace('\x1b', "^").replace('\r', "");
    insta::assert_snapshot!(shown.split("📊").next().unwrap(), @r"
    🚀 Running local CI pipeline...
    <expected>

    ::group::asks
    $ asks
    <handed over>
    asks has the terminal: what is typed goes to it
    name? ^[5nada
    hello
    <taken back>
    <expected>
    <not expected>
    [it had the terminal; `local-ci logs 42/asks` has what it printed there]
    ::endgroup::
    ✓ asks (1m30s)

    ::group::beside
    $ make
    from beside
    ::endgroup::
    ✓ beside (5ms)

    ::group::last
    $ last
    from the last
    <not expected>
    ::endgroup::
    ✓ last (5ms)
    <not expected>
    ");
}

/// However late the follower is, the same stands there: also where a stage has ended before it was seen to start.
#[test]
fn what_is_shown_does_not_depend_on_when_it_is_looked_at() {
    let run = dialogue();
    let expected: Vec<String> = dialogue_of(&on_terminal(&run, true, 1));
    for at_a_time in 2..=run.steps.len() {
        assert_eq!(dialogue_of(&on_terminal(&run, true, at_a_time)), expected, "{at_a_time} steps at a time");
    }
}

/// The part of what is shown that is the stage's, line by line.
fn dialogue_of(shown: &str) -> Vec<String> {
    let (_, rest) = shown.split_once("<handed over>\n").unwrap();
    rest.split_once("<taken back>\n").unwrap().0.lines().map(str::to_owned).collect()
}

/// Who comes after it has ended finds one line in its place, and no terminal is handed over.
#[test]
fn what_is_over_is_not_brought_back() {
    let run = dialogue();
    let shown = on_terminal(&run, false, run.steps.len());
    assert!(!shown.contains("handed over") && !shown.contains("<expected>") && !shown.contains("hello"), "{shown}");
    let line = "$ asks\n[it had the terminal; `local-ci logs 42/asks` has what it printed there]\n::endgroup::\n✓ asks";
    assert!(shown.contains(line), "{shown}");
}

/// A paused run has nobody who reads what is typed; one that is lost has no end.
#[test]
fn the_terminal_is_taken_back_where_the_run_stands_still_or_is_lost() {
    let mut run = Recorded::of(vec![interactive("asks")]);
    run.start(0).print(0, "name? ").push(EventKind::Paused).tick(1000).push(EventKind::Resumed).print(0, "ada\r\n");
    let shown = on_terminal(&run, true, 1);
    let paused =
        "name? <taken back>\n<the run is paused; asks gets the terminal back when it goes on>\n<handed over>\n";
    assert!(shown.contains(paused), "{shown}");
    // Who comes in between is told, too.
    let came = on_terminal(&run, false, run.steps.len() - 2);
    let told = "$ asks\n<the run is paused; asks gets the terminal when it goes on>\n<handed over>\n";
    assert!(came.contains(told), "{came}");
    let (shared, logs) = (Shared::default(), MemoryLogs::default());
    let grouped = Grouped::new(shared.paper.clone(), options(Dialect::Plain, false));
    let mut display = Display::new(Box::new(grouped), Box::new(logs)).with_terminal(Box::new(shared.clone()), true);
    run.events().iter().for_each(|event| display.event(event));
    while display.output() {}
    display.lose();
    while display.output() {}
    let shown = shared.paper.text();
    assert!(shown.contains("<taken back>\n") && shown.contains("asks lost: the run ended before it did"), "{shown}");
    assert_eq!(display.view().verdict(), Some(Verdict::Lost));
}

/// A terminal that is another program's just now gets nothing, and everything later.
#[test]
fn what_cannot_be_written_now_is_written_later() {
    let (shared, mut logs) = (Shared::default(), MemoryLogs::default());
    let grouped = Grouped::new(Paper::default(), options(Dialect::Plain, false));
    let display = Display::new(Box::new(grouped), Box::new(logs.clone()));
    let mut display = display.with_terminal(Box::new(shared.clone()), true);
    let mut run = Recorded::of(vec![interactive("asks")]);
    run.start(0);
    run.events().iter().for_each(|event| display.event(event));
    *shared.is_away.borrow_mut() = true;
    logs.append(LogKey { stage: crate::ids::StageId(0), attempt: 1, part: LogPart::Head }, b"name? ");
    assert!(!display.output(), "there is nothing to be done at once");
    *shared.is_away.borrow_mut() = false;
    while display.output() {}
    assert!(shared.paper.text().ends_with("name? "), "{}", shared.paper.text());
}
