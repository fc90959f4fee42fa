//! A stage's environment: `[env]`, `[defaults].env`, environment files, the stage's own and its matrix's, each over
//! the one before.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::command;
use super::matrix::{Cell, Declared, variable};
use crate::config::code::Code;
use crate::config::dotenv;
use crate::config::fault::{Fault, FaultList};
use crate::config::schema::Document;
use crate::config::value::scalar::Scalar;
use crate::config::visible::visible_line;

/// What became of reading an environment file.
pub(in crate::config) enum EnvFile {
    /// Its text.
    Text(String),
    /// It is not there.
    Missing,
    /// It cannot be used, for this reason, which reads after "it".
    Unusable(String),
}

/// Where environment files are read from.
pub(in crate::config) trait EnvFiles {
    /// Reads one, by its path relative to the project.
    fn read(&self, path: &Path) -> EnvFile;
}

type Variables = Vec<(String, String)>;

/// The environments of a pipeline's stages. Each file is read once.
pub(super) struct Environments<'a> {
    files: &'a dyn EnvFiles,
    read: HashMap<String, Arc<Variables>>,
    shared: BTreeMap<String, String>,
}

impl<'a> Environments<'a> {
    /// What all stages have.
    pub(super) fn new(document: &Document, files: &'a dyn EnvFiles, faults: &mut FaultList) -> Self {
        let mut shared = BTreeMap::new();
        for (name, Scalar(value)) in document.env.0.iter().chain(&document.defaults.env.0) {
            check(name, value, &name.span(), faults);
            command::text(value, name.get_ref(), &name.span(), &[], faults);
            shared.insert(name.get_ref().clone(), command::fill(value, &BTreeMap::new()));
        }
        Self { files, read: HashMap::new(), shared }
    }

    /// What a declared stage has before its matrix is filled in: the values below its own, and its own.
    pub(super) fn of_stage(
        &mut self,
        declared: &Declared<'_>,
        env_files: &[Spanned<String>],
        faults: &mut FaultList,
    ) -> StageEnvironment {
        let mut below = self.shared.clone();
        for file in env_files {
            below.extend(self.file(file, faults).iter().cloned());
        }
        let mut own = Vec::with_capacity(declared.stage.env.0.len());
        for (name, value) in &declared.stage.env.0 {
            let Scalar(text) = value.get_ref();
            check(name, text, &value.span(), faults);
            command::text(text, name.get_ref(), &value.span(), &declared.variables, faults);
            own.push((name.get_ref().clone(), text.clone()));
        }
        StageEnvironment { below, own }
    }

    fn file(&mut self, file: &Spanned<String>, faults: &mut FaultList) -> Arc<Variables> {
        if let Some(variables) = self.read.get(file.get_ref()) {
            return Arc::clone(variables);
        }
        let variables = Arc::new(self.read_file(file, faults).unwrap_or_default());
        self.read.insert(file.get_ref().clone(), Arc::clone(&variables));
        variables
    }

    fn read_file(&self, file: &Spanned<String>, faults: &mut FaultList) -> Option<Variables> {
        let (path, optional) = match file.get_ref().strip_suffix('?') {
            Some(path) => (path, true),
            None => (file.get_ref().as_str(), false),
        };
        let shown = visible_line(path);
        let mut bad = |text: String, help: &str| {
            faults.push(Fault::new(Code::BadEnvFile, text, file.span(), "here").help(help));
            None
        };
        if path.is_empty() || path.contains('\0') {
            return bad(
                "the path of this environment file is empty or has a NUL character".into(),
                "for example: env-file = \".env\"",
            );
        }
        let text = match self.files.read(Path::new(path)) {
            EnvFile::Text(text) => text,
            EnvFile::Missing if optional => return Some(Vec::new()),
            EnvFile::Missing => {
                let help = format!("if it may be missing, end its path with a question mark: \"{shown}?\"");
                return bad(format!("there is no file `{shown}`"), &help);
            }
            EnvFile::Unusable(why) => {
                return bad(format!("`{shown}` cannot be used: it {why}"), "its path is relative to the project");
            }
        };
        match dotenv::parse(&text) {
            Ok(variables) => Some(variables),
            // The line's text stays out of the message: it may be a secret.
            Err((line, why)) => {
                bad(format!("line {line} of `{shown}` {why}"), "its lines are NAME=value, or comments with #")
            }
        }
    }
}

pub(super) fn check(name: &Spanned<String>, value: &str, span: &Range<usize>, faults: &mut FaultList) {
    let text = name.get_ref();
    if text.is_empty() || text.contains(['=', '\0']) {
        let message = format!("`{}` cannot be a variable's name", visible_line(text));
        let fault = Fault::new(Code::BadVariable, message, name.span(), "here");
        faults.push(fault.help("a name is not empty and has no `=` in it"));
    }
    command::nul(value, text, span, faults);
}

/// The environment of a declared stage, its matrix not yet filled in.
pub(super) struct StageEnvironment {
    below: BTreeMap<String, String>,
    own: Variables,
}

impl StageEnvironment {
    /// The environment of one of its cells.
    pub(super) fn of_cell(&self, cell: &Cell) -> BTreeMap<String, String> {
        let mut env = self.below.clone();
        env.extend(self.own.iter().map(|(name, value)| (name.clone(), command::fill(value, &cell.values))));
        env.extend(cell.values.iter().map(|(axis, value)| (variable(axis), value.clone())));
        env
    }
}
