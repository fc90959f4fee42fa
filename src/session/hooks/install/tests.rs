//! Hooks in directories that already have some.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

const NAME: &str = "pre-push";

struct Hooks(tempfile::TempDir);

impl Hooks {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("hooks")
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        fs::create_dir_all(self.dir()).unwrap();
        fs::write(self.dir().join(name), text).unwrap();
        fs::set_permissions(self.dir().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn install(&self) -> Result<Installed, InstallError> {
        install(&Request { directory: &self.dir(), name: NAME, project: Path::new(""), program: None })
    }

    /// Every file with what is in it, and where a link leads.
    fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(self.dir())
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let text = match fs::read_link(&path) {
                    Ok(target) => format!("-> {}", target.display()),
                    Err(_) => fs::read_to_string(&path).unwrap(),
                };
                (path.file_name().unwrap().to_string_lossy().into_owned(), text)
            })
            .collect();
        files.sort();
        files
    }

    fn names(&self) -> Vec<String> {
        self.files().into_iter().map(|(name, _)| name).collect()
    }
}

#[test]
fn what_was_there_is_kept_and_comes_back() {
    let hooks = Hooks::new();
    hooks.write(NAME, "#!/bin/sh\necho before\n", 0o755);
    hooks.write("pre-push.sample", "sample", 0o644);
    let before = hooks.files();
    assert_eq!(hooks.install().unwrap(), Installed::Beside);
    assert_eq!(hooks.names(), [NAME, "pre-push.before-local-ci", "pre-push.sample"]);
    assert_eq!(look(&hooks.dir(), NAME).unwrap(), Found::Ours { project: String::new(), chained: true });
    let installed = hooks.files();
    assert_eq!(hooks.install().unwrap(), Installed::Unchanged);
    assert_eq!(hooks.files(), installed);
    assert_eq!(uninstall(&hooks.dir(), NAME).unwrap(), Uninstalled::Restored);
    assert_eq!(hooks.files(), before);
    assert_eq!(uninstall(&hooks.dir(), NAME).unwrap(), Uninstalled::NotOurs);
    assert_eq!(hooks.files(), before);
}

#[test]
fn a_directory_without_hooks_is_made_and_left_empty() {
    let hooks = Hooks::new();
    assert_eq!(hooks.install().unwrap(), Installed::New);
    assert_eq!(hooks.names(), [NAME]);
    assert_eq!(fs::metadata(hooks.dir().join(NAME)).unwrap().permissions().mode() & 0o111, 0o111);
    assert_eq!(uninstall(&hooks.dir(), NAME).unwrap(), Uninstalled::Removed);
    assert_eq!(hooks.names(), [""; 0]);
}

/// A link leads to a file that others have as well, or to none: it is kept as the link that it is.
#[test]
fn h178_a_link_is_kept_and_never_written_through() {
    for target in ["../shared", "nowhere"] {
        let hooks = Hooks::new();
        fs::create_dir(hooks.dir()).unwrap();
        fs::write(
            hooks.0.path().join("shared"),
            script::text(&Wanted { name: NAME, project: Path::new(""), program: None }),
        )
        .unwrap();
        let shared = fs::read(hooks.0.path().join("shared")).unwrap();
        symlink(target, hooks.dir().join(NAME)).unwrap();
        assert_eq!(hooks.install().unwrap(), Installed::Beside, "{target}");
        assert_eq!(fs::read_link(before(&hooks.dir(), NAME)).unwrap(), Path::new(target));
        assert!(!fs::symlink_metadata(hooks.dir().join(NAME)).unwrap().is_symlink());
        assert_eq!(fs::read(hooks.0.path().join("shared")).unwrap(), shared);
        assert_eq!(uninstall(&hooks.dir(), NAME).unwrap(), Uninstalled::Restored);
        assert_eq!(fs::read_link(hooks.dir().join(NAME)).unwrap(), Path::new(target));
    }
}

/// A manager of hooks has put its own in the place of ours: neither of the two others is lost.
#[test]
fn of_three_hooks_none_is_lost() {
    let hooks = Hooks::new();
    hooks.write(NAME, "one", 0o755);
    hooks.install().unwrap();
    hooks.write(NAME, "two", 0o755);
    let both = hooks.files();
    assert!(matches!(hooks.install().unwrap_err(), InstallError::Both(..)));
    assert_eq!(uninstall(&hooks.dir(), NAME).unwrap(), Uninstalled::NotOurs);
    assert_eq!(hooks.files(), both);
    // The same once more is no other, as is what was cut off between its second name and ours.
    hooks.write(NAME, "one", 0o755);
    assert_eq!(hooks.install().unwrap(), Installed::Beside);
    assert_eq!(uninstall(&hooks.dir(), NAME).unwrap(), Uninstalled::Restored);
}

