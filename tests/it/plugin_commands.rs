//! `plugin`: from nothing to a plugin that a run uses, and what keeps one from being used.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::forge::{About, Forge};
use crate::support::{Project, assert_transcript};

const CONFIG: &str = "# ours\n[stages.a] # first\nrun = 'true'\n";

/// A component that needs to know the time, and passes every stage.
fn component(needs: &[(&'static str, &'static str)]) -> Vec<u8> {
    let mut forge = Forge::default();
    let examples = r#"[{ "name": "passes", "role": "stage", "kind": "sample", "expect": { "verdict": "passed" } },
                       { "name": "is wrong", "role": "stage", "kind": "sample", "expect": { "verdict": "failed" } }]"#;
    let info = forge.info(&About { needs: needs.to_vec(), examples, ..About::default() });
    forge.describe = Some(format!("(i32.const {info})"));
    let outcome = forge.outcome(0, Some("all is well"));
    forge.run = format!("(i32.const {outcome})");
    forge.build()
}

/// A project with a component in it, and a config that does not know of it.
fn project() -> Project {
    let project = Project::new();
    project.write(".git/HEAD", "").config(CONFIG).write("tools/README", "");
    project.expects("tools/sample.wasm").expects("local-ci.lock");
    fs::write(project.dir().join("tools/sample.wasm"), component(&[("clock", "true")])).unwrap();
    project
}

