//! local-ci: one pipeline file, the same verdict everywhere.

pub mod cancel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod env;
pub mod event;
pub mod executor;
pub mod ids;
pub mod journal;
pub mod outcome;
pub mod pipeline;
pub mod plan;
pub mod process;
pub mod report;
pub mod session;
pub mod text;
pub mod view;
