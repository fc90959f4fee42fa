//! Who is around the executors of a run in its supervisor: plugins that run its stages, who screens what stages print, and the
//! matchers and parsers that read along; and who is told of the run. A run that needs none of them has none, and a build that
//! cannot run plugins says so where one is needed.

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
use super::screening::Screening;
use crate::engine::observer::Observer;
use crate::engine::runner::Message;
use crate::env::Env;
use crate::executor::matching::Matching;
use crate::executor::news::{News, Tell};
use crate::executor::reading::{ReadingExecutor, Reads};
use crate::executor::screened::{Screen, Screened};
use crate::executor::{Executor, Job};
use crate::ids::StageName;
use crate::pipeline::matcher::Annotate;
use crate::pipeline::remote::HERE;
use crate::plan::Plan;
use crate::process::reaper::Reaper;

/// Who says which parsers read an attempt.
type Parsers = Arc<dyn Fn(&Job) -> Vec<Arc<dyn Reads>> + Send + Sync>;

/// What plugins come to.
struct Hired {
    /// The executors, with their stages run by them.
    executors: Vec<Arc<dyn Executor>>,
    /// Those that are told of what happens.
    observer: Option<Box<dyn Observer>>,
    /// Those that read along.
    parsers: Option<Parsers>,
}

/// What is needed, and what there is.
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

/// A run's executors with all who are around them, and who else is told of what happens.
pub(super) struct Company {
    /// Where stages run, each by its name.
    pub(super) executors: Vec<Arc<dyn Executor>>,
    /// Its reporters.
    pub(super) observer: Option<Box<dyn Observer>>,
    /// What nobody is to see.
    pub(super) screen: Arc<Screen>,
}

/// Puts them together: what a plugin's stage or a command prints is screened, and who reads along reads what is left.
pub(super) fn hire(executors: Vec<Arc<dyn Executor>>, needs: &Needs<'_>) -> Company {
    let (plan, secrets) = (&needs.assignment.plan, &needs.assignment.secrets);
    let tell = tell(needs.messages);
    let screen = Screen::new(secrets.needles(), secrets.by_stage(plan), plan.root.clone(), Arc::clone(&tell));
    let screen = Arc::new(screen);
    let Hired { executors, observer, parsers } = plugins(executors, needs, &tell);
    let around = |inner| Arc::new(Screened::new(inner, Arc::clone(&screen))) as Arc<dyn Executor>;
    let executors = read_along(executors.into_iter().map(around).collect(), plan, parsers.as_ref(), &tell);
    let observer =
        observer.map(|observer| Box::new(Screening::new(observer, Arc::clone(&screen))) as Box<dyn Observer>);
    Company { executors, observer, screen }
}

/// Has matchers and parsers read along where stages name any.
fn read_along(
    executors: Vec<Arc<dyn Executor>>,
    plan: &Plan,
    parsers: Option<&Parsers>,
    tell: &Tell,
) -> Vec<Arc<dyn Executor>> {
    let read = plan.stages.values().filter(|stage| !stage.annotate.is_empty());
    let read: BTreeMap<StageName, Vec<Annotate>> =
        read.map(|stage| (stage.name.clone(), stage.annotate.clone())).collect();
    if read.is_empty() {
        return executors;
    }
    let (read, root) = (Arc::new(read), Arc::new(plan.root.clone()));
    let around = |inner: Arc<dyn Executor>| {
        let (read, root, parsers) = (Arc::clone(&read), Arc::clone(&root), parsers.cloned());
        let is_here = inner.name() == HERE;
        let staff = move |job: &Job| {
            let Some(annotate) = read.get(&job.stage) else { return Vec::new() };
            let matchers = Matching::of(annotate, &root, job, is_here);
            matchers.into_iter().chain(parsers.iter().flat_map(|parsers| parsers(job))).collect()
        };
        Arc::new(ReadingExecutor::new(inner, staff, Arc::clone(tell))) as Arc<dyn Executor>
    };
    executors.into_iter().map(around).collect()
}

fn tell(messages: &Sender<Message>) -> Tell {
    let messages = messages.clone();
    Arc::new(move |news| {
        let message = match news {
            News::Annotated { stage, attempt, items } => Message::Annotated { stage, attempt, items },
            News::Remark { stage, text } => Message::Remark { stage, text },
            News::Aside { text } => Message::Aside { text },
        };
        // The loop is gone only when the run is over.
        let _ = messages.send(message);
    })
}
