//! A run from the request to the verdict, across processes: [`prepare`] makes a plan, [`start`] claims a run and starts
//! its supervisor, [`supervise`] is that supervisor, [`follow`] shows what the journal says. `run` is start + follow;
//! `attach` is follow alone. See `docs/design.md`, "One way to run".

pub mod wire;
pub mod assignment;
pub mod source;
pub mod prepare;
pub mod book;
pub mod tee;
pub mod supervise;
pub mod start;
pub mod logs;
pub mod follow;
pub mod inline;
pub mod runs;
