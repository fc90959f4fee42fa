//! Who answers for plugins. A configuration is checked against what its plugins say of themselves, and this floor runs none.

use std::fmt;
use std::path::Path;

use crate::pipeline::plugin::{Abilities, Expand, Generated, Plugin, Ready};

/// Answers for the plugins that a configuration uses. Nobody is asked for a plugin that nothing uses, and for each one once.
pub trait Supplier: Send {
    /// Finds and verifies a plugin, and says what it can do. `root` is the project's directory, absolute.
    fn abilities(&self, root: &Path, plugin: &Plugin) -> Result<(Ready, Abilities), Unsupplied>;

    /// Has a plugin make the stages of an `[[expand]]`. Asked only after its abilities were told and it has such an expander.
    fn expand(&self, root: &Path, plugin: &Plugin, expand: &Expand) -> Result<Vec<Generated>, Unsupplied>;

    /// What of a value does not fit a JSON schema, both as JSON texts. The error says what is wrong with the schema.
    fn misfits(&self, schema: &str, value: &str) -> Result<Vec<Misfit>, String>;
}

/// Something in a value that its JSON schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where it is, as a JSON pointer (RFC 6901); empty: the value as a whole.
    pub pointer: String,
    /// What of it does not fit.
    pub aspect: Aspect,
    /// What is wrong with it, as the end of a sentence that begins with its name.
    pub message: String,
    /// What to do, where something is likely.
    pub help: Option<String>,
}

/// What of an entry of a table does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// That it is there.
    Key,
    /// What it is.
    Value,
}

/// Why a plugin does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupplied {
    /// A sentence that names the plugin, without its end.
    pub why: String,
    /// What to do, where something can be; it may have several lines.
    pub help: Option<String>,
}

impl Unsupplied {
    /// With nothing that could be done.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: None }
    }

    /// With what to do.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl From<String> for Unsupplied {
    fn from(why: String) -> Self {
        Self::new(why)
    }
}

impl fmt::Display for Unsupplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{}: {help}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// Of a build without plugins: it has none of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSupplier;

impl NoSupplier {
    fn refuse(plugin: &Plugin) -> Unsupplied {
        Unsupplied::new(format!("plugin {} cannot be used: this build of local-ci cannot run plugins", plugin.name))
            .help("install one that was built with the feature `plugins`, or take away what uses it")
    }
}

impl Supplier for NoSupplier {
    fn abilities(&self, _: &Path, plugin: &Plugin) -> Result<(Ready, Abilities), Unsupplied> {
        Err(Self::refuse(plugin))
    }

    fn expand(&self, _: &Path, plugin: &Plugin, _: &Expand) -> Result<Vec<Generated>, Unsupplied> {
        Err(Self::refuse(plugin))
    }

    fn misfits(&self, _: &str, _: &str) -> Result<Vec<Misfit>, String> {
        Err("cannot be read: this build of local-ci cannot run plugins".to_owned())
    }
}
