//! Without plugins: a plan that has some was made by a build that can run them.

use std::sync::Arc;

use super::{Hired, Needs};
use crate::cancel::CancelToken;
use crate::event::{OutputSink, RemoteNews};
use crate::executor::news::Tell;
use crate::executor::{Ended, ExecError, Executor, Job};
use crate::pipeline::Command;

/// Has every stage that is a plugin's say why it cannot be run.
pub(super) fn plugins(executors: Vec<Arc<dyn Executor>>, needs: &Needs<'_>, _tell: &Tell) -> Hired {
    if needs.assignment.plan.plugins.is_empty() {
        return Hired { executors, observer: None, parsers: None };
    }
    let around = |inner| Arc::new(WithoutPlugins(inner)) as Arc<dyn Executor>;
    Hired { executors: executors.into_iter().map(around).collect(), observer: None, parsers: None }
}

struct WithoutPlugins(Arc<dyn Executor>);

impl Executor for WithoutPlugins {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn execute(&self, job: &Job, out: &mut dyn OutputSink, cancel: &CancelToken) -> Result<Ended, ExecError> {
        if let Command::Plugin(used) = &job.command {
            let message = format!("plugin {} cannot be run: this local-ci was built without plugins", used.plugin);
            return Err(ExecError::Infrastructure { message });
        }
        self.0.execute(job, out, cancel)
    }

    fn last_news(&self) -> Option<RemoteNews> {
        self.0.last_news()
    }

    fn hold_strays(&self, still: bool) {
        self.0.hold_strays(still);
    }
}