#[test]
fn an_older_one_of_ours_is_renewed_and_one_of_another_project_is_not() {
    let hooks = Hooks::new();
    hooks.install().unwrap();
    let text = fs::read_to_string(hooks.dir().join(NAME)).unwrap();
    hooks.write(NAME, &text.replace("printf", "echo"), 0o755);
    assert_eq!(hooks.install().unwrap(), Installed::Renewed);
    assert_eq!(fs::read_to_string(hooks.dir().join(NAME)).unwrap(), text);
    hooks.write(NAME, &text, 0o644);
    assert_eq!(hooks.install().unwrap(), Installed::Renewed, "git would not have run it");
    let other = Request { directory: &hooks.dir(), name: NAME, project: Path::new("a b"), program: None };
    let said = install(&other).unwrap_err().to_string();
    assert!(said.ends_with("is for the project in the top of the repository"), "{said}");
    assert_eq!(fs::read_to_string(hooks.dir().join(NAME)).unwrap(), text);
}

/// A program, by its path; git starts hooks like this.
#[expect(clippy::disallowed_methods, reason = "tests start programs")]
fn program(path: &Path) -> Command {
    Command::new(path)
}

/// What the hook reads comes to both, byte by byte, and the first that fails is the whole.
#[test]
fn h15_both_hooks_read_the_same_and_one_failure_is_enough() {
    let hooks = Hooks::new();
    let bin = hooks.0.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let write = |name: &Path, code: u8| {
        let out = hooks.0.path().join("said");
        let text = format!("#!/bin/sh\n{{ echo \"$0 $*\"; cat; }} >>'{}'\nexit {code}\n", out.display());
        write_new(name, text.as_bytes()).unwrap();
    };
    fs::create_dir(hooks.dir()).unwrap();
    for (first, second, expected) in [(0, 0, 0), (0, 3, 3), (7, 0, 7)] {
        let _ = uninstall(&hooks.dir(), NAME);
        write(&hooks.dir().join(NAME), first);
        write(&bin.join("local-ci"), second);
        hooks.install().unwrap();
        for input in ["refs/heads/a 1 refs/heads/a 0\nrefs/heads/b% 2 refs/heads/b\\n 0\n", ""] {
            fs::write(hooks.0.path().join("in"), input).unwrap();
            fs::write(hooks.0.path().join("said"), "").unwrap();
            let status = program(Path::new("hooks/pre-push"))
                .args(["origin", "a url"])
                .current_dir(hooks.0.path())
                .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
                .stdin(File::open(hooks.0.path().join("in")).unwrap())
                .status()
                .unwrap();
            assert_eq!(status.code(), Some(expected));
            let said = fs::read_to_string(hooks.0.path().join("said")).unwrap();
            let one = format!("hooks/pre-push.before-local-ci origin a url\n{input}");
            let two = format!("{} hook run pre-push origin a url\n{input}", bin.join("local-ci").display());
            assert_eq!(said, if first == 0 { format!("{one}{two}") } else { one });
        }
    }
}

/// A hook that nobody may run is not run by us either, and a program that is not there is told of.
#[test]
fn without_the_program_the_hook_says_how_to_go_on() {
    let hooks = Hooks::new();
    hooks.write(NAME, "#!/bin/sh\nexit 9\n", 0o644);
    hooks.install().unwrap();
    let output = program(&hooks.dir().join(NAME)).env("PATH", "/usr/bin:/bin").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "pre-push: local-ci is not installed, or not on the PATH: nothing was tested; `git push --no-verify` goes on without it\n"
    );
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let hooks = Hooks::new();
    fs::write(hooks.dir(), "no directory").unwrap();
    let said = hooks.install().unwrap_err().to_string();
    assert!(said.starts_with("cannot make ") && said.ends_with("File exists (os error 17)"), "{said}");
    assert_eq!(fs::read_to_string(hooks.dir()).unwrap(), "no directory");
    // What the hook's own name stands for may be no file at all.
    let hooks = Hooks::new();
    fs::create_dir_all(hooks.dir().join(NAME)).unwrap();
    assert_eq!(look(&hooks.dir(), NAME).unwrap(), Found::Foreign { runs: false });
    assert_eq!(hooks.install().unwrap(), Installed::Beside);
    assert!(before(&hooks.dir(), NAME).is_dir());
}
