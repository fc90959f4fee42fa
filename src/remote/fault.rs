//! What can be wrong with another machine or with the way to it, and what to do about it.

use std::fmt;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Its name is known to nobody.
    Unresolved,
    /// Nobody answers, or the network ends before it.
    Unreachable,
    /// Nobody listens on the port.
    Refused,
    /// The key, or the user, is not accepted; or a passphrase was asked for.
    Auth,
    /// The host's key is not known yet.
    HostKeyUnknown,
    /// The host's key is another one than it was.
    HostKeyChanged,
    /// The line was there and is gone.
    Cut,
    /// It took longer than one operation may.
    TimedOut,
    /// The host does not take one more session on this connection.
    Busy,
    /// What answers is no shell, or says something else than what it was asked.
    Protocol,
    /// A program is missing, here or there.
    MissingTool,
    /// A directory is missing there, or is not ours to write to.
    Directory,
    /// There is no room there.
    NoSpace,
    /// It was tried for as long as was asked for.
    GaveUp,
    /// The run was cancelled meanwhile.
    Cancelled,
    /// This build or that machine cannot do it.
    Unsupported,
}

impl FaultKind {
    /// Whether it may be gone by itself after a while.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Unresolved | Self::Unreachable | Self::Refused | Self::Cut | Self::TimedOut | Self::Busy)
    }
}

/// What is wrong, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// A sentence, with the host in it.
    pub message: String,
    /// What to do: commands or settings, a line each. Empty where there is nothing to be done here.
    pub cures: Vec<String>,
}

impl Fault {
    /// A fault without a cure.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cures: Vec::new() }
    }

    /// The same, with one more thing to do.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cures.push(cure.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.cures.iter().try_for_each(|cure| write!(f, "\n  try: {cure}"))
    }
}

impl std::error::Error for Fault {}
