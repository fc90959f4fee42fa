//! Whole configurations in, drawn faults or pipelines out.

mod any;
mod disk;
mod documentation;
mod golden;
mod judge;
mod pipeline;
mod plugins;
mod published;
mod report;
mod supplier;

use std::path::Path;

use super::{ConfigError, Loaded, parse};
use supplier::TableSupplier;

/// The faults of one file, drawn without colour on 100 columns.
fn faults(text: &str) -> String {
    drawn(load(&[("local-ci.toml", text)]))
}

fn drawn(loaded: Result<Loaded, ConfigError>) -> String {
    match loaded {
        Ok(_) => "no faults".into(),
        Err(error) => error.render(false, 100),
    }
}

/// The faults of a file of which the plugin `members` makes these stages, drawn.
fn faults_with(text: &str, members: &[(&str, &str)]) -> String {
    drawn(made(text, members))
}

/// A file of which the plugin `members` makes these stages.
fn made(text: &str, members: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let members = members.iter().map(|(name, body)| ((*name).to_owned(), (*body).to_owned())).collect();
    let supplier = TableSupplier { members, ..TableSupplier::default() };
    parse(Path::new("/project"), &[("local-ci.toml", text)], &|_| None, &supplier)
}

fn load(files: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let loaded = parse(Path::new("/project"), files, &|_| None, &TableSupplier::default());
    published::assert_agrees(files, &loaded);
    loaded
}

/// A file that has to be without faults.
fn sound(text: &str) -> Loaded {
    load(&[("local-ci.toml", text)]).unwrap_or_else(|error| panic!("{}", error.render(false, 100)))
}
