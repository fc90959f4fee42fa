//! Whole configurations in, drawn faults or pipelines out.

mod any;
mod disk;
mod documentation;
mod golden;
mod judge;
mod pipeline;
mod published;
mod report;

use std::path::Path;

use super::{ConfigError, Loaded, NoSupplier, parse};

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

fn load(files: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let loaded = parse(Path::new("/project"), files, &|_| None, &NoSupplier);
    published::assert_agrees(files, &loaded);
    loaded
}

/// A file that has to be without faults.
fn sound(text: &str) -> Loaded {
    load(&[("local-ci.toml", text)]).unwrap_or_else(|error| panic!("{}", error.render(false, 100)))
}
