//! The checks in their order, and the pipeline at their end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::abilities::Plugins;
use super::environment::EnvFiles;
use super::{expand, hooks, matchers, matrix, needs, observers, plugins, profiles, remotes, secrets, stage};
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
    /// The files that it was read from.
    pub(in crate::config) files: &'a [PathBuf],
    /// The environment files that its stages name, and the files of matchers.
    pub(in crate::config) env_files: &'a dyn EnvFiles,
    /// The remotes of the user, over which its own go.
    pub(in crate::config) remotes: &'a BTreeMap<String, Remote>,
    /// Answers for its plugins.
    pub(in crate::config) supplier: &'a dyn Supplier,
}

/// Checks a document. `root` is the project's directory, `end` the first number behind the places of all files.
pub(in crate::config) fn check(
    mut document: Document,
    root: &Path,
    around: &Around<'_>,
    end: usize,
    faults: &mut FaultList,
) -> Checked {
    let mut warnings = Vec::new();
    let entries = std::mem::take(&mut document.plugins);
    let entries = plugins::check(&entries, &document.excused, &document.dented, around.files, faults);
    let excused = document.excused.clone();
    let mut plugins = Plugins::new(&entries, &excused, root, around.supplier);
    let mut expansion = expand::expand(&document, &mut plugins, end, faults, &mut warnings);
    document.stages.0.append(&mut expansion.stages);
    let document = &document;
    let mut layout = matrix::lay_out(document, faults, &mut warnings);
    layout.is_open = expansion.is_open;
    let needs = needs::resolve(document, &layout, faults);
    observers::apart(&document.matchers, &plugins, faults);
    let matchers = matchers::check(&document.matchers, &excused, around.env_files, faults);
    let observers = observers::Observers { matchers: &matchers, excused: &excused };
    let (files, remotes) = (around.env_files, around.remotes);
    let stages = stage::build(
        &stage::Inputs { document, layout: &layout, files, remotes, observers: &observers },
        needs,
        &mut plugins,
        faults,
    );
    let reporters = observers::reporters(&document.reporters, &mut plugins, faults);
    let profiles = profiles::check(document, &layout, &stages, faults, &mut warnings);
    let hooks = hooks::check(document, &layout, faults);
    let mut remotes = remotes::check(&document.remotes, |name| document.excused.contains(name), faults);
    let secrets = secrets::check(&document.secrets, &document.excused, faults);
    let run = run(&document.run, faults);
    expansion.place(faults);
    if !faults.is_empty() {
        return Checked { pipeline: None, warnings };
    }
    let pipeline = match Pipeline::new(root.into(), stages, profiles, run) {
        Ok(pipeline) => {
            for (name, remote) in around.remotes {
                remotes.entry(name.clone()).or_insert_with(|| remote.clone());
            }
            let pipeline = pipeline.with_remotes(remotes).with_plugins(plugins.ready(), reporters);
            Some(pipeline.with_hooks(hooks).with_secrets(secrets))
        }
        // Not reached: names, needs and rings have been checked above. If it ever is, it is a fault and no panic.
        Err(error) => {
            faults.push(Fault::new(Code::NameClash, error.to_string(), 0..0, "in this file"));
            None
        }
    };
    Checked { pipeline, warnings }
}

fn run(run: &Run, faults: &mut FaultList) -> RunDefaults {
    RunDefaults {
        jobs: run.jobs.map(Into::into),
        fail_fast: run.fail_fast,
        flaky: run.flaky.map(Into::into),
        output: run.output.map(|mode| mode.name().into()),
        timeout: run.timeout.and_then(|limit| limit.0),
        annotations: run.annotations.unwrap_or_default(),
        mask: run.mask.as_ref().map(|globs| secrets::mask(globs, faults)),
    }
}
