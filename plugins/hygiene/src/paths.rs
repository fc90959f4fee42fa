//! Paths that are one and the same where case does not count, as on macOS and Windows.

use std::collections::BTreeMap;

/// The paths that differ in case alone from one before them, with that. Directories count: of `Docs/a` and `docs/b`, the
/// latter is told once, with both directories.
pub(crate) fn case_conflicts<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<(&'a str, String)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut told: Vec<(&str, &str)> = Vec::new();
    let mut conflicts = Vec::new();
    for path in paths {
        let ends = path.match_indices('/').map(|(i, _)| i).chain([path.len()]);
        for part in ends.map(|end| &path[..end]) {
            let first = *seen.entry(part.to_lowercase()).or_insert(part);
            if first == part {
                continue;
            }
            if !told.contains(&(first, part)) {
                told.push((first, part));
                let what = if part.len() == path.len() { "the path" } else { "the directory" };
                conflicts.push((path, format!("{what} {part} differs from {first} in case alone")));
            }
            // What is below has two places to be in already.
            break;
        }
    }
    conflicts
}

#[cfg(test)]
mod tests {
    use super::case_conflicts;

    #[test]
    fn paths_and_directories_that_differ_in_case_are_told_once() {
        let paths = ["Docs/a", "README", "docs/b", "docs/c", "readme", "src/É", "src/é", "src/x"];
        let found = case_conflicts(paths.into_iter());
        assert_eq!(
            found,
            [
                ("docs/b", "the directory docs differs from Docs in case alone".to_owned()),
                ("readme", "the path readme differs from README in case alone".to_owned()),
                ("src/é", "the path src/é differs from src/É in case alone".to_owned()),
            ]
        );
    }
}
