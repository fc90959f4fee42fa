//! What is to be told of the project itself, at a place in it: what a checker found.

use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// It should be looked at.
    Warning,
    /// It is wrong.
    Error,
}

impl Severity {
    /// The word for it, as compilers print it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something to be told of the project. Its texts are foreign: they are made harmless before a terminal gets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// How much it matters.
    pub severity: Severity,
    /// What is to be said; of several lines where the tool said several.
    pub message: String,
    /// What the rule is called, such as `E0308`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A line that stands above the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where, if it is about a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Spot>,
    /// Who says so: a plugin, a plugin's parser as `plugin:parser`, or a matcher.
    pub source: String,
}

/// A place in a file of the project. Lines and columns count from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The file, relative to the project's directory.
    pub path: String,
    /// The line it begins in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column it begins in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The line it ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The column it ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

/// How many annotations of one attempt are kept; more are counted.
pub const ANNOTATIONS_MAX: usize = 10_000;
