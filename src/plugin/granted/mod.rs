//! What stands behind a plugin's imports where it is used: each access is put to its [`Authority`] first, and then done in
//! the narrowest way that the system has. Knows nothing of WebAssembly.
//!
//! ```text
//!  guest ─▶ host ─▶ Granted ── may it? ──▶ Authority
//!                      ├─ files      beneath the project's directory, which the kernel sees to
//!                      ├─ http       to granted hosts, with secrets that the guest never sees
//!                      ├─ Commands   what the stage's executor runs
//!                      └─ Voice      lines and annotations, so many and no more
//! ```

pub mod commands;
pub mod surroundings;

pub use surroundings::{Commands, Surroundings};

use super::authority::Authority;

/// The services of one plugin for one call, or one session.
pub struct Granted {
    authority: Authority,
    surroundings: Surroundings,
}

impl Granted {
    /// What a plugin of this authority gets here. Opens nothing yet.
    pub fn new(authority: Authority, surroundings: Surroundings) -> Self {
        Self { authority, surroundings }
    }
}
