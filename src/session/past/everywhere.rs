//! All projects of a state directory at once, for who lists what is everywhere. Read only: what the index has not seen is
//! taken in by who looks at that project.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::intake;
use crate::history::{Fault, History, Latest, Patience};
use crate::ids::RunNumber;
use crate::journal::layout::{ProjectDir, read_file};

/// A project, as the state has it.
#[derive(Debug)]
pub struct Elsewhere {
    /// Its state.
    pub project: ProjectDir,
    /// The project's directory; none where the state does not say.
    pub root: Option<PathBuf>,
    /// What came of each job in the last run that started it, as far as the index has it.
    pub latest: Vec<Latest>,
    /// The runs that are there and not in the index, oldest first.
    pub unseen: Vec<RunNumber>,
}

/// All projects of a state directory, in the order of their directories, and what a person should know of how they were
/// read. A damaged index is left for who looks at one project, and makes it anew.
pub fn everywhere(state: &Path) -> (Vec<Elsewhere>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut unusable = |fault: &Fault| {
        warnings.push(format!("the history cannot be used, and this is from the runs themselves ({fault})"));
    };
    let file = state.join("history.db");
    let opened = if file.exists() { History::open(&file, Patience::Short).map(Some) } else { Ok(None) };
    let mut history = opened.unwrap_or_else(|fault| {
        unusable(&fault);
        None
    });
    let mut latest = BTreeMap::new();
    match history.as_ref().map(History::latest_of_all) {
        Some(Ok(found)) => latest = found,
        Some(Err(fault)) => {
            unusable(&fault);
            history = None;
        }
        None => {}
    }
    if let Some(history) = &mut history {
        warnings.append(&mut history.notices);
    }
    let entries = fs::read_dir(state.join("projects")).into_iter().flatten().flatten();
    let mut found: Vec<Elsewhere> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| {
            let project = ProjectDir::at(entry.path());
            let unseen = unseen(history.as_ref(), &project);
            let latest = latest.remove(&project.name()).unwrap_or_default();
            Elsewhere { root: root(&project), latest, unseen, project }
        })
        .collect();
    found.sort_by(|a, b| (a.root.is_none(), &a.root).cmp(&(b.root.is_none(), &b.root)));
    (found, warnings)
}

/// The runs of a project that the index does not have. Where it cannot be asked, all.
fn unseen(history: Option<&History>, project: &ProjectDir) -> Vec<RunNumber> {
    let unknown = || project.numbers().unwrap_or_default();
    let Some(history) = history else { return unknown() };
    let asked = history.project(&project.name()).and_then(|known| intake::unseen(history, project, known.as_ref()));
    asked.unwrap_or_else(|_| unknown())
}

/// Which directory a project is.
fn root(project: &ProjectDir) -> Option<PathBuf> {
    let about: serde_json::Value = serde_json::from_slice(&read_file(&project.project_file()).ok()?).ok()?;
    Some(PathBuf::from(about.get("root")?.as_str()?))
}
