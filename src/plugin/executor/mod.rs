//! An executor around an executor: a plugin's stage is run by its plugin, all else by who is inside, and what any of them
//! prints is read by the stage's parsers.
//!
//! ```text
//!  the attempt's thread          a guest's thread              a command's thread
//!  ┌──────────────┐   spawns     ┌───────┐  commands ─▶ Running ─▶ the executor inside, a part of the same job
//!  │ PluginExecutor├────────────▶│ guest │  log ─┐                    │ output
//!  └──────▲───────┘              └───────┘       ▼                    ▼
//!         └────────────────────── a bounded channel ◀─────────────────┘
//!  writes to the stage's log, and for each parser what that one wants to a queue: see `gate` and `reading`
//! ```
//!
//! A guest computes on a thread of its own because the attempt's stack is small. What was found is told once the attempt has
//! ended and before that is told, in the order of the declaration: the same inputs give the same events.

mod link;
mod orphans;
mod parsers;
mod stage;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::guests::Guests;
use super::info::Context;
use crate::cancel::CancelToken;
use crate::event::{OutputSink, RemoteNews};
use crate::executor::news::Tell;
use crate::executor::reading::{Found, tell};
use crate::executor::{Ended, ExecError, Executor, Job};
use crate::ids::StageName;
use crate::pipeline::Command;
use crate::pipeline::plugin::ParserUse;
pub use parsers::readers;

/// What all executors of a run share.
pub struct Shared {
    guests: Arc<dyn Guests>,
    /// What stages inherit, to be known to a plugin where it is granted.
    env: Vec<(String, String)>,
    parsers: BTreeMap<StageName, Vec<ParserUse>>,
    tell: Tell,
    /// Plugins of which a parser failed.
    out_of_action: Mutex<BTreeSet<String>>,
}

impl Shared {
    /// For stages with these parsers, that inherit this environment.
    pub fn new(
        guests: Arc<dyn Guests>,
        env: Vec<(String, String)>,
        parsers: BTreeMap<StageName, Vec<ParserUse>>,
        tell: Tell,
    ) -> Self {
        Self { guests, env, parsers, tell, out_of_action: Mutex::default() }
    }

    /// A parser of it failed: none is started again. Whether that is new.
    fn put_out_of_action(&self, plugin: &str) -> bool {
        self.out_of_action.lock().unwrap_or_else(PoisonError::into_inner).insert(plugin.to_owned())
    }

    fn is_out_of_action(&self, plugin: &str) -> bool {
        self.out_of_action.lock().unwrap_or_else(PoisonError::into_inner).contains(plugin)
    }

    /// The environment of an attempt.
    fn env(&self, job: &Job) -> Vec<(String, String)> {
        let is_set = |name: &str| job.env.iter().any(|(set, _)| set == name);
        self.env.iter().filter(|(name, _)| !is_set(name)).chain(&job.env).cloned().collect()
    }

    /// What a call is about.
    fn context(&self, job: &Job, params: &str, fix: bool) -> Context {
        let root = self.guests.root();
        let dir = job.dir.strip_prefix(&root).unwrap_or(&job.dir).to_string_lossy().into_owned();
        let mut extra = vec![("dir".to_owned(), dir)];
        if fix {
            extra.push(("fix".to_owned(), "true".to_owned()));
        }
        Context {
            run: job.run.to_string(),
            stage: job.stage.to_string(),
            attempt: job.attempt,
            params: params.to_owned(),
            extra,
        }
    }
}

/// A line of a plugin that has no log to go to.
pub(super) fn spoken(plugin: &str, line: &str) -> String {
    format!("plugin {plugin} says: {line}")
}

/// Runs plugins' stages, and hands on all others.
pub struct PluginExecutor {
    inner: Arc<dyn Executor>,
    shared: Arc<Shared>,
}

impl PluginExecutor {
    /// Around this executor.
    pub fn new(inner: Arc<dyn Executor>, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }

    fn attempt(
        &self,
        job: &Job,
        out: &mut dyn OutputSink,
        cancel: &CancelToken,
        found: &mut Found,
    ) -> Result<Ended, ExecError> {
        match &job.command {
            Command::Plugin(used) => {
                stage::Attempt { inner: &self.inner, shared: &self.shared, job, used }.run(out, cancel, found)
            }
            Command::Argv(_) | Command::Shell { .. } => self.inner.execute(job, out, cancel),
        }
    }
}

impl Executor for PluginExecutor {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        let mut found = Found::default();
        let result = self.attempt(job, out, cancel, &mut found);
        tell(&self.shared.tell, job, found);
        result
    }

    fn last_news(&self) -> Option<RemoteNews> {
        self.inner.last_news()
    }

    fn hold_strays(&self, still: bool) {
        self.inner.hold_strays(still);
    }
}
