//! What a plugin may do: an access is permitted where the plugin says that it needs it, the pipeline grants it and the user
//! allows it. Pure: nothing is opened, resolved or asked here.
//!
//! Every pattern is read once, when the authority is made. What is refused is said in a sentence, with the line of TOML that
//! would have to be added and where, or that the plugin itself does not ask for it.

mod covers;
mod key;
mod patterns;
pub mod place;
mod refusal;

pub use covers::{Missing, as_toml, covers};
pub use key::Key;
pub use patterns::Flaw;
pub use refusal::{Refusal, Side};

use crate::pipeline::plugin::{Grants, Ready};
use patterns::Permissions;

/// What one plugin may do.
#[derive(Clone, Debug)]
pub struct Authority {
    plugin: String,
    needs: Permissions,
    grants: Permissions,
    policy: Option<Permissions>,
    only_reads: bool,
}

/// Why an expander is refused everything but files to read.
const ONLY_READS: &str = "who makes stages reads files and does nothing else, whatever is granted";

/// Grants that permit everything: what a key stands for that the user's policy does not have. `*` among `env`, `http` and
/// `secrets` means every one. A policy may have it, and what a plugin says that it needs, where only who uses it knows the
/// names: it is granted them one by one all the same.
pub fn everything() -> Grants {
    let all = |text: &str| vec![text.to_owned()];
    Grants {
        files_read: all("**"),
        files_write: all("**"),
        env: all("*"),
        commands: all("**"),
        http: all("*"),
        secrets: all("*"),
        clock: true,
    }
}

/// What is wrong with grants, or with what a plugin says that it needs: values that can never permit anything.
pub fn flaws(grants: &Grants) -> Vec<Flaw> {
    Permissions::read(grants, false).err().unwrap_or_default()
}

/// What is wrong with a user's policy; as [`flaws`], but that `*` stands for every variable and host.
pub fn policy_flaws(policy: &Grants) -> Vec<Flaw> {
    Permissions::read(policy, true).err().unwrap_or_default()
}

impl Authority {
    /// What a plugin of this name may do. The error is about the first value that is none of its kind: the rest of a sentence
    /// that begins with the plugin.
    pub fn new(plugin: &str, needs: &Grants, grants: &Grants, policy: Option<&Grants>) -> Result<Self, String> {
        let read = |side: Side, from: &Grants| {
            Permissions::read(from, side != Side::Grants).map_err(|flaws| {
                let first = flaws.first().map(ToString::to_string).unwrap_or_default();
                format!("cannot be used: in {}, {first}", side.whose())
            })
        };
        Ok(Self {
            plugin: plugin.to_owned(),
            needs: read(Side::Needs, needs)?,
            grants: read(Side::Grants, grants)?,
            policy: policy.map(|policy| read(Side::Policy, policy)).transpose()?,
            only_reads: false,
        })
    }

    /// The same for making stages: of all that is permitted, files are read. A project's stages are made for whoever looks at
    /// it, trusted or not, and what it grants itself must not be worth anything then.
    #[must_use]
    pub fn only_reading(self) -> Self {
        Self { only_reads: true, ..self }
    }

    /// What a plugin with these needs may do where all of them are granted, as in its examples.
    pub fn of_needs(plugin: &str, needs: &Grants) -> Result<Self, String> {
        let mut authority = Self::new(plugin, needs, &Grants::default(), None)?;
        authority.grants = authority.needs.clone();
        Ok(authority)
    }

    /// What a plugin may do that was found and described.
    pub fn of(ready: &Ready) -> Result<Self, String> {
        Self::new(&ready.plugin.name, &ready.needs, &ready.plugin.grants, ready.policy.as_ref())
    }

    /// The plugin's name.
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Whether it may read this file, by its path as [`place::clean`] gives it.
    pub fn may_read(&self, path: &str) -> Result<(), Refusal> {
        if place::is_version_control(path) {
            return Err(self.never(Key::FilesRead, path, "what version control keeps for itself is no plugin's"));
        }
        self.not_taken_out(Key::FilesRead, path)?;
        self.judge(Key::FilesRead, path, globset::escape(path), |permissions| permissions.reads(path))
    }