fn flip(project: &Project) {
    let path = project.dir().join("tools/sample.wasm");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_plugin_is_added_used_and_taken_out_again() {
    let project = project();
    let run = |args: &[&str]| project.local_ci(args).output();
    assert_transcript!(run(&["plugin", "add", "path:tools/sample.wasm"]), @r#"
    $ local-ci plugin add path:tools/sample.wasm
    --- stderr
    sample 1.2.3: a sample
    it can make stages, which run any command that it says, whatever is granted: `local-ci plan -v` shows them
    it needs
        clock  true  because
    error: plugin sample needs more than local-ci.toml grants; nothing was changed
      hint: `--yes` grants it; or write this into local-ci.toml, then `local-ci plugin update sample`, with --as-granted where you grant less:
        [plugins.sample]
        source = "path:tools/sample.wasm"
        grants = { clock = true }
    --- exit 2
    "#);
    assert_eq!(fs::read_to_string(project.dir().join("local-ci.toml")).unwrap(), CONFIG);
    assert!(!project.dir().join("local-ci.lock").exists());
    run(&["plugin", "add", "path:tools/sample.wasm", "--yes"]).assert_code(0);
    let added = fs::read_to_string(project.dir().join("local-ci.toml")).unwrap();
    assert_eq!(
        added,
        format!("{CONFIG}\n[plugins.sample]\nsource = \"path:tools/sample.wasm\"\ngrants = {{ clock = true }}\n")
    );
    run(&["plugin", "verify", "--locked"]).assert_code(0);

    project.config(&format!("{added}[stages.b]\nuses = \"sample\"\n"));
    let finished = run(&["--locked", "b"]).assert_code(0);
    assert!(finished.stdout().contains("all is well"), "{}", finished.stdout());
    assert_transcript!(run(&["plugin", "remove", "sample"]), @r"
    $ local-ci plugin remove sample
    --- stderr
    error: plugin sample is still used by stages.b
      hint: take it out there first; nothing was changed
    --- exit 2
    ");
    assert_transcript!(run(&["plugin", "remove", "sampel"]), @r#"
    $ local-ci plugin remove sampel
    --- stderr
    error: there is no plugin "sampel" in local-ci.toml; did you mean sample?
    --- exit 2
    "#);
    project.config(&added);
    run(&["plugin", "remove", "sample"]).assert_code(0);
    assert_eq!(fs::read_to_string(project.dir().join("local-ci.toml")).unwrap(), CONFIG);
    assert!(!fs::read_to_string(project.dir().join("local-ci.lock")).unwrap().contains("sample"));
    project.assert_nothing_left();
}

/// H161: other bytes than those that were locked are refused wherever they would be used, until somebody approves them.
#[test]
fn h161_a_swapped_component_is_refused_until_it_is_updated() {
    let project = project();
    let run = |args: &[&str]| project.local_ci(args).output();
    run(&["plugin", "add", "path:tools/sample.wasm", "--yes"]).assert_code(0);
    let config = fs::read_to_string(project.dir().join("local-ci.toml")).unwrap();
    project.config(&format!("{config}[stages.b]\nuses = \"sample\"\n"));
    run(&["b"]).assert_code(0);
    flip(&project);
    for args in [&["b"][..], &["plan"], &["validate"], &["--locked", "b"]] {
        let said = run(args).assert_code(2).stderr();
        assert!(said.contains("plugin sample is not what was locked"), "{said}");
        assert!(said.contains("local-ci plugin update sample"), "{said}");
    }
    let verified = run(&["plugin", "verify"]).assert_code(2).stderr();
    assert!(verified.contains("FAILED  sample: plugin sample is not what was locked"), "{verified}");
    let listed: Value = serde_json::from_slice(&run(&["plugin", "list", "--json"]).assert_code(0).stdout).unwrap();
    assert!(listed["plugins"][0]["problem"].as_str().unwrap().contains("is not what was locked"), "{listed}");
    assert_eq!(listed["plugins"][0]["used_by"][0], "stages.b");

    // Another component, which asks for more.
    fs::write(project.dir().join("tools/sample.wasm"), component(&[("clock", "true"), ("env", "HOME")])).unwrap();
    let locked = run(&["plugin", "update", "--locked"]).assert_code(2).stderr();
    assert!(locked.contains("plugin sample is not what was locked"), "{locked}");
    let refused = run(&["plugin", "update"]).assert_code(2).stderr();
    assert!(refused.contains("    [plugins.sample.grants]\n    env = [\"HOME\"]\n    clock = true\n"), "{refused}");
    run(&["b"]).assert_code(2);
    run(&["plugin", "update", "--as-granted"]).assert_code(0);
    run(&["--locked", "b"]).assert_code(0);
    let granted = fs::read_to_string(project.dir().join("local-ci.toml")).unwrap();
    assert!(granted.contains("grants = { clock = true }\n"), "{granted}");
    project.assert_nothing_left();
}

#[test]
fn a_component_is_looked_at_and_tried_before_it_is_added() {
    let project = project();
    let shown = project.local_ci(&["plugin", "inspect", "tools/sample.wasm", "--json"]).output().assert_code(0);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["name"], &shown["version"]), (&"sample".into(), &"1.2.3".into()));
    assert_eq!(shown["needs"][0]["reason"], "because");
    assert_eq!(shown["roles"], serde_json::json!(["stage", "parser", "expander", "reporter"]));
    assert_transcript!(project.local_ci(&["plugin", "test", "tools/sample.wasm"]).output(), @r#"
    $ local-ci plugin test tools/sample.wasm
    ok      passes
    FAILED  is wrong
            verdict: expected "failed", found "passed"
    --- stderr
    sample: 1 of 2 examples came out otherwise
    --- exit 1
    "#);
    fs::write(project.dir().join("tools/sample.wasm"), "not wasm").unwrap();
    let said = project.local_ci(&["plugin", "inspect", "tools/sample.wasm"]).output().assert_code(2).stderr();
    assert!(said.starts_with("error: plugin sample is no WebAssembly"), "{said}");
    project.assert_nothing_left();
}

#[test]
fn what_is_new_builds_where_the_tools_are_and_says_what_is_missing() {
    let project = Project::new();
    project.write(".git/HEAD", "").config(CONFIG);
    for (language, missing) in [
        ("rust", "cargo is not installed"),
        ("js", "componentize-qjs is not installed"),
        ("python", "componentize-py is not installed"),
        ("c", "neither clang nor zig is installed"),
    ] {
        let dir = format!("plugins/{language}");
        let made = project.local_ci(&["plugin", "new", language, "--lang", language]).output().assert_code(0);
        expect_below(&project, &dir);
        let next = format!(
            "next: local-ci plugin build {dir}\n      local-ci plugin test {dir}\n      local-ci plugin add path:{dir}\n"
        );
        assert!(made.stderr().ends_with(&next), "{}", made.stderr());
        let again = project.local_ci(&["plugin", "new", language, "--lang", language]).output().assert_code(2);
        assert!(again.stderr().contains("already; nothing was written"), "{}", again.stderr());
        // Where there are none of the tools.
        let built = project.local_ci(&["plugin", "build", &dir]).env("PATH", "/nonexistent").output().assert_code(2);
        let said = built.stderr();
        assert!(said.contains(missing) && said.contains("\n  hint: "), "{said}");
        let added = project.local_ci(&["plugin", "add", &format!("path:{dir}")]).output().assert_code(2).stderr();
        assert!(added.contains(&format!("is not built\n  hint: `local-ci plugin build {dir}`")), "{added}");
    }
    let said = project.local_ci(&["plugin", "build", "."]).output().assert_code(2).stderr();
    assert!(said.contains("says how a plugin is built of it"), "{said}");
    project.assert_nothing_left();
}

/// What there is of a compiler is named, and what there is not.
#[test]
fn a_clang_that_makes_no_webassembly_is_said_to_lack_what_it_lacks() {
    let project = Project::new();
    project.write(".git/HEAD", "").config(CONFIG);
    project.local_ci(&["plugin", "new", "words", "--lang", "c"]).output().assert_code(0);
    expect_below(&project, "plugins/words");
    let bin = project.side("bin");
    fs::create_dir(&bin).unwrap();
    let program = |name: &str, script: &str| {
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let build = || project.local_ci(&["plugin", "build", "plugins/words"]).env("PATH", &bin).output().assert_code(2);
    program("clang", "case $1 in --print-prog-name=*) echo wasm-ld ;; *) echo ' x86-64  - for people' ;; esac");
    let said = build().stderr();
    assert!(said.contains("its linker wasm-ld is not") && said.contains("install Python 3, then `cd "), "{said}");
    program("wasm-ld", "exit 1");
    program("python3", "exit 1");
    let said = build().stderr();
    assert!(said.contains("does not make WebAssembly") && said.contains("\n  hint: `cd "), "{said}");
    // What it says itself is shown.
    program("zig", "echo \"plugin.c:1:2: error: $1 $2\" >&2; exit 1");
    let said = build().stderr();
    assert!(said.contains("zig failed with exit code 1"), "{said}");
    assert!(said.contains("  | plugin.c:1:2: error: cc --target=wasm32-freestanding"), "{said}");
    project.assert_nothing_left();
}

/// Says that these files are meant to be there.
fn expect_below(project: &Project, dir: &str) {
    project.expects(dir);
    for entry in fs::read_dir(project.dir().join(dir)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{dir}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            expect_below(project, &path);
        } else {
            project.expects(path);
        }
    }
}

/// Who sits there is asked for what is missing, and nothing is done before an answer that says so in words.
#[test]
fn who_sits_at_a_terminal_is_asked_what_to_grant() {
    let project = project();
    let config = || fs::read_to_string(project.dir().join("local-ci.toml")).unwrap();
    let add = ["plugin", "add", "path:tools/sample.wasm"];
    for (keys, code) in [("\r", 2), ("n\r", 2), ("yup\r", 2), ("\x04", 2)] {
        let mut terminal = project.local_ci(&add).on_terminal(40, 120);
        terminal.wait_for_screen("grant all of this? [y/N]");
        let asked = terminal.screen();
        assert!(asked.contains("sample 1.2.3: a sample") && asked.contains("clock  true  because"), "{asked}");
        terminal.type_keys(keys);
        let left = terminal.wait();
        assert_eq!(left.status.code(), Some(code), "{keys:?}\n{}", left.screen);
        assert!(left.screen.contains("nothing was changed"), "{keys:?}\n{}", left.screen);
        assert_eq!(config(), CONFIG);
        assert!(!project.dir().join("local-ci.lock").exists());
    }
    let mut terminal = project.local_ci(&add).on_terminal(40, 120);
    terminal.wait_for_screen("[y/N]");
    terminal.type_keys("\x03");
    assert!(!terminal.wait().status.success());
    assert_eq!(config(), CONFIG);
    // With --yes, and in CI, nobody is asked.
    let silent = project.local_ci(&add).env("CI", "true").on_terminal(40, 120).wait();
    assert!(silent.status.code() == Some(2) && !silent.screen.contains("[y/N]"), "{}", silent.screen);

    let mut terminal = project.local_ci(&add).on_terminal(40, 120);
    terminal.wait_for_screen("[y/N]");
    terminal.type_keys("y\r");
    let left = terminal.wait();
    assert!(left.status.success() && left.screen.contains("added plugin sample"), "{}", left.screen);
    assert!(config().contains("grants = { clock = true }"), "{}", config());

    // A later one that wants more is asked for again, and what was granted before stays where that is refused.
    fs::write(project.dir().join("tools/sample.wasm"), component(&[("clock", "true"), ("env", "HOME")])).unwrap();
    for (keys, granted) in [("no\r", "grants = { clock = true }"), ("YES\r", "env = [\"HOME\"]")] {
        let mut terminal = project.local_ci(&["plugin", "update"]).on_terminal(40, 120);
        terminal.wait_for_screen("[y/N]");
        terminal.type_keys(keys);
        let left = terminal.wait();
        assert_eq!(left.status.success(), keys == "YES\r", "{}", left.screen);
        assert!(config().contains(granted), "{}", config());
    }
    project.local_ci(&["plugin", "verify", "--locked"]).output().assert_code(0);
    project.assert_nothing_left();
}
