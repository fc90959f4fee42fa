//! With plugins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::{Hired, Needs};
use crate::config::user_path;
use crate::engine::observer::Observer;
use crate::env::{DENIED, Env, GIT_REPOSITORY};
use crate::event::Event;
use crate::executor::news::Tell;
use crate::executor::{Executor, Job};
use crate::journal::layout::state_dir;
use crate::pipeline::matcher::Annotate;
use crate::plugin::executor::{PluginExecutor, Shared, readers};
use crate::plugin::guests::Guests;
use crate::plugin::host::{Compiler, Host};
use crate::plugin::reporters::Reporters;
use crate::plugin::roster::{Roster, Workplace};
use crate::plugin::store::cache_dir;
use crate::process::tool::Tools;

/// This program, whatever has become of its file.
const OURSELVES: &str = "/proc/self/exe";

/// Has plugins see to what needs them. Where nothing does, nothing of them is touched.
pub(super) fn plugins(executors: Vec<Arc<dyn Executor>>, needs: &Needs<'_>, tell: &Tell) -> Hired {
    let plan = &needs.assignment.plan;
    if plan.plugins.is_empty() {
        return Hired { executors, observer: None, parsers: None };
    }
    let cache = cache_dir(needs.env);
    // Where the user's policy stands decides over plugins as well, whatever project that lies in.
    let policy = user_path(needs.env);
    let beside = policy.as_deref().and_then(Path::parent).map(Path::to_owned);
    let ours = [cache.clone(), state_dir(needs.env), policy, beside].into_iter().flatten().collect();
    let compiler =
        Compiler::Child { tools: Tools::reaped(needs.reaper.clone(), needs.env), program: PathBuf::from(OURSELVES) };
    let place = Workplace { root: plan.root.clone(), ours, verbose: needs.assignment.verbose };
    let roster = Roster::new(Host::new(cache, compiler), plan.plugins.clone(), place);
    let guests: Arc<dyn Guests> = Arc::new(roster);
    let env = inherited(needs.env);
    let observer = (!plan.reporters.is_empty()).then(|| {
        let mut env = env.clone();
        env.extend_from_slice(&needs.assignment.env);
        let stages = plan.stages.values().map(|stage| stage.name.clone()).collect();
        let reporters = Reporters::start(&guests, &env, &plan.reporters, stages, tell);
        Box::new(Told(reporters)) as Box<dyn Observer>
    });
    let parsers = plan.stages.values().map(|stage| {
        let parsers = stage.annotate.iter().filter_map(Annotate::parser).cloned();
        (stage.name.clone(), parsers.collect())
    });
    let parsers = parsers.collect();
    let shared = Arc::new(Shared::new(guests, env, parsers, Arc::clone(tell)));
    let around = |inner| Arc::new(PluginExecutor::new(inner, Arc::clone(&shared))) as Arc<dyn Executor>;
    let executors = executors.into_iter().map(around).collect();
    Hired { executors, observer, parsers: Some(Arc::new(move |job: &Job| readers(&shared, job))) }
}

/// What a stage inherits of this, as far as it is text.
fn inherited(env: &Env) -> Vec<(String, String)> {
    let both = env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    let stays = |name: &str| !DENIED.iter().chain(GIT_REPOSITORY).any(|denied| *denied == name);
    both.filter(|(name, _)| stays(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Reporters, as the engine knows them.
struct Told(Reporters);

impl Observer for Told {
    fn event(&mut self, event: &Event) {
        self.0.event(event);
    }

    fn last(&mut self, event: &Event) -> Option<Receiver<()>> {
        self.0.last(event)
    }

    fn abandon(&mut self) -> Vec<String> {
        self.0.abandon()
    }
}
