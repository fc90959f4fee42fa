//! What stands behind a plugin's imports where it is used: each access is put to its `Authority` first, and then done in
//! the narrowest way that the system has. Knows nothing of WebAssembly.
//!
//! ```text
//!  guest ─▶ host ─▶ Granted ── may it? ──▶ Authority
//!                      ├─ files, replace   beneath the project's directory, which the kernel sees to
//!                      ├─ http             to granted hosts, with secrets that the guest never sees
//!                      ├─ spawn, commands  what the stage's executor runs
//!                      └─ voice            lines and annotations, so many and no more
//! ```

mod beneath;
pub mod commands;
mod files;
mod http;
mod lines;
mod replace;
mod services;
mod spawn;
pub mod surroundings;
mod voice;

pub use services::Granted;
pub use surroundings::{Commands, Surroundings};
pub use voice::presentable;

#[cfg(test)]
mod tests;
