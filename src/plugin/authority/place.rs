//! Paths as plugins give them: relative to the project's directory, in one form, and never out of it. By their text alone; what
//! the system makes of them is judged again where they are opened.

/// The longest path, in bytes.
const LENGTH_MAX: usize = 4096;
/// In these version control keeps what is its own.
const VERSION_CONTROL: [&str; 4] = [".git", ".hg", ".jj", ".svn"];
/// Files that say what plugins may do, by their names: of this project, and of one that lies in it.
const DECIDING: [&str; 4] = ["local-ci.toml", ".local-ci.toml", "local-ci.local.toml", "local-ci.lock"];
/// What other plugins are made of: none writes what another is run from.
const COMPONENT: &str = ".wasm";
/// How files begin that mark and carry what is ours.
const OURS: &str = ".local-ci-";

/// A path in its one form: names between single slashes. The error is what is wrong with it, as the end of a sentence.
pub fn clean(path: &str) -> Result<String, &'static str> {
    if path.len() > LENGTH_MAX {
        return Err("is too long for a path");
    }
    if path.contains('\0') {
        return Err("has a NUL in it");
    }
    if path.contains('\\') {
        return Err("has a backslash in it; names are separated by `/`");
    }
    if path.starts_with('/') {
        return Err("is absolute; paths are relative to the project's directory");
    }
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    if names.contains(&"..") {
        return Err("leads upward; paths are relative to the project's directory, without `..`");
    }
    if names.is_empty() {
        return Err("names no file");
    }
    if path.ends_with('/') {
        return Err("names a directory");
    }
    Ok(names.join("/"))
}

/// Whether a path leads into what version control keeps for itself. Some file systems take names for the same whatever their
/// case is.
pub fn is_version_control(path: &str) -> bool {
    path.split('/').any(|name| VERSION_CONTROL.iter().any(|its| name.eq_ignore_ascii_case(its)))
}

/// Whether a path is that of a file which decides over plugins, or of what we keep in a project.
pub fn is_ours(path: &str) -> bool {
    let is_component = path.len() >= COMPONENT.len()
        && path.as_bytes()[path.len() - COMPONENT.len()..].eq_ignore_ascii_case(COMPONENT.as_bytes());
    let name = path.rsplit('/').next().unwrap_or(path);
    is_component
        || DECIDING.iter().any(|ours| name.eq_ignore_ascii_case(ours))
        || path.split('/').any(|name| name.starts_with(OURS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H159: by its text alone, no path leads out.
    #[test]
    fn h159_a_path_has_one_form_and_stays_inside() {
        for (path, is) in [("a", "a"), ("./a//b/./c", "a/b/c"), ("a/..b/c..", "a/..b/c.."), (" ", " "), ("ä/ö", "ä/ö")]
        {
            assert_eq!(clean(path).as_deref(), Ok(is), "{path:?}");
        }
        let long = "a/".repeat(2048) + "b";
        for path in [
            "",
            ".",
            "./",
            "/",
            "..",
            "../a",
            "a/..",
            "a/../../b",
            "./../a",
            "a/",
            "/etc/passwd",
            "//a",
            "/proc/self/environ",
        ]
        .into_iter()
        .chain(["a\0b", "..\\a", "a\\..\\b", "C:\\a", long.as_str()])
        {
            assert!(clean(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn what_nobody_may_write_is_known_by_its_name() {
        for path in [".git", ".git/config", "a/.git", "a/.GIT/hooks/x", ".hg/hgrc", ".jj/x", "a/.svn"] {
            assert!(is_version_control(path), "{path}");
        }
        for path in [".gitignore", "git", "a/.github/x", "a.git/b"] {
            assert!(!is_version_control(path), "{path}");
        }
        for path in [
            "local-ci.toml",
            "a/Local-CI.lock",
            ".config/local-ci.toml",
            "a/b/local-ci.local.toml",
            "a/.local-ci-part-1",
        ] {
            assert!(is_ours(path), "{path}");
        }
        for path in ["a/local-ci.toml.md", "local-ci.toml/a", "local-ci", ".local-ci"] {
            assert!(!is_ours(path), "{path}");
        }
    }
}
