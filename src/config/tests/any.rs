//! Any text at all: nothing panics, and what is drawn is harmless.

use std::path::Path;

use proptest::prelude::*;

use super::supplier::TableSupplier;
use crate::config::{ConfigError, parse};

/// Pieces that configurations are made of, and that break them.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "[stages.a]\n",
        "[stages.b]\n",
        "[[expand]]\n",
        "[[expand]]\nuses = \"members\"\n",
        "[run]\n",
        "[env]\n",
        "[profiles.p]\n",
        "[defaults]\n",
        "[",
        "]",
        "run = \"x\"\n",
        "run = 1\n",
        "run = []\n",
        "uses = \"p\"\n",
        "uses = \"hygiene\"\n",
        "uses = \"members\"\n",
        "with = { max-file-kib = \"${matrix.n}\", x = [1, { y = 2 }] }\n",
        "with.deep.on = 1\n",
        "annotate = [\"test-report\", \"x:y\"]\n",
        "[plugins.hygiene]\nsource = \"path:a\"\n",
        "[plugins.members]\nsource = \"path:b.wasm\"\n",
        "[plugins.test-report]\nsource = \"path:c\"\n",
        "[reporters]\nhygiene = {}\n",
        "needs = [\"a\", \"b\"]\n",
        "needs = [\"a:1\"]\n",
        "matrix = { n = [1, 2], include = [{ n = 3, m = \"x\" }] }\n",
        "matrix.n = [1]\n",
        "matrix = { exclude = [{}] }\n",
        "timeout = \"5m\"\n",
        "timeout = -1\n",
        "stages = [\"*\", \"[\"]\n",
        "env = { A = 1 }\n",
        "env-file = \"f\"\n",
        "when = { os = \"linux\", env = [\"A\"] }\n",
        "dir = \"${matrix.n}/..\"\n",
        "shell = \"x y\"\n",
        "a.b.c = 1\n",
        "\"\"\"",
        "'",
        "\"",
        "=",
        ".",
        ",",
        "{",
        "}",
        "\n",
        "\r\n",
        "\r",
        "\u{0}",
        "\u{1b}",
        "é",
        "\u{202e}",
        "#",
        "1979-05-27",
        "nan",
        "0x",
        "99999999999999999999",
    ];
    prop_oneof![
        8 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
        1 => "\\PC{0,6}",
    ]
}

fn check(text: &str, over: &str) -> Result<(), TestCaseError> {
    let files: &[(&str, &str)] = &[("local-ci.toml", text), ("local-ci.local.toml", over)];
    let members = [
        ("b", r#"{"run": "x", "needs": ["a", "c"]}"#),
        ("c", r#"{"uses": "hygiene", "with": {"x": "\u001b"}, "needs": ["b"], "dir": ".."}"#),
        ("\u{1b}[2J", "{\"\u{202e}\": null"),
    ];
    let members = members.map(|(name, body)| (name.to_owned(), body.to_owned())).to_vec();
    let supplier = TableSupplier { members, ..TableSupplier::default() };
    let files = if over.is_empty() { &files[..1] } else { files };
    if let Err(error @ ConfigError::Faults(_)) = parse(Path::new("/p"), files, &|_| Some("A=1".into()), &supplier) {
        prop_assert!(!error.list().is_empty());
        let drawn = error.render(false, 80);
        prop_assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'), "{:?}", drawn);
        prop_assert!(!drawn.contains("Failed to read contents"), "{}", drawn);
        for report in error.faults() {
            prop_assert!(report.line.is_none_or(|line| line >= 1));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn near_toml_never_panics(pieces in proptest::collection::vec(piece(), 0..40), over in proptest::collection::vec(piece(), 0..8)) {
        check(&pieces.concat(), &over.concat())?;
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,200}") {
        check(&text, "")?;
    }
}
