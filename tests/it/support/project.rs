//! A project of one test: directories of its own for everything, so that tests run side by side and leave nothing.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::invocation::Invocation;
use super::leftovers;
use super::processes::{self, Identity};
use super::redact::Redactions;
use super::wait::holds_within;

/// The runner.
const LOCAL_CI: &str = env!("CARGO_BIN_EXE_local-ci");
/// The helper that misbehaves.
const CHAOS: &str = env!("CARGO_BIN_EXE_chaos");

/// A temporary project with a home, a state directory and so on, which all go with it.
///
/// Dropping it kills what still runs in its name.
pub(crate) struct Project {
    root: PathBuf,
    written: RefCell<BTreeSet<PathBuf>>,
    _temporary: TempDir,
}

impl Project {
    /// An empty project.
    pub(crate) fn new() -> Self {
        let temporary = tempfile::Builder::new().prefix("local-ci-test-").tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        for dir in ["project", "home", "tmp", "side"] {
            fs::create_dir(root.join(dir)).unwrap();
        }
        Self { root, written: RefCell::default(), _temporary: temporary }
    }

    /// The directory that holds all of the test's directories.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The project's own directory, where programs start.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.join("project")
    }

    /// Where the runner keeps its state. It is the runner that makes it.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.root.join("state")
    }

    /// A file for test and stages to agree through, outside the project.
    pub(crate) fn side(&self, name: &str) -> PathBuf {
        self.root.join("side").join(name)
    }

    /// The process that `chaos --pid-file` wrote about, once it is up.
    #[track_caller]
    pub(crate) fn identity(&self, name: &str) -> Identity {
        Identity::from_file(&self.side(name))
    }

    /// Writes a file, by its path in the project.
    pub(crate) fn write(&self, path: &str, text: &str) -> &Self {
        let file = self.dir().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        self.expects(path)
    }

    /// Says that a stage makes this file or directory, by its path in the project.
    pub(crate) fn expects(&self, path: impl AsRef<Path>) -> &Self {
        let file = self.dir().join(path);
        let above = file.ancestors().take_while(|path| *path != self.root).map(Path::to_owned);
        self.written.borrow_mut().extend(above);
        self
    }

    /// Whether the test made this file or said that a stage would.
    pub(crate) fn is_expected(&self, path: &Path) -> bool {
        self.written.borrow().contains(path)
    }

    /// Writes `local-ci.toml`.
    pub(crate) fn config(&self, toml: &str) -> &Self {
        self.write("local-ci.toml", toml)
    }

    /// The runner with these arguments.
    pub(crate) fn local_ci(&self, args: &[&str]) -> Invocation<'_> {
        self.program(LOCAL_CI, "local-ci", args)
    }

    /// The helper with these arguments.
    pub(crate) fn chaos(&self, args: &[&str]) -> Invocation<'_> {
        self.program(CHAOS, "chaos", args)
    }

    /// A shell script, which finds `local-ci` and `chaos` on its path.
    pub(crate) fn sh(&self, script: &str) -> Invocation<'_> {
        self.program("/bin/sh", "sh", &["-c", script])
    }

    fn program(&self, program: &str, name: &str, args: &[&str]) -> Invocation<'_> {
        let bin = Path::new(CHAOS).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([bin.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let invocation = Invocation::new(self, Path::new(program), name, args).env("PATH", path).env("LANG", "C.UTF-8");
        let dirs = [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("XDG_CONFIG_HOME", "config"),
            // Not where the two below point, so that a file here shows that they were passed over.
            ("XDG_STATE_HOME", "xdg-state"),
            ("XDG_CACHE_HOME", "xdg-cache"),
            ("LOCAL_CI_STATE_DIR", "state"),
            ("LOCAL_CI_CACHE_DIR", "cache"),
        ];
        dirs.into_iter().fold(invocation, |i, (name, dir)| i.env(name, self.root.join(dir)))
    }

    /// What differs from run to run, taken out of a text.
    pub(crate) fn redactions(&self) -> Redactions {
        let bin = Path::new(CHAOS).parent().unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        Redactions::new(&[
            ("[PROJECT]", text(&self.dir())),
            ("[STATE]", text(&self.state_dir())),
            ("[TEMP]", text(&self.root)),
            ("[BIN]", text(bin)),
        ])
    }

    /// Waits for supervisors that clean up; one that hangs is left for [`Self::assert_nothing_left`] to find.
    pub(crate) fn let_supervisors_end(&self) {
        let is_supervisor = |living: &processes::Living| living.to_string().contains("local-ci supervise");
        holds_within(leftovers::GRACE, || !processes::belonging_to(self.root()).iter().any(is_supervisor));
    }

    /// Fails unless every process of this test is gone (I1), and what the runner left is private and where it belongs
    /// (I6).
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let found = leftovers::of(self, leftovers::GRACE);
        assert!(found.is_empty(), "left behind:\n  {}\n", found.join("\n  "));
    }

    /// What [`Self::assert_nothing_left`] would name if it had no patience.
    pub(crate) fn left_now(&self) -> Vec<String> {
        leftovers::of(self, Duration::ZERO)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        processes::kill_all(&self.root);
    }
}
