//! A transcript tells nothing of where its stages ran but in its first line, and in how a stage is run again: a pipeline of the shape that this project's
//! own has, run here and on another machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::conformance::{Backend, Ssh};
use crate::support::forge::{About, Forge};
use crate::support::{Finished, Project};

/// This project's own pipeline as far as local-ci has to do with it; what it runs stands in `tool` below.
fn pipeline() -> String {
    let own = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/local-ci.toml")).unwrap();
    assert!(own.contains("\"cargo\"") && own.contains("cargo clippy"), "it is not what this test takes it for");
    own.replace("cargo", "./tool")
}

/// Prints with colours, without an end of the last line, and fails where it is asked about `deny`.
const TOOL: &str = r#"#!/bin/sh
# In one stream: of two, nobody here knows which was first.
exec 2>&1
printf '\033[1m\033[32m    Checking\033[0m %s\n' "$*" >&2
echo "CARGO_TERM_COLOR is $CARGO_TERM_COLOR, RUSTDOCFLAGS is ${RUSTDOCFLAGS-unset}, stage $LOCAL_CI_STAGE, attempt $LOCAL_CI_ATTEMPT"
case $1 in
    fmt) ;;
    deny) echo 'error: nobody may use this' >&2; exit 4 ;;
    doc) chaos lines 3000 ;;
    *) printf 'no end' ;;
esac
"#;

fn furnish(project: &Project, config: &str) {
    project.config(config).write("tool", TOOL).write("src/lib.rs", "//! Nothing.\n").write("deny.toml", "");
    fs::set_permissions(project.dir().join("tool"), Permissions::from_mode(0o755)).unwrap();
    // In place of its plugin, one that is content with all.
    let mut forge = Forge::default();
    let info = forge.info(&About { name: "hygiene", stages: vec![("hygiene", None)], ..About::default() });
    forge.describe = Some(format!("(i32.const {info})"));
    let outcome = forge.outcome(0, Some("all is well"));
    forge.run = format!("(i32.const {outcome})");
    project.write("plugins/hygiene/README", "").expects("plugins/hygiene/plugin.wasm").expects("local-ci.lock");
    fs::write(project.dir().join("plugins/hygiene/plugin.wasm"), forge.build()).unwrap();
    project.local_ci(&["plugin", "update", "hygiene", "--yes"]).output().assert_code(0);
}

/// Stdout without what differs from run to run, split after the first line.
fn transcript(finished: &Finished, project: &Project) -> (String, String) {
    let text = project.redactions().apply(&finished.stdout());
    let (first, rest) = text.split_once('\n').unwrap();
    (first.to_owned(), rest.to_owned())
}

#[test]
fn a_transcript_from_elsewhere_differs_in_its_first_line() {
    // As it is, and with a stage that fails and is needed: what is not run, and the advice at the end, are the same too.
    for (config, code) in [(pipeline(), 0), (pipeline().replace("\"doc\"", "\"deny\""), 1)] {
        let Some(at) = Ssh::new() else { return };
        let here = Project::new();
        furnish(&here, &config);
        furnish(at.project(), &config);
        let local = here.local_ci(&["run", "-j1"]).output().assert_code(code);
        let remote = at.run_there(&["-j1"]).output().assert_code(code);
        let ((first, rest), (first_there, rest_there)) = (transcript(&local, &here), transcript(&remote, at.project()));
        assert_eq!(first, "🚀 Running local CI pipeline...");
        assert_eq!(first_there, "🚀 Running local CI pipeline remotely on box...");
        // To run it again where it ran takes one more word.
        assert_eq!(rest, rest_there.replace("rerun: local-ci --remote box ", "rerun: local-ci "));
        assert!(rest.contains("line 3000\n") || code == 1, "{rest}");
        assert!(rest.contains("all is well\n"), "{rest}");
        here.assert_nothing_left();
        at.assert_nothing_left();
    }
}
