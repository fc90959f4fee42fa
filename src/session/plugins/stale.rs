//! Whether the sources of a plugin have changed since it was built: what runs then is what they were.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use ignore::WalkBuilder;

use super::bytes::BUILT;

/// How many files of a plugin are looked at.
const LOOKS: usize = 2_000;

/// Whether a file in a plugin's directory is newer than what was built of it. What git ignores, words for people and examples
/// are no sources; of more files than anybody writes, the first are looked at.
pub fn is_stale(dir: &Path) -> bool {
    let Some(built) = modified(&dir.join(BUILT)) else { return false };
    let walk = WalkBuilder::new(dir).require_git(false).git_global(false).same_file_system(true).build();
    let files = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    files.take(LOOKS).any(|entry| is_source(entry.path(), dir) && modified(entry.path()).is_some_and(|at| at > built))
}

fn is_source(path: &Path, dir: &Path) -> bool {
    let is_told = path.extension().is_some_and(|extension| extension == "md" || extension == "wasm");
    // Tools write what they have resolved whenever they are asked anything.
    let is_lock = path.file_name().is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json");
    !is_told && !is_lock && !path.starts_with(dir.join("fixtures"))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_stale_once_a_source_is_newer_than_what_was_built() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, seconds: u64| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        };
        write("src/lib.rs", 300);
        assert!(!is_stale(dir.path()), "nothing was built");
        write("plugin.wasm", 200);
        assert!(is_stale(dir.path()));
        write("src/lib.rs", 100);
        for other in ["README.md", "Cargo.lock", "fixtures/a.json", "target/x.rs", ".venv/x.py"] {
            write(other, 300);
        }
        fs::write(dir.path().join(".gitignore"), "/target\n").unwrap();
        assert!(!is_stale(dir.path()));
    }
}
