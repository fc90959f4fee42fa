//! Secrets: where each comes from, and what it is once that was asked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An environment variable of whoever starts the run.
    Env(String),
    /// A file that nobody else can read. `~/` is the home directory; else relative to the project's.
    File(String),
    /// What a program prints: its words, without a shell.
    Command(Vec<String>),
}

/// The names of variables whose values are masked where `[run] mask` says nothing.
pub const DEFAULT_MASK: [&str; 6] = ["*_TOKEN", "*_SECRET", "*_PASSWORD", "*_API_KEY", "*_PRIVATE_KEY", "*_ACCESS_KEY"];

/// Variables that a shell keeps for itself, or reads while it goes on. A secret is none of them: where a stage runs elsewhere,
/// they could be handed to it only where everybody sees them.
pub const SHELLS_OWN: &[&str] = &[
    "BASHOPTS",
    "BASH_VERSINFO",
    "EUID",
    "IFS",
    "LINENO",
    "OPTIND",
    "PPID",
    "PS4",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "UID",
    "_",
];

/// What is to be known to nobody but the stages that have it. Shows nothing of itself. It is serialised for the private line
/// to a supervisor and for nothing else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Value(Vec<u8>);

impl Value {
    /// These bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// What it is, for who masks it or gives it to a stage.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whether a secret can be called so: it is a variable that any shell can have, and that is not its own.
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !SHELLS_OWN.contains(&text)
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h176_a_value_shows_nothing_of_itself() {
        let value = Value::new("canary-4711");
        assert_eq!(format!("{value:?} {:?}", Some(&value)), "*** Some(***)");
    }

    #[test]
    fn names_are_those_of_shell_variables() {
        for name in ["A", "_A", "NPM_TOKEN", "a1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "_", "IFS", "1A", "A-B", "A=B", "Ä", "A B"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
