//! Runs plugins' components: knows WebAssembly, and nothing of permissions, stages or runs.
//!
//! ```text
//!  Host ── load(name, bytes) ──▶ cache: .cwasm of these bytes? ──no──▶ compile: a child under limits, or here
//!   │                              │ yes                                  │
//!   │ ticker: a thread while        ▼                                     ▼
//!   │ guests run, an epoch        Component ◀────────────── our own, checked file
//!   │ each 10 ms                    │  describe · run_stage · expand · parser ─▶ Parser · reporter ─▶ Reporter
//!   └──────────▶ Guest ◀────────────┘
//!                 a store of its own for each call or session: memory, time, what it may say, its Services
//! ```
//!
//! Every way in goes through `guest::Guest::call`, which counts time, looks at the cancel token, catches panics and turns what
//! went wrong into a [`Fault`](super::Fault). A guest that trapped is gone, with its store.

mod bindings;
mod cache;
mod compile;
mod engine;
mod guest;
mod limits;
mod load;
mod nothing;
mod roles;
mod state;
mod stop;
mod ticker;

pub use compile::{COMMAND, Compiler, compile_here};
pub use load::{Component, Host};
pub use roles::{Parser, Reporter};
pub use state::Call;

#[cfg(test)]
pub(crate) mod tests;
