//! Why an access is not permitted, as a sentence that says what to do about it.

use std::fmt;

use super::key::Key;
use crate::text::plain::printable;

/// Whoever has to permit an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The plugin, which says what it needs.
    Needs,
    /// The pipeline, which grants it.
    Grants,
    /// The user, whose policy allows it.
    Policy,
}

impl Side {
    /// Whose values these are, as the beginning of a sentence about one of them.
    pub(super) fn whose(self) -> &'static str {
        match self {
            Self::Needs => "what it says that it needs under",
            Self::Grants => "what the pipeline grants it under",
            Self::Policy => "what the user's policy allows under",
        }
    }
}

/// An access that is not permitted. As text it is a sentence, safe to show, without the plugin's name at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    plugin: String,
    /// The key that would have to permit it.
    pub key: Key,
    /// What would have to stand there; of a file, its path.
    pub value: String,
    /// Who does not permit it; nobody where it can never be permitted.
    pub by: Vec<Side>,
    never: Option<&'static str>,
    is_pattern: bool,
}

impl Refusal {
    pub(super) fn new(plugin: &str, key: Key, value: &str, by: Vec<Side>) -> Self {
        Self { plugin: plugin.to_owned(), key, value: value.to_owned(), by, never: None, is_pattern: false }
    }

    pub(super) fn never(plugin: &str, key: Key, value: &str, why: &'static str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            key,
            value: value.to_owned(),
            by: Vec::new(),
            never: Some(why),
            is_pattern: false,
        }
    }

    /// The same of a glob rather than of a file.
    pub(super) fn of_pattern(self) -> Self {
        Self { is_pattern: true, ..self }
    }

    /// The line of TOML that would permit it and nothing else.
    pub fn line(&self) -> String {
        let value = match self.key {
            Key::FilesRead | Key::FilesWrite if !self.is_pattern => globset::escape(&self.value),
            Key::FilesRead | Key::FilesWrite | Key::Env | Key::Commands | Key::Http | Key::Secrets | Key::Clock => {
                self.value.clone()
            }
        };
        self.key.line(&[value])
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = printable(&self.value);
        match self.key {
            Key::FilesRead => write!(f, "reading `{value}` is not permitted: "),
            Key::FilesWrite => write!(f, "writing `{value}` is not permitted: "),
            Key::Env => write!(f, "knowing the variable `{value}` is not permitted: "),
            Key::Commands => write!(f, "running `{value}` is not permitted: "),
            Key::Http => write!(f, "speaking to `{value}` is not permitted: "),
            Key::Secrets => write!(f, "sending the variable `{value}` is not permitted: "),
            Key::Clock => f.write_str("knowing the time is not permitted: "),
        }?;
        if let Some(why) = self.never {
            return f.write_str(why);
        }
        let line = self.line();
        let line = printable(&line);
        for (nth, side) in self.by.iter().enumerate() {
            if nth > 0 {
                f.write_str("; and ")?;
            }
            match side {
                Side::Needs => write!(
                    f,
                    "the plugin itself does not say that it needs `{line}`, which whoever makes it would have to add"
                ),
                Side::Grants => write!(f, "add `{line}` to `grants` in `[plugins.{}]` of the pipeline", self.plugin),
                Side::Policy => write!(f, "add `{line}` to `[plugin-policy]` in the user's config.toml"),
            }?;
        }
        Ok(())
    }
}
