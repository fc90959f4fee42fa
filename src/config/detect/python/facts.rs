//! What Python's many files say: which tools, and in which environment.

use std::path::Path;

use toml::{Table, Value};

use crate::config::detect::broken::Broken;
use crate::config::detect::directory::{Directory, Seen};

/// Files of which one makes a directory Python's, but for `requirements*.txt`.
const MARKERS: [&str; 13] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    ".mypy.ini",
    "uv.lock",
    "poetry.lock",
    "Pipfile",
    "requirements.txt",
];

/// How the project's environment is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Environment {
    Uv,
    Poetry,
    /// `.venv` in the directory.
    Venv,
    /// Whatever is active.
    Plain,
}

/// What the files say.
#[derive(Debug)]
pub(super) struct Facts {
    /// The file that made this Python's.
    pub(super) marker: String,
    pub(super) environment: Environment,
    /// Why ruff is used, if it is.
    pub(super) ruff: Option<String>,
    /// Why mypy is used, if it is, and whether its settings say on which files.
    pub(super) mypy: Option<(String, bool)>,
    /// Why pytest is used, if anything says so, and whether that is its settings: they are there for tests.
    pub(super) pytest: Option<(String, bool)>,
}

/// Whether a file of this name makes a directory Python's.
pub(in crate::config::detect) fn is_marker(name: &str) -> bool {
    MARKERS.contains(&name) || is_requirements(name)
}

fn is_requirements(name: &str) -> bool {
    name.starts_with("requirements") && Path::new(name).extension().is_some_and(|end| end == "txt")
}

impl Facts {
    /// Reads a directory; none where it is not Python's or cannot be read.
    pub(super) fn read(dir: &Directory<'_>, seen: &mut Seen) -> Option<Self> {
        let names = dir.names("");
        let marker = MARKERS.iter().find(|name| dir.has(name)).map(|name| (*name).to_owned());
        let marker = marker.or_else(|| names.iter().find(|name| is_requirements(name)).cloned())?;
        if !dir.is_marked(&marker, seen) {
            return None;
        }
        let project = pyproject(dir, seen)?;
        let tool = |name: &str| project.get("tool").and_then(|tools| tools.get(name));
        let dependencies = dependencies(dir, &project, &names);
        let depends = |name: &str| {
            let found = dependencies.iter().find(|(_, dependency)| dependency == name);
            found.map(|(file, _)| format!("{file} lists {name}."))
        };
        let configured = |file: &str| dir.has(file).then(|| format!("{file} configures it."));
        let section = |file: &str, header: &str| {
            let has = dir.glance(file).lines().any(|line| line.trim_end() == header);
            has.then(|| format!("{file} has {header}."))
        };
        let table = |name: &str| tool(name).is_some().then(|| format!("pyproject.toml has [tool.{name}]."));
        Some(Self {
            environment: environment(dir, tool("uv").is_some(), tool("poetry").is_some()),
            ruff: table("ruff")
                .or_else(|| configured("ruff.toml"))
                .or_else(|| configured(".ruff.toml"))
                .or_else(|| depends("ruff")),
            mypy: table("mypy")
                .map(|why| (why, tool("mypy").is_some_and(names_files)))
                .or_else(|| ini(dir, "mypy.ini"))
                .or_else(|| ini(dir, ".mypy.ini"))
                .or_else(|| Some((section("setup.cfg", "[mypy]")?, ini_names_files(&dir.glance("setup.cfg"))))),
            pytest: table("pytest")
                .or_else(|| configured("pytest.ini"))
                .or_else(|| section("setup.cfg", "[tool:pytest]"))
                .or_else(|| section("tox.ini", "[pytest]"))
                .map(|why| (why, true))
                .or_else(|| Some((depends("pytest")?, false))),
            marker,
        })
    }
}

/// `pyproject.toml`; empty where there is none, nothing where it is broken, which is then said.
fn pyproject(dir: &Directory<'_>, seen: &mut Seen) -> Option<Table> {
    const NAME: &str = "pyproject.toml";
    if !dir.has(NAME) {
        return Some(Table::new());
    }
    let text = dir.read(NAME, seen)?;
    match text.parse() {
        Ok(table) => Some(table),
        Err(error) => {
            let error: toml::de::Error = error;
            let place = error.span().unwrap_or(0..0);
            let what = format!("is not TOML: {}", error.message());
            seen.broken.push(Broken::at(&dir.path.join(NAME), &text, place, &what));
            None
        }
    }
}

