//! Globs, compiled so that none can end the process: what makes a matcher of a single glob panics where that is too
//! large, and braces in braces are read by recursion.

use globset::{ErrorKind, Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// The longest glob, in bytes.
const LENGTH_MAX: usize = 4096;
/// How deep braces may stand in braces.
const DEPTH_MAX: usize = 16;

/// A glob of paths, in which `*` stops at `/`. The error says why it is none.
pub(super) fn path(text: &str) -> Result<Glob, String> {
    parse(text, true)
}

/// A glob of paths that is ready to be matched. The error says why it is none.
pub fn path_matcher(text: &str) -> Result<GlobSet, String> {
    matcher(path(text)?)
}

/// A glob of names, in which `*` matches everything. The error says why it is none.
pub fn name_matcher(text: &str) -> Result<GlobSet, String> {
    matcher(parse(text, false)?)
}

fn parse(text: &str, separator: bool) -> Result<Glob, String> {
    if text.len() > LENGTH_MAX {
        return Err(format!("it is longer than {LENGTH_MAX} bytes"));
    }
    let mut depth = 0_usize;
    for c in text.bytes() {
        match c {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} braces stand in each other"));
        }
    }
    let built = GlobBuilder::new(text).literal_separator(separator).backslash_escape(true).build();
    built.map_err(|error| error.kind().to_string())
}

fn matcher(glob: Glob) -> Result<GlobSet, String> {
    GlobSetBuilder::new().add(glob).build().map_err(|error| match error.kind() {
        // What it was made into is nothing to show.
        ErrorKind::Regex(_) => "it is too large".to_owned(),
        kind => kind.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_glob_is_too_much() {
        let nested = |depth: usize| "{".repeat(depth) + "a,b" + &"}".repeat(depth);
        assert!(name_matcher(&nested(16)).unwrap().is_match("b"));
        assert_eq!(name_matcher(&nested(17)).unwrap_err(), "more than 16 braces stand in each other");
        assert!(path(&nested(200_000)).is_err());
        assert_eq!(name_matcher(&"*".repeat(4097)).unwrap_err(), "it is longer than 4096 bytes");
        // As large as one can be within these.
        let wide = format!("{{{}}}", vec!["?".repeat(30); 130].join(","));
        let squares = "{[!a],[!b]}".repeat(300);
        for glob in ["*".repeat(4096), "[a-z]*".repeat(680), "\u{10ffff}?".repeat(800), wide, squares] {
            let _ = name_matcher(&glob).map(|glob| glob.is_match("a"));
            let _ = path_matcher(&glob).map(|glob| glob.is_match("a/b"));
        }
    }

    #[test]
    fn a_star_stops_at_a_slash_in_paths_alone() {
        assert!(name_matcher("release/*").unwrap().is_match("release/2/rc"));
        assert!(!path_matcher("release/*").unwrap().is_match("release/2/rc"));
        assert!(name_matcher("a[").is_err());
    }
}
