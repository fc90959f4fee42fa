//! The project around a directory, and its stages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::broken::Broken;
use super::directory::{Directory, NAMES_MAX, Seen};
use super::document::{Contents, document};
use super::draft::Draft;
use super::kind::Kind;
use super::{deno, go, java, just, make, node, place, python, rust};
use crate::config::error::Stop;
use crate::config::find::Bounds;

/// How many directories below the project's own may bring stages.
const PLACES_MAX: usize = 20;

/// A project without a configuration, and the configuration that it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// Its directory, canonical.
    pub root: PathBuf,
    /// What it is: `rust`, or `node in web`.
    pub kinds: Vec<String>,
    /// The configuration's text.
    pub text: String,
    /// What a person should know before a run.
    pub warnings: Vec<String>,
}

/// What looking came to.
#[derive(Debug)]
pub(in crate::config) enum Outcome {
    /// A project.
    Project(Detected),
    /// One whose files cannot be read as what they are; at least one.
    Broken(Vec<Broken>),
    /// None.
    Nothing {
        /// Why the search went no further up.
        stop: Stop,
        /// Files of a project from which no stage could be made, each with why.
        seen: Vec<String>,
    },
}

/// Looks for a project from `start`, which is canonical, upward; where there is none, below.
pub(in crate::config) fn detect(start: &Path, bounds: Bounds<'_>) -> Outcome {
    let reach = place::reach(start, bounds);
    let mut seen = Seen::default();
    for at in 0..reach.directories.len() {
        let found = of_directory(&directory(&reach.directories, at, bounds), &mut seen);
        if !seen.broken.is_empty() {
            return Outcome::Broken(seen.broken);
        }
        let whole = whole(&directory(&reach.directories, at, bounds), &found);
        let whole = whole.and_then(|root| reach.directories.iter().position(|path| *path == root));
        if let Some(above) = whole {
            let mut seen = Seen::default();
            let found = of_directory(&directory(&reach.directories, above, bounds), &mut seen);
            return finish(reach.directories[above].clone(), &found, seen);
        }
        if !found.is_empty() {
            return finish(reach.directories[at].clone(), &found, seen);
        }
    }
    // A repository is the same project wherever one stands in it.
    let root = match &reach.stop {
        Stop::Repository(root) => root.as_path(),
        Stop::Home(_) | Stop::Root(_) | Stop::FileSystem(_) | Stop::Owner { .. } => start,
    };
    let found = if place::is_searched(root, bounds) { below(root, bounds, &mut seen) } else { Vec::new() };
    if !seen.broken.is_empty() {
        return Outcome::Broken(seen.broken);
    }
    if found.is_empty() {
        return Outcome::Nothing { stop: reach.stop, seen: seen.without_stages };
    }
    finish(root.to_owned(), &found, seen)
}

fn directory<'a>(directories: &'a [PathBuf], at: usize, bounds: Bounds<'a>) -> Directory<'a> {
    Directory { path: &directories[at], above: &directories[at + 1..], bounds }
}

/// The stages of one directory: of every language in it, and of its recipes where it has no language.
fn of_directory(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let mut stages = rust::stages(dir, seen);
    stages.extend(go::stages(dir, seen));
    stages.extend(deno::stages(dir, seen));
    if !deno::owns_package(dir) {
        stages.extend(node::stages(dir, seen));
    }
    stages.extend(python::stages(dir, seen));
    stages.extend(java::maven(dir, seen));
    stages.extend(java::gradle(dir, seen));
    if stages.is_empty() {
        stages = just::stages(dir, seen);
    }
    if stages.is_empty() {
        stages = make::stages(dir, seen);
    }
    stages
}

/// The directory that a part of a larger project is run from.
fn whole(dir: &Directory<'_>, stages: &[Draft]) -> Option<PathBuf> {
    let kinds: BTreeSet<Kind> = stages.iter().map(|stage| stage.kind).collect();
    match kinds.iter().copied().collect::<Vec<_>>().as_slice() {
        [Kind::Rust] => rust::workspace(dir),
        [Kind::Gradle] => java::gradle_root(dir),
        _ => None,
    }
}

/// The stages of directories below `root`. What is below one that has some belongs to it.
fn below(root: &Path, bounds: Bounds<'_>, seen: &mut Seen) -> Vec<Draft> {
    let mut stages: Vec<Draft> = Vec::new();
    let mut places: Vec<PathBuf> = Vec::new();
    let (paths, too_many) = place::below(root, bounds);
    if too_many {
        let said = format!("only the first {} directories below {} were looked at", place::LOOKS, root.display());
        seen.warnings.push(said.clone());
        seen.without_stages.push(said);
    }
    for path in paths {
        let Ok(dir) = path.strip_prefix(root) else { continue };
        if places.iter().any(|place| dir.starts_with(place)) || !has_marker(&path) {
            continue;
        }
        let above: Vec<PathBuf> =
            path.ancestors().skip(1).take_while(|above| above.starts_with(root)).map(Path::to_owned).collect();
        let found = of_directory(&Directory { path: &path, above: &above, bounds }, seen);
        if found.is_empty() {
            continue;
        }
        if !is_writable(dir) {
            let dir = dir.display();
            seen.warnings.push(format!("{dir} has a name that no configuration can hold safely; it is left out"));
            continue;
        }
        if places.len() == PLACES_MAX {
            seen.warnings
                .push(format!("more than {PLACES_MAX} projects are below here; those after the first are left out"));
            break;
        }
        places.push(dir.to_owned());
        stages.extend(found.into_iter().map(|stage| Draft { dir: dir.to_owned(), ..stage }));
    }
    stages
}

/// Whether a directory has a file that may make it a project: one look, where each kind would take several.
fn has_marker(path: &Path) -> bool {
    let is_marker = |name: &str| {
        let alone = [rust::MANIFEST, node::MANIFEST, java::POM];
        let several: [&[&str]; 5] = [&go::MARKERS, &deno::SETTINGS, &java::BUILDS, &just::JUSTFILES, &make::MAKEFILES];
        alone.contains(&name) || several.iter().any(|names| names.contains(&name)) || python::is_marker(name)
    };
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.take(NAMES_MAX).any(|entry| entry.file_name().to_str().is_some_and(is_marker))
}

/// Whether a path can stand in a configuration: nothing in it is taken for something else.
fn is_writable(dir: &Path) -> bool {
    dir.to_str().is_some_and(|dir| dir.chars().all(|c| c.is_alphanumeric() || "/._-+@ ()[]".contains(c)))
}

fn finish(root: PathBuf, drafts: &[Draft], seen: Seen) -> Outcome {
    let mut kinds: Vec<String> = Vec::new();
    for draft in drafts {
        let dir = draft.dir.display();
        let kind =
            if draft.dir.as_os_str().is_empty() { draft.kind.to_string() } else { format!("{} in {dir}", draft.kind) };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let is_language = !drafts.iter().any(|draft| matches!(draft.kind, Kind::Just | Kind::Make));
    let recipes = [(&just::JUSTFILES, "just"), (&make::MAKEFILES, "make")];
    let beside = recipes.into_iter().filter(|_| is_language).find_map(|(files, program)| {
        let file = files.iter().copied().find(|file| root.join(file).is_file())?;
        Some((file, program))
    });
    let text = document(&Contents { kinds: &kinds, drafts, beside });
    Outcome::Project(Detected { root, kinds, text, warnings: seen.warnings })
}
