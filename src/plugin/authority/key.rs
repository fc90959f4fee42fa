//! The keys of grants.

use crate::pipeline::plugin::Grants;

/// A key of [`Grants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `files-read`
    FilesRead,
    /// `files-write`
    FilesWrite,
    /// `env`
    Env,
    /// `commands`
    Commands,
    /// `http`
    Http,
    /// `secrets`
    Secrets,
    /// `clock`
    Clock,
}

impl Key {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 7] =
        [Self::FilesRead, Self::FilesWrite, Self::Env, Self::Commands, Self::Http, Self::Secrets, Self::Clock];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FilesRead => "files-read",
            Self::FilesWrite => "files-write",
            Self::Env => "env",
            Self::Commands => "commands",
            Self::Http => "http",
            Self::Secrets => "secrets",
            Self::Clock => "clock",
        }
    }

    /// What grants have under it; of `clock`, `true` where that is so.
    pub fn values(self, grants: &Grants) -> Vec<String> {
        match self {
            Self::FilesRead => grants.files_read.clone(),
            Self::FilesWrite => grants.files_write.clone(),
            Self::Env => grants.env.clone(),
            Self::Commands => grants.commands.clone(),
            Self::Http => grants.http.clone(),
            Self::Secrets => grants.secrets.clone(),
            Self::Clock => grants.clock.then(|| "true".to_owned()).into_iter().collect(),
        }
    }

    /// Adds a value to grants; of `clock`, whatever it is, that it is granted.
    pub fn grant(self, grants: &mut Grants, value: &str) {
        let list = match self {
            Self::FilesRead => &mut grants.files_read,
            Self::FilesWrite => &mut grants.files_write,
            Self::Env => &mut grants.env,
            Self::Commands => &mut grants.commands,
            Self::Http => &mut grants.http,
            Self::Secrets => &mut grants.secrets,
            Self::Clock => {
                grants.clock = true;
                return;
            }
        };
        list.push(value.to_owned());
    }

    /// A line of TOML that permits these values, and nothing else under this key.
    pub(super) fn line(self, values: &[String]) -> String {
        if self == Self::Clock {
            return "clock = true".to_owned();
        }
        let values: Vec<String> = values.iter().map(|value| toml::Value::String(value.clone()).to_string()).collect();
        format!("{} = [{}]", self.as_str(), values.join(", "))
    }
}
