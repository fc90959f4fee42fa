//! The other machines of a run: in the command line, before there is one, and in its supervisor.

pub mod connect;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::env::Env;
use crate::pipeline::remote::Remote;
use crate::process::tool::Tools;
use crate::remote::{Fault, FaultKind, Transport};

/// How machines are reached from this process.
pub struct Line {
    tools: Tools,
}

impl Line {
    /// From a command line, which gives up where this is set.
    pub fn of_command(env: &Env, _given_up: &Arc<AtomicBool>) -> Self {
        Self { tools: Tools::plain(env) }
    }

    /// The way to a machine.
    pub fn to(&self, remote: &Remote) -> Result<Arc<dyn Transport>, Fault> {
        let _ = &self.tools;
        Err(Fault::new(FaultKind::Unsupported, format!("this build cannot reach {}", remote.destination)))
    }
}
