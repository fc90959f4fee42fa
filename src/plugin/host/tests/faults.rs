//! What goes wrong in a guest is a sentence with the plugin's name, and ends that guest alone.

use super::forge::{Forge, import};
use super::witness::Said;
use super::{context, kind, load, run};
use crate::event::ANNOTATIONS_MAX;
use crate::plugin::FaultKind;
use crate::plugin::services::Printed;

fn logging() -> Forge {
    Forge { imports: import("output", "log", "log", "(param i32 i32 i32)"), ..Forge::default() }
}

fn says(forge: &Forge) -> String {
    run(forge).unwrap_err().to_string()
}

#[test]
fn h157_every_trap_is_a_sentence() {
    let recursion = "(func $again (param i32) (result i32) (call $again (local.get 0)))";
    let traps = [
        ("unreachable", ""),
        ("(i32.div_s (i32.const 1) (i32.const 0))", ""),
        ("(i32.load (i32.const -8))", ""),
        ("(call $again (i32.const 1))", recursion),
        ("(call_indirect (result i32) (i32.const 3))", "(table 1 funcref)"),
    ];
    let said =
        traps.map(|(body, more)| says(&Forge { run: body.to_owned(), more: more.to_owned(), ..Forge::default() }));
    insta::assert_snapshot!(said.join("\n"), @"
    plugin sample gave up, as after a panic
    plugin sample divided by zero
    plugin sample reached outside of its memory
    plugin sample used up its stack
    plugin sample gave up: undefined element: out of bounds table access
    ");
}

#[test]
fn h157_what_it_said_before_it_gave_up_is_told() {
    let mut forge = Forge { imports: import("output", "panicked", "panicked", "(param i32 i32)"), ..Forge::default() };
    let [text, len] = forge.text("index out of bounds src/lib.rs:7\u{1b}[31m");
    forge.run = format!("(call $panicked (i32.const {text}) (i32.const {len})) unreachable");
    insta::assert_snapshot!(says(&forge), @r#"plugin sample gave up, as after a panic; it said: index out of bounds src/lib.rs:7\u{1b}[31m"#);
}

#[test]
fn h157_a_component_works_again_after_a_trap() {
    let mut forge = logging();
    let end = forge.outcome(0, None);
    // Traps where it is asked for another kind than `sample`, by its length.
    forge.run = format!("(if (i32.ne (local.get $name-len) (i32.const 6)) (then unreachable)) (i32.const {end})");
    let component = load(&forge);
    component.run_stage(Said::default().call(), "bad", &context()).unwrap_err();
    component.run_stage(Said::default().call(), "sample", &context()).unwrap();
}

#[test]
fn h157_a_parser_that_trapped_stays_gone() {
    let forge = Forge { feed: "unreachable".to_owned(), ..Forge::default() };
    let mut parser = load(&forge).parser(Said::default().call(), "sample", &context()).unwrap();
    let first = parser.feed(&[]).unwrap_err();
    let line = Printed { is_err: false, text: "more" };
    assert_eq!((parser.feed(&[line]).unwrap_err(), parser.finish(Some(0)).unwrap_err()), (first.clone(), first));
}

#[test]
fn h157_a_panic_of_ours_below_a_guest_is_a_fault_too() {
    let mut forge = logging();
    forge.run = "(call $log (i32.const 2) (i32.const 0) (i32.const 0)) unreachable".to_owned();
    let call = Said::default().call_that(|_| panic!("a fault on purpose"));
    let fault = load(&forge).run_stage(call, "sample", &context()).unwrap_err();
    let said = "plugin sample met a fault of local-ci itself and was stopped: a fault on purpose";
    assert_eq!(fault.to_string(), said);
}

#[test]
fn h160_texts_that_are_not_there_are_refused_before_they_are_copied() {
    let answers = [
        // A text of a gigabyte, of which there is none; one that ends beyond the memory; a result that is not there.
        "(call $log (i32.const 2) (i32.const 0) (i32.const 1000000000)) unreachable",
        "(call $log (i32.const 2) (i32.const 131071) (i32.const 2)) unreachable",
        "(i32.const -4)",
        // Not on an address that is divisible by four.
        "(i32.const 1025)",
        // A level that there is none of.
        "(call $log (i32.const 99) (i32.const 0) (i32.const 0)) unreachable",
    ];
    for body in answers {
        let fault = run(&Forge { run: body.to_owned(), ..logging() }).unwrap_err();
        assert!(matches!(kind(&fault), FaultKind::Nonsense(_) | FaultKind::Trapped(_)), "{body}: {fault}");
    }
}

#[test]
fn h160_a_text_that_is_no_utf_8_is_refused() {
    let mut forge = logging();
    let at = forge.bytes(b"\xff\xfe");
    forge.run = format!("(call $log (i32.const 2) (i32.const {at}) (i32.const 2)) unreachable");
    insta::assert_snapshot!(says(&forge), @"plugin sample answered something that makes no sense: invalid utf-8 sequence of 1 bytes from index 0");
}

#[test]
fn h160_more_than_the_host_takes_at_once_is_refused() {
    let mut forge = Forge { pages: 400, ..logging() };
    forge.run = "(call $log (i32.const 2) (i32.const 0) (i32.const 20000000)) unreachable".to_owned();
    insta::assert_snapshot!(says(&forge), @"plugin sample hands over more than 16 MiB at once");
    // The same where it is an answer: a list that is there, of as many items.
    let list = forge.words(&[0, 1024 * 1024, 1_200_000]);
    let forge = Forge { expand: format!("(i32.const {list})"), pages: 1000, ..forge };
    let fault = load(&forge).expand(Said::default().call(), "sample", &context()).unwrap_err();
    assert!(matches!(kind(&fault), FaultKind::TooMuch(_)), "{fault}");
}

#[test]
fn h160_what_is_said_too_much_is_dropped_and_counted() {
    let mut forge = Forge { pages: 8, ..logging() };
    let end = forge.outcome(0, None);
    forge.run = format!(
        "(local $left i32) (local.set $left (i32.const 20))
         (loop $more
           (call $log (i32.const 2) (i32.const 65536) (i32.const 100000))
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $more (local.get $left)))
         (i32.const {end})"
    );
    let said = Said::default();
    load(&forge).run_stage(said.call(), "sample", &context()).unwrap();
    let log = said.log();
    assert_eq!(
        (log.len(), log.last().map(String::as_str)),
        (11, Some("Warn: lines left out: 10; a plugin may say 1 MiB"))
    );
}

/// Lines take room that have nothing in them.
#[test]
fn h160_empty_lines_without_end_are_dropped_and_counted_too() {
    let mut forge = logging();
    let end = forge.outcome(0, None);
    forge.run = format!(
        "(local $left i32) (local.set $left (i32.const 150000))
         (loop $more
           (call $log (i32.const 2) (i32.const 0) (i32.const 0))
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $more (local.get $left)))
         (i32.const {end})"
    );
    let said = Said::default();
    load(&forge).run_stage(said.call(), "sample", &context()).unwrap();
    let log = said.log();
    let most = 1024 * 1024 / 10;
    assert_eq!((log.len(), log[most].as_str()), (most + 1, "Warn: lines left out: 45143; a plugin may say 1 MiB"));
}

