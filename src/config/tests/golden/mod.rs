//! Faults as they are drawn: what is wrong, where, and what to do.

mod details;
mod keys;
mod matrices;
mod remotes;
mod stages;
mod syntax;
