//! Who works for a run in its supervisor besides its executors: plugins that run its stages, matchers and parsers that read
//! along, and reporters that are told of it. A run that needs none of them has none, and a build that cannot run plugins says
//! so where one is needed.

#[cfg(not(feature = "plugins"))]
mod absent;
#[cfg(feature = "plugins")]
mod present;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossbeam_channel::Sender;

#[cfg(not(feature = "plugins"))]
use absent::plugins;
#[cfg(feature = "plugins")]
use present::plugins;

use super::assignment::Assignment;
use crate::engine::observer::Observer;
use crate::engine::runner::Message;
use crate::env::Env;
use crate::executor::matching::Matching;
use crate::executor::reading::{News, ReadingExecutor, Reads, Tell};
use crate::executor::{Executor, Job};
use crate::ids::StageName;
use crate::pipeline::matcher::Annotate;
use crate::pipeline::remote::HERE;
use crate::process::reaper::Reaper;

/// What plugins are needed for, and what they find.
#[cfg_attr(not(feature = "plugins"), expect(dead_code, reason = "what is not there needs nothing"))]
pub(super) struct Needs<'a> {
    /// What is to be done.
    pub(super) assignment: &'a Assignment,
    /// The environment that stages inherit.
    pub(super) env: &'a Env,
    /// Who waits for our children.
    pub(super) reaper: &'a Reaper,
    /// The loop.
    pub(super) messages: &'a Sender<Message>,
}

/// A run's executors with its plugins, and who else is told of what happens.
pub(super) struct Company {
    /// Where stages run, each by its name.
    pub(super) executors: Vec<Arc<dyn Executor>>,
    /// Its reporters.
    pub(super) observer: Option<Box<dyn Observer>>,
}

/// Who says which parsers read an attempt.
type Parsers = Arc<dyn Fn(&Job) -> Vec<Arc<dyn Reads>> + Send + Sync>;

/// Has whoever is needed see to a run. Where nobody is, its executors are as they were.
pub(super) fn hire(executors: Vec<Arc<dyn Executor>>, needs: &Needs<'_>) -> Company {
    let (company, parsers) = plugins(executors, needs);
    let plan = &needs.assignment.plan;
    let read = plan.stages.values().filter(|stage| !stage.annotate.is_empty());
    let read: BTreeMap<StageName, Vec<Annotate>> =
        read.map(|stage| (stage.name.clone(), stage.annotate.clone())).collect();
    if read.is_empty() {
        return company;
    }
    let (read, root, tell) = (Arc::new(read), Arc::new(plan.root.clone()), tell(needs.messages));
    let around = |inner: Arc<dyn Executor>| {
        let (read, root, parsers) = (Arc::clone(&read), Arc::clone(&root), parsers.clone());
        let is_here = inner.name() == HERE;
        let staff = move |job: &Job| {
            let Some(annotate) = read.get(&job.stage) else { return Vec::new() };
            let matchers = Matching::of(annotate, &root, job, is_here);
            matchers.into_iter().chain(parsers.iter().flat_map(|parsers| parsers(job))).collect()
        };
        Arc::new(ReadingExecutor::new(inner, staff, Arc::clone(&tell))) as Arc<dyn Executor>
    };
    Company { executors: company.executors.into_iter().map(around).collect(), observer: company.observer }
}

fn tell(messages: &Sender<Message>) -> Tell {
    let messages = messages.clone();
    Arc::new(move |news| {
        let message = match news {
            News::Annotated { stage, attempt, items } => Message::Annotated { stage, attempt, items },
            News::Remark { stage, text } => Message::Remark { stage, text },
        };
        // The loop is gone only when the run is over.
        let _ = messages.send(message);
    })
}