    /// Whether it may read this file, for who asks about many.
    pub fn reads(&self, path: &str) -> bool {
        !place::is_version_control(path) && self.sides().all(|(_, permissions)| permissions.reads(path))
    }

    /// Whether it may look for files by this glob: where it may read any at all. What it is shown are those that it may read.
    pub fn may_look(&self, pattern: &str) -> Result<(), Refusal> {
        self.judge(Key::FilesRead, pattern, pattern.to_owned(), Permissions::reads_something)
    }

    /// Whether it may replace or make this file, by its path as [`place::clean`] gives it.
    pub fn may_write(&self, path: &str) -> Result<(), Refusal> {
        if place::is_version_control(path) {
            return Err(self.never(Key::FilesWrite, path, "what version control keeps for itself is no plugin's"));
        }
        if place::is_ours(path) {
            return Err(self.never(Key::FilesWrite, path, "what decides over plugins is not written by one"));
        }
        self.not_taken_out(Key::FilesWrite, path)?;
        self.judge(Key::FilesWrite, path, globset::escape(path), |permissions| permissions.writes(path))
    }

    /// Whether it may know the value of this variable.
    pub fn may_know(&self, variable: &str) -> Result<(), Refusal> {
        self.judge(Key::Env, variable, variable.to_owned(), |permissions| permissions.knows(variable))
    }

    /// Whether it may run this command.
    pub fn may_run(&self, argv: &[String]) -> Result<(), Refusal> {
        self.judge(Key::Commands, &argv.join(" "), patterns::words(argv), |permissions| permissions.runs(argv))
    }

    /// Whether it may speak to this host, in lower case, at this port.
    pub fn may_reach(&self, host: &str, port: u16) -> Result<(), Refusal> {
        self.judge(Key::Http, &format!("{host}:{port}"), patterns::host_and_port(host, port), |permissions| {
            permissions.reaches(host, port)
        })
    }

    /// Whether the value of this variable may be sent to a host that it may speak to.
    pub fn may_send(&self, secret: &str) -> Result<(), Refusal> {
        self.judge(Key::Secrets, secret, secret.to_owned(), |permissions| permissions.sends(secret))
    }

    /// Whether it may know the time.
    pub fn may_tell_time(&self) -> Result<(), Refusal> {
        self.judge(Key::Clock, "", "true".to_owned(), Permissions::tells_time)
    }

    /// No line that is added would permit a file that one of them takes out.
    fn not_taken_out(&self, key: Key, path: &str) -> Result<(), Refusal> {
        match self.sides().find(|(_, permissions)| permissions.takes_out(key, path)) {
            Some((side, _)) => Err(self.never(key, path, side.takes_out())),
            None => Ok(()),
        }
    }

    fn judge(
        &self,
        key: Key,
        what: &str,
        value: String,
        permits: impl Fn(&Permissions) -> bool,
    ) -> Result<(), Refusal> {
        if self.only_reads && key != Key::FilesRead {
            return Err(self.never(key, what, ONLY_READS));
        }
        let refuses = self.sides().filter(|(_, permissions)| !permits(permissions));
        let by: Vec<Side> = refuses.map(|(side, _)| side).collect();
        if by.is_empty() { Ok(()) } else { Err(Refusal::new(&self.plugin, key, (what, value), by)) }
    }

    fn sides(&self) -> impl Iterator<Item = (Side, &Permissions)> {
        let policy = self.policy.as_ref().map(|policy| (Side::Policy, policy));
        [(Side::Needs, &self.needs), (Side::Grants, &self.grants)].into_iter().chain(policy)
    }

    fn never(&self, key: Key, value: &str, why: &'static str) -> Refusal {
        Refusal::never(&self.plugin, key, value, why)
    }
}

#[cfg(test)]
mod tests;
