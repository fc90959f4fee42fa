//! What has changed, as far as it was asked for, and which globs that is of interest to.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::Reason;
use super::error::{PlanError, enumerate};
use crate::config::path_matcher;

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// Nobody can tell.
    Unknown {
        /// Why not, in words that go after "since".
        why: String,
    },
    /// These files.
    Known {
        /// Since when, as a person calls it: `origin/main`.
        since: String,
        /// Their paths in the project; those outside of it as they are from there.
        files: Vec<PathBuf>,
        /// One of them that every stage depends on, such as the config.
        decisive: Option<PathBuf>,
    },
}

/// Globs of paths, each compiled once.
#[derive(Default)]
pub(super) struct PathGlobs(HashMap<String, GlobSet>);

impl PathGlobs {
    /// The first of these files that a list of globs matches. A leading `!` takes out again.
    fn find<'f>(&mut self, list: &[String], files: &'f [PathBuf]) -> Result<Option<&'f Path>, PlanError> {
        for file in files {
            let (mut added, mut taken_out) = (false, false);
            for text in list {
                let (takes_out, text) = text.strip_prefix('!').map_or((false, text.as_str()), |rest| (true, rest));
                if self.matches(text.strip_prefix("./").unwrap_or(text), file)? {
                    *if takes_out { &mut taken_out } else { &mut added } = true;
                }
            }
            if added && !taken_out {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    fn matches(&mut self, glob: &str, file: &Path) -> Result<bool, PlanError> {
        if !self.0.contains_key(glob) {
            let compiled =
                path_matcher(glob).map_err(|fault| PlanError::InvalidGlob { glob: glob.to_owned(), fault })?;
            self.0.insert(glob.to_owned(), compiled);
        }
        Ok(self.0.get(glob).is_some_and(|compiled| compiled.is_match(file)))
    }
}

/// Why `when.changed` does not hold; none where it holds. What nobody knows may have changed.
pub(super) fn unmet(wanted: &[String], changed: &Changed, globs: &mut PathGlobs) -> Result<Option<String>, PlanError> {
    let Changed::Known { since, files, .. } = changed else { return Ok(None) };
    let found = globs.find(wanted, files)?;
    Ok(found.is_none().then(|| format!("no file changed since {since} matches {}", enumerate(wanted, "or"))))
}

/// What a change means to a stage that reads these files.
pub(super) enum Effect {
    /// It may come to something else now; where it is known, why.
    Affected(Option<Reason>),
    /// It comes to what it came to before. Why, in words that go after "skipped:".
    Unaffected(String),
}

/// What a change means to a stage that reads what these globs match; without any, it may read everything.
pub(super) fn effect(inputs: &[String], changed: &Changed, globs: &mut PathGlobs) -> Result<Effect, PlanError> {
    let Changed::Known { since, files, decisive } = changed else { return Ok(Effect::Affected(None)) };
    if files.is_empty() {
        return Ok(Effect::Unaffected(format!("nothing has changed since {since}")));
    }
    let file = match decisive {
        Some(file) => Some(file.as_path()),
        None if inputs.is_empty() => return Ok(Effect::Affected(Some(Reason::AnyChange { since: since.clone() }))),
        None => globs.find(inputs, files)?,
    };
    Ok(match file {
        Some(file) => {
            let file = file.to_string_lossy().into_owned();
            Effect::Affected(Some(Reason::Changed { file, since: since.clone() }))
        }
        None => Effect::Unaffected(format!("none of its inputs has changed since {since}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(files: &[&str]) -> Changed {
        Changed::Known { since: "main".into(), files: files.iter().map(PathBuf::from).collect(), decisive: None }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn why(inputs: &[&str], changed: &Changed) -> String {
        match effect(&words(inputs), changed, &mut PathGlobs::default()).unwrap() {
            Effect::Affected(reason) => reason.map_or_else(|| "affected".to_owned(), |reason| reason.to_string()),
            Effect::Unaffected(why) => why,
        }
    }

    #[test]
    fn a_stage_is_affected_by_what_its_inputs_match() {
        let changed = known(&["docs/a.md", "src/gen/x.rs", "src/lib.rs"]);
        assert_eq!(why(&["**/*.rs", "!src/gen/**"], &changed), "src/lib.rs has changed since main");
        assert_eq!(why(&["./docs/*"], &changed), "docs/a.md has changed since main");
        assert_eq!(why(&["tests/**"], &changed), "none of its inputs has changed since main");
        assert_eq!(why(&["src/*.md", "!**"], &changed), "none of its inputs has changed since main");
    }

    /// What is not known is never a reason to leave something out.
    #[test]
    fn who_says_nothing_of_inputs_may_read_everything() {
        assert_eq!(why(&[], &known(&["a"])), "has no inputs, and something has changed since main");
        assert_eq!(why(&[], &known(&[])), "nothing has changed since main");
        assert_eq!(why(&["x"], &Changed::Unknown { why: "shallow".into() }), "affected");
        let config = Changed::Known { since: "main".into(), files: vec!["c".into()], decisive: Some("c".into()) };
        assert_eq!(why(&["x"], &config), "c has changed since main");
    }

    #[test]
    fn a_condition_on_files_says_which_globs_matched_none() {
        let said =
            |globs: &[&str], changed: &Changed| unmet(&words(globs), changed, &mut PathGlobs::default()).unwrap();
        let changed = known(&["src/lib.rs"]);
        assert_eq!(said(&["src/**"], &changed), None);
        assert_eq!(said(&["docs/**", "*.md"], &changed).unwrap(), "no file changed since main matches docs/** or *.md");
        assert_eq!(said(&["docs/**"], &Changed::Unknown { why: String::new() }), None);
    }
}
