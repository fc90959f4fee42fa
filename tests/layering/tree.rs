//! The project's files: how they are found, and the rules that each must keep by itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::tokens::{self, Token};

/// No source file is longer than this.
const LINES_MAX: usize = 600;

/// A text file and where it is, relative to the project, with `/` between names.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every text file that git tracks or would track; without git, every one outside `target`.
pub(crate) fn project() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|listed| listed.status.success() && !listed.stdout.is_empty());
    let mut paths = match listed {
        Some(listed) => String::from_utf8_lossy(&listed.stdout).split_terminator('\0').map(str::to_owned).collect(),
        None => walk(root, ""),
    };
    paths.sort();
    // A path that cannot be read was deleted and not yet committed; what is not UTF-8 is no text.
    let read = |path: String| fs::read_to_string(root.join(&path)).ok().map(|text| Source { path, text });
    paths.into_iter().filter_map(read).collect()
}

fn walk(root: &Path, under: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root.join(under)).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = if under.is_empty() { name.clone() } else { format!("{under}/{name}") };
        match entry.file_type().unwrap() {
            _ if matches!(path.as_str(), ".git" | "target" | "local-ci.local.toml") => {}
            kind if kind.is_dir() => paths.extend(walk(root, &path)),
            kind if kind.is_file() => paths.push(path),
            _ => {}
        }
    }
    paths
}

fn rust(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| Path::new(&source.path).extension().is_some_and(|e| e == "rs"))
}

/// Files longer than [`LINES_MAX`].
pub(crate) fn too_long(sources: &[Source]) -> Vec<String> {
    let long = rust(sources).map(|s| (s, s.text.lines().count())).filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(s, lines)| format!("{} has {lines} lines, more than {LINES_MAX}: split it", s.path)).collect()
}

/// `unsafe` anywhere but in `src/process/unix`.
pub(crate) fn unsafe_outside_unix(sources: &[Source]) -> Vec<String> {
    let found = rust(sources).filter(|s| !s.path.starts_with("src/process/unix")).flat_map(|source| {
        let at = tokens::tokens(&source.text).into_iter().filter(|t| t.text == "unsafe");
        at.map(move |t| format!("{}:{}: `unsafe` stands only in src/process/unix", source.path, t.line))
    });
    found.collect()
}

/// Printing macros in the program outside report and cli.
pub(crate) fn prints_outside_faces(sources: &[Source]) -> Vec<String> {
    let faces = ["src/report/", "src/report.rs", "src/cli/", "src/cli.rs"];
    let inner = rust(sources).filter(|s| s.path.starts_with("src/") && !faces.iter().any(|f| s.path.starts_with(f)));
    let found = inner.filter(|s| !is_tests(&s.path)).flat_map(|source| {
        let tokens = tokens::without_tests(&tokens::tokens(&source.text));
        let prints: Vec<_> = tokens.windows(2).filter(|w| is_print(w)).map(|w| w[0].clone()).collect();
        prints.into_iter().map(move |t| {
            format!("{}:{}: `{}!` stands only in report and cli; hand the text to them", source.path, t.line, t.text)
        })
    });
    found.collect()
}

fn is_print(pair: &[Token]) -> bool {
    matches!(pair[0].text.as_str(), "print" | "println" | "eprint" | "eprintln" | "dbg") && pair[1].text == "!"
}

fn is_tests(path: &str) -> bool {
    path.split(['/', '.']).any(|name| name == "tests")
}

