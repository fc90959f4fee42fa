//! Which files are never sent, and which are although git ignores them.

use std::path::{Component, Path};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::remote::{Fault, FaultKind};
use crate::text::plain::printable;

/// The marker of a work tree that we have made.
pub(super) const MARKER: &str = ".local-ci-workdir";
/// How files begin that are on their way into their place here.
pub(super) const PART: &str = ".local-ci-part-";

/// Whether a file's name says that it holds secrets: `.env` with anything behind it, or a file in a directory `.env`.
pub(super) fn is_secret(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".env")
        || path.parent().is_some_and(|parent| parent.components().any(|part| part.as_os_str() == ".env"))
}

/// Whether a file is ours and of no use elsewhere.
pub(super) fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name == MARKER || name.as_encoded_bytes().starts_with(PART.as_bytes())
}

/// A list of globs of paths below the project's directory. One with `!` before it takes out again.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs {
    adds: GlobSet,
    takes_out: GlobSet,
    texts: Vec<String>,
    out: Vec<String>,
}

impl Globs {
    /// A list as it stands in a config.
    pub(super) fn new(list: &[String]) -> Result<Self, Fault> {
        let (mut adds, mut takes_out) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let (mut texts, mut out) = (Vec::new(), Vec::new());
        for given in list {
            let bad = |why: &str| {
                Fault::new(FaultKind::Directory, format!("`{}` is no glob of the project: {why}", printable(given)))
            };
            let (is_out, text) = given.strip_prefix('!').map_or((false, given.as_str()), |rest| (true, rest));
            let text = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
            if text.is_empty() || !Path::new(text).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(bad("it leads out of it"));
            }
            // What is named in full may be a directory. What a glob matches is not: `target/release/*` has deps in it.
            let below = (!is_glob(text)).then(|| format!("{text}/**"));
            for form in [Some(text.to_owned()), below].into_iter().flatten() {
                let glob = GlobBuilder::new(&form).literal_separator(true).backslash_escape(true).build();
                let glob = glob.map_err(|error| bad(&error.kind().to_string()))?;
                if is_out {
                    takes_out.add(glob)
                } else {
                    adds.add(glob)
                };
            }
            if is_out { &mut out } else { &mut texts }.push(text.to_owned());
        }
        let large =
            |error: globset::Error| Fault::new(FaultKind::Directory, format!("the globs are too many: {error}"));
        Ok(Self { adds: adds.build().map_err(large)?, takes_out: takes_out.build().map_err(large)?, texts, out })
    }

    /// Whether a file is meant.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.adds.is_match(path) && !self.takes_out.is_match(path)
    }

    /// The globs that add, as they were written.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Those that take out.
    pub(super) fn taken_out(&self) -> &[String] {
        &self.out
    }

    /// For each glob that adds, the path that all it matches begins with, and how many names deep it reaches below that at
    /// most, where that is certain.
    pub(super) fn starts(&self) -> Vec<(String, Option<usize>)> {
        self.texts.iter().map(|text| start(text)).collect()
    }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

fn start(text: &str) -> (String, Option<usize>) {
    let parts: Vec<&str> = text.split('/').collect();
    let literal = parts.iter().take_while(|part| !is_glob(part)).count();
    let rest = &parts[literal..];
    let is_certain = !rest.is_empty() && !rest.iter().any(|part| part.contains("**") || part.contains(['{', '\\']));
    (parts[..literal].join("/"), is_certain.then_some(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h141_what_holds_secrets_is_known_by_its_name() {
        for name in [".env", ".env.local", "a/b/.envrc", ".env/bin/activate", "x/.env/y"] {
            assert!(is_secret(Path::new(name)), "{name}");
        }
        for name in ["env", "a.env", "environment", ".environment/x", "src/dotenv.rs"] {
            assert!(!is_secret(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_name_in_full_may_be_a_directory_and_a_glob_means_files() {
        let globs = Globs::new(&["dist/".into(), "target/*/app".into(), "!dist/**/*.map".into()]).unwrap();
        for name in ["dist", "dist/a", "dist/b/c.js", "target/release/app"] {
            assert!(globs.has(Path::new(name)), "{name}");
        }
        for name in ["dist/a.map", "dist/b/c.map", "other/dist", "target/app", "target/a/b/app", "target/release/app/x"]
        {
            assert!(!globs.has(Path::new(name)), "{name}");
        }
        for bad in ["/etc/passwd", "../x", "a/../../b", "", "a[", "!"] {
            assert!(Globs::new(&[bad.into()]).is_err(), "{bad}");
        }
        let starts = |text: &str| Globs::new(&[text.into()]).unwrap().starts();
        assert_eq!(starts("a/b/*/c"), [("a/b".into(), Some(2))]);
        assert_eq!(starts("*.whl"), [(String::new(), Some(1))]);
        assert_eq!(starts("a/{b/c,d}/e"), [("a".into(), None)]);
        assert_eq!(starts("a/**/x"), [("a".into(), None)]);
        assert_eq!(starts("dist"), [("dist".into(), None)]);
    }
}
