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
    /// Whose values these are.
    pub(super) fn whose(self) -> &'static str {
        match self {
            Self::Needs => "what the plugin says that it needs",
            Self::Grants => "the pipeline's grants",
            Self::Policy => "the user's policy",
        }
    }

    /// That this side takes a file out with `!`, as the end of a sentence.
    pub(super) fn takes_out(self) -> &'static str {
        match self {
            Self::Needs => "a glob with `!` in what the plugin says that it needs takes it out",
            Self::Grants => "a glob with `!` in the pipeline's grants takes it out",
            Self::Policy => "a glob with `!` in the user's policy takes it out",
        }
    }
}

/// An access that is not permitted. As text it is a sentence, safe to show, without the plugin's name at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    plugin: String,
    /// The key that would have to permit it.
    pub key: Key,
    /// What was to be done, as it is shown.
    what: String,
    /// What would have to stand under the key; of `clock`, `true`.
    pub value: String,
    /// Who does not permit it; nobody where it can never be permitted.
    pub by: Vec<Side>,
    never: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(plugin: &str, key: Key, (what, value): (&str, String), by: Vec<Side>) -> Self {
        Self { plugin: plugin.to_owned(), key, what: what.to_owned(), value, by, never: None }
    }

    pub(super) fn never(plugin: &str, key: Key, path: &str, why: &'static str) -> Self {
        Self { never: Some(why), ..Self::new(plugin, key, (path, globset::escape(path)), Vec::new()) }
    }

    /// The line of TOML that would permit it and nothing else.
    pub fn line(&self) -> String {
        self.key.line(std::slice::from_ref(&self.value))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = printable(&self.what);
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
        let pipeline = format!("to `grants` in `[plugins.{}]` of the pipeline", self.plugin);
        let policy = "to `[plugin-policy]` in the user's config.toml";
        let by = |side: Side| self.by.contains(&side);
        if by(Side::Needs) {
            write!(
                f,
                "the plugin itself does not say that it needs `{line}`, which whoever makes it would have to add"
            )?;
        }
        if by(Side::Needs) && (by(Side::Grants) || by(Side::Policy)) {
            f.write_str("; and then ")?;
        }
        match (by(Side::Grants), by(Side::Policy)) {
            (true, true) => write!(f, "add `{line}` {pipeline}, and {policy}"),
            (true, false) => write!(f, "add `{line}` {pipeline}"),
            (false, true) => write!(f, "add `{line}` {policy}"),
            (false, false) => Ok(()),
        }
    }
}
