//! What will be done, and why: a [`Plan`] is a pipeline cut down to a selection, every stage with its decision.
//!
//! Pure: given the pipeline, the request and the facts, the plan is always the same. A plan is self-contained;
//! it travels to the supervisor whole, with the values of variables, over a private socket and never to disk.

mod build;
mod changed;
pub mod command;
pub mod diagram;
pub mod error;
mod expectation;
pub mod facts;
pub mod graph;
mod pattern;
mod placement;
pub mod priority;
pub mod select;
pub mod signature;
#[cfg(test)]
mod tests;

pub use build::build;
pub use changed::Changed;
pub use command::{command_text, quote};
pub use error::{PlanError, Remotes, nearest};
pub use expectation::Expectation;
pub use facts::Facts;
pub use select::{Elsewhere, Request};

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Estimate, StageInfo};
use crate::ids::{DenseMap, Signature, StageId, StageName};
use crate::outcome::{Outcome, SkipReason};
use crate::pipeline::matcher::Annotate;
use crate::pipeline::plugin::Ready;
use crate::pipeline::remote::Remote;
use crate::pipeline::secret::Origin;
use crate::pipeline::{Command, Flaky, Policy};
use graph::Graph;
use priority::{Paths, Weight};
use signature::Work;

/// Whether a stage of the plan runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Decision {
    /// It runs when what it needs is satisfied.
    Run,
    /// It does not.
    Skip {
        /// Why not.
        reason: SkipReason,
    },
}

/// Something that led to a stage being in the plan as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Reason {
    /// It was asked for by this name, glob, tag or profile.
    Asked {
        /// What was typed, as `--tag x` or `x*`.
        by: String,
    },
    /// It is in the default set.
    Default,
    /// This stage needs it.
    NeededBy {
        /// Which.
        stage: StageName,
    },
    /// `--changed`: something that it reads has changed.
    Changed {
        /// One of the files.
        file: String,
        /// Since when.
        since: String,
    },
    /// `--changed`: something has changed, and it does not say what it reads.
    AnyChange {
        /// Since when.
        since: String,
    },
    /// `--fix` runs its `fix` command.
    Fix,
    /// A need of it is left out of this run, and so counts as satisfied.
    NeedLeftOut {
        /// Which.
        stage: StageName,
        /// By what: `--skip` or `--only`.
        by: String,
    },
    /// A need of it is skipped by condition, and so counts as satisfied.
    NeedSkipped {
        /// Which.
        stage: StageName,
    },
    /// A need of it may fail, and so counts as satisfied either way.
    NeedMayFail {
        /// Which.
        stage: StageName,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Asked { by } => write!(f, "asked for by {by}"),
            Reason::Default => f.write_str("in the default set"),
            Reason::NeededBy { stage } => write!(f, "needed by {stage}"),
            Reason::Changed { file, since } => write!(f, "{file} has changed since {since}"),
            Reason::AnyChange { since } => write!(f, "has no inputs, and something has changed since {since}"),
            Reason::Fix => f.write_str("--fix runs its fix command"),
            Reason::NeedLeftOut { stage, by } => write!(f, "needs {stage}, which {by} leaves out"),
            Reason::NeedSkipped { stage } => write!(f, "needs {stage}, which is skipped"),
            Reason::NeedMayFail { stage } => write!(f, "needs {stage}, which may fail"),
        }
    }
}

/// A stage of a plan: everything that is needed to run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStage {
    /// Its name.
    pub name: StageName,
    /// Whether it runs.
    pub decision: Decision,
    /// Why it is here.
    pub reasons: Vec<Reason>,
    /// What it runs: `fix` where asked for, with the command line's `-- ARGS`.
    pub command: Command,
    /// The stages of this plan that come first.
    pub needs: Vec<StageId>,
    /// The variables that the config gives it.
    pub env: BTreeMap<String, String>,
    /// Its directory relative to the project's.
    pub dir: PathBuf,
    /// How it is supervised.
    pub policy: Policy,
    /// Where it runs: `local`, or a remote of the plan.
    pub executor: String,
    /// The fingerprint of its command.
    pub signature: Signature,
    /// Whether what runs is its `fix`.
    pub is_fix: bool,
    /// Whether it has a `fix`.
    pub has_fix: bool,
    /// Globs of the files it reads.
    pub inputs: Vec<String>,
    /// The fingerprint of what they match, once that was looked at.
    pub inputs_digest: Option<String>,
    /// Globs of the files it writes.
    pub outputs: Vec<String>,
    /// Who reads its output.
    pub annotate: Vec<Annotate>,
    /// The names of the secrets that it is given.
    pub secrets: Vec<String>,
    /// How long it is expected to take, where history knows.
    pub estimate: Option<Estimate>,
}

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The project's directory, absolute.
    #[serde(with = "path_bytes")]
    pub root: PathBuf,
    /// The stages, in an order in which each comes after what it needs.
    pub stages: DenseMap<StageId, PlannedStage>,
    /// Slots.
    pub jobs: u32,
    /// Whether the first failure cancels the rest.
    pub fail_fast: bool,
    /// What a stage is worth that passed only at another attempt.
    #[serde(default)]
    pub flaky: Flaky,
    /// How long the whole run may take.
    pub timeout: Option<Duration>,
    /// Stages that were asked for or needed, and that `--skip` or `--only` leaves out.
    pub left_out: Vec<StageName>,
    /// What a person should know before it starts.
    pub warnings: Vec<String>,
    /// The other machines that its stages run on, by name; none that no stage runs on.
    pub remotes: BTreeMap<String, Remote>,
    /// The plugins that its stages use, and its reporters, by name.
    pub plugins: BTreeMap<String, Ready>,
    /// The names of the plugins that are told of its events.
    pub reporters: Vec<String>,
    /// Where the secrets of its stages come from, by name.
    pub secrets: BTreeMap<String, Origin>,
    /// Globs of the names of variables whose values are masked.
    pub mask: Vec<String>,
}

