//! The files of a project that git does not hide, and where globs of them begin.
//!
//! What hides a file from git hides it here, and nothing else does: no file of a search tool, and none of the home
//! directory's, which other machines do not have.

use std::fs::FileType;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;

/// Everything below the directories `below`, which are relative to the root (the empty path is the root itself), by its path
/// in the project; links are not followed, and what git keeps for itself is passed over. An error is a directory that could
/// not be looked into: there might be more.
pub fn project(root: &Path, below: Vec<PathBuf>) -> impl Iterator<Item = Result<(PathBuf, FileType), ignore::Error>> {
    let (top, root) = (root.to_owned(), root.to_owned());
    let enters = move |path: &Path| {
        let path = path.strip_prefix(&top).unwrap_or(path);
        below.iter().any(|start| path.starts_with(start) || start.starts_with(path))
    };
    let walk = WalkBuilder::new(&root)
        .hidden(false)
        .ignore(false)
        .git_global(false)
        .filter_entry(move |entry| {
            let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
            entry.file_name() != ".git" && (!is_directory || enters(entry.path()))
        })
        .build();
    walk.filter_map(move |entry| {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error)),
        };
        let path = entry.path().strip_prefix(&root).ok()?.to_owned();
        Some(Ok((path, entry.file_type()?)))
    })
}

/// Whether a glob is a file's name in full, and the directory, or file, that it begins with.
pub fn start(glob: &str) -> (bool, PathBuf) {
    let is_glob =
        |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[', ']', '{', '}', '\\']);
    // Braces may have a slash in them: what stands before the first part with one is still certain.
    let mut parts = Path::new(glob).components();
    let place: PathBuf = parts.by_ref().take_while(|part| !is_glob(part)).collect();
    (place == Path::new(glob), place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_begins_where_its_first_pattern_stands() {
        for (glob, named, place) in [
            ("a/b.rs", true, "a/b.rs"),
            ("a/*.rs", false, "a"),
            ("**", false, ""),
            ("a/{b/c,d}/e", false, "a"),
            ("a/b\\*", false, "a"),
        ] {
            assert_eq!(start(glob), (named, PathBuf::from(place)), "{glob}");
        }
    }
}
