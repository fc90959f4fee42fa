//! A lock file: any text is read, or refused in a line; what is read is written and read the same; and `--locked` takes a
//! plugin for the one that was locked exactly where every word of its entry says so.
//!
//! The hash and the approval of the component here stand for `HASH` and `APPROVED` in the text, its size for `SIZE`: no
//! change would come upon them.

use std::path::PathBuf;
use std::sync::OnceLock;

use local_ci::pipeline::plugin::{Grants, Limits, Plugin, Source};
use local_ci::plugin::host::{Compiler, Host};
use local_ci::plugin::lock::{Entry, Lock, LockError, approval};
use local_ci::session::plugins::pin::{Candidate, check_approval, check_bytes, check_source};
use local_ci::text::plain::printable;

use super::forge::Forge;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (candidate, bytes) = candidate();
    let approved = approval(&candidate.needs, &Grants::default());
    let text = text.replace("HASH", &candidate.hash).replace("APPROVED", &approved);
    let text = text.replace("SIZE", &bytes.len().to_string());
    let lock = match Lock::parse(&text) {
        Ok(lock) => lock,
        Err(error) => {
            let said = error.to_string();
            assert!(said.starts_with("local-ci.lock ") && said == printable(&said), "{said:?}");
            if let LockError::Unmerged { line } | LockError::Damaged { line, .. } = error {
                assert!((1..=text.split('\n').count()).contains(&line), "{said}");
            }
            return;
        }
    };
    let written = lock.render().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(Lock::parse(&written).as_ref(), Ok(&lock), "{written}");
    assert_eq!(lock.render().as_ref(), Ok(&written));
    for (name, entry) in &lock.plugins {
        assert_eq!(*name, entry.name);
        compare(candidate, bytes, entry);
    }
}

/// What is locked of a plugin against what there is.
fn compare(candidate: &Candidate, bytes: &[u8], entry: &Entry) {
    let Some(source) = source(&entry.source) else { return };
    let (name, limits) = (entry.name.clone(), Limits::default());
    let config = "{}".to_owned();
    let plugin = Plugin { name, source, grants: Grants::default(), limits, config, files: Vec::new() };
    let accepted = |is_strict| {
        let entry = check_source(&plugin, Some(entry))?;
        check_bytes(&plugin, entry, "plugin.wasm", bytes)?;
        check_approval(&plugin, entry, candidate, is_strict)
    };
    let now = candidate.entry(&plugin);
    let strictly = accepted(true);
    assert_eq!(strictly.is_ok(), now == *entry, "{strictly:?}: {entry:?}, and it is {now:?}");
    if accepted(false).is_ok() {
        assert_eq!((&now.approved, &now.blake3, &now.size), (&entry.approved, &entry.blake3, &entry.size));
        assert!(now.imports.iter().all(|import| entry.imports.contains(import)), "{entry:?}");
    } else {
        assert_ne!(now, *entry);
    }
}

/// What a source in the text is of a plugin that has it so.
fn source(text: &str) -> Option<Source> {
    let source = match text.strip_prefix("path:").map(PathBuf::from) {
        Some(path) if path.extension().is_some_and(|extension| extension == "wasm") => Source::File(path),
        Some(path) => Source::Project(path),
        None => Source::Web(text.to_owned()),
    };
    (source.to_string() == text).then_some(source)
}

/// A component that imports something, and its bytes.
fn candidate() -> &'static (Candidate, Vec<u8>) {
    static CANDIDATE: OnceLock<(Candidate, Vec<u8>)> = OnceLock::new();
    CANDIDATE.get_or_init(|| {
        let bytes = Forge { world: "stage-plugin", ..Forge::default() }.build();
        let host = Host::new(None, Compiler::Here);
        let loaded = Candidate::load(&host, "sample", PathBuf::from("plugin.wasm"), &bytes);
        (loaded.unwrap_or_else(|fault| panic!("{fault}")), bytes)
    })
}
