//! What is there and what is missing: the machine, the surroundings, and what each stage of a pipeline would need.
//!
//! Looks and writes nothing. Programs are only run to ask known tools for their version, and from the top of the file
//! system, so that no project's settings have a say in it.

mod ask;
mod finding;
mod machine;
mod need;
mod project;
mod stages;
mod surroundings;
mod tools;

pub use finding::{Diagnosis, Finding, Level, Section};
pub use surroundings::Streams;

use std::path::Path;

use crate::config::{LoadRequest, Supplier};
use crate::env::Env;

/// What a diagnosis is made from.
pub struct Patient<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The project's place.
    pub request: &'a LoadRequest,
    /// Who answers for its plugins.
    pub supplier: &'a dyn Supplier,
    /// What is known of the streams of this process.
    pub streams: Streams,
    /// Whether a person can be asked: there is a terminal, and nothing says that this is CI.
    pub is_interactive: bool,
}

/// Looks at everything.
pub fn diagnose(patient: &Patient<'_>) -> Diagnosis {
    let opened = super::prepare::open(patient.request, patient.supplier);
    let root = opened.as_ref().ok().map(|project| project.root.as_path());
    let here = root.unwrap_or(&patient.request.start);
    let mut asked = ask::Questions::new(here);
    let git = asked.add(&["git", "--version"], patient.env);
    let stages = opened.as_ref().ok().map(|project| stages::examine(project, patient.env, &mut asked));
    let answers = asked.answer(patient.env);
    let mut sections = vec![
        machine::program(),
        machine::state(patient.env, root),
        machine::limits(),
        surroundings::git(here, answers.of(git)),
        surroundings::terminal(patient),
        surroundings::environment(patient.env),
        project::section(&opened),
    ];
    sections.extend(stages.map(|stages| stages.section(&answers)));
    Diagnosis { sections }
}

/// A path as a person reads it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
