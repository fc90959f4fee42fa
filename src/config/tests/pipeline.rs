//! What sound configurations come to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{load, sound};
use crate::config::{Loaded, NoSupplier, parse};
use crate::ids::StageId;
use crate::pipeline::plugin::Use;
use crate::pipeline::{Action, Annotations, Command, Jobserver, Leak, Placement, Policy, Stage};

fn stage<'a>(loaded: &'a Loaded, name: &str) -> &'a Stage {
    let id = loaded.pipeline.find(name).unwrap_or_else(|| panic!("no stage {name}"));
    &loaded.pipeline.stages()[id]
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.pipeline.stages().values().map(|stage| stage.name.as_str()).collect()
}

fn needs<'a>(loaded: &'a Loaded, name: &str) -> Vec<&'a str> {
    stage(loaded, name).needs.iter().map(|id: &StageId| loaded.pipeline.stages()[*id].name.as_str()).collect()
}

fn script(text: &str) -> Action {
    let shell = ["sh", "-e", "-c"].map(str::to_owned).to_vec();
    Action::Run(Command::Shell { shell, script: text.into(), args: Vec::new() })
}

/// The example that the documentation begins with.
#[test]
fn every_kind_of_table_is_read() {
    let loaded = sound(
        r#"
[run]
flaky = "fail"
jobs = 4
fail-fast = true
output = "grouped"
timeout = "1h"
annotations = "passthrough"
[defaults]
timeout = "20m"
retries = 2
tags = ["all"]
[env]
CARGO_TERM_COLOR = "always"

[stages.fmt]
run = "cargo fmt --all -- --check"
fix = "cargo fmt --all"
inputs = ["**/*.rs", "**/Cargo.toml"]
description = "the layout of the code"

[stages.test]
run = ["cargo", "test"]
needs = ["fmt"]
timeout = "none"
grace = "5s"
retries = 1
retry-delay = "500ms"
allow-failure = true
threads = 2
locks = ["target"]
log-max = "64MiB"
leak = "fail"
jobserver = "make"
pty = true
interactive = true
default = false
tags = ["slow"]
dir = "./crates/../crates/core"
env = { N = 1, B = true, CARGO_TERM_COLOR = "never" }
outputs = ["target/x"]
when = { os = "linux", env = ["HOME"], ci = true, branch = ["main"] }

[profiles.quick]
stages = ["fmt"]
description = "before a commit"
tags = ["slow"]
skip = ["t*"]
[remotes.build-box]
host = "ci@build.example.invalid:22"
port = 2222
session = "checks"
dir = "~/src/a project"
sync = { mode = "rsync", include = ["gen/**"] }
env = { N = 1 }
slots = 8
description = "the fast one"
timeout = "5s"
give-up = "1h"
[remotes.other]
host = "build.example.invalid"
user = "ci"
sync = "none"
[hooks]
pre-push = ["fmt"]
[secrets]
TOKEN = { env = "TOKEN" }
[matchers.x]
pattern = '^(?<file>.+): (?<message>.+)$'
"#,
    );
    assert_eq!(loaded.warnings, [""; 0]);
    assert_eq!(names(&loaded), ["fmt", "test"]);
    let run = loaded.pipeline.run();
    assert_eq!((run.jobs, run.fail_fast, run.output.as_deref()), (Some(4), Some(true), Some("grouped")));
    assert_eq!((run.flaky, run.timeout), (Some(crate::pipeline::Flaky::Fail), Some(Duration::from_hours(1))));
    assert_eq!(run.annotations, Annotations::Passthrough);

    let fmt = stage(&loaded, "fmt");
    assert_eq!(fmt.action, script("cargo fmt --all -- --check"));
    assert_eq!(fmt.fix.clone().map(Action::Run), Some(script("cargo fmt --all")));
    assert_eq!(fmt.policy.timeout, Some(Duration::from_mins(20)));
    assert_eq!((fmt.policy.retries, fmt.tags.as_slice()), (2, &["all".to_owned()][..]));
    assert_eq!(fmt.env, BTreeMap::from([("CARGO_TERM_COLOR".into(), "always".into())]));

    let test = stage(&loaded, "test");
    assert_eq!(test.action, Action::Run(Command::Argv(vec!["cargo".into(), "test".into()])));
    assert_eq!(needs(&loaded, "test"), ["fmt"]);
    assert_eq!(
        test.policy,
        Policy {
            timeout: None,
            grace: Duration::from_secs(5),
            retries: 1,
            retry_delay: Duration::from_millis(500),
            allow_failure: true,
            threads: 2,
            locks: vec!["target".into()],
            log_max: 64 << 20,
            leak: Leak::Fail,
            jobserver: Jobserver::Make,
            pty: true,
            interactive: true,
        }
    );
    assert_eq!(test.dir, PathBuf::from("crates/core"));
    assert_eq!(test.env["N"], "1");
    assert_eq!(test.env["B"], "true");
    assert_eq!(test.env["CARGO_TERM_COLOR"], "never");
    assert_eq!(test.tags, ["slow"]);
    assert!(!test.default);
    assert_eq!(test.when.os.as_deref(), Some(&["linux".to_owned()][..]));
    assert_eq!(test.when.env, BTreeMap::from([("HOME".into(), None)]));
    assert_eq!((test.when.ci, test.when.branch.as_deref()), (Some(true), Some(&["main".to_owned()][..])));
    assert_eq!(loaded.pipeline.profiles()["quick"].skip, ["t*"]);
}

