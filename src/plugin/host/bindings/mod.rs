//! Version 0.1 of the contract, as generated from `wit/`: the only place that names generated types. Everything else speaks
//! in the words of [`crate::plugin::info`] and [`crate::plugin::services`], so that a later version is another directory like
//! this one, and has no checks of its own.

mod convert;
mod exports;
mod imports;
mod running;

pub(super) use exports::{Exports, Session};
pub(super) use imports::linker;

/// What `bindgen!` makes.
mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "local-ci:plugin/full-plugin",
        imports: { default: trappable },
        with: { "local-ci:plugin/commands.process": super::running::Running },
    });
}
