//! Whose file a path is: relative to the project, or none of it.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What is asked of the disk: whether there is such a file.
type IsFile = Arc<dyn Fn(&Path) -> bool + Send + Sync>;

/// Where a stage runs.
#[derive(Clone)]
pub struct Place {
    root: PathBuf,
    dir: PathBuf,
    is_elsewhere: bool,
    is_file: IsFile,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { root, dir, is_elsewhere, is_file: _ } = self;
        f.debug_struct("Place")
            .field("root", root)
            .field("dir", dir)
            .field("is_elsewhere", is_elsewhere)
            .finish_non_exhaustive()
    }
}

impl Place {
    /// A stage of the project in `root`, in its directory `dir`; both absolute. `is_file` is asked about absolute paths.
    pub fn new(root: &Path, dir: &Path, is_file: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        Self { root: root.to_owned(), dir: dir.to_owned(), is_elsewhere: false, is_file: Arc::new(is_file) }
    }

    /// The same for a stage on another machine, where the project lies in a directory that is not known here: of an absolute
    /// path, the longest end that is a file of the project is meant.
    #[must_use]
    pub fn elsewhere(self) -> Self {
        Self { is_elsewhere: true, ..self }
    }

    /// The path relative to the project's directory, as it was written by something that ran in `from`, itself relative to
    /// the stage's directory or absolute. None where it is outside of the project.
    ///
    /// Tools do not agree on what their paths are relative to: cargo's are to the workspace wherever it is started, so the
    /// directories above are asked up to the project's. What is no file anywhere is taken as written.
    pub(super) fn relative(&self, path: &str, from: Option<&Path>) -> Option<String> {
        let path = path.strip_prefix("file://").unwrap_or(path);
        if path.is_empty() || path.contains('\0') {
            return None;
        }
        let path = Path::new(path);
        if path.is_absolute() {
            return self.inside(path).or_else(|| self.by_its_end(path));
        }
        let first = from.map_or_else(|| self.dir.clone(), |from| self.dir.join(from));
        let mut above = first.ancestors().take_while(|dir| dir.starts_with(&self.root));
        let found = above.find(|dir| (self.is_file)(&dir.join(path))).map(Path::to_owned);
        self.inside(&found.unwrap_or(first).join(path))
    }

    /// The file of a Go package, which is known by its import path.
    pub(super) fn in_package(&self, package: &str, file: &str) -> Option<String> {
        let mut dir = Some(package);
        while let Some(part) = dir {
            let path = self.dir.join(part).join(file);
            if (self.is_file)(&path) {
                return self.inside(&path);
            }
            dir = part.split_once('/').map(|(_, rest)| rest);
        }
        self.relative(file, None)
    }

    /// The project's directory.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether such a path is a file of the project.
    pub(super) fn has(&self, path: &str) -> bool {
        self.relative(path, None).is_some_and(|path| (self.is_file)(&self.root.join(path)))
    }

    fn inside(&self, path: &Path) -> Option<String> {
        let path = tidy(path)?;
        let path = path.strip_prefix(&self.root).ok()?.to_str()?;
        (!path.is_empty()).then(|| path.to_owned())
    }

    fn by_its_end(&self, path: &Path) -> Option<String> {
        if !self.is_elsewhere {
            return None;
        }
        let parts: Vec<Component<'_>> = path.components().skip(1).collect();
        let ends = (0..parts.len()).map(|from| self.root.join(parts[from..].iter().collect::<PathBuf>()));
        ends.into_iter().find(|end| (self.is_file)(end)).and_then(|end| self.inside(&end))
    }
}

/// Without `.` and `..`; none where that leads above all.
fn tidy(path: &Path) -> Option<PathBuf> {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !tidy.pop() {
                    return None;
                }
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => tidy.push(part),
        }
    }
    Some(tidy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(dir: &str) -> Place {
        let files = ["/p/src/lib.rs", "/p/crates/core/src/lib.rs", "/p/crates/core/main.go", "/p/pkg/deep/a_test.go"];
        Place::new(Path::new("/p"), Path::new(dir), move |path| files.iter().any(|file| Path::new(file) == path))
    }

    #[test]
    fn a_path_is_looked_for_from_the_stage_upward() {
        let relative = |dir: &str, path: &str| place(dir).relative(path, None);
        let some = |path: &str| Some(path.to_owned());
        assert_eq!(relative("/p", "./src/lib.rs"), some("src/lib.rs"));
        assert_eq!(relative("/p/crates/core", "src/lib.rs"), some("crates/core/src/lib.rs"));
        assert_eq!(relative("/p/crates/core", "crates/core/src/lib.rs"), some("crates/core/src/lib.rs"));
        // What is not there is taken as it is written.
        assert_eq!(relative("/p/crates/core", "src/gone.rs"), some("crates/core/src/gone.rs"));
        assert_eq!(relative("/p/crates", "../src/lib.rs"), some("src/lib.rs"));
        assert_eq!(relative("/p", "/p/a b.c"), some("a b.c"));
    }

    #[test]
    fn what_is_outside_of_the_project_is_no_file_of_it() {
        for path in ["/usr/include/stdio.h", "../x.c", "/p/../x", "/p", "", "a\0b", "../../../../.."] {
            assert_eq!(place("/p").relative(path, None), None, "{path}");
        }
    }

    #[test]
    fn on_another_machine_the_end_of_a_path_says_which_file_it_is() {
        let path = "/home/other/.cache/x/crates/core/src/lib.rs";
        assert_eq!(place("/p").relative(path, None), None);
        assert_eq!(place("/p").elsewhere().relative(path, None).as_deref(), Some("crates/core/src/lib.rs"));
        assert_eq!(place("/p").elsewhere().relative("/usr/include/stdio.h", None), None);
    }

    #[test]
    fn a_file_of_a_package_is_found_by_the_end_of_its_import_path() {
        assert_eq!(place("/p").in_package("mod/pkg/deep", "a_test.go").as_deref(), Some("pkg/deep/a_test.go"));
        assert_eq!(place("/p/crates/core").in_package("mod", "main.go").as_deref(), Some("crates/core/main.go"));
    }
}
