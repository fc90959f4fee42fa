//! What every kind of workspace has: members, where they are, and patterns that say which directories are.

use local_ci_plugin::{Problem, files};

/// A member of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    /// Its directory, relative to the project's; empty for the project's own.
    pub(crate) path: String,
    /// What its ecosystem calls it.
    pub(crate) name: String,
    /// The names of its scripts, where it has such things.
    pub(crate) scripts: Vec<String>,
}

/// A manifest is not larger, in bytes.
const MANIFEST_MAX: u64 = 4 * 1024 * 1024;
/// A workspace has not more members.
const MEMBERS_MAX: u32 = 10_000;

/// A manifest that must be there.
pub(crate) fn manifest(path: &str) -> Result<String, Problem> {
    files::read_text(path, MANIFEST_MAX).map_err(|failure| {
        let problem = Problem::from(failure);
        Problem { message: format!("{path}: {}", problem.message), ..problem }
    })
}

/// A manifest, where it is there.
pub(crate) fn manifest_if_any(path: &str) -> Result<Option<String>, Problem> {
    match manifest(path) {
        Ok(text) => Ok(Some(text)),
        Err(problem) if problem.code == "missing" => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Why a manifest cannot be understood.
pub(crate) fn unreadable(path: &str, why: impl std::fmt::Display) -> Problem {
    Problem::new("manifest", format!("{path}: {}", why.to_string().trim_end()))
}

/// A path below a directory, in its one form: without `.`, and `..` taken back. None where it leads out.
pub(crate) fn join(dir: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// `file` in a directory.
pub(crate) fn within(dir: &str, file: &str) -> String {
    if dir.is_empty() { file.to_owned() } else { format!("{dir}/{file}") }
}

/// The directories that a pattern matches and that have a manifest of this name. A pattern without wildcards must match.
pub(crate) fn directories(root: &str, pattern: &str, manifest: &str, said_by: &str) -> Result<Vec<String>, Problem> {
    let outside = || unreadable(said_by, format_args!("{pattern} leads out of the project"));
    let pattern = join(root, pattern).ok_or_else(outside)?;
    let found = files::glob(&within(&pattern, manifest), MEMBERS_MAX)?;
    let dirs: Vec<_> = found
        .into_iter()
        .map(|entry| entry.path.rsplit_once('/').map_or_else(String::new, |(dir, _)| dir.to_owned()))
        .filter(|dir| !dir.split('/').any(|part| part == "node_modules"))
        .collect();
    if dirs.is_empty() && !pattern.contains(['*', '?', '[', '{']) {
        let what = format_args!("the member {pattern} has no {manifest}, or git ignores it");
        return Err(unreadable(said_by, what));
    }
    Ok(dirs)
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_have_one_form_and_stay_in_the_project() {
        assert_eq!(join("a/b", "./c/").unwrap(), "a/b/c");
        assert_eq!(join("a/b", "../c").unwrap(), "a/c");
        assert_eq!(join("", ".").unwrap(), "");
        assert_eq!(join("a", "b\\c").unwrap(), "a/b/c");
        assert_eq!(join("a", "../../c"), None);
        assert_eq!(join("", "/etc"), None);
    }
}
