//! What a guest may use up, and that it is stopped when it uses more.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{Component, Linker};

use super::forge::{About, Forge, import};
use super::witness::Said;
use super::{context, kind, load};
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::{Clock, SystemClock};
use crate::pipeline::plugin::Limits;
use crate::plugin::FaultKind;
use crate::plugin::host::engine::engine;
use crate::plugin::host::limits::Meter;
use crate::plugin::host::state::State;
use crate::plugin::host::stop;
use crate::plugin::info::Role;
use crate::plugin::services::Printed;

const FOR_EVER: &str = "(loop $for-ever (br $for-ever)) unreachable";

fn short() -> Limits {
    Limits { memory: None, time: Some(Duration::from_millis(40)) }
}

/// More than this would be no "soon", even on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn h155_a_loop_without_end_stops_when_it_is_cancelled() {
    let mut forge = Forge { imports: import("output", "log", "log", "(param i32 i32 i32)"), ..Forge::default() };
    let [text, len] = forge.text("in the loop now");
    forge.run = format!("(call $log (i32.const 2) (i32.const {text}) (i32.const {len})) {FOR_EVER}");
    let cancel = CancelToken::new();
    let (tell, told) = crossbeam_channel::bounded(1);
    let mut call = Said::default().call_that(move |_| tell.send(()).unwrap());
    call.cancel = cancel.clone();
    let component = load(&forge);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| component.run_stage(call, "sample", &context()).unwrap_err());
        told.recv().unwrap();
        let asked = SystemClock.now();
        cancel.raise(CancelLevel::Terminate);
        let fault = running.join().unwrap();
        assert_eq!(kind(&fault), &FaultKind::Cancelled);
        assert_eq!(fault.to_string(), "plugin sample was cancelled");
        assert!(SystemClock.now().since(asked) < SOON);
    });
}

#[test]
fn h155_a_loop_without_end_stops_when_its_time_is_up() {
    let forge = Forge {
        run: FOR_EVER.to_owned(),
        feed: FOR_EVER.to_owned(),
        finish: FOR_EVER.to_owned(),
        expand: FOR_EVER.to_owned(),
        notify: FOR_EVER.to_owned(),
        ..Forge::default()
    };
    let component = load(&forge);
    let call = || crate::plugin::host::Call { limits: Some(short()), ..Said::default().call() };
    let too_slow = "plugin sample used more than 40 ms of its own time for one call: if that is right, raise `time` in its `limits`";
    assert_eq!(component.run_stage(call(), "sample", &context()).unwrap_err().to_string(), too_slow);
    assert_eq!(component.expand(call(), "sample", &context()).unwrap_err().to_string(), too_slow);
    assert_eq!(component.reporter(call()).unwrap().notify(&[]).unwrap_err().to_string(), too_slow);
    let mut parser = component.parser(call(), "sample", &context()).unwrap();
    assert_eq!(parser.feed(&[]).unwrap_err().to_string(), too_slow);
    // It is gone, and is not begun again.
    let line = Printed { is_err: false, text: "" };
    assert_eq!(parser.feed(&[line]).unwrap_err().to_string(), too_slow);
    assert_eq!(parser.finish(None).unwrap_err().to_string(), too_slow);
}

#[test]
fn h155_a_loop_before_the_first_call_stops_too() {
    let forge = Forge { start: FOR_EVER.to_owned(), ..Forge::default() };
    let call = crate::plugin::host::Call { limits: Some(short()), ..Said::default().call() };
    let fault = load(&forge).run_stage(call, "sample", &context()).unwrap_err();
    assert!(matches!(kind(&fault), FaultKind::TooSlow(_)), "{fault}");
}

#[test]
fn h155_what_is_cancelled_already_is_not_begun() {
    let call = Said::default().call();
    call.cancel.raise(CancelLevel::Interrupt);
    let forge = Forge { start: "unreachable".to_owned(), ..Forge::default() };
    let fault = load(&forge).run_stage(call, "sample", &context()).unwrap_err();
    assert_eq!(kind(&fault), &FaultKind::Cancelled);
}

