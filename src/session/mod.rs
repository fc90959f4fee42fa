//! A run from the request to the verdict, across processes: [`prepare`] makes a plan, [`start`] claims a run and starts
//! its supervisor, [`supervise`] is that supervisor, [`follow`] shows what the journal says. `run` is start + follow;
//! `attach` is follow alone. See `docs/design.md`, "One way to run".

pub mod ask;
pub mod assignment;
pub mod book;
pub mod control;
pub mod doctor;
pub mod follow;
pub mod init;
pub mod inline;
pub mod inputs;
pub mod interrupts;
pub mod jobs;
pub mod keys;
mod lend;
pub mod logout;
pub mod logs;
pub mod past;
pub mod place;
pub mod prepare;
pub mod queue;
pub mod retention;
pub mod runs;
pub mod source;
pub mod start;
pub mod supervise;
pub mod tail;
pub mod tee;
pub mod turn;
pub mod wire;
