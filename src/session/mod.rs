//! A run from the request to the verdict, across processes: [`prepare`] makes a plan, [`start`] claims a run and starts
//! its supervisor, [`supervise`] is that supervisor, [`follow`] shows what the journal says. `run` is start + follow;
//! `attach` is follow alone. See `docs/design.md`, "One way to run".

pub mod ask;
pub mod assignment;
pub mod book;
pub mod checkup;
pub mod compare;
pub mod control;
pub mod doctor;
pub mod follow;
pub mod forget;
pub mod init;
pub mod inline;
pub mod inputs;
pub mod interrupts;
pub mod jobs;
pub mod keys;
mod leash;
mod lend;
pub mod logout;
pub mod logs;
pub mod nuke;
pub mod past;
pub mod place;
#[cfg(feature = "plugins")]
pub mod plugins;
pub mod prepare;
pub mod queue;
pub mod remotes;
pub mod retention;
pub mod runs;
pub mod source;
pub mod standing;
pub mod start;
pub mod stream;
pub mod supervise;
pub mod tail;
pub mod takeover;
pub mod tee;
pub mod turn;
pub mod waiting;
pub mod wire;