/// Waiting for the host is no time of the guest's, and neither is what the host computes for it.
#[test]
fn what_the_host_takes_is_given_back() {
    let mut forge = Forge { imports: import("output", "log", "log", "(param i32 i32 i32)"), ..Forge::default() };
    let end = forge.outcome(0, None);
    // After the call of the host it goes through some hundred thousand rounds of its own, so that a tick sees it.
    forge.run = format!(
        "(local $left i32) (local.set $left (i32.const 100000))
         (call $log (i32.const 2) (i32.const 0) (i32.const 0))
         (loop $more (local.set $left (i32.sub (local.get $left) (i32.const 1))) (br_if $more (local.get $left)))
         (i32.const {end})"
    );
    let mut call = Said::default().call_that(|_| {
        let began = SystemClock.now();
        while SystemClock.now().since(began) < Duration::from_millis(200) {}
    });
    call.limits = Some(Limits { memory: None, time: Some(Duration::from_millis(150)) });
    load(&forge).run_stage(call, "sample", &context()).unwrap();
}

/// Files are as much work for the host as a guest asks for: that is the guest's time, wherever it is spent.
#[test]
fn h155_a_loop_that_only_asks_for_files_stops_when_its_time_is_up() {
    let signature = "(param i32 i32 i64 i64 i32)";
    let mut forge = Forge { imports: import("files", "read", "read", signature), ..Forge::default() };
    let ([path, len], into) = (forge.text("nothere"), forge.words(&[0; 8]));
    forge.expand = format!(
        "(loop $again
           (call $read (i32.const {path}) (i32.const {len}) (i64.const 0) (i64.const 0) (i32.const {into}))
           (br $again))
         unreachable"
    );
    let mut call = Said::default().call_whose_reading(|| {
        let began = SystemClock.now();
        while SystemClock.now().since(began) < Duration::from_millis(5) {}
    });
    call.limits = Some(short());
    let began = SystemClock.now();
    let fault = load(&forge).expand(call, "sample", &context()).unwrap_err();
    assert!(
        fault.to_string().ends_with(
            "used more than 40 ms of its own time for one call: if that is right, raise `time` in its `limits`"
        ),
        "{fault}"
    );
    assert!(SystemClock.now().since(began) < SOON);
}

/// Somebody waits for whatever is no stage: what it waits for itself counts, unless all stands still.
#[test]
fn h155_a_call_takes_no_longer_than_anybody_waits() {
    let mut meter = Meter::new(None, Some(Duration::from_millis(20)));
    meter.begin();
    assert_eq!(meter.check(), Ok(()));
    let began = SystemClock.now();
    while SystemClock.now().since(began) < Duration::from_millis(30) {
        std::thread::yield_now();
    }
    assert_eq!(meter.check().unwrap_err().to_string(), "took longer than 20 ms for one call");
    meter.stood_still(began);
    assert_eq!(meter.check(), Ok(()));
}

/// A guest stands still with everything else of its stage, however long, and goes on.
#[test]
fn a_guest_stands_still_while_it_is_held() {
    let mut forge = Forge { imports: import("output", "log", "log", "(param i32 i32 i32)"), ..Forge::default() };
    forge.run = format!("(call $log (i32.const 2) (i32.const 0) (i32.const 0)) {FOR_EVER}");
    let (tell, heard) = crossbeam_channel::unbounded();
    let cancel = CancelToken::answered(move |heard| tell.send(heard).unwrap());
    let held = cancel.clone();
    let mut call = Said::default().call_that(move |_| held.hold(true));
    call.cancel = cancel.clone();
    let component = load(&forge);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| component.run_stage(call, "sample", &context()).unwrap_err());
        let still = crate::cancel::Heard::Still { hold: 1, restless: None };
        assert_eq!(heard.recv().unwrap(), still);
        cancel.hold(false);
        cancel.raise(CancelLevel::Kill);
        assert_eq!(kind(&running.join().unwrap()), &FaultKind::Cancelled);
    });
}

