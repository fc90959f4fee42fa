//! Configurations on disk: what is read, what is refused, and that nothing waits.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::TableSupplier;
use crate::config::{ConfigError, LoadRequest, Loaded, NoSupplier, load};

const SOUND: &str = "[stages.a]\nrun = \"x\"\n";

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        fs::create_dir(project.path(".git")).unwrap();
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        load(&LoadRequest { start: self.0.path().into(), ..LoadRequest::default() }, &NoSupplier)
    }

    /// The code and message of the one fault.
    fn refused(&self) -> (&'static str, String) {
        let faults = self.load().unwrap_err().faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
        (faults[0].code, faults[0].message.clone())
    }
}

/// Its plugins are to write none of what decides over them, wherever that is.
#[test]
fn a_plugin_knows_which_files_decide_over_it() {
    let project = Project::new()
        .write("ci/other.toml", "[stages.a]\nuses = \"many:spaces\"\n[plugins.many]\nsource = \"path:y.wasm\"\n");
    let request = LoadRequest {
        start: project.0.path().into(),
        explicit: Some("ci/other.toml".into()),
        ..LoadRequest::default()
    };
    let loaded = load(&request, &TableSupplier::default()).unwrap();
    let file = project.path("ci/other.toml").canonicalize().unwrap();
    assert_eq!(loaded.pipeline.plugins()["many"].plugin.files, [file]);
}

/// H120: what is no regular file is refused in a sentence, at once.
#[test]
fn h120_only_regular_files_are_read() {
    let project = Project::new();
    let path = project.path("local-ci.toml");
    let refused = |why: &str, code: &str| {
        assert_eq!(
            project.refused(),
            (if code.is_empty() { "LC0103" } else { "LC0102" }, format!("local-ci.toml {why}"))
        );
        if path.is_dir() { fs::remove_dir(&path).unwrap() } else { fs::remove_file(&path).unwrap() }
    };
    fs::create_dir(&path).unwrap();
    refused("is a directory, not a regular file", "");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    refused("is a named pipe, not a regular file", "");
    drop(UnixListener::bind(&path).unwrap());
    refused("is a socket, not a regular file", "");
    symlink("/dev/zero", &path).unwrap();
    refused("is a device, not a regular file", "");
    symlink("local-ci.toml", &path).unwrap();
    refused("is a symbolic link that leads in a circle", "link");
    symlink("nowhere", &path).unwrap();
    refused("is a symbolic link that leads nowhere", "link");
}

/// H120: a gigabyte is refused without being read.
#[test]
fn h120_a_file_has_a_limit() {
    let project = Project::new();
    fs::File::create(project.path("local-ci.toml")).unwrap().set_len(1 << 30).unwrap();
    let (code, message) = project.refused();
    assert_eq!((code, message.as_str()), ("LC0104", "local-ci.toml is larger than 4 MiB, the most that is read"));
}

/// H124: a byte order mark does no harm; what is not UTF-8 is refused with its place.
#[test]
fn h124_encodings() {
    let project = Project::new().write("local-ci.toml", format!("\u{feff}{}", SOUND.replace('\n', "\r\n")));
    assert_eq!(project.load().unwrap().pipeline.stages().len(), 1);
    let project = project.write("local-ci.toml", b"[stages.a]\nrun = \"caf\xe9\"\n");
    let (code, message) = project.refused();
    assert_eq!(code, "LC0105");
    assert_eq!(message, "local-ci.toml is not UTF-8: the byte 0xe9 at offset 21 (line 2) begins no character");
}

#[test]
fn the_override_beside_it_is_read() {
    let project = Project::new()
        .write(".config/local-ci.toml", SOUND)
        .write(".config/local-ci.local.toml", "[stages.a]\ntimeout = 5\n");
    let faults = project.load().unwrap_err().faults();
    assert!(faults[0].file.ends_with(".config/local-ci.local.toml"), "{faults:?}");
    let project = project.write(".config/local-ci.local.toml", "[run]\njobs = 2\n");
    let loaded = project.load().unwrap();
    assert_eq!((loaded.pipeline.run().jobs, loaded.sources.len()), (Some(2), 2));
    assert_eq!(loaded.sources[1].name, ".config/local-ci.local.toml");
    assert_eq!(loaded.root, project.0.path().canonicalize().unwrap());
}

#[test]
fn a_second_configuration_is_warned_of() {
    let project = Project::new().write("local-ci.toml", SOUND).write(".local-ci.toml", "broken");
    assert_eq!(project.load().unwrap().warnings, ["local-ci.toml is used; .local-ci.toml beside it is not read"]);
}

#[test]
fn a_named_file_is_taken_as_it_is() {
    let project = Project::new().write("ci/release.toml", SOUND).write("ci/local-ci.local.toml", "broken");
    let named = |file: &str| {
        load(
            &LoadRequest { start: project.0.path().into(), explicit: Some(file.into()), ..LoadRequest::default() },
            &NoSupplier,
        )
    };
    let loaded = named("ci/release.toml").unwrap();
    assert_eq!(loaded.root, project.0.path().canonicalize().unwrap().join("ci"));
    assert_eq!(loaded.sources.len(), 1);
    assert!(matches!(named("ci/none.toml"), Err(ConfigError::NotFound(_))));
    assert!(matches!(named("ci"), Err(ConfigError::Faults(_))), "a directory is there, and is no configuration");
}

#[test]
fn environment_files_are_read_from_the_project() {
    let text = "[stages.a]\nrun = \"x\"\nenv-file = \"ci/.env\"\n";
    let project = Project::new().write("local-ci.toml", text).write("ci/.env", "A=1\n").write("sub/x", "");
    let request = LoadRequest { start: project.path("sub"), ..LoadRequest::default() };
    let loaded = load(&request, &NoSupplier).unwrap();
    let id = loaded.pipeline.find("a").unwrap();
    assert_eq!(loaded.pipeline.stages()[id].env["A"], "1");
    fs::remove_file(project.path("ci/.env")).unwrap();
    fs::create_dir(project.path("ci/.env")).unwrap();
    let faults = load(&request, &NoSupplier).unwrap_err().faults();
    assert_eq!(faults[0].message, "`ci/.env` cannot be used: it is a directory, not a regular file");
}

#[test]
fn nothing_there_is_told_apart_from_faults() {
    let project = Project::new();
    assert!(matches!(project.load(), Err(ConfigError::NotFound(_))));
    let request = LoadRequest { start: Path::new("/nonexistent/x").into(), ..LoadRequest::default() };
    assert!(matches!(load(&request, &NoSupplier), Err(ConfigError::NotFound(_))));
}