/// Source files that no `mod` of their parent declares, and which therefore nothing compiles.
pub(crate) fn undeclared(sources: &[Source]) -> Vec<String> {
    let roots = ["src/main.rs", "src/lib.rs", "tests/it/main.rs", "tests/chaos/main.rs", "tests/layering.rs"];
    let mut declared = BTreeSet::new();
    for source in rust(sources) {
        let tokens = tokens::tokens(&source.text);
        // main.rs, lib.rs and mod.rs declare their neighbours; a.rs declares what is in a/.
        let dir = match source.path.strip_suffix("/mod.rs") {
            Some(dir) => dir,
            None if roots.contains(&source.path.as_str()) && source.path != "tests/layering.rs" => {
                source.path.rsplit_once('/').map_or("", |(dir, _)| dir)
            }
            None => source.path.trim_end_matches(".rs"),
        };
        for pair in tokens.windows(3).filter(|w| w[0].text == "mod" && w[2].text == ";") {
            declared.insert(format!("{dir}/{}.rs", pair[1].text));
            declared.insert(format!("{dir}/{}/mod.rs", pair[1].text));
        }
    }
    let ours =
        |path: &str| ["src/", "tests/it/", "tests/chaos/", "tests/layering/"].iter().any(|d| path.starts_with(d));
    rust(sources)
        .filter(|s| ours(&s.path) && !roots.contains(&s.path.as_str()) && !declared.contains(&s.path))
        .map(|s| format!("{}: no `mod` declares this file, so nothing compiles it", s.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_file_of_601_lines_is_too_long() {
        assert_eq!(too_long(&[source("src/a.rs", &"x\n".repeat(600)), source("a.md", &"x\n".repeat(999))]), [""; 0]);
        let found = too_long(&[source("tests/a.rs", &"x\n".repeat(601))]);
        assert_eq!(found, ["tests/a.rs has 601 lines, more than 600: split it"]);
    }

    #[test]
    fn unsafe_is_seen_in_code_and_only_there() {
        let code = "// unsafe\nfn f() { let s = \"unsafe\"; }\n#![deny(unsafe_code)]\n";
        assert_eq!(unsafe_outside_unix(&[source("src/a.rs", code)]), [""; 0]);
        let code = "#[cfg(test)]\nmod tests { fn f() { unsafe { g() } } }";
        assert_eq!(unsafe_outside_unix(&[source("src/process/unix/wait.rs", code)]), [""; 0]);
        for path in ["src/process/tree.rs", "tests/it/a.rs", "tests/chaos/main.rs"] {
            let found = unsafe_outside_unix(&[source(path, code)]);
            assert_eq!(found, [format!("{path}:2: `unsafe` stands only in src/process/unix")]);
        }
    }

    #[test]
    fn prints_are_seen_in_the_program_and_only_there() {
        let code = "fn f() {\n  eprintln!(\"x\");\n}";
        for path in ["src/report/live.rs", "src/cli/mod.rs", "tests/it/a.rs", "src/plan/tests.rs"] {
            assert_eq!(prints_outside_faces(&[source(path, code)]), [""; 0], "{path}");
        }
        for path in ["src/engine/mod.rs", "src/main.rs", "src/reporting.rs", "src/session/start.rs"] {
            assert_eq!(prints_outside_faces(&[source(path, code)]).len(), 1, "{path}");
        }
        assert_eq!(
            prints_outside_faces(&[source("src/a.rs", "#[cfg(test)] mod tests { fn f() { dbg!(1); } }")]),
            [""; 0]
        );
    }

    #[test]
    fn a_file_that_nothing_declares_is_found() {
        let tree = [
            source("src/lib.rs", "pub mod a; mod b;"),
            source("src/a/mod.rs", "mod c; // mod lost;"),
            source("src/a/c.rs", ""),
            source("src/a/lost.rs", ""),
            source("src/b.rs", "mod d;"),
            source("src/b/d.rs", ""),
            source("src/lost.rs", "mod inner { }"),
            source("tests/it/main.rs", "mod support;"),
            source("tests/it/support/mod.rs", ""),
            source("tests/it/lost.rs", ""),
            source("tests/layering.rs", "mod tokens;"),
            source("tests/layering/tokens.rs", ""),
        ];
        let found: Vec<_> = undeclared(&tree).into_iter().map(|s| s.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(found, ["src/a/lost.rs", "src/lost.rs", "tests/it/lost.rs"]);
    }

    #[test]
    fn the_tree_is_found_with_git_and_without() {
        let with_git: BTreeSet<_> = project().into_iter().map(|s| s.path).collect();
        let walked: BTreeSet<_> = walk(Path::new(env!("CARGO_MANIFEST_DIR")), "").into_iter().collect();
        for path in ["Cargo.toml", "src/lib.rs", "tests/layering/tree.rs"] {
            assert!(with_git.contains(path) && walked.contains(path), "{path}");
        }
        assert!(!walked.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
    }
}
