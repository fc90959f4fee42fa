//! Which tests a Python project has, and what runs them.

use super::facts::Facts;
use crate::config::detect::directory::Directory;

/// How many test files are looked into to learn what they are written for.
const LOOKS: usize = 20;

/// How far below `tests` they are looked for.
const DEPTH: usize = 4;
/// And in how many directories.
const DIRECTORIES: usize = 200;

/// What runs the tests.
pub(super) enum Runner {
    /// pytest, and why.
    Pytest(String),
    /// unittest, with the arguments that say where it begins.
    Unittest { place: &'static str },
}

/// Where tests are, and what tells unittest so: below a directory that is a package, names begin at the project.
const PLACES: [(&str, &str, &str); 3] =
    [("tests", " -s tests", " -s tests -t ."), ("test", " -s test", " -s test -t ."), ("", "", "")];

/// What runs the tests; none where none were found, but for pytest where it is configured: its settings may say where
/// else they are, and where there are none it says so.
pub(super) fn runner(dir: &Directory<'_>, facts: &Facts) -> Option<Runner> {
    if let Some((why, true)) = &facts.pytest {
        return Some(Runner::Pytest(why.clone()));
    }
    let (place, files) = PLACES.iter().find_map(|place| {
        let files: Vec<String> = test_files(dir, place.0);
        (!files.is_empty()).then_some((place, files))
    })?;
    if let Some((why, _)) = &facts.pytest {
        return Some(Runner::Pytest(why.clone()));
    }
    let text =
        |name: &String| dir.glance(&if place.0.is_empty() { name.clone() } else { format!("{}/{name}", place.0) });
    if let Some(file) = files.iter().take(LOOKS).find(|name| is_for_pytest(&text(name))) {
        return Some(Runner::Pytest(format!("{file} is written for pytest.")));
    }
    let is_package = dir.has(&format!("{}/__init__.py", place.0));
    Some(Runner::Unittest { place: if is_package { place.2 } else { place.1 } })
}

/// The names of test files in a directory, or where that has none, of those at the first level below that has any,
/// relative to it.
fn test_files(dir: &Directory<'_>, below: &str) -> Vec<String> {
    let mut level = vec![String::new()];
    let depth = if below.is_empty() { 0 } else { DEPTH };
    for _ in 0..=depth {
        let of = |directory: &String| -> Vec<String> {
            let at = if below.is_empty() { directory.clone() } else { format!("{below}/{directory}") };
            let names = dir.names(&at).into_iter().filter(|name| !name.starts_with('.'));
            names.map(|name| if directory.is_empty() { name } else { format!("{directory}/{name}") }).collect()
        };
        let names: Vec<String> = level.iter().take(DIRECTORIES).flat_map(of).collect();
        let tests: Vec<String> =
            names.iter().filter(|name| name.rsplit('/').next().is_some_and(is_test_file)).cloned().collect();
        if !tests.is_empty() {
            return tests;
        }
        // What is no directory has no names in it.
        level = names.into_iter().filter(|name| !name.contains(".py")).collect();
    }
    Vec::new()
}

fn is_test_file(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test") || stem == "tests")
}

/// Whether a test file has tests that unittest would not find.
fn is_for_pytest(text: &str) -> bool {
    text.lines().any(|line| {
        ["def test_", "async def test_", "import pytest", "from pytest "].iter().any(|start| line.starts_with(start))
    })
}
