//! Trees of files in, pipelines out.

mod any;
mod documents;
mod kinds;
mod places;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Detected, Outcome, detect};
use crate::config::find::{Bounds, Owner};
use crate::config::{ConfigError, LoadRequest, Loaded, NoSupplier, load, parse};
use crate::pipeline::{Action, Stage};
use crate::plan::command_text;

const ME: u32 = 1000;

#[expect(clippy::unnecessary_wraps, reason = "stands in for what asks the system")]
fn all_mine(_: &Path) -> std::io::Result<Owner> {
    Ok(Owner { user: ME, shared: false, device: 1 })
}

/// A tree of files.
struct Tree(tempfile::TempDir);

impl Tree {
    /// Files with their texts; what ends in a slash is a directory.
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (file, text) in files {
            let path = tree.0.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if file.ends_with('/') {
                fs::create_dir_all(&path).unwrap();
            } else {
                fs::write(&path, text).unwrap();
            }
        }
        tree
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn look(&self, start: &str) -> Outcome {
        // Files belong to whoever runs the tests.
        let me = rustix::process::geteuid().as_raw();
        let bounds = Bounds { home: None, me, owner: &all_mine };
        detect(&self.root().join(start).canonicalize().unwrap(), bounds)
    }

    /// The project around a directory, which there has to be.
    #[track_caller]
    fn found(&self, start: &str) -> Detected {
        match self.look(start) {
            Outcome::Project(detected) => detected,
            other => panic!("{other:?}"),
        }
    }

    /// Its stages, a line each: `name: command`, with directory, locks and variables where it has any.
    #[track_caller]
    fn stages(&self, start: &str) -> Vec<String> {
        let detected = self.found(start);
        let loaded = parse(&detected.root, &[("local-ci.toml", &detected.text)], &|_| None, &NoSupplier);
        let loaded = loaded.unwrap_or_else(|error| panic!("{}\n{}", error.render(false, 100), detected.text));
        loaded.pipeline.stages().values().map(line).collect()
    }

    fn load(&self, start: &str) -> Result<Loaded, ConfigError> {
        load(&LoadRequest { start: self.root().join(start), ..LoadRequest::default() }, &NoSupplier)
    }
}

fn line(stage: &Stage) -> String {
    let Action::Run(command) = &stage.action else { unreachable!() };
    let mut line = format!("{}: {}", stage.name, command_text(command));
    if let Some(fix) = &stage.fix {
        let _ = write!(line, " | {}", command_text(fix));
    }
    if !stage.dir.as_os_str().is_empty() {
        let _ = write!(line, " in {}", stage.dir.display());
    }
    if !stage.policy.locks.is_empty() {
        let _ = write!(line, " with {}", stage.policy.locks.join(", "));
    }
    for (name, value) in &stage.env {
        let _ = write!(line, " {name}={value}");
    }
    line
}

/// The stages of one directory with these files.
#[track_caller]
fn stages(files: &[(&str, &str)]) -> Vec<String> {
    Tree::new(files).stages("")
}

/// Why a directory with these files has none.
#[track_caller]
fn no_stages(files: &[(&str, &str)]) -> Vec<String> {
    match Tree::new(files).look("") {
        Outcome::Nothing { seen, .. } => seen,
        other => panic!("{other:?}"),
    }
}
