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
use std::sync::Arc;

use crate::env::Env;
use crate::pipeline::plugin::Grants;
use crate::plugin::host::{Compiler, Host};
use crate::plugin::store::cache_dir;
use crate::process::tool::Tools;
use resolve::Resolver;

pub use bytes::{BUILT, place as placed};

/// The host of a command line: it compiles in a child of its own.
pub fn host(env: &Env) -> Host {
    // As started, whatever has been installed in its place since.
    let compiler = Compiler::Child { tools: Tools::plain(env), program: PathBuf::from("/proc/self/exe") };
    Host::new(cache_dir(env), compiler)
}

/// Who answers for the plugins of projects in this environment. `policy` is what the user allows them, `is_locked` lets
/// nothing be other than the lock file says, and `ear` takes what they say while they make stages.
pub fn resolver(
    env: &Env,
    policy: Option<Grants>,
    is_locked: bool,
    ear: impl Fn(&str) + Send + Sync + 'static,
) -> Resolver {
    Resolver::new(host(env), env, policy, is_locked, Arc::new(ear))
}
