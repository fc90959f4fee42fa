//! Whatever stands in a project's files and whatever its directories are called, what is made of it is sound.

use proptest::prelude::*;

use super::Tree;
use crate::config::ConfigError;

/// Text with what might break out of a string, a comment or a line.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        r#"[ -~\t\n\r'"\\#$\{\}\[\]:=\u{1b}\u{85}\u{2028}]{0,60}"#,
        Just("'''\n\"\"\" ${matrix.x} \\".to_owned()),
    ]
}

/// A line that a recipe, a target or a module might begin with, and the rest of it.
fn lines() -> impl Strategy<Value = String> {
    let begin =
        prop::sample::select(vec!["check:", "test: lint", "lint", "use ./", "use (\n", "[tool.ruff]\n", "{", ""]);
    prop::collection::vec((begin, text()), 0..4).prop_map(|lines| {
        lines.into_iter().flat_map(|(begin, rest)| [begin.to_owned(), rest, "\n".to_owned()]).collect()
    })
}

/// The name of a directory that a file system takes.
fn directory() -> impl Strategy<Value = String> {
    text()
        .prop_map(|name| name.replace(['/', '\0'], "_").chars().take(40).collect::<String>())
        .prop_filter("a name of its own", |name| !["", ".", ".."].contains(&name.as_str()))
}

#[track_caller]
fn assert_sound(tree: &Tree) {
    match tree.load("") {
        Ok(_) | Err(ConfigError::NotFound(_)) => {}
        Err(error) => {
            let is_files_own = error.list().iter().all(|fault| fault.code().id() == "LC0107");
            assert!(is_files_own, "{}", error.render(false, 100));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_script_makes_a_sound_stage(script in text(), name in directory()) {
        let package = serde_json::json!({ "scripts": { "lint": script, "test": "x" } }).to_string();
        assert_sound(&Tree::new(&[("package.json", &package), ("Cargo.toml", "")]));
        let path = format!("{name}/package.json");
        assert_sound(&Tree::new(&[(&path, &package), ("other/Cargo.toml", "")]));
    }

    #[test]
    fn any_file_is_refused_or_makes_sound_stages(
        which in prop::sample::select(vec![
            "package.json", "deno.jsonc", "pyproject.toml", "go.work", "Makefile", "justfile", "setup.cfg",
            "requirements.txt", "Cargo.toml",
        ]),
        text in prop_oneof![text(), lines()],
    ) {
        assert_sound(&Tree::new(&[(which, &text), ("tests/test_x.py", &text)]));
        let below = format!("a/{which}");
        assert_sound(&Tree::new(&[(&below, &text), ("a/tests/test_x.py", "")]));
    }
}
