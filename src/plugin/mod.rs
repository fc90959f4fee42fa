//! Plugins: WebAssembly components that bring stage kinds, parsers, expanders and reporters. `wit/plugin.wit` is the contract.
//!
//! ```text
//!  lock, source ──▶ verified bytes ──▶ component (what it imports and exports, read without running it)
//!                                        │
//!                                      host (feature `plugins`): compiles in a child process, keeps what comes of it,
//!                                        │  instantiates for each call, limits memory and time, turns every fault into
//!                                        │  a sentence with the plugin's name
//!                                        ▼
//!  guest ── imports ──▶ Services ── asks ──▶ Authority: needs ∩ grants ∩ policy, pure
//!                          └─ does it: files beneath the project, environment, commands through the stage's executor, http
//! ```
//!
//! What runs a guest knows nothing of permissions, and what checks permissions knows nothing of WebAssembly: each later
//! version of the contract is translated to the same [`services::Services`].

pub mod authority;
#[cfg(feature = "plugins")]
pub mod component;
#[cfg(feature = "plugins")]
pub mod excerpt;
#[cfg(feature = "plugins")]
pub mod executor;
pub mod fault;
#[cfg(feature = "plugins")]
pub mod granted;
#[cfg(feature = "plugins")]
pub mod guests;
#[cfg(feature = "plugins")]
pub mod host;
pub mod info;
pub mod lock;
#[cfg(feature = "plugins")]
pub mod reporters;
pub mod rewrite;
#[cfg(feature = "plugins")]
pub mod roster;
#[cfg(feature = "plugins")]
pub mod schema;
pub mod services;
pub mod store;
#[cfg(feature = "plugins")]
pub mod turn;
#[cfg(feature = "plugins")]
pub mod web;
#[cfg(feature = "plugins")]
pub mod wrap;

pub use fault::{Fault, FaultKind};
pub use info::{Context, Info, Notification, Role, StageEnd, Verdict};
