//! Where a project is looked for, and the configuration of one that has none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::detect::{self, Broken, Detected, Outcome};
use super::error::{ConfigError, NotFound, Stop};
use super::fault::{FaultList, SourceFile};
use super::find::{self, Bounds, Owner};
use super::visible::visible;
use crate::pipeline::remote::Remote;

/// What to load.
#[derive(Clone, Debug, Default)]
pub struct LoadRequest {
    /// Where the program was started, or `-C`.
    pub start: PathBuf,
    /// `--config`, relative to `start`.
    pub explicit: Option<PathBuf>,
    /// The user's home directory, which the search does not enter.
    pub home: Option<PathBuf>,
    /// The user's own remotes, below the project's.
    pub remotes: BTreeMap<String, Remote>,
}

/// A request's place in the world.
pub(super) struct Place {
    /// Where the search begins, canonical.
    pub(super) start: PathBuf,
    home: Option<PathBuf>,
    pub(super) me: u32,
}

impl Place {
    pub(super) fn of(request: &LoadRequest) -> Self {
        let canonical = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        Self {
            start: canonical(&request.start),
            home: request.home.as_ref().map(canonical),
            me: rustix::process::geteuid().as_raw(),
        }
    }

    pub(super) fn bounds(&self) -> Bounds<'_> {
        Bounds { home: self.home.as_deref(), me: self.me, owner: &Owner::of }
    }
}

/// The project around a directory that has no configuration.
pub(super) fn detected(start: &Path, bounds: Bounds<'_>) -> Result<Detected, ConfigError> {
    match detect::detect(start, bounds) {
        Outcome::Project(detected) => Ok(detected),
        Outcome::Broken(broken) => Err(faults(broken, start)),
        Outcome::Nothing { stop, seen } => {
            Err(ConfigError::NotFound(Box::new(NotFound { start: start.into(), stop: Some(stop), seen })))
        }
    }
}

/// The configuration of a project that has none, as the file that it would be.
pub(super) fn source(detected: &Detected, path: &Path) -> SourceFile {
    SourceFile { name: "local-ci.toml (built in)".to_owned(), ..SourceFile::new(path, detected.text.as_str()) }
}

fn faults(broken: Vec<Broken>, start: &Path) -> ConfigError {
    let mut list = FaultList::default();
    let mut sources = Vec::new();
    let mut base = 0;
    for broken in broken {
        let shown = broken.path.strip_prefix(start).unwrap_or(&broken.path).display().to_string();
        let (fault, source) = broken.fault(&visible(&shown), base);
        list.push(fault);
        if let Some(source) = source {
            base += source.text.len() + 1;
            sources.push(source);
        }
    }
    ConfigError::faults_in(list, sources)
}

/// What there is where a configuration is to be written.
#[derive(Debug)]
pub enum Survey {
    /// A configuration, here or above.
    Written(PathBuf),
    /// A project.
    Detected(Detected),
    /// Nothing that is known.
    Unknown {
        /// Where a configuration would stand: at the top of the repository, or where the search began.
        root: PathBuf,
        /// Files of a project from which no stage could be made, each with why.
        seen: Vec<String>,
    },
}

/// Looks at what is there, reading no configuration.
pub fn survey(request: &LoadRequest) -> Result<Survey, ConfigError> {
    let place = Place::of(request);
    if let Ok(found) = find::find(&place.start, place.bounds()) {
        return Ok(Survey::Written(found.path));
    }
    match detected(&place.start, place.bounds()) {
        Ok(detected) => Ok(Survey::Detected(detected)),
        Err(ConfigError::NotFound(missing)) => {
            let NotFound { stop, seen, start } = *missing;
            let root = if let Some(Stop::Repository(root)) = stop { root } else { start };
            Ok(Survey::Unknown { root, seen })
        }
        Err(error @ ConfigError::Faults(_)) => Err(error),
    }
}
