//! Plugins as a pipeline names them, what they are allowed, and where stages use them. Nothing here runs one.

mod source;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where a plugin's component comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `path:FILE.wasm`, relative to the project's directory. Its bytes are those that were locked.
    File(PathBuf),
    /// `path:DIR`, a plugin's own project, built by `local-ci plugin build`. It changes with the project that it is a part of:
    /// what is locked of it is what it may do, and not its bytes.
    Project(PathBuf),
    /// `https:…`, fetched when it is added or updated and never by a run. Its bytes are those that were locked.
    Web(String),
}

/// What a plugin may do, by the kinds of `wit/plugin.wit`: nothing that is not named here. As what a plugin `needs`, as what a
/// pipeline grants and as what a user allows; an access is permitted where each of the three permits it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grants {
    /// Globs of files that it may read, relative to the project's directory.
    pub files_read: Vec<String>,
    /// Globs of files that it may write.
    pub files_write: Vec<String>,
    /// Environment variables that it may read.
    pub env: Vec<String>,
    /// Commands that it may run, in words; `*` stands for any one word, and `**` at the end for any number. Neither stands for
    /// a word that begins with `-`, but behind `--` or `--end-of-options`; `-*` and `-**` do.
    pub commands: Vec<String>,
    /// Hosts that it may speak to, as `host` or `host:port`.
    pub http: Vec<String>,
    /// Environment variables whose values may be sent to those hosts, without the plugin seeing them.
    pub secrets: Vec<String>,
    /// Whether it may know the time.
    pub clock: bool,
}

/// What a plugin may use up. Without one of these, what is usual for the role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory: Option<u64>,
    /// How long one call may take of the plugin's own time: what it waits for the host does not count.
    pub time: Option<Duration>,
}

/// An entry of `[plugins]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// Its name there.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// What the pipeline grants it.
    pub grants: Grants,
    /// What it may use up.
    pub limits: Limits,
    /// `config`: its settings, a JSON object as text.
    pub config: String,
    /// The files that the pipeline was read from, wherever they are: none is written by what they decide over.
    pub files: Vec<PathBuf>,
}

/// A plugin that was found, verified and described, ready to be run. Made where the pipeline is read; a supervisor needs
/// nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// What the pipeline says of it.
    pub plugin: Plugin,
    /// The file with its component, absolute.
    pub component: PathBuf,
    /// The blake3 hash of that file, in hex digits: what is run is what was verified.
    pub hash: String,
    /// What it says that it needs.
    pub needs: Grants,
    /// What the user allows plugins; none: whatever a pipeline grants.
    pub policy: Option<Grants>,
    /// The kinds of events that it wants as a reporter; empty: all.
    pub events: Vec<String>,
}

/// A stage's use of a plugin: `uses` and `with`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Use {
    /// The plugin's name in `[plugins]`.
    pub plugin: String,
    /// Its stage kind.
    pub kind: String,
    /// `with`, a JSON object as text, its keys sorted.
    pub params: String,
    /// Whether it is to mend what it finds.
    pub fix: bool,
}

impl Use {
    /// How a pipeline names it: the plugin, and the kind where that has another name.
    pub fn name(&self) -> String {
        if self.kind == self.plugin { self.plugin.clone() } else { format!("{}:{}", self.plugin, self.kind) }
    }
}

/// A plugin's parser that reads a stage's output: an item of `annotate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParserUse {
    /// The plugin's name in `[plugins]`.
    pub plugin: String,
    /// The parser's name.
    pub parser: String,
    /// What it reads of the output.
    pub excerpt: Excerpt,
}

/// Which lines of a stage's output a parser reads: those that have one of `lines` in them, and all from the first on that has
/// one of `from`. Without any text, all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// Texts of lines that are read by themselves.
    pub lines: Vec<String>,
    /// Texts of lines from which on all is read.
    pub from: Vec<String>,
}

impl Excerpt {
    /// Whether all is read.
    pub fn is_whole(&self) -> bool {
        self.lines.is_empty() && self.from.is_empty()
    }
}

/// A name that a plugin offers something under, and what may be given with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// The name.
    pub name: String,
    /// What it is, in a line.
    pub summary: String,
    /// The JSON schema of its `with`, as text; none: anything goes.
    pub params: Option<String>,
    /// Whether it can mend what it finds.
    pub fixes: bool,
    /// What a parser reads of the output.
    pub excerpt: Excerpt,
}

/// What a plugin can do, as it says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Its stage kinds.
    pub stages: Vec<Kind>,
    /// Its parsers.
    pub parsers: Vec<Kind>,
    /// Its expanders.
    pub expanders: Vec<Kind>,
    /// Whether it takes events.
    pub reports: bool,
    /// The JSON schema of its `config`, as text; none: anything goes.
    pub config: Option<String>,
}

/// An `[[expand]]` table: stages that a plugin makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expand {
    /// The plugin's name in `[plugins]`.
    pub plugin: String,
    /// Its expander's kind.
    pub kind: String,
    /// `with`, a JSON object as text.
    pub params: String,
}

/// A stage that an expander made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its name.
    pub name: String,
    /// The JSON form of a `[stages.NAME]` table.
    pub body: String,
}

/// How many stages one `[[expand]]` may make.
pub const GENERATED_MAX: usize = 1000;
