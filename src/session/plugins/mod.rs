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

#[cfg(feature = "plugins")]
pub mod build;
#[cfg(feature = "plugins")]
pub mod bytes;
pub mod declared;
#[cfg(feature = "plugins")]
pub mod manifest;
#[cfg(feature = "plugins")]
pub mod pin;
#[cfg(feature = "plugins")]
pub mod resolve;
#[cfg(feature = "plugins")]
pub mod stale;
#[cfg(feature = "plugins")]
pub mod stock;
#[cfg(test)]
#[cfg(feature = "plugins")]
mod tests;
#[cfg(feature = "plugins")]
pub mod trial;
pub mod trouble;

use crate::config::Supplier;
use crate::env::Env;
use crate::pipeline::plugin::Grants;

/// By what plugins are judged and heard while a pipeline is read.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What the user allows them; none: whatever a pipeline grants.
    pub policy: Option<Grants>,
    /// `--locked`: nothing is other than the lock file says.
    pub is_locked: bool,
    /// Whether what they say for who looks for a fault in them is wanted.
    pub verbose: bool,
    /// Whether somebody is typing, who waits for no compiler and not for long: what was not compiled before cannot be used.
    pub in_passing: bool,
}

/// Who answers for the plugins of projects in this environment. `ear` takes what they say while they make stages.
#[cfg(feature = "plugins")]
pub fn supplier(env: &Env, rules: Rules, ear: impl Fn(&str) + Send + Sync + 'static) -> Box<dyn Supplier> {
    Box::new(resolve::Resolver::new(resolve::host_for(env, &rules), env, rules, std::sync::Arc::new(ear)))
}

/// Nobody answers for them in a build without them, but in a sentence.
#[cfg(not(feature = "plugins"))]
pub fn supplier(_: &Env, _: Rules, _: impl Fn(&str) + Send + Sync + 'static) -> Box<dyn Supplier> {
    Box::new(crate::config::NoSupplier)
}
