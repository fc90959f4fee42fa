//! What a plugin costs: compiling it, loading what was compiled, an instance with a call, a batch of lines for a parser; beside
//! it what it costs to start `true`. `benches/README.md` says what came of it.
//!
//! Without arguments, a component that is made here and does nothing. With files, those components: what they say of
//! themselves is asked anew each time, in place of running a stage.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
#![expect(clippy::unwrap_used, reason = "the forge's way")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use local_ci::cancel::{CancelLevel, CancelToken};
use local_ci::clock::{Clock, SystemClock};
use local_ci::env::Env;
use local_ci::event::Annotation;
use local_ci::pipeline::plugin::Limits;
use local_ci::plugin::Context;
use local_ci::plugin::host::{Call, Compiler, Component, Host};
use local_ci::plugin::services::{
    CommandFailure, CommandRequest, Entry, FileFailure, HttpFailure, HttpRequest, HttpResponse, Level, Printed,
    Process, Services,
};
use local_ci::process::tool::{Tool, Tools};

#[path = "../src/plugin/host/tests/forge.rs"]
#[expect(dead_code, reason = "what tests need of it")]
mod forge;

/// How often what takes microseconds is done.
const TIMES: usize = 2000;
/// How often what takes milliseconds is done.
const FEW: usize = 20;
/// Lines that a parser gets at once.
const BATCH: usize = 1000;

/// Services that grant nothing and hear nothing, but have the call end at the first word of progress, where that is wanted.
struct Silence(Option<CancelToken>);

impl Services for Silence {
    fn hears(&self, _: Level) -> bool {
        true
    }
    fn log(&mut self, _: Level, _: &str) {}
    fn annotate(&mut self, _: Vec<Annotation>) {}
    fn progress(&mut self, _: u64, _: Option<u64>, _: Option<&str>) {
        self.0.iter().for_each(|cancel| cancel.raise(CancelLevel::Terminate));
    }
    fn settings(&self) -> String {
        "{}".to_owned()
    }
    fn read(&mut self, _: &str, _: u64, _: u64) -> Result<Vec<u8>, FileFailure> {
        Err(FileFailure::Missing)
    }
    fn glob(&mut self, _: &str, _: u32) -> Result<Vec<Entry>, FileFailure> {
        Ok(Vec::new())
    }
    fn write(&mut self, _: &str, _: &[u8]) -> Result<(), FileFailure> {
        Err(FileFailure::Missing)
    }
    fn env(&mut self, _: &str) -> Option<String> {
        None
    }
    fn spawn(&mut self, _: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        Err(CommandFailure::Cancelled)
    }
    fn send(&mut self, _: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        Err(HttpFailure::Timeout)
    }
    fn now_ms(&mut self) -> Result<u64, String> {
        Ok(0)
    }
}

fn call() -> Call {
    Call { services: Box::new(Silence(None)), limits: Some(Limits::default()), cancel: CancelToken::new() }
}

/// The median of what this takes.
fn median<T>(times: usize, mut what: impl FnMut() -> T) -> Duration {
    let mut all: Vec<Duration> = (0..times)
        .map(|_| {
            let began = SystemClock.now();
            let _ = std::hint::black_box(what());
            SystemClock.now().since(began)
        })
        .collect();
    all.sort_unstable();
    all[times / 2]
}

fn show(what: &str, took: Duration) {
    println!("  {what:<44} {:>9.3} ms", took.as_secs_f64() * 1000.0);
}

/// Has a loop without end stopped. The median is of the whole call, which is asked to end when the loop begins.
fn ending() -> Result<impl FnMut(), Box<dyn Error>> {
    let imports = forge::import("output", "progress", "begun", "(param i64 i32 i64 i32 i32 i32)");
    let begun = "(call $begun (i64.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    let run = format!("{begun} (loop $for-ever (br $for-ever)) unreachable");
    let bytes = forge::Forge { imports, run, ..forge::Forge::default() }.build();
    let component = Host::new(None, Compiler::Here).load("bench", &bytes)?;
    Ok(move || {
        let cancel = CancelToken::new();
        let services = Box::new(Silence(Some(cancel.clone())));
        let call = Call { services, limits: Some(Limits::default()), cancel };
        component.run_stage(call, "sample", &Context::default()).unwrap_err();
    })
}

/// Compiling and loading, and what is loaded then.
fn loading(cache: &Path, bytes: &[u8]) -> Result<Component, Box<dyn Error>> {
    let few = if bytes.len() > 100_000 { 3 } else { FEW };
    show("compiled, and not kept", median(few, || Host::new(None, Compiler::Here).load("bench", bytes).unwrap()));
    let host = || Host::new(Some(cache.to_owned()), Compiler::Here);
    host().load("bench", bytes)?.describe()?;
    show("loaded by a new host from the cache", median(FEW * 5, || host().load("bench", bytes).unwrap()));
    let warm = host();
    let component = warm.load("bench", bytes)?;
    show("loaded again by the same host", median(FEW * 5, || warm.load("bench", bytes).unwrap()));
    Ok(component)
}

fn main() -> Result<(), Box<dyn Error>> {
    let cache = tempfile::tempdir()?;
    let files: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for file in &files {
        let bytes = std::fs::read(file)?;
        println!("{file}, {} KiB", bytes.len() / 1024);
        let component = loading(cache.path(), &bytes)?;
        if component.roles().contains(&local_ci::plugin::Role::Reporter) {
            show("an instance, told of nothing", median(FEW * 5, || component.reporter(call()).unwrap().notify(&[])));
        } else {
            let stage = || component.run_stage(call(), "no such kind", &Context::default()).is_ok();
            show("an instance that refuses a stage", median(FEW * 5, stage));
        }
    }
    if files.is_empty() {
        let bytes = forge::Forge::default().build();
        println!("a component of {} KiB that does nothing", bytes.len() / 1024);
        let component = loading(cache.path(), &bytes)?;
        let stage = || component.run_stage(call(), "sample", &Context::default()).unwrap();
        show("a stage: an instance and a call", median(TIMES, stage));
        let mut reporter = component.reporter(call())?;
        show("a call of an instance that is there", median(TIMES, || reporter.notify(&[]).unwrap()));
        let mut parser = component.parser(call(), "sample", &Context::default())?;
        let text = "x".repeat(100);
        let line = Printed { is_err: false, text: &text };
        let lines = vec![line; BATCH];
        show("from a request to end to the end of a loop", median(FEW, ending()?));
        // The sample's memory only grows, by what it was given: a session for few batches.
        show(&format!("{BATCH} lines of 100 bytes for a parser"), median(FEW * 5, || parser.feed(&lines).unwrap()));
    }
    println!("for comparison");
    let tools = Tools::plain(&Env::capture());
    let run = || tools.run(&Tool::new(["true"]), Duration::from_secs(10), &|| false).unwrap();
    show("`true`, started and waited for", median(FEW * 10, run));
    Ok(())
}
