//! Faults as they are drawn: what is wrong, where, and what to do.

mod details;
mod expand;
mod keys;
mod matchers;
mod matrices;
mod plugins;
mod remotes;
mod settings;
mod stages;
mod syntax;
