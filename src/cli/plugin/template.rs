//! What `plugin new` writes, embedded, so that a plugin that was made on a machine without our repository builds.
//!
//! `@NAME@` stands for the plugin's name. Each is a plugin that works: a stage that finds a word where it should not be.

use crate::cli::args::Language;

/// A file of a new plugin: where it goes, and its text before the name is put in.
type File = (&'static str, &'static str);

const CONTRACT: &str = include_str!("../../../wit/plugin.wit");
const WORLD: &str = include_str!("template/world.wit");

const RUST: &[File] = &[
    ("Cargo.toml", include_str!("template/rust/Cargo.toml.in")),
    (".cargo/config.toml", include_str!("template/rust/config.toml")),
    (".gitignore", include_str!("template/rust/gitignore")),
    ("rustfmt.toml", include_str!("../../../rustfmt.toml")),
    ("README.md", include_str!("template/rust/README.md.in")),
    ("src/lib.rs", include_str!("template/rust/lib.rs.in")),
];

/// The crate that plugins in Rust are written on, copied beside them.
const SDK: &[File] = &[
    ("sdk/Cargo.toml", include_str!("../../../plugins/sdk/Cargo.toml")),
    ("sdk/wit/plugin.wit", CONTRACT),
    ("sdk/src/commands.rs", include_str!("../../../plugins/sdk/src/commands.rs")),
    ("sdk/src/example.rs", include_str!("../../../plugins/sdk/src/example.rs")),
    ("sdk/src/files.rs", include_str!("../../../plugins/sdk/src/files.rs")),
    ("sdk/src/glob.rs", include_str!("../../../plugins/sdk/src/glob.rs")),
    ("sdk/src/host.rs", include_str!("../../../plugins/sdk/src/host.rs")),
    ("sdk/src/http.rs", include_str!("../../../plugins/sdk/src/http.rs")),
    ("sdk/src/info.rs", include_str!("../../../plugins/sdk/src/info.rs")),
    ("sdk/src/lib.rs", include_str!("../../../plugins/sdk/src/lib.rs")),
    ("sdk/src/mock.rs", include_str!("../../../plugins/sdk/src/mock.rs")),
    ("sdk/src/mock/backend.rs", include_str!("../../../plugins/sdk/src/mock/backend.rs")),
    ("sdk/src/mock/examples.rs", include_str!("../../../plugins/sdk/src/mock/examples.rs")),
    ("sdk/src/output.rs", include_str!("../../../plugins/sdk/src/output.rs")),
    ("sdk/src/roles.rs", include_str!("../../../plugins/sdk/src/roles.rs")),
    ("sdk/src/types.rs", include_str!("../../../plugins/sdk/src/types.rs")),
    ("sdk/src/wasm.rs", include_str!("../../../plugins/sdk/src/wasm.rs")),
];

const JS: &[File] = &[
    ("package.json", include_str!("template/js/package.json.in")),
    (".gitignore", include_str!("template/js/gitignore")),
    ("README.md", include_str!("template/js/README.md.in")),
    ("plugin.js", include_str!("template/js/plugin.js")),
    ("wit/plugin.wit", CONTRACT),
    ("wit/world.wit", WORLD),
];

const PYTHON: &[File] = &[
    ("requirements.txt", include_str!("template/python/requirements.txt")),
    (".gitignore", include_str!("template/python/gitignore")),
    ("README.md", include_str!("template/python/README.md.in")),
    ("app.py", include_str!("template/python/app.py.in")),
    ("wit/plugin.wit", CONTRACT),
    ("wit/world.wit", WORLD),
];

const C: &[File] = &[
    (".gitignore", include_str!("template/c/gitignore")),
    ("README.md", include_str!("template/c/README.md.in")),
    ("plugin.c", include_str!("template/c/plugin.c.in")),
    ("requirements.txt", include_str!("template/c/requirements.txt")),
    ("wit/plugin.wit", CONTRACT),
    ("wit/world.wit", include_str!("template/c/world.wit")),
];

