//! What is wrong with a plugin of a project, and what to do about it.

use std::fmt;

use crate::config::Unsupplied;

/// Something that is wrong, as one sentence that says of what, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub why: String,
    /// What to do; it may have several lines.
    pub help: Option<String>,
    /// Whether it is not the project that is at fault but what we stand on: a disk, a network, another machine.
    pub is_ours: bool,
}

impl Trouble {
    /// Something about the project.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: None, is_ours: false }
    }

    /// Something about what we stand on.
    pub fn ours(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: None, is_ours: true }
    }

    /// The same with what to do.
    #[must_use]
    pub fn or_try(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{}: {help}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl From<Trouble> for Unsupplied {
    fn from(trouble: Trouble) -> Self {
        Self { why: trouble.why, help: trouble.help }
    }
}
