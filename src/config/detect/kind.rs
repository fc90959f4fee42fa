//! The kinds of projects that are known.

use std::fmt;

/// A kind of project: a language with its tools, or a runner of recipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Rust,
    Go,
    Deno,
    Node,
    Python,
    Maven,
    Gradle,
    Just,
    Make,
}

impl Kind {
    /// Its name: in messages, in tags, and before a stage's name where two kinds have a stage of that name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Go => "go",
            Self::Deno => "deno",
            Self::Node => "node",
            Self::Python => "python",
            Self::Maven => "maven",
            Self::Gradle => "gradle",
            Self::Just => "just",
            Self::Make => "make",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
