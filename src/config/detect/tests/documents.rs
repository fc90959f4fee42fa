//! The text that is made: sound, the same each time, and drawn upon where a file is broken.

use super::Tree;
use crate::config::{ConfigError, EXAMPLE, NoSupplier, parse};

#[test]
fn the_document_explains_itself() {
    let package = r#"{ "scripts": { "test": "node --test\u001b[2K", "lint": "eslint ." } }"#;
    let tree = Tree::new(&[("go.mod", ""), ("package.json", package), ("Makefile", "check:\n")]);
    let found = tree.found("");
    assert_eq!(found, tree.found(""), "it is the same each time");
    insta::assert_snapshot!(found.text, @r#"
    # What local-ci runs here, found from the project's files: go, node.
    # `local-ci plan` says what would run; `local-ci validate` looks for mistakes.

    [stages.fmt]
    description = "The code is formatted"
    run = '''
    unformatted=$(find . \( -name vendor -o -name testdata \) -prune -o -name '*.go' -exec gofmt -l {} +)
    if [ -n "$unformatted" ]; then
        printf 'not formatted:\n%s\n' "$unformatted"
        exit 1
    fi
    '''
    fix = ["go", "fmt", "./..."]
    tags = ["go"]

    [stages.vet]
    description = "Vet has nothing to say"
    run = ["go", "vet", "./..."]
    annotate = ["go"]
    tags = ["go"]

    [stages.go-test]
    description = "The tests pass"
    run = ["go", "test", "./..."]
    annotate = ["go"]
    tags = ["go"]

    # package.json has the script lint: eslint .
    [stages.lint]
    description = "The linter has nothing to say"
    run = ["npm", "run", "-s", "lint", "--"]
    annotate = ["eslint"]
    tags = ["node"]

    # package.json has the script test: node --test␛[2K
    # CI keeps test runners from waiting for changes.
    [stages.node-test]
    description = "The tests pass"
    run = ["npm", "run", "-s", "test", "--"]
    env = { CI = "true" }
    tags = ["node"]

    # Does nothing itself: `local-ci test` runs what it needs.
    [stages.test]
    description = "All of go-test, node-test"
    run = ["true"]
    needs = ["go-test", "node-test"]
    default = false

    # There is a Makefile, too. Its checks are no stages, since they mostly call the same tools. One that does
    # more would be:
    #   [stages.check]
    #   run = ["make", "check"]

    # More that a stage can have (`local-ci explain config` has every key):
    #   needs = ["fmt"]            stages that come first
    #   timeout = "20m"            how long it may take; `retries = 1` tries again
    #   env = { KEY = "value" }    `env-file = ".env?"` for a file of them
    #   when = { ci = false }      skips it elsewhere; also by os, branch and variables
    #   default = false            runs only when it is named
    # What is for you alone goes into local-ci.local.toml beside this file; keep that one out of git.
    "#);
}

#[test]
fn the_example_passes_as_it_stands() {
    let loaded = parse("/project".as_ref(), &[("local-ci.toml", EXAMPLE)], &|_| None, &NoSupplier).unwrap();
    assert_eq!(loaded.pipeline.stages().len(), 2);
}

/// What is commented out as advice is right when it is not.
#[test]
fn the_advice_is_sound() {
    let tree = Tree::new(&[("Cargo.toml", ""), ("Makefile", "check:\n")]);
    let text = tree.found("").text;
    let advice = text.lines().filter_map(|line| line.strip_prefix("#   ")).filter(|line| line.contains(['=', '[']));
    let (keys, tables): (Vec<&str>, Vec<&str>) =
        advice.partition(|line| !line.contains("make") && !line.starts_with('['));
    assert_eq!((keys.len(), tables.len()), (5, 2), "{text}");
    let keys: Vec<&str> = keys.iter().map(|line| line.split("   ").next().unwrap()).collect();
    let whole = format!("[stages.fmt]\nrun = 'x'\n[stages.x]\nrun = 'x'\n{}\n{}", keys.join("\n"), tables.join("\n"));
    parse("/project".as_ref(), &[("x", &whole)], &|_| None, &NoSupplier)
        .unwrap_or_else(|e| panic!("{}", e.render(false, 100)));
}

#[test]
fn what_one_person_changes_goes_over_what_was_found() {
    let tree =
        Tree::new(&[("Cargo.toml", ""), ("local-ci.local.toml", "[stages.test]\ntimeout = '5m'\nretries = 1\n")]);
    let loaded = tree.load("").unwrap();
    let test = loaded.pipeline.stages().values().find(|stage| stage.name.as_str() == "test").unwrap();
    assert_eq!((test.policy.retries, loaded.sources.len()), (1, 2));
    assert_eq!(loaded.detected.unwrap().kinds, ["rust"]);
    let tree = Tree::new(&[("Cargo.toml", ""), ("local-ci.toml", "[stages.x]\nrun = 'x'\n")]);
    assert!(tree.load("").unwrap().detected.is_none(), "a configuration always wins");
}

fn drawn(error: &ConfigError) -> String {
    error.render(false, 100)
}

#[test]
fn broken_files_are_drawn_where_they_break() {
    let tree = Tree::new(&[
        ("package.json", "{\r\n  \"scripts\": {\r\n    \"test\": é\r\n  }\r\n}\r\n"),
        ("pyproject.toml", "[project]\nname = \n"),
    ]);
    insta::assert_snapshot!(drawn(&tree.load("").unwrap_err()), @r#"
    LC0107

      × package.json is not JSON: expected value
       ╭─[package.json:3:13]
     2 │   "scripts": {
     3 │     "test": é
       ·             ┬
       ·             ╰── here
     4 │   }
       ╰────
      help: mend it, or say what to run in a local-ci.toml

    LC0107

      × pyproject.toml is not TOML: string values must be quoted, expected literal string
       ╭─[pyproject.toml:2:8]
     1 │ [project]
     2 │ name = 
       ·        ▲
       ·        ╰── here
       ╰────
      help: mend it, or say what to run in a local-ci.toml

    2 faults in the configuration
    "#);
    let tree = Tree::new(&[("deno.jsonc", "// x\n[]\n")]);
    insta::assert_snapshot!(drawn(&tree.load("").unwrap_err()), @"
    LC0107

      × deno.jsonc is not an object: it has to begin with `{`
       ╭─[deno.jsonc:2:1]
     1 │ // x
     2 │ []
       · ┬
       · ╰── here
       ╰────
      help: mend it, or say what to run in a local-ci.toml

    1 fault in the configuration
    ");
    for text in ["", "{", "\"", "{} x", "[", "nul", "{\"scripts\":", "\u{1b}"] {
        let tree = Tree::new(&[("package.json", text)]);
        let error = tree.load("").unwrap_err();
        assert_eq!((error.list().len(), error.list()[0].code().id()), (1, "LC0107"), "{text:?}");
        assert!(!drawn(&error).contains('\u{1b}'));
    }
    let tree = Tree::new(&[("package.json", "{\"scripts\": 3}")]);
    assert!(tree.load("").unwrap_err().is_not_found());
}
