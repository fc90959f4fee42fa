//! Node: the scripts of `package.json`, by the package manager that the project uses.

use std::path::Path;

use serde_json::{Map, Value};

use super::directory::{Directory, Seen};
use super::draft::{Draft, Run};
use super::kind::Kind;
use super::scripts::{self, ROLES};
use crate::config::file;
use crate::config::visible::visible_line;

/// The file of a package.
pub(super) const MANIFEST: &str = "package.json";

/// Files that a package manager leaves, and which. A project that changes over may have two; the newer tool goes first.
const LOCK_FILES: [(&str, Manager); 7] = [
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("pnpm-workspace.yaml", Manager::Pnpm),
    ("yarn.lock", Manager::Yarn),
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
];

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

impl Manager {
    /// By what `packageManager` says, then by the nearest lock file: in the package's directory, or above it in the
    /// project.
    fn of(places: &[&Path], manifest: &Map<String, Value>) -> Self {
        let named = manifest.get("packageManager").and_then(Value::as_str).unwrap_or_default();
        match named.split('@').next() {
            Some("npm") => return Self::Npm,
            Some("pnpm") => return Self::Pnpm,
            Some("yarn") => return Self::Yarn,
            Some("bun") => return Self::Bun,
            _ => {}
        }
        let in_place = |place: &Path| LOCK_FILES.iter().find(|(file, _)| place.join(file).is_file());
        places.iter().find_map(|place| in_place(place)).map_or(Self::Npm, |(_, manager)| *manager)
    }

    /// Runs a script. npm keeps options for itself unless `--` stands before them.
    fn run(self, script: &str) -> Run {
        let words: &[&str] = match self {
            Self::Npm => &["npm", "run", "-s", script, "--"],
            Self::Pnpm => &["pnpm", "run", script],
            Self::Yarn => &["yarn", "run", script],
            Self::Bun => &["bun", "run", script],
        };
        Run::Argv(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// What installs a package's dependencies as its lock file has them.
    fn install(self, places: &[&Path]) -> &'static str {
        match self {
            Self::Npm if places.iter().any(|place| place.join("package-lock.json").is_file()) => "npm ci",
            Self::Npm => "npm install",
            Self::Pnpm => "pnpm install",
            Self::Yarn => "yarn install",
            Self::Bun => "bun install",
        }
    }
}

/// The stages of a directory with a `package.json`.
pub(super) fn stages(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    let Some(text) = dir.read(MANIFEST, seen) else { return Vec::new() };
    let manifest = match scripts::object(&dir.path.join(MANIFEST), &text, &text) {
        Ok(manifest) => manifest,
        Err(broken) => {
            seen.broken.push(*broken);
            return Vec::new();
        }
    };
    let none = Map::new();
    let own = manifest.get("scripts").and_then(Value::as_object).unwrap_or(&none);
    let places: Vec<&Path> = std::iter::once(dir.path).chain(dir.above.iter().map(AsRef::as_ref)).collect();
    let manager = Manager::of(&places, &manifest);
    let mut stages = Vec::new();
    for role in ROLES {
        let Some((script, command)) = role.script(own).filter(|(_, command)| !is_placeholder(command)) else {
            continue;
        };
        let mut stage = Draft::new(Kind::Node, role.stage, role.description, manager.run(script))
            .why(format!("{MANIFEST} has the script {script}: {}", visible_line(command)))
            .annotate_tools(command);
        if let Some(fix) = role.fix(own) {
            stage = stage.fix(manager.run(fix));
        }
        if role.stage == "test" {
            let why = stage.why.take().unwrap_or_default();
            stage = stage.why(format!("{why}\nCI keeps test runners from waiting for changes.")).env("CI", "true");
        }
        stages.push(stage);
    }
    if stages.is_empty() {
        let known = ROLES.map(|role| role.stage).join(", ");
        seen.without_stages.push(format!("{MANIFEST} has no script for {known}"));
    } else if is_uninstalled(&places, &manifest) {
        let (install, place) = (manager.install(&places), dir.label());
        seen.warnings.push(format!(
            "{place} has no node_modules, so its scripts may not find their tools: `{install}` installs them"
        ));
    }
    stages
}

/// Whether a script is what `npm init` writes where there is no test.
fn is_placeholder(command: &str) -> bool {
    command.contains("Error: no test specified")
}

/// Whether the package has dependencies and nothing that they could have been installed into.
fn is_uninstalled(places: &[&Path], manifest: &Map<String, Value>) -> bool {
    let needs = ["dependencies", "devDependencies"]
        .iter()
        .any(|key| manifest.get(*key).and_then(Value::as_object).is_some_and(|table| !table.is_empty()));
    let installed = |place: &&Path| place.join("node_modules").is_dir() || place.join(".pnp.cjs").is_file();
    needs && !places.iter().any(installed)
}

/// What installs the dependencies of the package in a directory of a project, where it has some and they are not there.
pub fn uninstalled(dir: &Path, root: &Path) -> Option<&'static str> {
    let manifest: Map<String, Value> = serde_json::from_str(&file::read(&dir.join(MANIFEST)).ok()?.text).ok()?;
    let places: Vec<&Path> = dir.ancestors().take_while(|place| place.starts_with(root)).collect();
    is_uninstalled(&places, &manifest).then(|| Manager::of(&places, &manifest).install(&places))
}
