//! A history of an earlier version meets this one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::support::Project;

/// A state with a `history.db` of version 1, and the project in it that the fixture is about.
fn of_version_1() -> (Project, PathBuf) {
    let project = Project::new();
    let state = project.state_dir();
    let known = state.join("projects/project-0123456789ab");
    fs::create_dir_all(known.join("runs")).unwrap();
    fs::write(known.join("project.json"), r#"{"root":"/nowhere/project"}"#).unwrap();
    let file = state.join("history.db");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/databases/1.db");
    fs::copy(fixture, &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    (project, file)
}

fn version(file: &Path) -> u32 {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok", "{}", file.display());
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// What is listed of it, which is the same whichever version the file is of.
fn assert_listed(project: &Project, when: &str) {
    let listed = project.local_ci(&["list", "-a"]).output().assert_code(0);
    let text = listed.stdout();
    assert_eq!(listed.stderr(), "", "{when}");
    let begins = ["/nowhere/project  (this directory is gone)", "a  stopped (", "b:x  stopped ("];
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.len() == 3 && lines.iter().zip(begins).all(|(line, begin)| line.starts_with(begin)),
        "{when}: {text}"
    );
}

/// H81: whoever leads a file to this version's tables is killed at any step. The next one finds the old file or the new
/// one, and all that was in it.
#[test]
fn h81_a_migration_killed_at_any_step_loses_nothing() {
    let mut steps = 0;
    for calls in ["pwrite64,write", "rename", "fdatasync,fsync,ftruncate", "unlink"] {
        for k in 1..400 {
            let (project, file) = of_version_1();
            let inject = format!("inject={calls}:signal=KILL:when={k}");
            let Some(list) = project.local_ci(&["list", "-a"]).under_strace(&["-e", &inject]) else { return };
            let came_through = list.output().status.code() == Some(0);
            let when = format!("{calls} {k}");
            let seen = version(&file);
            assert!(matches!(seen, 1 | 2), "{when}: {seen}");
            assert_listed(&project, &when);
            assert_eq!(version(&file), 2, "{when}");
            assert_eq!(version(&file.with_file_name("history.db.version-1")), 1, "{when}: the way back");
            assert!(!file.with_file_name("history.db.backup").exists(), "{when}");
            if came_through {
                break;
            }
            steps += 1;
        }
    }
    assert!(steps > 10, "killed at {steps} steps only");
}
