//! What to run in a project that has no configuration: its files say of what kind it is, and the kind says the stages.
//!
//! ```text
//! place ─▶ kinds (rust, node, go, …) ─▶ name ─▶ document
//! where    stages of each directory     clashes  a local-ci.toml, as text
//! ```
//!
//! The result is the text of a configuration, which goes the way of every other one. So what runs without a file and
//! what `init` writes cannot differ. Only reads, and only files of known names; nothing is ever run to find out.
//! `docs/detection.md` says what is found and why.

mod broken;
mod deno;
mod directory;
mod document;
mod draft;
mod go;
mod java;
mod jsonc;
mod just;
mod kind;
mod make;
mod name;
mod node;
mod place;
mod project;
mod python;
mod rust;
mod scripts;
#[cfg(test)]
mod tests;

pub(super) use broken::Broken;
pub use document::EXAMPLE;
pub use node::uninstalled;
pub use project::Detected;
pub(super) use project::{Outcome, detect};
