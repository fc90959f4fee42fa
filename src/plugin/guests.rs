//! What runs a run's plugins, as those know it who need them run: each call with what stands around it, each fault as one
//! that names its plugin. [`super::roster`] has the real ones; tests bring their own.

use std::path::PathBuf;

use super::fault::Fault;
use super::granted::Commands;
use super::info::{Context, Notification, StageEnd};
use super::services::Printed;
use crate::cancel::CancelToken;
use crate::event::Annotation;
use crate::pipeline::plugin::{ParserUse, Use};

/// What a plugin finds around it in one call, or one session, as far as that differs from another.
pub struct Around {
    /// The environment: of a stage, what its command would have.
    pub env: Vec<(String, String)>,
    /// Has it end, and stand still.
    pub cancel: CancelToken,
    /// Takes a line of it. Foreign, and without its end.
    pub log: Box<dyn FnMut(&str) + Send>,
    /// Takes what it found.
    pub annotate: Box<dyn FnMut(Vec<Annotation>) + Send>,
    /// Runs its commands; none where there is nothing to run them.
    pub commands: Option<Box<dyn Commands>>,
}

/// The plugins of a run. A call goes on the calling thread, which needs a stack of [`STACK`].
pub trait Guests: Send + Sync {
    /// Runs a stage of this kind to its end.
    fn stage(&self, used: &Use, around: Around, context: &Context) -> Result<StageEnd, Fault>;

    /// A parser, for what one attempt prints.
    fn parser(&self, used: &ParserUse, around: Around, context: &Context) -> Result<Box<dyn Parser>, Fault>;

    /// A reporter, for one run.
    fn reporter(&self, plugin: &str, around: Around) -> Result<Box<dyn Listener>, Fault>;

    /// The kinds of events that a reporter wants; empty: all.
    fn wanted(&self, plugin: &str) -> Vec<String>;

    /// The project's directory, absolute.
    fn root(&self) -> PathBuf;
}

/// A parser at work. After a fault it is not called again.
pub trait Parser {
    /// Gives it lines. What it finds in them, of no source yet where it does not say.
    fn feed(&mut self, lines: &[Printed<'_>]) -> Result<Vec<Annotation>, Fault>;
    /// Tells it how the attempt ended; without a code where a signal ended it.
    fn finish(&mut self, exit: Option<i32>) -> Result<Vec<Annotation>, Fault>;
}

/// A reporter at work. After a fault it is not called again.
pub trait Listener {
    /// Tells it what happened, in order.
    fn notify(&mut self, batch: &[Notification]) -> Result<(), Fault>;
}

/// What the stack of a thread has to have on which a guest runs, in bytes: its own is a part of that, and what calls it and
/// what it calls comes on top. Only what is used of it is there.
pub const STACK: usize = 4 * 1024 * 1024;
