//! Rust: what cargo does, and where its workspace begins.

use std::path::{Path, PathBuf};

use super::directory::{Directory, Seen};
use super::draft::{Draft, Run};
use super::kind::Kind;
use crate::config::glob::path_matcher;
use crate::pipeline::matcher::BuiltIn;

/// The file that makes a directory a package or a workspace.
pub(super) const MANIFEST: &str = "Cargo.toml";

/// The stages of a directory with a `Cargo.toml`. None needs another: a blank in the wrong place says nothing about
/// whether the tests pass, and who waits for the tests would learn of both.
pub(super) fn stages(dir: &Directory<'_>, seen: &mut Seen) -> Vec<Draft> {
    // What is in it is cargo's business.
    if !dir.is_marked(MANIFEST, seen) {
        return Vec::new();
    }
    let stage = |name, description, command| Draft::new(Kind::Rust, name, description, Run::words(command));
    vec![
        stage("fmt", "The code is formatted", "cargo fmt --all -- --check")
            .fix(Run::words("cargo fmt --all"))
            .annotate(&[BuiltIn::Rustfmt]),
        stage(
            "clippy",
            "Neither the compiler nor clippy has anything to say",
            "cargo clippy --workspace --all-targets -- -D warnings",
        )
        .fix(Run::words("cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged"))
        .lock("cargo")
        .annotate(&[BuiltIn::Clippy])
        .why("Whatever builds waits for cargo's target directory: the lock keeps that wait out of the durations."),
        stage("test", "The tests pass", "cargo test --workspace")
            .lock("cargo")
            .annotate(&[BuiltIn::CargoTest, BuiltIn::Rustc]),
    ]
}

/// The workspace that a package belongs to, as cargo finds it: the nearest `Cargo.toml` above it with a `[workspace]`
/// that does not exclude it. A package that is a workspace itself belongs to no other.
pub(super) fn workspace(dir: &Directory<'_>) -> Option<PathBuf> {
    if is_workspace(&dir.glance(MANIFEST))? {
        return None;
    }
    dir.above.iter().find_map(|above| {
        let directory = Directory { path: above, above: &[], bounds: dir.bounds };
        let manifest: toml::Table = directory.glance(MANIFEST).parse().ok()?;
        let workspace = manifest.get("workspace")?.as_table()?;
        let member = dir.path.strip_prefix(above).ok()?;
        let listed = |key: &str, matches: &dyn Fn(&str) -> bool| {
            let entries = workspace.get(key).and_then(toml::Value::as_array).into_iter().flatten();
            entries.filter_map(toml::Value::as_str).any(matches)
        };
        let excluded = listed("exclude", &|entry| member.starts_with(plain(entry)));
        let included = listed("members", &|entry| matches(entry, member));
        // What is not listed may be a member as a dependency by path; cargo refuses it where it is neither.
        (included || !excluded).then(|| above.clone())
    })
}

fn is_workspace(manifest: &str) -> Option<bool> {
    let manifest: toml::Table = manifest.parse().ok()?;
    Some(manifest.contains_key("workspace"))
}

/// A path as cargo has it once it is joined to its workspace's.
fn plain(entry: &str) -> &str {
    entry.trim_start_matches("./").trim_end_matches('/')
}

/// Whether a member is one of those that a pattern names; a pattern that is none names nothing.
fn matches(entry: &str, member: &Path) -> bool {
    path_matcher(plain(entry)).is_ok_and(|glob| glob.is_match(member))
}
