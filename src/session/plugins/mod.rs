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

pub mod manifest;
