//! Whole configurations in, drawn faults or pipelines out.

mod golden;

use std::path::Path;

use super::{ConfigError, Loaded, parse};

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
    parse(Path::new("/project"), files, &|_| None)
}
