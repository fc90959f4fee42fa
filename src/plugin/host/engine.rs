//! The engine: how guests are compiled and run. Who compiles and who loads have the same one, or the file is not taken.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::{Config, Engine, WasmBacktraceDetails};

/// The version of wasmtime, as it stands in `Cargo.toml`: a part of the cache's path. What decides is the engine's own hash.
pub(super) const VERSION: &str = "48";

/// The stack that a guest may use, in bytes. Threads of ours have 2 MiB, and host calls use the same stack.
const STACK: usize = 512 * 1024;

/// An engine for guests.
pub(super) fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true).max_wasm_stack(STACK);
    // Names of a guest's functions help nobody who reads the sentence, and cost time at each trap.
    config.wasm_backtrace_max_frames(None).wasm_backtrace_details(WasmBacktraceDetails::Disable);
    Engine::new(&config)
}

/// What decides whether code compiled by one engine runs in another, in 16 hex digits.
pub(super) fn fingerprint(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
