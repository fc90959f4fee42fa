//! Problem matchers: a stage's lines in, annotations out. Pure but for one question, which paths are files of the project.
//!
//! ```text
//!  a line, without escapes ─▶ Session ─▶ Member, each: a search for a few words first, and then what the line says
//!                                ▲  │                  Form: regular expressions, of which one comes after the other
//!                                │  ▼                  rustc, cargo-test, …: what no regular expression can read
//!                             Place: whose file is it  ─▶ annotations, each once
//! ```
//!
//! It knows nothing of plugins, of threads or of who prints.

mod built_in;
mod form;
mod member;
mod place;
mod session;

#[cfg(test)]
mod tests;

pub use place::Place;
pub use session::Session;
