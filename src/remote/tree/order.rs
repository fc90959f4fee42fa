//! What is to be brought where, and what is needed to do so.

use std::path::Path;
use std::time::Duration;

use super::there::There;
use crate::ids::{RunId, RunNumber};
use crate::pipeline::remote::Remote;
use crate::process::tool::Tools;
use crate::remote::shell::Answer;
use crate::remote::{Fault, FaultKind};

/// Which tree is to be brought where, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The project's directory here, absolute.
    pub root: &'a Path,
    /// A directory here that is ours alone: what was sent is remembered in it, which makes the next time fast. Made where it
    /// is missing.
    pub store: &'a Path,
    /// What the project's directory is called below `local-ci` in the state directory there.
    pub project: &'a str,
    /// The run, which has the work tree to itself until [`super::Tree::release`].
    pub run: &'a RunId,
    /// That run's number, for other runs to tell whom they wait for.
    pub number: Option<RunNumber>,
    /// Where to and how.
    pub remote: &'a Remote,
}

/// What all of this is done with.
#[derive(Clone, Copy)]
pub struct Hands<'a> {
    /// The other machine.
    pub there: &'a dyn There,
    /// Programs here.
    pub tools: &'a Tools,
    /// Whether nobody wants it any more.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Told in a sentence what a person should know, as soon as it is known: what is not sent, and who is waited for.
    pub tell: &'a (dyn Fn(&str) + Sync),
}

/// What was brought somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many files were new or had changed.
    pub files: u64,
    /// How much went over the line, in bytes, as far as is known.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

impl Hands<'_> {
    /// Runs a script there.
    pub(super) fn call(&self, script: &str) -> Result<Answer, Fault> {
        self.there.call(script, self.cancelled)
    }

    /// The fault of having been cancelled, where that is so.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if (self.cancelled)() { Err(cancelled()) } else { Ok(()) }
    }
}

/// The fault of having been cancelled.
pub(super) fn cancelled() -> Fault {
    Fault::new(FaultKind::Cancelled, "the run was cancelled while the work tree was being brought there")
}
