//! `init`: what runs without a config, written out; whole or not at all, and never over anything.

use std::fs;

use serde_json::Value;

use crate::support::{Project, assert_transcript};

fn rust_and_node() -> Project {
    let project = Project::new();
    project.write(".git/HEAD", "").write("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n");
    project.write("a/Cargo.toml", "[package]\nname = \"a\"\n");
    project.write("package.json", r#"{ "scripts": { "test": "x", "lint": "y" } }"#);
    project
}

#[test]
fn what_is_written_is_what_ran() {
    let project = rust_and_node();
    let plan = || -> Value {
        serde_json::from_slice(&project.local_ci(&["plan", "--json"]).output().assert_code(0).stdout).unwrap()
    };
    let before = plan();
    let shown = project.local_ci(&["init", "--dry-run"]).output().assert_code(0).stdout;
    project.assert_nothing_left();
    project.expects("local-ci.toml");
    assert_transcript!(project.local_ci(&["init"]).output(), @"
    $ local-ci init
    --- stderr
    wrote [PROJECT]/local-ci.toml, what was found here: rust, node
    stages: fmt, clippy, rust-test, lint, node-test, test
    next: `local-ci plan` shows what would run, `local-ci` runs it
    what is for you alone goes into local-ci.local.toml beside it; keep that one out of git
    --- exit 0
    ");
    assert_eq!(fs::read(project.dir().join("local-ci.toml")).unwrap(), shown);
    assert_eq!(plan(), before);
    assert_transcript!(project.local_ci(&["validate"]).output(), @"
    $ local-ci validate
    --- stderr
    [PROJECT]/local-ci.toml: 6 stages, no faults
    --- exit 0
    ");
    project.assert_nothing_left();
}

#[test]
fn a_config_is_never_written_over() {
    for place in ["local-ci.toml", ".local-ci.toml", ".config/local-ci.toml"] {
        for start in [".", "a"] {
            let project = rust_and_node();
            project.write(place, "mine");
            for args in [&["init"][..], &["init", "--dry-run"]] {
                let finished = project.local_ci(args).cwd(start).output().assert_code(2);
                let said = finished.stderr();
                assert!(said.contains(&format!("/{place}; nothing was written")), "{said}");
            }
            assert_eq!(fs::read_to_string(project.dir().join(place)).unwrap(), "mine");
            project.assert_nothing_left();
        }
    }
    let project = rust_and_node();
    std::os::unix::fs::symlink("nowhere", project.dir().join("local-ci.toml")).unwrap();
    project.expects("local-ci.toml").local_ci(&["init"]).output().assert_code(2);
    project.assert_nothing_left();
}

#[test]
fn of_many_at_once_one_writes() {
    let project = rust_and_node();
    project.expects("local-ci.toml");
    let running: Vec<_> = (0..6).map(|_| project.local_ci(&["init"]).spawn()).collect();
    let codes: Vec<_> = running.into_iter().map(|running| running.wait().status.code().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 2).count(), 5, "{codes:?}");
    project.local_ci(&["validate"]).output().assert_code(0);
    project.assert_nothing_left();
}

#[test]
fn a_project_of_no_known_kind_gets_an_example_that_passes() {
    let project = Project::new();
    project.write(".git/HEAD", "").write("docs/x", "").expects("local-ci.toml");
    assert_transcript!(project.local_ci(&["init"]).cwd("docs").output(), @"
    $ local-ci init
    --- stderr
    wrote [PROJECT]/local-ci.toml, an example to start from, since no file here says what to run
    stages: lint, test
    next: `local-ci plan` shows what would run, `local-ci` runs it
    what is for you alone goes into local-ci.local.toml beside it; keep that one out of git
    --- exit 0
    ");
    project.local_ci(&["--quiet"]).cwd("docs").output().assert_code(0);
    project.assert_nothing_left();
}

#[test]
fn it_writes_for_another_directory_and_takes_no_file() {
    let project = rust_and_node();
    project.expects("local-ci.toml");
    let said = project.local_ci(&["-C", "a", "init"]).output().assert_code(0).stderr();
    assert!(said.contains("next: `local-ci -C a plan` shows"), "{said}");
    let finished = project.local_ci(&["-c", "x.toml", "init"]).output().assert_code(2);
    assert!(finished.stderr().contains("takes no --config"), "{}", finished.stderr());
}