/// Lines for who looks for a fault, which nobody does: as many of them as there are, they leave the others their room.
#[test]
fn h160_what_nobody_wants_takes_no_room_of_what_is_wanted() {
    let mut forge = Forge { pages: 8, ..logging() };
    let end = forge.outcome(0, None);
    forge.run = format!(
        "(local $left i32) (local.set $left (i32.const 20))
         (loop $more
           (call $log (i32.const 0) (i32.const 65536) (i32.const 100000))
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $more (local.get $left)))
         (call $log (i32.const 2) (i32.const 65536) (i32.const 1))
         (i32.const {end})"
    );
    let said = Said::without_details();
    load(&forge).run_stage(said.call(), "sample", &context()).unwrap();
    assert_eq!(said.log(), ["Info: \0"]);
}

#[test]
fn h160_what_is_found_too_much_is_dropped_and_counted() {
    let imports = import("output", "annotate", "annotate", "(param i32 i32)");
    let log = import("output", "log", "log", "(param i32 i32 i32)");
    let mut forge = Forge { imports: imports + &log, ..Forge::default() };
    let end = forge.outcome(0, None);
    let long = "x".repeat(50_000);
    let items = vec![forge.annotation("found", "a", 1); 5000];
    let list = forge.words(&items.concat());
    let one = forge.annotation(&long, "a", 1);
    let one = forge.words(&one);
    forge.pages = 12;
    let many = format!("(call $annotate (i32.const {list}) (i32.const 5000))");
    forge.run = format!("(call $annotate (i32.const {one}) (i32.const 1)) {many} {many} {many} (i32.const {end})");
    let said = Said::default();
    load(&forge).run_stage(said.call(), "sample", &context()).unwrap();
    let found = said.annotations();
    assert_eq!((found.len(), found[1].source.as_str()), (ANNOTATIONS_MAX, "sample"));
    assert!(found[0].message.len() < 20_000 && found[0].message.ends_with('…'), "a long one is cut");
    assert_eq!(said.log(), ["Warn: annotations left out: 5001; 10000 and 4 MiB are the most"]);
}

