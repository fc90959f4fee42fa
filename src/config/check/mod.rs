//! From the typed document to a valid pipeline: everything that can only be seen across keys.
//!
//! Every check goes on after a fault, so that one pass finds all. It touches no file but through [`EnvFiles`].

mod abilities;
mod action;
mod command;
mod environment;
mod expand;
mod globs;
mod hook_name;
mod hooks;
mod matcher_file;
mod matchers;
mod matrix;
mod needs;
mod observers;
pub(super) mod plugins;
mod profiles;
pub(super) mod remotes;
mod secrets;
mod settings;
mod stage;
mod whole;

pub(super) use environment::{EnvFile, EnvFiles};
pub(super) use whole::{Around, Checked, check};