/// A path as its bytes: not every directory has a name that is text, and a plan has to reach it all the same.
pub(crate) mod path_bytes {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().as_bytes().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Vec::deserialize(deserializer).map(|bytes| OsString::from_vec(bytes).into())
    }
}

impl PlannedStage {
    /// Whether it is to be executed.
    pub fn runs(&self) -> bool {
        self.decision == Decision::Run
    }

    /// By what it is known as a job, of which there is one at a time: what it runs and where in the project, on whatever
    /// machine that is.
    pub fn job(&self) -> Signature {
        let Self { command, env, dir, secrets, .. } = self;
        signature::signature(&signature::Work { command, env, dir, secrets, executor: signature::LOCAL })
    }

    /// The command as a person reads it.
    pub fn command_text(&self) -> String {
        command_text(&self.command)
    }

    /// What the journal says of it.
    pub fn info(&self) -> StageInfo {
        StageInfo {
            name: self.name.clone(),
            command: self.command_text(),
            needs: self.needs.clone(),
            signature: self.signature,
            dir: self.dir.to_string_lossy().into_owned(),
            executor: self.executor.clone(),
            allow_failure: self.policy.allow_failure,
            is_fix: self.is_fix,
            has_fix: self.has_fix && !self.is_fix,
            threads: self.policy.threads,
            locks: self.policy.locks.clone(),
            inputs: self.inputs_digest.clone(),
            estimate: self.estimate.clone(),
            interactive: self.policy.interactive,
            skip: match &self.decision {
                Decision::Run => None,
                Decision::Skip { reason } => Some(reason.clone()),
            },
        }
    }

    /// What its fingerprint is made of.
    pub fn work(&self) -> Work<'_> {
        let Self { command, env, dir, secrets, executor, .. } = self;
        Work { command, env, dir, secrets, executor }
    }
}

impl Plan {
    /// Whether a stage passed, and that is not enough. An attempt that is not the first comes after one that did not pass.
    pub fn is_flaky_failure(&self, stage: StageId, outcome: &Outcome, attempt: u32) -> bool {
        let allowed = self.stages[stage].policy.allow_failure;
        self.flaky == Flaky::Fail && *outcome == Outcome::Passed && attempt > 1 && !allowed
    }

    /// Whether any stage is to be executed.
    pub fn has_work(&self) -> bool {
        self.stages.values().any(PlannedStage::runs)
    }

    /// Whether somebody has to see to it: there is something to execute, or somebody to be told of it.
    pub fn needs_supervisor(&self) -> bool {
        self.has_work() || !self.reporters.is_empty()
    }

    /// How many slots an executor has: a remote its own, or as many as there are here.
    pub fn slots(&self, executor: &str) -> u32 {
        self.remotes.get(executor).and_then(|remote| remote.slots).unwrap_or(self.jobs).max(1)
    }

    /// The stage of this exact name.
    pub fn find(&self, name: &str) -> Option<StageId> {
        self.stages.iter().find(|(_, stage)| stage.name.as_str() == name).map(|(id, _)| id)
    }

    /// Who waits for whom.
    pub fn graph(&self) -> Graph {
        self.stages.values().map(|stage| stage.needs.clone()).collect()
    }

    /// The longest ways through the plan, by what history expects of its stages.
    pub fn paths(&self) -> Paths {
        let weight = |stage: &PlannedStage| match (stage.runs(), &stage.estimate) {
            (false, _) => Weight::Nothing,
            (true, None) => Weight::Unknown,
            (true, Some(estimate)) => Weight::Expected(Duration::from_millis(estimate.expected_ms)),
        };
        Paths::new(&self.graph(), &self.stages.values().map(weight).collect())
    }
}
