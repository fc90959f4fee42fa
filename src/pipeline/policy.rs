//! How a stage is supervised.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What happens to processes that outlive their stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Leak {
    /// They are killed, and a notice says so.
    #[default]
    Kill,
    /// They are left running, and a notice says so.
    Warn,
    /// They are killed, and the stage fails.
    Fail,
    /// They are left running, and nothing is said: the stage starts a server on purpose.
    Allow,
}

/// How a stage's programs are told of the slots that nobody uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Jobserver {
    /// Cargo is, where that can do no harm.
    #[default]
    Auto,
    /// Make is as well, by descriptors where it is an old one.
    Make,
    /// Nobody is.
    Off,
}

/// How a stage is supervised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long an attempt may run; none: for ever.
    pub timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL.
    pub grace: Duration,
    /// How many more attempts after one that did not pass.
    pub retries: u32,
    /// Between attempts.
    pub retry_delay: Duration,
    /// Whether its failure leaves the run's verdict alone.
    pub allow_failure: bool,
    /// Slots it takes; more than the run has means all of them.
    pub threads: u32,
    /// Two stages with one lock never overlap.
    pub locks: Vec<String>,
    /// How much of its output is kept, in bytes.
    pub log_max: u64,
    /// What happens to processes it leaves behind.
    pub leak: Leak,
    /// Whether its output is a terminal's.
    pub pty: bool,
    /// Whether it talks with a person, on a terminal that is its own.
    pub interactive: bool,
    /// How its programs are told of the slots that nobody uses.
    pub jobserver: Jobserver,
}

/// The grace of a stage that sets none.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// The log limit of a stage that sets none, in bytes.
pub const DEFAULT_LOG_MAX: u64 = 1 << 30;

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: None,
            grace: DEFAULT_GRACE,
            retries: 0,
            retry_delay: Duration::ZERO,
            allow_failure: false,
            threads: 1,
            locks: Vec::new(),
            log_max: DEFAULT_LOG_MAX,
            leak: Leak::Kill,
            pty: false,
            interactive: false,
            jobserver: Jobserver::Auto,
        }
    }
}
