//! A run's pool of slots that nobody uses: whether it has one, and the engine's line to it.

use std::io;
use std::sync::Arc;

use crate::engine::slots::Lender;
use crate::env::Env;
use crate::executor::jobserver::Offer;
use crate::journal::layout::RunDir;
use crate::plan::Plan;
use crate::plan::signature::LOCAL;
use crate::process::jobserver::flags::{self, ALL, Inherited};
use crate::process::jobserver::pool::Pool;

/// Makes the pool of a run. None where no stage would be told of it, and where we were started by somebody whose
/// jobserver our stages can use: then all of that one's programs share, and not ours among themselves.
pub(super) fn open(run: &RunDir, plan: &Plan, env: &Env) -> io::Result<Option<Arc<Pool>>> {
    let told = plan.stages.values().any(|stage| {
        let offer = Offer::to(&stage.command, &stage.env, &stage.policy);
        stage.runs() && stage.executor == LOCAL && offer != Offer::Nothing
    });
    let outer = ALL.iter().filter_map(|name| env.get(name)).any(|value| flags::inherited(value) == Inherited::Usable);
    if !told || outer {
        return Ok(None);
    }
    Pool::create(&run.jobserver()).map(|pool| Some(Arc::new(pool)))
}

/// The pool as the engine lends to it.
pub(super) struct RunLender(pub(super) Arc<Pool>);

impl Lender for RunLender {
    fn lend(&mut self, slots: u32) {
        self.0.lend(slots);
    }

    fn recall(&mut self) {
        self.0.recall();
    }
}
