//! What is fuzzed, a module a target: each takes any bytes, and panics where something is said that must never be said.
//!
//! `targets/` hands the fuzzer's bytes to them; `tests/it/fuzz.rs` has the same modules, and gives them the seeds and some
//! thousand changes of those in each run of the tests.

mod component;
mod config;
#[expect(dead_code, reason = "made for the host's own tests, which need all of it")]
#[path = "../../../src/plugin/host/tests/forge.rs"]
mod forge;
mod line;
mod lock;
mod mask;

/// See the module.
pub fn component(data: &[u8]) {
    component::run(data);
}

/// See the module.
pub fn config(data: &[u8]) {
    config::run(data);
}

/// See the module.
pub fn line(data: &[u8]) {
    line::run(data);
}

/// See the module.
pub fn lock(data: &[u8]) {
    lock::run(data);
}

/// See the module.
pub fn mask(data: &[u8]) {
    mask::run(data);
}