#[test]
fn h160_progress_that_comes_too_fast_is_dropped_but_for_its_end() {
    let signature = "(param i64 i32 i64 i32 i32 i32)";
    let mut forge = Forge { imports: import("output", "progress", "progress", signature), ..Forge::default() };
    let end = forge.outcome(0, None);
    let step = |done: u32| {
        format!(
            "(call $progress (i64.const {done}) (i32.const 1) (i64.const 5) (i32.const 0) (i32.const 0) (i32.const 0))"
        )
    };
    let steps: String = (1..=5).chain([4, 5, 5]).map(step).collect();
    forge.run = format!("{steps} (i32.const {end})");
    let said = Said::default();
    load(&forge).run_stage(said.call(), "sample", &context()).unwrap();
    assert_eq!(said.log(), ["Info: progress 1 of Some(5), None", "Info: progress 5 of Some(5), None"]);
}

#[test]
fn h160_what_is_not_granted_ends_the_call_with_the_reason() {
    let mut forge = Forge { imports: import("clock", "now-ms", "now", "(result i64)"), ..Forge::default() };
    forge.run = "(drop (call $now)) unreachable".to_owned();
    assert_eq!(says(&forge), "plugin sample asked for the time, and `clock` is not granted");
}

/// Else a plugin could have itself run, and that for ever.
#[test]
fn h164_what_a_guest_asks_for_must_not_run_a_guest() {
    let mut forge = logging();
    let end = forge.outcome(0, None);
    forge.run = format!("(call $log (i32.const 2) (i32.const 0) (i32.const 0)) (i32.const {end})");
    let component = load(&forge);
    let inner = component.clone();
    let (tell, told) = crossbeam_channel::unbounded();
    let call = Said::default().call_that(move |_| {
        let again = inner.run_stage(Said::default().call(), "sample", &context());
        tell.send(again.unwrap_err().to_string()).unwrap();
        // Another thread waits for no plugin.
        let elsewhere = std::thread::scope(|scope| {
            scope.spawn(|| inner.run_stage(Said::default().call(), "sample", &context())).join().unwrap()
        });
        tell.send(format!("{:?}", elsewhere.unwrap().verdict)).unwrap();
    });
    component.run_stage(call, "sample", &context()).unwrap();
    let told: Vec<String> = told.try_iter().collect();
    insta::assert_snapshot!(told.join("\n"), @"
    plugin sample cannot be called while this thread waits for a plugin: what a plugin asks for must not run another
    Passed
    ");
}
