//! The plugins of a run in its supervisor: executors that have them run its stages and read along, and reporters that are
//! told of it. A run without plugins has none of it, and a build that cannot run any says so where one is needed.

#[cfg(not(feature = "plugins"))]
mod absent;
#[cfg(feature = "plugins")]
mod present;

use std::sync::Arc;

use crossbeam_channel::Sender;

#[cfg(not(feature = "plugins"))]
pub(super) use absent::hire;
#[cfg(feature = "plugins")]
pub(super) use present::hire;

use super::assignment::Assignment;
use crate::engine::observer::Observer;
use crate::engine::runner::Message;
use crate::env::Env;
use crate::executor::Executor;
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
