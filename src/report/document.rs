//! A run as a document for somebody else: a build server, a code scanner, a trace viewer, a page.
//!
//! Every one of them is a function of the run's record: its [`RunView`], what its stages printed, and a few [`Facts`].
//! It is the same for a run that ends now and for one of last week. Nothing here writes files, asks for the time, or
//! looks at the machine. All that comes from stages is foreign: each format makes it harmless in its own way.

mod attempts;
mod chrome_trace;
mod html;
mod junit;
mod kind;
mod markdown;
mod moment;
mod printed;
mod sarif;
mod slots;
mod xml;

pub use kind::{Kind, Target, UnknownKind};

use std::collections::BTreeMap;

use super::Logs;
use crate::ids::StageName;
use crate::view::RunView;

/// What a document says of a run that its events do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the project is called.
    pub project: String,
    /// The commit that was checked out.
    pub commit: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// The machine that the document is made on.
    pub host: String,
    /// The version of the program that ran the run.
    pub program: String,
    /// How long stages took in earlier runs, in milliseconds, the oldest first; none where it did not pass.
    /// Of those of which that is known.
    pub history: BTreeMap<StageName, Vec<Option<u64>>>,
}

/// The document. What cannot be read of a log is said in its place.
pub fn render(kind: Kind, view: &RunView, logs: &mut dyn Logs, facts: &Facts) -> Vec<u8> {
    match kind {
        Kind::Junit => junit::render(view, logs, facts),
        Kind::Sarif => sarif::render(view, facts),
        Kind::Markdown => markdown::render(view, logs, facts),
        Kind::Html => html::render(view, logs, facts),
        Kind::ChromeTrace => chrome_trace::render(view, facts),
    }
    .into_bytes()
}

/// How a document calls a run.
fn title(view: &RunView, facts: &Facts) -> String {
    match view.header().and_then(|run| run.number) {
        Some(number) => format!("{} run {number}", facts.project),
        None => facts.project.clone(),
    }
}

#[cfg(test)]
mod tests;
