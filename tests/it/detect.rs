//! Projects without a config, as a newcomer has them: what runs is what their own files say.

use serde_json::Value;

use crate::doctor::program;
use crate::support::{Finished, Invocation, Project, assert_transcript, have, toolchain};

/// Puts a directory before all others on the path.
fn with_path<'p>(invocation: Invocation<'p>, first: &std::path::Path) -> Invocation<'p> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([first.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    invocation.env("PATH", path)
}

/// What came of each stage, as the report has it.
fn statuses(finished: &Finished) -> Vec<String> {
    let report: Value = serde_json::from_slice(&finished.stdout).unwrap();
    let text = |stage: &Value, key: &str| stage[key].as_str().unwrap().to_owned();
    let stages = report["results"].as_array().unwrap().iter();
    stages.map(|stage| format!("{} {}", text(stage, "name"), text(stage, "status"))).collect()
}

#[test]
fn a_crate_is_formatted_linted_and_tested() {
    let Some(bin) = toolchain(&["cargo", "cargo-fmt", "cargo-clippy"]) else { return };
    let project = Project::new();
    project.write("Cargo.toml", "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    project.write("src/lib.rs", "//! Small.\n#[test]\nfn works() {}\n").expects("Cargo.lock");
    let local_ci = |args: &[&str]| {
        with_path(project.local_ci(args), &bin)
            .env("CARGO_HOME", project.side("cargo"))
            .env("CARGO_TARGET_DIR", project.side("target"))
            .env("CARGO_NET_OFFLINE", "true")
            .limit(std::time::Duration::from_mins(3))
    };
    let finished = local_ci(&["--json"]).output().assert_code(0);
    assert_eq!(statuses(&finished), ["fmt pass", "clippy pass", "test pass"]);
    // What is wrong with the layout does not keep the tests from being run.
    project.write("src/lib.rs", "//! Small.\n#[test]\nfn works()   {}\n");
    let finished = local_ci(&["--json", "fmt", "test"]).output().assert_code(1);
    assert_eq!(statuses(&finished), ["fmt fail", "test pass"]);
    local_ci(&["--fix", "fmt", "--quiet"]).output().assert_code(0);
    local_ci(&["fmt", "--quiet"]).cwd("src").output().assert_code(0);
    project.assert_nothing_left();
}

#[test]
fn a_package_runs_its_scripts() {
    if !have("npm") {
        return;
    }
    let project = Project::new();
    project.write(
        "package.json",
        r#"{ "scripts": { "lint": "echo linted", "test": "node -e 'console.log(process.env.CI, process.argv[1])' --" } }"#,
    );
    let local_ci = |args: &[&str]| {
        project.local_ci(args).env("npm_config_cache", project.side("npm")).env("npm_config_update_notifier", "false")
    };
    let finished = local_ci(&[]).output().assert_code(0);
    assert!(finished.stdout().contains("\nlinted\n"), "{}", finished.transcript());
    let finished = local_ci(&["test", "--", "--flag"]).output().assert_code(0);
    assert!(finished.stdout().contains("\ntrue --flag\n"), "arguments reach the script: {}", finished.transcript());
    project.assert_nothing_left();
}

#[test]
fn tests_of_python_run_without_any_package() {
    if !have("python3") {
        return;
    }
    let project = Project::new();
    project.write("setup.cfg", "[metadata]\nname = small\n");
    let test = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertTrue(True)\n";
    project.write("tests/test_it.py", test);
    let finished = project.local_ci(&["--json"]).env("PYTHONDONTWRITEBYTECODE", "1").output().assert_code(0);
    assert_eq!(statuses(&finished), ["test pass"]);
    project.assert_nothing_left();
}

#[test]
fn targets_of_make_run_one_at_a_time() {
    if !have("make") {
        return;
    }
    let project = Project::new();
    project
        .write("Makefile", "lint:\n\techo linted\ntest: prepared\n\ttest -e prepared\nprepared:\n\ttouch prepared\n");
    project.expects("prepared");
    let finished = project.local_ci(&["--json"]).output().assert_code(0);
    assert_eq!(statuses(&finished), ["lint pass", "test pass"]);
    project.assert_nothing_left();
}

/// With stand-ins for Go's own tools: what the stages hand them, and what they make of the answers.
#[test]
fn a_module_of_go_is_checked_without_what_others_wrote() {
    let project = Project::new();
    project.write("go.mod", "module example\n").write("good.go", "").write("sub/bad.go", "");
    project.write("vendor/bad.go", "").write("sub/testdata/bad.go", "");
    let bin = project.side("bin");
    program(&bin.join("gofmt"), "for file; do case $file in *bad.go) echo \"$file\" ;; esac; done");
    program(&bin.join("go"), "echo \"go $*\"");
    let local_ci = |args: &[&str]| with_path(project.local_ci(args), &bin).output();
    let said = local_ci(&["fmt"]).assert_code(1).stdout();
    assert!(said.contains("\nnot formatted:\n./sub/bad.go\n::endgroup::"), "{said}");
    let said = local_ci(&["vet", "test", "--fix", "fmt"]).assert_code(0).stdout();
    for call in ["\ngo vet ./...\n", "\ngo test ./...\n", "\ngo fmt ./...\n"] {
        assert!(said.contains(call), "{call:?}: {said}");
    }
    std::fs::remove_file(project.dir().join("sub/bad.go")).unwrap();
    local_ci(&["fmt", "-q"]).assert_code(0);
    program(&bin.join("gofmt"), "exit 2");
    local_ci(&["fmt", "-q"]).assert_code(1);
    project.assert_nothing_left();
}

/// A repository of two projects, seen from anywhere in it.
fn mixed() -> Project {
    let project = Project::new();
    project.write(".git/HEAD", "ref: refs/heads/main\n").write("docs/notes.md", "");
    project.write("backend/go.mod", "module example\n").write("web/yarn.lock", "");
    project.write("web/package.json", r#"{ "scripts": { "lint": "x", "test": "y" } }"#);
    project
}

#[test]
fn a_repository_of_several_kinds_has_the_stages_of_each() {
    let project = mixed();
    assert_transcript!(project.local_ci(&["plan", "-j", "2"]).cwd("docs").output(), @r#"
    $ local-ci plan -j 2
    5 of 5 stages would run, 2 at a time
      run   fmt           unformatted=$(find . \( -name vendor -o -name testdata \) -prune -o -name '*.go' -exec gofmt -l {} +) …
                          in the default set
      run   vet           go vet ./...
                          in the default set
      run   backend-test  go test ./...
                          in the default set
      run   lint          yarn run lint
                          in the default set
      run   web-test      yarn run test
                          in the default set
    --- stderr
    no local-ci.toml: detected go in backend, node in web; `local-ci init` writes it out
    --- exit 0
    "#);
    assert_transcript!(project.local_ci(&["list"]).output(), @r#"
    $ local-ci list
    fmt  never run: unformatted=$(find . \( -name vendor -o -name testdata \) -prune -o -name '*.go' -exec gofmt -l {} +) …  # The code is formatted
    vet  never run: go vet ./...  # Vet has nothing to say
    backend-test  never run: go test ./...  # The tests pass
    lint  never run: yarn run lint  # The linter has nothing to say
    web-test  never run: yarn run test  # The tests pass
    test  never run: true  [not in the default set]  # All of backend-test, web-test
    --- stderr
    no local-ci.toml: detected go in backend, node in web; `local-ci init` writes it out
    --- exit 0
    "#);
    assert_transcript!(project.local_ci(&["plan", "-j", "2", "test"]).output(), @"
    $ local-ci plan -j 2 test
    3 of 3 stages would run, 2 at a time
      run   backend-test  go test ./...
                          needed by test
      run   web-test      yarn run test
                          needed by test
      run   test          true
                          after backend-test, web-test
                          asked for
    --- stderr
    no local-ci.toml: detected go in backend, node in web; `local-ci init` writes it out
    --- exit 0
    ");
    assert_transcript!(project.local_ci(&["plan", "-j", "2", "--tag", "go"]).output(), @r#"
    $ local-ci plan -j 2 --tag go
    3 of 3 stages would run, 2 at a time
      run   fmt           unformatted=$(find . \( -name vendor -o -name testdata \) -prune -o -name '*.go' -exec gofmt -l {} +) …
                          asked for by --tag go
      run   vet           go vet ./...
                          asked for by --tag go
      run   backend-test  go test ./...
                          asked for by --tag go
    --- stderr
    no local-ci.toml: detected go in backend, node in web; `local-ci init` writes it out
    --- exit 0
    "#);
    // The nearest project is what is meant.
    assert_transcript!(project.local_ci(&["validate"]).cwd("web").output(), @"
    $ local-ci validate
    --- stderr
    no local-ci.toml: detected node; `local-ci init` writes it out
    the built-in pipeline: 2 stages, no faults
    --- exit 0
    ");
    let json = project.local_ci(&["list", "--json"]).output().assert_code(0);
    assert_eq!(serde_json::from_slice::<Value>(&json.stdout).unwrap().as_array().unwrap().len(), 6);
    project.assert_nothing_left();
}

#[test]
fn files_that_say_nothing_are_named() {
    let project = Project::new();
    project.write("package.json", "{ \"scripts\": {} }").write("Makefile", "all:\n");
    let finished = project.local_ci(&[]).output().redact(r"ended at .*", "ended at …");
    assert_transcript!(finished, @r#"
    $ local-ci
    --- stderr
    error: no local-ci.toml in [PROJECT] or above it: the search ended at …
      hint: nor does a file say what to run: package.json has no script for fmt, lint, typecheck, test, build; Makefile has no target check, lint or test; `local-ci init` writes a first config, and the smallest one is:

      [stages.test]
      run = "echo hello"
    --- exit 4
    "#);
}

#[test]
fn a_broken_project_file_runs_nothing() {
    let project = Project::new();
    project.write("Cargo.toml", "").write("package.json", "{ \"scripts\": { \"test\": \"touch mark\" }");
    assert_transcript!(project.local_ci(&[]).output(), @r#"
    $ local-ci
    --- stderr
    LC0107

      × package.json is not JSON: EOF while parsing an object
       ╭─[package.json:1:37]
     1 │ { "scripts": { "test": "touch mark" }
       ·                                     ┬
       ·                                     ╰── here
       ╰────
      help: mend it, or say what to run in a local-ci.toml

    1 fault in the configuration
      hint: `local-ci explain LC0107` says more about it
    --- exit 2
    "#);
    for args in [&["plan"][..], &["list"], &["validate"], &["init"], &["--json"]] {
        let finished = project.local_ci(args).output().assert_code(2);
        assert!(
            finished.stdout().is_empty() && finished.stderr().contains("package.json"),
            "{}",
            finished.transcript()
        );
    }
    assert!(!project.state_dir().exists());
    project.assert_nothing_left();
}

/// One's own changes go over what was found, and a mistake in them is drawn.
#[test]
fn ones_own_changes_go_over_what_was_found() {
    let project = mixed();
    project.write("web/local-ci.local.toml", "[stages.test]\nrun = \"echo mine\"\n[stages.lint]\ndefault = false\n");
    let finished = project.local_ci(&["--json"]).cwd("web").output().assert_code(0);
    assert_eq!(statuses(&finished), ["test pass"]);
    project.write("web/local-ci.local.toml", "[stages.test]\nneeds = [\"lnit\"]\n");
    let finished = project.local_ci(&[]).cwd("web").output().assert_code(2);
    assert!(finished.stderr().contains("did you mean `lint`?"), "{}", finished.stderr());
    project.assert_nothing_left();
}

/// H170: nothing that only looks runs anything of the project, or writes anything.
#[test]
fn h170_finding_out_what_to_run_runs_nothing() {
    let project = Project::new();
    project.write("Makefile", "X := $(shell touch mark)\nY != touch mark\ncheck: ; touch mark\n");
    project.write("justfile", "x := `touch mark`\ntest:\n  touch mark\n");
    project.write("package.json", r#"{ "scripts": { "preinstall": "touch mark", "test": "touch mark" } }"#);
    project.write("setup.py", "open('mark', 'w')\n").write("tests/test_x.py", "open('mark', 'w')\nimport unittest\n");
    project.write("build.gradle", "new File('mark').text = ''\n").write("build.rs", "");
    project.write("Cargo.toml", "[package]\nname = \"x\"\nbuild = \"build.rs\"\n").write("gradlew", "touch mark\n");
    let looks: &[&[&str]] =
        &[&["plan"], &["plan", "--json"], &["list"], &["validate"], &["init", "--dry-run"], &["--list"]];
    for args in looks {
        project.local_ci(args).output().assert_code(0);
        assert!(!project.state_dir().exists(), "{args:?}");
        project.assert_nothing_left();
    }
}
