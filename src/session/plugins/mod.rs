//! The plugins of a project, from its config to components that may be used.
//!
//! ```text
//!  add, update ──▶ fetch ──▶ bytes ──▶ pin: what they are, what they need ──▶ local-ci.toml (manifest), local-ci.lock
//!  resolve     ──▶ the same bytes, as locked ──▶ Abilities, for config
//!  verify, list, inspect ──▶ what there is, changing nothing
//!  build ──▶ DIR/plugin.wasm      test ──▶ examples, in a world made of values
//! ```
//!
//! Only `add` and `update` reach out, and only they write.

mod bytes;
pub mod declared;
mod fits;
pub mod manifest;
pub mod pin;
pub mod resolve;
pub mod stock;
pub mod trouble;

use std::path::PathBuf;

use crate::env::Env;
use crate::plugin::host::{Compiler, Host};
use crate::plugin::store::cache_dir;
use crate::process::tool::Tools;

pub use bytes::BUILT;

/// The host of a command line: it compiles in a child of its own.
pub fn host(env: &Env) -> Host {
    // As started, whatever has been installed in its place since.
    let compiler = Compiler::Child { tools: Tools::plain(env), program: PathBuf::from("/proc/self/exe") };
    Host::new(cache_dir(env), compiler)
}
