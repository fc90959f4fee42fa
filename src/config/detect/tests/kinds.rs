//! Each kind by its files.

use super::{no_stages, stages};

#[test]
fn rust_is_formatted_linted_and_tested() {
    assert_eq!(
        stages(&[("Cargo.toml", "[package]\nname = \"x\"\n")]),
        [
            "fmt: cargo fmt --all -- --check | cargo fmt --all",
            "clippy: cargo clippy --workspace --all-targets -- -D warnings | \
             cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged with cargo",
            "test: cargo test --workspace with cargo",
        ]
    );
}

#[test]
fn node_runs_the_scripts_that_are_there_with_the_manager_of_the_lock_file() {
    let package = r#"{ "scripts": { "lint": "eslint .", "test": "jest", "other": "x", "build": " ", "tsc": "tsc" } }"#;
    for (lock, run) in [
        (".x", ["npm run -s lint --", "npm run -s tsc --", "npm run -s test --"]),
        ("package-lock.json", ["npm run -s lint --", "npm run -s tsc --", "npm run -s test --"]),
        ("pnpm-lock.yaml", ["pnpm run lint", "pnpm run tsc", "pnpm run test"]),
        ("yarn.lock", ["yarn run lint", "yarn run tsc", "yarn run test"]),
        ("bun.lock", ["bun run lint", "bun run tsc", "bun run test"]),
        ("bun.lockb", ["bun run lint", "bun run tsc", "bun run test"]),
    ] {
        let [lint, types, test] = run;
        let expected = [format!("lint: {lint}"), format!("typecheck: {types}"), format!("test: {test} CI=true")];
        assert_eq!(stages(&[("package.json", package), (lock, "")]), expected, "{lock}");
    }
}

#[test]
fn the_package_manager_that_is_named_goes_before_a_lock_file() {
    let package = r#"{ "packageManager": "pnpm@9.1.0+sha512.x", "scripts": { "lint:fix": "y", "lint": "x" } }"#;
    assert_eq!(stages(&[("package.json", package), ("yarn.lock", "")]), ["lint: pnpm run lint | pnpm run lint:fix"]);
    let odd = r#"{ "packageManager": 3, "scripts": { "format:check": "x", "format": "y", "test": 3, "lint": {} } }"#;
    assert_eq!(stages(&[("package.json", odd)]), ["fmt: npm run -s format:check -- | npm run -s format --"]);
}

#[test]
fn the_test_that_npm_init_writes_is_none() {
    let package = r#"{ "scripts": { "test": "echo \"Error: no test specified\" && exit 1" } }"#;
    assert_eq!(
        no_stages(&[("package.json", package)]),
        ["package.json has no script for fmt, lint, typecheck, test, build"]
    );
}

#[test]
fn go_is_formatted_vetted_and_tested() {
    let found = stages(&[("go.mod", "module x\n")]);
    assert!(found[0].starts_with("fmt: unformatted=$(find . ") && found[0].ends_with("fi | go fmt ./..."));
    assert_eq!(found[1..], ["vet: go vet ./...", "test: go test ./..."]);
    let workspace = stages(&[("go.work", "use (\n ./a\n ./b\n)\n"), ("go.mod", "module x\n")]);
    assert_eq!(workspace[1..], ["vet: go vet ./a/... ./b/...", "test: go test ./a/... ./b/..."]);
    assert_eq!(no_stages(&[("go.work", "go 1.22\n")]), ["go.work uses no module"]);
}

#[test]
fn python_runs_what_its_files_configure_in_the_environment_that_they_name() {
    let tools = "[project]\nname = 'x'\n[dependency-groups]\ndev = ['Ruff', 'pytest>=8']\n[tool.mypy]\nstrict = true\n";
    let with = |environment: &str, more: &str, file: &str| {
        let found = stages(&[("pyproject.toml", &format!("{tools}{more}")), (file, ""), ("tests/test_x.py", "")]);
        let name = |line: &str| line.split(" | ").next().unwrap().to_owned();
        assert_eq!(found.len(), 4, "{environment}");
        (name(&found[1]), name(&found[2]), name(&found[3]))
    };
    let of = |ruff: &str, python: &str| {
        let types = format!("typecheck: {python} -m mypy .");
        (format!("lint: {ruff} check ."), types, format!("test: {python} -m pytest"))
    };
    assert_eq!(with("none", "", "x"), of("ruff", "python3"));
    assert_eq!(with("uv", "", "uv.lock"), of("uv run ruff", "uv run python"));
    assert_eq!(with("uv's table", "[tool.uv]\n", "x"), of("uv run ruff", "uv run python"));
    assert_eq!(with("poetry", "[tool.poetry]\n", "x"), of("poetry run ruff", "poetry run python"));
    assert_eq!(with("venv", "", ".venv/bin/python"), of("ruff", ".venv/bin/python"));
}

