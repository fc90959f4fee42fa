//! What a verdict on a tree depends on, asked of and told to the project's state.

use std::path::PathBuf;

use super::super::output;
use super::subjects::short;
use crate::clock::{Clock, SystemClock};
use crate::ids::RunNumber;
use crate::journal::layout::ProjectDir;
use crate::session::hooks::repository::Repository;
use crate::session::hooks::verdicts::{Green, Question, is_full_pass};

/// What a verdict on a tree depends on.
pub(super) struct Trial<'a> {
    pub(super) repository: &'a Repository,
    pub(super) tree: &'a str,
    pub(super) hook: String,
    pub(super) selection: Vec<String>,
    /// The project's state; none where none is kept.
    pub(super) state: Option<ProjectDir>,
    /// Where the hook works, below the top of the work tree.
    pub(super) project: PathBuf,
    pub(super) is_looked_up: bool,
}

impl Trial<'_> {
    fn question(&self) -> Question<'_> {
        Question {
            tree: self.tree,
            project: self.project.to_string_lossy().into_owned(),
            hook: &self.hook,
            selection: self.selection.clone(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// What is remembered of it, where that is wanted.
    pub(super) fn recall(&self) -> Option<Green> {
        let state = self.state.as_ref().filter(|_| self.is_looked_up)?;
        self.question().recall(state, SystemClock.now())
    }

    /// Remembers that the tree was green in this run, where every stage of it passed.
    pub(super) fn remember(&self, run: RunNumber, plan: Option<String>) {
        let Some(state) = self.state.as_ref().filter(|state| is_full_pass(state, run)) else { return };
        let Ok(at_ms) = u64::try_from(SystemClock.now().unix_ms) else { return };
        if let Err(error) = self.question().remember(state, &Green { run, at_ms, plan }) {
            output::warning(&format!("that {} passed will not be remembered: {error}", short(self.tree)));
        }
    }
}
