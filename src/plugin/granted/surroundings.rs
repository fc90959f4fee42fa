//! Where a plugin is used: what its services are made of.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::clock::Clock;
use crate::event::Annotation;
use crate::plugin::services::{CommandFailure, CommandRequest, Process};

/// Starts commands where a stage runs.
pub trait Commands: Send {
    /// Starts one that was permitted. Its directory, where it has one, is a clean path relative to the project's.
    ///
    /// The error says why it could not be started, where that is known at once; where not, the process says so when it is
    /// asked for lines or for its end.
    fn start(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure>;
}

/// What a plugin finds around it.
pub struct Surroundings {
    /// The project's directory, absolute.
    pub root: PathBuf,
    /// What is our own, absolute: the directories for state and cache, and the files that the pipeline was read from. Where
    /// one lies in the project, no plugin writes there.
    pub ours: Vec<PathBuf>,
    /// The environment: of a stage, what its command would have. Asked for granted variables and secrets alone.
    pub env: Vec<(String, String)>,
    /// Its settings, a JSON object as text.
    pub settings: String,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// What asks the plugin's call to end.
    pub cancel: CancelToken,
    /// Whether its lines for who looks for a fault in it are wanted.
    pub verbose: bool,
    /// Takes a line for the stage's log, or where there is none, for the user. Foreign, and without its end.
    pub log: Box<dyn FnMut(&str) + Send>,
    /// Takes what it found. Their source is what the host made it; their paths stay in the project.
    pub annotate: Box<dyn FnMut(Vec<Annotation>) + Send>,
    /// Runs its commands; none where there is nothing to run them.
    pub commands: Option<Box<dyn Commands>>,
}
