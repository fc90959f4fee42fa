//! Faults as they are drawn: what is wrong, where, and what to do.

mod details;
mod expand;
mod hooks;
mod keys;
mod matchers;
mod matrices;
mod plugins;
mod remotes;
mod secrets;
mod settings;
mod stages;
mod syntax;
