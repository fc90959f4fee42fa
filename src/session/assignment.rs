//! What a supervisor is told to do. It travels over the private line and never reaches the disk: it has the values of
//! the stages' variables in it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secrets::Secrets;
use crate::engine::machine::past::Past;
use crate::ids::{RunId, RunNumber};
use crate::journal::header::Waits;
use crate::plan::Plan;
use crate::process::pty::Size;

/// What becomes of a run whose starter goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnHangup {
    /// It goes on: a person closed a terminal, and will come back.
    Continue,
    /// It is cancelled: a CI job or a script gave up on it.
    Cancel,
}

/// A run, for its supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The run.
    pub run: RunId,
    /// Its number; none where no state is kept.
    pub number: Option<RunNumber>,
    /// The project's state directory, where the run is marked as going on; none where no state is kept.
    pub project: Option<PathBuf>,
    /// The project's directory, which need not be the one that the plan runs in.
    #[serde(with = "crate::plan::path_bytes")]
    pub root: PathBuf,
    /// What it waits for before it starts; none where it starts at once.
    pub waits: Option<Waits>,
    /// What to do.
    pub plan: Plan,
    /// What happened in it before, where another supervisor began it.
    pub past: Option<Past>,
    /// Variables for every stage, below its own.
    pub env: Vec<(String, String)>,
    /// What its stages are given that nobody else is to see.
    pub secrets: Secrets,
    /// No grace is longer than this.
    pub grace_cap: Option<Duration>,
    /// What to do when the starter goes away.
    pub on_hangup: OnHangup,
    /// Whether what plugins say for who looks for a fault in them is wanted.
    pub verbose: bool,
    /// How large the starter's terminal is, where stages may have that for as long as the starter is there: so it is known
    /// before the first of them starts.
    pub terminal: Option<Size>,
}