#[test]
fn pythons_tools_are_found_in_all_their_places() {
    let lint = "lint: ruff check . | ruff check --fix .".to_owned();
    for file in ["ruff.toml", ".ruff.toml"] {
        assert_eq!(stages(&[(file, "")])[1], lint, "{file}");
    }
    for (file, text) in [
        ("requirements-dev.txt", "-r x.txt\nruff==1\n"),
        ("pyproject.toml", "[tool.poetry.group.dev.dependencies]\nruff = '*'\n"),
        ("pyproject.toml", "[project.optional-dependencies]\ndev = ['ruff']\n"),
        ("pyproject.toml", "[tool.uv]\ndev-dependencies = ['ruff']\n"),
    ] {
        assert!(stages(&[(file, text)])[1].contains("ruff check ."), "{text}");
    }
    assert_eq!(stages(&[("mypy.ini", "[mypy]\nfiles = src\n")]), ["typecheck: python3 -m mypy"]);
    assert_eq!(stages(&[("setup.cfg", "[mypy]\n")]), ["typecheck: python3 -m mypy ."]);
    let test = ("tests/test_x.py", "import unittest\n");
    for (file, text) in [("pytest.ini", ""), ("setup.cfg", "[tool:pytest]\n"), ("tox.ini", "[pytest]\n")] {
        assert_eq!(stages(&[(file, text), test]), ["test: python3 -m pytest"], "{file}");
    }
}

#[test]
fn pythons_tests_say_what_they_are_written_for() {
    let unit = "import unittest\nclass T(unittest.TestCase):\n    def test_x(self): pass\n";
    let of = |files: &[(&str, &str)]| {
        let files: Vec<(&str, &str)> = files.iter().copied().chain([("setup.py", "")]).collect();
        stages(&files)
    };
    assert_eq!(of(&[("tests/test_x.py", unit)]), ["test: python3 -m unittest discover -s tests"]);
    assert_eq!(
        of(&[("tests/test_x.py", unit), ("tests/__init__.py", "")]),
        ["test: python3 -m unittest discover -s tests -t ."]
    );
    assert_eq!(of(&[("test_x.py", unit)]), ["test: python3 -m unittest discover"]);
    assert_eq!(of(&[("tests/unit/test_x.py", unit)]), ["test: python3 -m unittest discover -s tests"]);
    assert_eq!(of(&[("tests/test_x.py", "def test_x():\n    pass\n")]), ["test: python3 -m pytest"]);
    assert_eq!(
        no_stages(&[("pyproject.toml", ""), ("tests/data.py", "")]),
        ["pyproject.toml configures neither ruff nor mypy, and no tests are here"]
    );
}

/// What is configured is run wherever its tests are: a project is not to be green because they were not found.
#[test]
fn pytest_is_run_where_it_is_configured_and_tests_are_deep() {
    let pytest = ["test: python3 -m pytest"];
    let table = ("pyproject.toml", "[tool.pytest.ini_options]\ntestpaths = ['src']\n");
    assert_eq!(stages(&[table, ("src/pkg/tests/test_x.py", "")]), pytest);
    assert_eq!(stages(&[("pytest.ini", "[pytest]\n"), ("tests/unit/core/test_x.py", "")]), pytest);
    let depends = ("requirements-dev.txt", "pytest\n");
    assert_eq!(stages(&[depends, ("tests/unit/core/test_x.py", "")]), pytest);
    assert_eq!(stages(&[("setup.py", ""), ("tests/a/b/c/test_x.py", "def test_x(): pass\n")]), pytest);
    assert_eq!(no_stages(&[depends, ("x.py", "")]).len(), 1, "that it is there alone says too little");
}

