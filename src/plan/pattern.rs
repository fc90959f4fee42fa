//! Globs over names: stages' and branches'. `*` matches everything, `:`, `.` and `/` included.

use std::collections::HashMap;

use globset::GlobSet;

use super::error::PlanError;
use crate::config::name_matcher;

/// Whether a text is a glob rather than a name. Names have none of these characters.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// A glob that is ready to be matched.
pub(super) fn compile(glob: &str) -> Result<GlobSet, PlanError> {
    name_matcher(glob).map_err(|fault| PlanError::InvalidGlob { glob: glob.to_owned(), fault })
}

/// Globs that are each compiled once, however many stages name them.
#[derive(Default)]
pub(super) struct Globs(HashMap<String, GlobSet>);

impl Globs {
    /// Whether a name matches a glob.
    pub(super) fn matches(&mut self, glob: &str, name: &str) -> Result<bool, PlanError> {
        if let Some(compiled) = self.0.get(glob) {
            return Ok(compiled.is_match(name));
        }
        let compiled = compile(glob)?;
        let found = compiled.is_match(name);
        self.0.insert(glob.to_owned(), compiled);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_across_everything_that_names_hold() {
        for (glob, name, matches) in [
            ("test*", "test:1.80:linux", true),
            ("*:linux", "test:1.80:linux", true),
            ("test:*:linux", "test:1.80:linux", true),
            ("release/*", "release/2/rc", true),
            ("*", "a.b:c+d-e", true),
            ("te?t", "test", true),
            ("te[rs]t", "test", true),
            ("{fmt,clippy}", "clippy", true),
            ("test", "test:1.80", false),
            ("es", "test", false),
            ("release/*", "main", false),
        ] {
            assert_eq!(Globs::default().matches(glob, name), Ok(matches), "{glob} {name}");
        }
        assert!(compile("a[").is_err());
    }
}
