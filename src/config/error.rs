//! Why no pipeline could be had: none was found, or it has faults.

use std::fmt;
use std::path::PathBuf;

use super::draw::Drawing;
use super::fault::{Fault, FaultList, FaultReport, Place, SourceFile, Sources};
use super::visible::visible;

/// Why the search for a configuration went no further up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// This directory is the repository's root.
    Repository(PathBuf),
    /// Above this directory is the user's home, which is not searched.
    Home(PathBuf),
    /// Above this directory is the file system's root, which is not searched.
    Root(PathBuf),
    /// Above this directory is another file system.
    FileSystem(PathBuf),
    /// This directory belongs to another user.
    Owner {
        /// The directory.
        directory: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(path) => write!(f, "the search ended at the repository's root, {}", path.display()),
            Self::Home(path) => write!(f, "the search ended at {}, below the home directory", path.display()),
            Self::Root(path) => {
                write!(f, "the search ended at {}, right below the top of the file system", path.display())
            }
            Self::FileSystem(path) => {
                write!(f, "the search ended at {}, above which is another file system", path.display())
            }
            Self::Owner { directory, owner } => write!(
                f,
                "the search ended below {}, which belongs to another user (number {owner})",
                directory.display()
            ),
        }
    }
}

/// Nothing is there to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// Where the search began.
    pub start: PathBuf,
    /// Why it ended; none for a file that was named and is not there.
    pub stop: Option<Stop>,
    /// Files that are a project's and from which no stage could be made, each with why.
    pub seen: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.stop {
            Some(stop) => format!("no local-ci.toml in {} or above it: {stop}", self.start.display()),
            None => format!("there is no file {}", self.start.display()),
        };
        f.write_str(&visible(&text))
    }
}

/// The faults of a configuration, with the files they are in. There is at least one.
#[derive(Debug)]
pub struct Faults {
    pub(super) list: Vec<Fault>,
    pub(super) left_out: usize,
    pub(super) sources: Sources,
    pub(super) drawings: Vec<Drawing>,
}

impl Faults {
    pub(super) fn new(list: FaultList, sources: Vec<SourceFile>) -> Self {
        let FaultList { mut faults, left_out, .. } = list;
        faults.sort_by_key(Fault::start);
        let sources = Sources(sources);
        let drawings = Drawing::of_all(&faults, &sources);
        Self { list: faults, left_out, sources, drawings }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.list.as_slice(), self.left_out) {
            ([fault], 0) => f.write_str(&visible(&fault.message)),
            (faults, 0) => write!(f, "the configuration has {} faults", faults.len()),
            (faults, _) => write!(f, "the configuration has more than {} faults", faults.len()),
        }
    }
}

/// Why no pipeline could be had.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no configuration.
    #[error("{0}")]
    NotFound(Box<NotFound>),
    /// There is one, and it has faults.
    #[error("{0}")]
    Faults(Box<Faults>),
}

impl ConfigError {
    pub(super) fn faults_in(list: FaultList, sources: Vec<SourceFile>) -> Self {
        Self::Faults(Box::new(Faults::new(list, sources)))
    }

    /// Whether a file that was named is not there.
    pub fn is_missing_file(&self) -> bool {
        matches!(self, Self::NotFound(missing) if missing.stop.is_none())
    }

    /// Whether there is no configuration, rather than one with faults.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound(_) => true,
            Self::Faults(_) => false,
        }
    }

    /// The faults, in the order of the files; none if there was no configuration.
    pub fn list(&self) -> &[Fault] {
        match self {
            Self::NotFound(_) => &[],
            Self::Faults(faults) => &faults.list,
        }
    }

    /// The faults as data.
    pub fn faults(&self) -> Vec<FaultReport> {
        let Self::Faults(faults) = self else { return Vec::new() };
        let report = |fault: &Fault| {
            let (file, line, column) = match (&fault.place, fault.start()) {
                (Place::Labels(_), Some(start)) => {
                    let (file, line, column) = faults.sources.position(start);
                    let path = faults.sources.0.get(file).map(|source| source.path.display().to_string());
                    (path.unwrap_or_default(), Some(line), Some(column))
                }
                (Place::Labels(_), None) => (String::new(), None, None),
                (Place::File(path), _) => (path.display().to_string(), None, None),
            };
            let message = fault.message.clone();
            FaultReport { file, line, column, code: fault.code.id(), message, help: fault.help.clone() }
        };
        faults.list.iter().map(report).collect()
    }
}
