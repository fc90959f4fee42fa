//! The checks in their order, and the pipeline at their end.

use std::collections::BTreeMap;
use std::path::Path;

use super::environment::EnvFiles;
use super::{matrix, needs, profiles, remotes, stage};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::schema::{Document, Run};
use crate::config::supplier::Supplier;
use crate::pipeline::remote::Remote;
use crate::pipeline::{Pipeline, RunDefaults};

/// What a document comes to, beside its faults.
pub(in crate::config) struct Checked {
    /// The pipeline; none if there are faults.
    pub(in crate::config) pipeline: Option<Pipeline>,
    /// What a person should know, though nothing is wrong.
    pub(in crate::config) warnings: Vec<String>,
}

/// What a document is checked with.
pub(in crate::config) struct Around<'a> {
    /// The environment files that its stages name.
    pub(in crate::config) env_files: &'a dyn EnvFiles,
    /// The remotes of the user, over which its own go.
    pub(in crate::config) remotes: &'a BTreeMap<String, Remote>,
    /// Answers for its plugins.
    pub(in crate::config) supplier: &'a dyn Supplier,
}

/// Checks a document. `root` is the project's directory.
pub(in crate::config) fn check(
    document: &Document,
    root: &Path,
    around: &Around<'_>,
    faults: &mut FaultList,
) -> Checked {
    let mut warnings = Vec::new();
    let layout = matrix::lay_out(document, faults, &mut warnings);
    let needs = needs::resolve(document, &layout, faults);
    let stages = stage::build(
        &stage::Inputs { document, layout: &layout, files: around.env_files, remotes: around.remotes },
        needs,
        faults,
        &mut warnings,
    );
    let profiles = profiles::check(document, &layout, &stages, faults, &mut warnings);
    let mut remotes = remotes::check(&document.remotes, |name| document.excused.contains(name), faults);
    if !faults.is_empty() {
        return Checked { pipeline: None, warnings };
    }
    let pipeline = match Pipeline::new(root.into(), stages, profiles, run(&document.run)) {
        Ok(pipeline) => {
            for (name, remote) in around.remotes {
                remotes.entry(name.clone()).or_insert_with(|| remote.clone());
            }
            Some(pipeline.with_remotes(remotes))
        }
        // Not reached: names, needs and rings have been checked above. If it ever is, it is a fault and no panic.
        Err(error) => {
            faults.push(Fault::new(Code::NameClash, error.to_string(), 0..0, "in this file"));
            None
        }
    };
    Checked { pipeline, warnings }
}

fn run(run: &Run) -> RunDefaults {
    RunDefaults {
        jobs: run.jobs.map(Into::into),
        fail_fast: run.fail_fast,
        output: run.output.map(|mode| mode.name().into()),
        timeout: run.timeout.and_then(|limit| limit.0),
    }
}