#[test]
fn h156_memory_without_end_is_refused_with_the_figure() {
    let bomb = "(loop $more (drop (memory.grow (i32.const 64))) (br $more)) unreachable";
    let forge = Forge { run: bomb.to_owned(), expand: bomb.to_owned(), ..Forge::default() };
    let component = load(&forge);
    let said = |limits| {
        let call = crate::plugin::host::Call { limits: Some(limits), ..Said::default().call() };
        component.run_stage(call, "sample", &context()).unwrap_err().to_string()
    };
    let expander = component.expand(Said::default().call(), "sample", &context()).unwrap_err().to_string();
    let one = Limits { memory: Some(1024 * 1024), time: None };
    insta::assert_snapshot!([said(Limits::default()), said(one), expander].join("\n"), @"
    plugin sample wants 257 MiB of memory, and 256 MiB are the most: if that is right, raise `memory` in its `limits`
    plugin sample wants 5 MiB of memory, and 1 MiB are the most: if that is right, raise `memory` in its `limits`
    plugin sample wants 65 MiB of memory, and 64 MiB are the most: if that is right, raise `memory` in its `limits`
    ");
}

/// Where no `limits` hold, none are to be raised: what it says of itself is the same everywhere.
#[test]
fn h156_what_a_plugin_says_of_itself_has_the_memory_of_a_stage_and_no_hint() {
    let growing = |pages: u32| {
        let mut forge = Forge::default();
        let info = forge.info(&About::default());
        forge.describe = Some(format!(
            "(if (i32.lt_s (memory.grow (i32.const {pages})) (i32.const 0)) (then unreachable)) (i32.const {info})"
        ));
        load(&forge).describe().map(|info| info.name).map_err(|fault| fault.to_string())
    };
    assert_eq!(growing(3200), Ok("sample".to_owned()));
    assert_eq!(growing(4800).unwrap_err(), "plugin sample wants 301 MiB of memory, and 256 MiB are the most");
}

#[test]
fn h156_memory_that_is_too_much_from_the_start_is_refused() {
    let forge = Forge { pages: 65536, ..Forge::default() };
    let fault = load(&forge).describe().unwrap_err();
    assert!(matches!(kind(&fault), FaultKind::TooMuch(_)), "{fault}");
}

#[test]
fn h156_tables_that_are_too_much_are_refused() {
    let more = "(table $table 1 funcref)";
    let run = "(loop $more (drop (table.grow $table (ref.null func) (i32.const 100000))) (br $more)) unreachable";
    let forge = Forge { more: more.to_owned(), run: run.to_owned(), ..Forge::default() };
    let fault = super::run(&forge).unwrap_err();
    assert_eq!(fault.to_string(), "plugin sample wants tables of 1000001 elements, and 1000000 are the most");
}

#[test]
fn h156_many_instances_memories_and_tables_are_refused() {
    for (inside, times) in [("", 600), ("(memory 1)", 60), (&"(table 1 funcref)".repeat(90), 6)] {
        let instances = "(core instance (instantiate $module))".repeat(times);
        let text = format!("(component (core module $module {inside}) {instances})");
        let engine = engine().unwrap();
        let component = Component::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let mut store = Store::new(&engine, State::new(Said::default().call(), Role::Stage, String::new()));
        store.limiter(|state| &mut state.quota);
        store.set_epoch_deadline(1000);
        let error = Linker::new(&engine).instantiate(&mut store, &component).unwrap_err();
        let fault = stop::fault(&error, None);
        assert!(matches!(&fault, FaultKind::TooMuch(_)), "{fault}");
    }
}

/// The thread that ticks goes when nobody needs it, and comes again.
#[test]
fn there_is_a_thread_only_while_guests_run() {
    use crate::plugin::host::ticker::Ticker;
    let ticker = std::sync::Arc::new(Ticker::new(engine().unwrap()));
    for _ in 0..2 {
        assert_eq!(std::sync::Arc::strong_count(&ticker), 1, "nobody ticks yet");
        drop(ticker.enter().unwrap().unwrap());
        let began = SystemClock.now();
        while std::sync::Arc::strong_count(&ticker) > 1 {
            assert!(SystemClock.now().since(began) < Duration::from_secs(30), "it stays");
            std::thread::yield_now();
        }
    }
}