#[test]
fn deno_has_its_own_tools_or_tasks() {
    assert_eq!(
        stages(&[("deno.json", "{}")]),
        ["fmt: deno fmt --check | deno fmt", "lint: deno lint | deno lint --fix"]
    );
    let settings = "{ // x\n \"tasks\": { \"test\": \"deno test -A\", \"build\": { \"command\": \"x\" }, }, }";
    assert_eq!(
        stages(&[("deno.jsonc", settings), ("package.json", "{ \"scripts\": { \"test\": \"x\" } }")])[2..],
        ["test: deno task test", "build: deno task build"]
    );
    assert!(stages(&[("deno.json", "{}"), ("src/a.test.ts", "")]).contains(&"test: deno test".to_owned()));
    let both = [("deno.json", "{}"), ("package.json", "{ \"scripts\": { \"lint\": \"x\" } }"), ("yarn.lock", "")];
    assert!(stages(&both).contains(&"node-lint: yarn run lint".to_owned()));
}

#[test]
fn java_builds_with_the_wrapper_that_is_there() {
    assert_eq!(stages(&[("pom.xml", "")]), ["verify: mvn --batch-mode --no-transfer-progress verify"]);
    assert_eq!(stages(&[("pom.xml", ""), ("mvnw", "")]), ["verify: ./mvnw --batch-mode --no-transfer-progress verify"]);
    assert_eq!(stages(&[("build.gradle.kts", "")]), ["check: gradle --no-daemon --console=plain check"]);
    assert_eq!(
        stages(&[("settings.gradle", ""), ("gradlew", "")]),
        ["check: ./gradlew --no-daemon --console=plain check"]
    );
}

#[test]
fn recipes_are_used_where_no_language_is_known() {
    let makefile = "all:\n\ttrue\nlint:\n\ttrue\ntest: all\n\ttrue\n";
    assert_eq!(stages(&[("Makefile", makefile)]), ["lint: make lint with make", "test: make test with make"]);
    assert_eq!(stages(&[("GNUmakefile", "check: test\ntest:\n")]), ["check: make check with make"]);
    assert_eq!(no_stages(&[("makefile", "all:\n")]), ["makefile has no target check, lint or test"]);
    let just = ("justfile", "test:\n  true\nfmt:\n  true\n");
    assert_eq!(stages(&[just, ("Makefile", makefile)]), ["test: just test with just"]);
    assert_eq!(stages(&[("justfile", "x:\n"), ("Makefile", makefile)]).len(), 2);
    let go = stages(&[("go.mod", ""), ("Makefile", makefile)]);
    assert!(!go.iter().any(|line| line.contains("make")), "{go:?}");
}

#[test]
fn kinds_in_one_directory_keep_the_names_that_do_not_clash() {
    let package = r#"{ "scripts": { "test": "x", "lint": "x" } }"#;
    let found = stages(&[("Cargo.toml", ""), ("package.json", package)]);
    let names: Vec<&str> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(names, ["fmt", "clippy", "rust-test", "lint", "node-test", "test"]);
    assert_eq!(found[5], "test: true");
}

/// What lies below is only looked into where one of its names says that it may be a project.
#[test]
fn every_kind_is_found_below_too() {
    let package = r#"{ "scripts": { "test": "x" } }"#;
    let ruff = "[tool.ruff]\n";
    for (file, text) in [
        ("Cargo.toml", ""),
        ("go.mod", ""),
        ("go.work", "use ./a\n"),
        ("package.json", package),
        ("deno.json", "{}"),
        ("deno.jsonc", "{}"),
        ("pyproject.toml", ruff),
        ("ruff.toml", ""),
        ("requirements-dev.txt", "ruff\n"),
        ("pom.xml", ""),
        ("build.gradle", ""),
        ("settings.gradle.kts", ""),
        ("justfile", "test:\n"),
        ("GNUmakefile", "test:\n"),
    ] {
        assert!(!stages(&[(&format!("below/{file}"), text)]).is_empty(), "{file}");
    }
}
