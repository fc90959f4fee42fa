//! The plugin that is meant by a word: one of the project's, the directory of one, or a component's file.

use std::path::PathBuf;

use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::pipeline::plugin::{Plugin, Source};
use crate::plan::quote;
use crate::plugin::lock::{self, Lock};
use crate::plugin::store::{self, cache_dir};
use crate::session::plugins::bytes::{BUILT, place, read};
use crate::session::plugins::declared::Declared;
use crate::session::plugins::pin::Candidate;
use crate::session::plugins::resolve::host;

/// A component on this machine.
pub(super) struct Subject {
    /// What it is called in the project, or what its file or directory is called.
    pub(super) name: String,
    /// Its file.
    pub(super) file: PathBuf,
    /// The directory of its sources, where that is known.
    pub(super) sources: Option<PathBuf>,
}

impl Subject {
    /// Finds it.
    pub(super) fn find(context: &Context<'_>, word: &str) -> Result<Self, CliError> {
        let path = context.directory.join(word);
        // A name is a name, unless it is written as a path.
        let declared =
            if word.contains('/') || word == "." { None } else { Declared::read(&context.load_request()).ok() };
        if let Some(plugin) = declared.as_ref().and_then(|declared| declared.plugins.get(word)) {
            return Self::declared(context, declared.as_ref(), plugin);
        }
        if path.is_dir() {
            let name = path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            let file = path.join(BUILT);
            if !store::is_there(&file) {
                return Err(CliError::usage(format!("the plugin in {} is not built", path.display()))
                    .or_try(format!("`local-ci plugin build {}`", quote(word))));
            }
            return Ok(Self { name: name.unwrap_or_else(|| word.to_owned()), file, sources: Some(path) });
        }
        if path.exists() {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            return Ok(Self { name, file: path, sources: None });
        }
        match declared {
            // With the nearest of its names.
            Some(declared) => Err(declared.find(word).err().map_or_else(|| CliError::usage(""), Into::into)),
            None => Err(CliError::usage(format!("there is neither a file nor a directory {word:?}"))
                .or_try("name a component's file, or the directory of a plugin that was built")),
        }
    }

    fn declared(context: &Context<'_>, declared: Option<&Declared>, plugin: &Plugin) -> Result<Self, CliError> {
        let root = declared.map_or_else(|| context.directory.clone(), |declared| declared.root.clone());
        let lock = Lock::read(&lock::place(&root)).unwrap_or_default();
        let hash = lock.plugins.get(&plugin.name).and_then(|entry| entry.blake3.as_deref());
        let file = place(&root, plugin, cache_dir(context.env).as_deref(), hash)?;
        if !store::is_there(&file) {
            read(plugin, &file)?;
        }
        let sources = match &plugin.source {
            Source::Project(dir) => Some(root.join(dir)),
            Source::File(_) | Source::Web(_) => None,
        };
        Ok(Self { name: plugin.name.clone(), file, sources })
    }

    /// Loads it and asks what it is.
    pub(super) fn load(&self, context: &Context<'_>) -> Result<Candidate, CliError> {
        let bytes = store::read(&self.file)
            .map_err(|error| CliError::usage(format!("{} cannot be read: {error}", self.file.display())))?;
        Candidate::load(&host(context.env), &self.name, self.file.clone(), &bytes)
            .map_err(|fault| CliError::usage(fault.to_string()))
    }
}