#[test]
fn shells_and_scripts() {
    let loaded = sound(
        r#"
[defaults]
shell = "bash"
[stages.a]
run = """
echo one
echo two
"""
[stages.b]
run = "x"
shell = ["fish", "-c"]
[stages.c]
run = "x"
shell = "/usr/bin/zsh"
"#,
    );
    let shell = |name: &str| match &stage(&loaded, name).action {
        Action::Run(Command::Shell { shell, script, .. }) => (shell.join(" "), script.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(shell("a"), ("bash -e -c".into(), "echo one\necho two\n".into()));
    assert_eq!(shell("b").0, "fish -c");
    assert_eq!(shell("c").0, "/usr/bin/zsh -e -c");
}

#[test]
fn a_matrix_becomes_cells() {
    let loaded = sound(
        r#"
[stages.fmt]
run = "fmt"
[stages.test]
run = "cargo +${matrix.rust} test ${matrix.flags} $${matrix.rust}"
description = "on ${matrix.os}"
dir = "ci/${matrix.os}"
env = { V = "${matrix.rust}" }
needs = ["fmt"]
[stages.test.matrix]
rust = ["1.80", "stable"]
os = ["linux", "macos"]
exclude = [{ rust = "1.80", os = "macos" }]
include = [
  { rust = "stable", flags = "--doc" },
  { rust = "nightly", os = "linux" },
]
[stages.pack]
run = "pack"
needs = ["test", "test:1.80:linux"]
[stages.one]
run = "one"
needs = ["test:nightly:linux"]
[stages.listed]
run = "x"
matrix = { include = [{ a = 1, b = "x" }, { a = 2, b = "y" }] }
"#,
    );
    assert_eq!(
        names(&loaded),
        [
            "fmt",
            "test:1.80:linux",
            "test:stable:linux",
            "test:stable:macos",
            "test:nightly:linux",
            "pack",
            "one",
            "listed:1:x",
            "listed:2:y"
        ]
    );
    let cell = stage(&loaded, "test:stable:macos");
    assert_eq!(cell.declared.as_str(), "test");
    assert_eq!(cell.action, script("cargo +stable test --doc ${matrix.rust}"));
    assert_eq!(cell.description.as_deref(), Some("on macos"));
    assert_eq!(cell.dir, PathBuf::from("ci/macos"));
    let env = [("MATRIX_FLAGS", "--doc"), ("MATRIX_OS", "macos"), ("MATRIX_RUST", "stable"), ("V", "stable")];
    assert_eq!(cell.env, env.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(cell.matrix["rust"], "stable");
    assert_eq!(stage(&loaded, "test:1.80:linux").action, script("cargo +1.80 test  ${matrix.rust}"));
    assert_eq!(needs(&loaded, "test:nightly:linux"), ["fmt"]);
    assert_eq!(needs(&loaded, "pack").len(), 4, "every cell once");
    assert_eq!(needs(&loaded, "one"), ["test:nightly:linux"]);
    assert_eq!(loaded.pipeline.find("test"), None);
}

#[test]
fn a_cell_cannot_leave_the_project() {
    let text = "[stages.a]\nrun = \"x\"\ndir = \"x/${matrix.d}\"\nmatrix = { d = [\"../..\"] }\n";
    let text = text.replace("d = [\"../..\"]", "n = [1], include = [{ d = \"../../y\" }]");
    let error = load(&[("local-ci.toml", &text)]).unwrap_err();
    assert_eq!(error.faults().iter().map(|fault| fault.code).collect::<Vec<_>>(), ["LC0415"]);
}

#[test]
fn environments_are_layered() {
    let text = r#"
[env]
A = "env"
B = "env"
C = "env"
D = "env"
E = "env"
[defaults]
env = { B = "defaults", C = "defaults", D = "defaults", E = "defaults" }
env-file = "all.env"
[stages.a]
run = "x"
env = { D = "stage", E = "stage" }
matrix = { e = [1] }
[stages.b]
run = "x"
env-file = ["b.env", "none.env?"]
"#;
    let files = |path: &Path| match path.to_str() {
        Some("all.env") => Some("C=file\nD=file\nMATRIX_E=file\n".into()),
        Some("b.env") => Some("A=b\n".into()),
        _ => None,
    };
    let loaded = parse(Path::new("/project"), &[("local-ci.toml", text)], &files, &NoSupplier).unwrap();
    let values = |name: &str| {
        let env = &stage(&loaded, name).env;
        ["A", "B", "C", "D", "E"].map(|variable| env[variable].clone()).join(" ")
    };
    assert_eq!(values("a:1"), "env defaults file stage stage");
    assert_eq!(stage(&loaded, "a:1").env["MATRIX_E"], "1");
    assert_eq!(values("b"), "b defaults defaults defaults defaults", "its own files replace those for all");
}

#[test]
fn keys_of_later_versions_are_named() {
    let loaded = sound(
        r#"
[secrets]
TOKEN = true
[defaults]
secrets = ["TOKEN"]
[stages.a]
run = "x"
interactive = true
when = { changed = ["src/**"], hook = "pre-push" }
[stages.b]
run = "x"
on = "box"
secrets = []
interactive = false
[remotes.box]
host = "box.example.invalid"
"#,
    );
    let a = stage(&loaded, "a");
    assert_eq!(a.secrets, ["TOKEN"], "so are these");
    assert_eq!(a.when.changed, Some(vec!["src/**".to_owned()]));
    assert_eq!(a.when.hook, Some(vec!["pre-push".to_owned()]));
    assert!(a.policy.interactive, "this one is of this version");
    let b = stage(&loaded, "b");
    assert_eq!(b.placement, Placement::Remote("box".into()));
    assert_eq!(loaded.warnings, [""; 0]);
}

#[test]
fn an_override_changes_key_by_key() {
    let base = r#"
[run]
jobs = 4
output = "live"
[stages.a]
run = "a"
timeout = "5m"
env = { X = "1", Y = "1" }
[stages.b]
run = "b"
[plugins.hygiene]
source = "path:plugins/hygiene"
"#;
    let over = r#"
[run]
jobs = 1
[stages.a]
timeout = "none"
env = { X = "2" }
[stages.b]
uses = "hygiene"
[stages.c]
run = "c"
needs = ["a"]
"#;
    let loaded = load(&[("local-ci.toml", base), ("local-ci.local.toml", over)]).unwrap();
    assert_eq!(names(&loaded), ["a", "b", "c"]);
    assert_eq!((loaded.pipeline.run().jobs, loaded.pipeline.run().output.as_deref()), (Some(1), Some("live")));
    let a = stage(&loaded, "a");
    assert_eq!((a.policy.timeout, a.env["X"].as_str(), a.env["Y"].as_str()), (None, "2", "1"));
    assert_eq!(
        stage(&loaded, "b").action,
        Action::Use(Use { plugin: "hygiene".into(), kind: "hygiene".into(), params: "{}".into(), fix: false })
    );
    assert_eq!(loaded.sources.len(), 2);
}

/// H124: a file with Windows line ends is the same file.
#[test]
fn h124_line_ends_do_not_matter() {
    let text = "[stages.a]\nrun = \"\"\"\none\ntwo\n\"\"\"\n";
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(stage(&sound(text), "a").action, script("one\ntwo\n"));
    assert_eq!(stage(&sound(&crlf), "a").action, script("one\ntwo\n"));
}

/// H98, H99: thousands of stages, in a chain and in a fan.
#[test]
fn h98_h99_ten_thousand_stages() {
    let mut text = String::new();
    for i in 0..10_000_u32 {
        let _ = writeln!(text, "[stages.s{i}]\nrun = \"true\"\ntags = [\"x\"]");
        if i > 0 {
            let _ = writeln!(text, "needs = [\"s{}\", \"s0\"]", i - 1);
        }
    }
    let _ = writeln!(text, "[stages.all]\nrun = \"true\"\nneeds = [{}]", {
        let names: Vec<String> = (0..10_000).map(|i| format!("\"s{i}\"")).collect();
        names.join(", ")
    });
    let loaded = sound(&text);
    assert_eq!(loaded.pipeline.stages().len(), 10_001);
    assert_eq!(needs(&loaded, "all").len(), 10_000);
    assert_eq!(needs(&loaded, "s9999"), ["s9998", "s0"]);
}

/// H125: what was read is kept with its hash, so that a run can say what it ran.
#[test]
fn h125_the_text_that_was_read_is_kept() {
    let loaded = sound("[stages.a]\nrun = \"x\"\n");
    assert_eq!(loaded.sources[0].text, "[stages.a]\nrun = \"x\"\n");
    assert_eq!(loaded.sources[0].hash, blake3::hash(b"[stages.a]\nrun = \"x\"\n").to_hex().to_string());
}

#[test]
fn an_empty_file_is_an_empty_pipeline() {
    assert!(sound("").pipeline.stages().is_empty());
}