/// What plugins in C are written on. `plugin.h` and `plugin.c` are made of the contract by `bindings.sh`.
const C_SDK: &[File] = &[
    ("sdk/bindings.sh", include_str!("template/c/sdk/bindings.sh")),
    ("sdk/json.c", include_str!("template/c/sdk/json.c")),
    ("sdk/json.h", include_str!("template/c/sdk/json.h")),
    ("sdk/libc.c", include_str!("template/c/sdk/libc.c")),
    ("sdk/plugin.c", include_str!("template/c/sdk/plugin.c")),
    ("sdk/plugin.h", include_str!("template/c/sdk/plugin.h")),
    ("sdk/stdlib.h", include_str!("template/c/sdk/stdlib.h")),
    ("sdk/string.h", include_str!("template/c/sdk/string.h")),
    ("sdk/text.c", include_str!("template/c/sdk/text.c")),
    ("sdk/text.h", include_str!("template/c/sdk/text.h")),
];

/// The files of a new plugin of this name, by their paths in its directory.
pub(super) fn files(language: Language, name: &str) -> Vec<(&'static str, String)> {
    // What is not this plugin's own is copied as it is.
    let own = |files: &[File]| -> Vec<(&'static str, String)> {
        files.iter().map(|(path, text)| (*path, text.replace("@NAME@", name))).collect()
    };
    let with = |files: &[File], sdk: &[File]| {
        own(files).into_iter().chain(sdk.iter().map(|(path, text)| (*path, (*text).to_owned()))).collect()
    };
    match language {
        Language::Rust => with(RUST, SDK),
        Language::Js => own(JS),
        Language::Python => own(PYTHON),
        Language::C => with(C, C_SDK),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every file below a directory, by its path there.
    fn below(dir: &Path, from: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, from, found);
            } else {
                found.insert(path.strip_prefix(from).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    /// A plugin that is made today builds on the crate as it is today.
    #[test]
    fn the_whole_sdk_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
        let mut there = BTreeSet::new();
        below(&root.join("sdk/src"), &root, &mut there);
        there.extend(["sdk/Cargo.toml".to_owned(), "sdk/wit/plugin.wit".to_owned()]);
        let embedded: BTreeSet<String> = SDK.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(embedded, there);
        assert_eq!(std::fs::read_to_string(root.join("sdk/wit/plugin.wit")).unwrap(), CONTRACT);
    }

    /// The examples are what `plugin new` writes, whose builds are tested with them; each has a README of its own.
    #[test]
    fn the_examples_are_the_templates_with_a_name_put_in() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugins");
        for (language, dir, name) in
            [(Language::Js, "javascript", "words-js"), (Language::Python, "python", "words-python")]
        {
            for (path, text) in files(language, name).into_iter().filter(|(path, _)| *path != "README.md") {
                let there = std::fs::read_to_string(examples.join(dir).join(path)).unwrap_or_default();
                assert_eq!(there, text, "examples/plugins/{dir}/{path} is not what `plugin new` writes");
            }
        }
    }

    #[test]
    fn all_that_plugins_in_c_are_written_on_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/plugin/template/c");
        let mut there = BTreeSet::new();
        below(&root.join("sdk"), &root, &mut there);
        let embedded: BTreeSet<String> = C_SDK.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(embedded, there);
    }

    #[test]
    fn the_name_stands_wherever_it_should() {
        for language in [Language::Rust, Language::Js, Language::Python, Language::C] {
            let files = files(language, "licences");
            assert!(files.iter().all(|(_, text)| !text.contains("@NAME@")));
            assert!(files.iter().any(|(_, text)| text.contains("\"licences\"")), "{language:?}");
            assert!(files.iter().any(|(path, text)| *path == ".gitignore" && text.contains("/plugin.wasm")));
        }
    }
}
