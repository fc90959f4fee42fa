//! What goes wrong with a plugin, as a sentence that names it.

use std::fmt;

/// Why a plugin did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin} {kind}")]
pub struct Fault {
    /// Its name in `[plugins]`, or its file's where it has none yet.
    pub plugin: String,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What is wrong with it; as text, the rest of a sentence that begins with its name, with what to do where something can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Its file is no component, or none that this version can run.
    Malformed(String),
    /// It does not have the role that is asked of it, or of another version.
    NoSuchRole(String),
    /// It could not be compiled, in time or in memory or at all.
    NotCompiled(String),
    /// It used more time of its own than it may for one call.
    TooSlow(String),
    /// It used more memory, or another thing, than it may.
    TooMuch(String),
    /// It gave up: a trap. With what it said before, where it said anything.
    Trapped(String),
    /// It answered with a problem of its own.
    Problem {
        /// What it calls it.
        code: String,
        /// What it says.
        message: String,
        /// Whether another try may help.
        retryable: bool,
    },
    /// It answered something that makes no sense.
    Nonsense(String),
    /// Whoever waited for it wants it no more.
    Cancelled,
    /// This build cannot run plugins, or this machine cannot.
    Unable(String),
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why)
            | Self::NoSuchRole(why)
            | Self::NotCompiled(why)
            | Self::TooSlow(why)
            | Self::TooMuch(why)
            | Self::Trapped(why)
            | Self::Nonsense(why)
            | Self::Unable(why) => f.write_str(why),
            Self::Problem { code, message, retryable: _ } => write!(f, "says: {message} ({code})"),
            Self::Cancelled => f.write_str("was cancelled"),
        }
    }
}

impl Fault {
    /// A fault of this plugin.
    pub fn new(plugin: &str, kind: FaultKind) -> Self {
        Self { plugin: plugin.to_owned(), kind }
    }
}
