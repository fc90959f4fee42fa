//! The other machines of a run: in the command line, before there is one, and in its supervisor.
//!
//! ```text
//!  command line   Ways ── connect: all at once ──▶ a run, or what is wrong and what to do
//!  supervisor     Ways ─▶ Rope (a Link) ─┬─▶ RemoteExecutor ─▶ the engine
//!                                        └─▶ Cart (a work tree there) ─▶ news for the engine
//! ```

mod cart;
pub mod connect;
pub mod fleet;
mod rope;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use connect::Way;

use crate::env::{self, Env};
use crate::pipeline::remote::Remote;
use crate::process::tool::Tools;
use crate::remote::{Transport, way};

/// How machines are reached from this process.
pub struct Ways {
    tools: Tools,
    env: Env,
    /// What ssh reads in place of the user's config.
    config: Option<PathBuf>,
    made: Mutex<Vec<Arc<dyn Transport>>>,
}

impl Ways {
    /// With programs that these tools run.
    pub fn new(tools: Tools, env: &Env) -> Self {
        Self { tools, env: env.clone(), config: env.absolute(env::SSH_CONFIG), made: Mutex::default() }
    }

    /// The way to a machine. Nothing is connected yet.
    pub fn to(&self, remote: &Remote) -> Way {
        let way = way::to(remote.destination.clone(), self.config.clone(), self.tools.clone(), &self.env)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&way));
        Ok(way)
    }

    /// Ends what is ours of all lines that there are, and all that is being connected.
    pub fn close(&self) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|way| way.close());
    }
}
