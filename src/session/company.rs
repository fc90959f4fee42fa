//! Who is around the executors of a run in its supervisor: who screens what stages print, and plugins, which run its stages,
//! read along, and are told of it. A run without plugins has none of those, and a build that cannot run any says so where one
//! is needed.

#[cfg(not(feature = "plugins"))]
mod absent;
#[cfg(feature = "plugins")]
mod present;

use std::sync::Arc;

use crossbeam_channel::Sender;

#[cfg(not(feature = "plugins"))]
use absent as plugins;
#[cfg(feature = "plugins")]
use present as plugins;

use super::assignment::Assignment;
use super::screening::Screening;
use crate::engine::observer::Observer;
use crate::engine::runner::Message;
use crate::env::Env;
use crate::executor::Executor;
use crate::executor::news::{News, Tell};
use crate::executor::screened::{Screen, Screened};
use crate::process::reaper::Reaper;

/// A run's executors with all who are around them, and its reporters.
type Hired = (Vec<Arc<dyn Executor>>, Option<Box<dyn Observer>>);

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

/// Puts them together.
pub(super) fn hire(executors: Vec<Arc<dyn Executor>>, needs: &Needs<'_>) -> Company {
    let (plan, secrets) = (&needs.assignment.plan, &needs.assignment.secrets);
    let tell = tell(needs.messages);
    let screen = Screen::new(secrets.needles(), secrets.by_stage(plan), plan.root.clone(), Arc::clone(&tell));
    let screen = Arc::new(screen);
    let around = |inner| Arc::new(Screened::new(inner, Arc::clone(&screen))) as Arc<dyn Executor>;
    let (executors, observer) = plugins::hire(executors, needs, &tell, &around);
    let observer =
        observer.map(|observer| Box::new(Screening::new(observer, Arc::clone(&screen))) as Box<dyn Observer>);
    Company { executors, observer, screen }
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