fn environment(dir: &Directory<'_>, has_uv: bool, has_poetry: bool) -> Environment {
    if has_uv || dir.nearest_with("uv.lock").is_some() {
        Environment::Uv
    } else if has_poetry || dir.has("poetry.lock") {
        Environment::Poetry
    } else if dir.has(".venv/bin/python") {
        Environment::Venv
    } else {
        Environment::Plain
    }
}

fn names_files(mypy: &Value) -> bool {
    ["files", "packages", "modules"].iter().any(|key| mypy.get(key).is_some())
}

fn ini(dir: &Directory<'_>, file: &str) -> Option<(String, bool)> {
    dir.has(file).then(|| (format!("{file} configures it."), ini_names_files(&dir.glance(file))))
}

/// Whether the `[mypy]` of an INI file says which files are meant.
fn ini_names_files(text: &str) -> bool {
    let section = text.lines().map(str::trim).skip_while(|line| *line != "[mypy]").skip(1);
    let mut keys = section.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
    keys.any(|(key, _)| ["files", "packages", "modules"].contains(&key.trim()))
}

/// The projects that this one depends on, in any of the ways there are to say so, each with the file that says so.
fn dependencies(dir: &Directory<'_>, project: &Table, names: &[String]) -> Vec<(String, String)> {
    const PYPROJECT: &str = "pyproject.toml";
    let mut found: Vec<String> = Vec::new();
    let own = project.get("project");
    let of_list = |found: &mut Vec<String>, list: Option<&Value>| {
        let texts = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        found.extend(texts.filter_map(requirement));
    };
    of_list(&mut found, own.and_then(|own| own.get("dependencies")));
    let groups = [own.and_then(|own| own.get("optional-dependencies")), project.get("dependency-groups")];
    for list in groups.into_iter().flatten().filter_map(Value::as_table).flat_map(Table::values) {
        of_list(&mut found, Some(list));
    }
    let tool = |name: &str| project.get("tool").and_then(|tools| tools.get(name));
    of_list(&mut found, tool("uv").and_then(|uv| uv.get("dev-dependencies")));
    if let Some(poetry) = tool("poetry") {
        let tables = poetry.get("group").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let tables = tables.filter_map(|group| group.get("dependencies"));
        let tables = tables.chain(poetry.get("dependencies")).chain(poetry.get("dev-dependencies"));
        found.extend(tables.filter_map(Value::as_table).flat_map(Table::keys).filter_map(|name| requirement(name)));
    }
    let mut found: Vec<(String, String)> = found.into_iter().map(|name| (PYPROJECT.to_owned(), name)).collect();
    for file in names.iter().filter(|name| is_requirements(name)) {
        let text = dir.glance(file);
        found.extend(text.lines().filter_map(requirement).map(|name| (file.clone(), name)));
    }
    found
}

/// The project that a requirement names, in the spelling that all others come down to.
fn requirement(text: &str) -> Option<String> {
    let text = text.trim();
    let name: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    is_name.then(|| name.to_ascii_lowercase().replace(['_', '.'], "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_come_down_to_names() {
        let name = |text: &str| requirement(text).unwrap_or_default();
        assert_eq!(name("pytest>=7 ; python_version > '3'"), "pytest");
        assert_eq!(name("  Ruff[x]==1"), "ruff");
        assert_eq!(name("a_b.c @ file:x"), "a-b-c");
        assert_eq!([name("-r other.txt"), name("# pytest"), name("")], ["", "", ""]);
    }

    #[test]
    fn mypys_own_files_are_seen() {
        assert!(ini_names_files("[a]\n[mypy]\nstrict = True\nfiles = src\n[mypy-x]\n"));
        assert!(!ini_names_files("[a]\nfiles = x\n[mypy]\nstrict = True\n[mypy-x]\nfiles=y"));
    }
}
