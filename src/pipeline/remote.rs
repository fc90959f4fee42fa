//! Another machine that stages run on: an entry of `[remotes]`, or what `--remote` names.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The tmux session of a remote that names none.
pub const DEFAULT_SESSION: &str = "onion";
/// How long one operation over the line may take where nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// For how long a line that was lost is tried again where nothing else is said.
pub const DEFAULT_GIVE_UP: Duration = Duration::from_mins(10);

/// Whom to connect to, checked: see [`Destination::parse`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Destination {
    /// The user there; none: whom ssh's config says.
    pub user: Option<String>,
    /// The host, or its alias in ssh's config.
    pub host: String,
    /// The port; none: what ssh's config says.
    pub port: Option<u16>,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)
    }
}

/// How the work tree gets there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sync {
    /// As a commit of its own, of what is tracked or new and not ignored.
    #[default]
    Git,
    /// By rsync, where there is no repository.
    Rsync,
    /// Not at all: the directory there is used as it is.
    None,
}

/// Another machine that stages run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// What plans, journals and history call it: its name in `[remotes]`, or what `--remote` was given.
    pub name: String,
    /// Whom to connect to.
    pub destination: Destination,
    /// The tmux session in which a person there can look on.
    pub session: String,
    /// The project's directory there; none: one of our own.
    pub dir: Option<String>,
    /// How the work tree gets there.
    pub sync: Sync,
    /// Globs of files that are sent although they are ignored.
    pub include: Vec<String>,
    /// Variables of every stage there, below the stage's own.
    pub env: BTreeMap<String, String>,
    /// How many stage threads run there at a time; none: as many as here.
    pub slots: Option<u32>,
    /// What it is.
    pub description: Option<String>,
    /// How long one operation over the line may take.
    pub timeout: Duration,
    /// For how long a line that was lost is tried again before the run is left to itself.
    pub give_up: Duration,
}
