//! `local-ci.lock`: which bytes a project's plugins are, and what they were approved for. Text in, text out, and where the
//! file is; who may change it is decided elsewhere.
//!
//! It stands beside the config and belongs into git. What of it a person may want to review is there in words: where a
//! plugin comes from, what it can be, what it can ever ask for. A format that this version does not know is never guessed
//! at, nor is a file that git has left half merged.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::info::Role;
use super::rewrite;
use crate::pipeline::plugin::Grants;
use crate::text::plain;

/// The file's name.
pub const NAME: &str = "local-ci.lock";
/// The format that is written here, and the newest that can be read.
pub const FORMAT: u64 = 1;
/// The most that a lock file may be long, in bytes: some thousand plugins.
const FILE_MAX: u64 = 4 * 1024 * 1024;

/// What stands at the top of the file.
const HEADER: &str = "\
# Which plugins this project uses, and what they were approved for. Written by `local-ci plugin add` and `update`;
# keep it in git, and do not edit it.
";

/// What is locked of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name in `[plugins]`.
    pub name: String,
    /// Where it comes from, as [`crate::pipeline::plugin::Source`] is written.
    pub source: String,
    /// Its version, as it says itself.
    pub version: String,
    /// The hash of its component in hex digits; none for a part of the project, which changes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
    /// The component's size in bytes; none for a part of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The version of the contract that it was built for.
    pub api: String,
    /// What it can be.
    pub roles: Vec<Role>,
    /// What it imports: all that it can ever ask for.
    pub imports: Vec<String>,
    /// What it needs and is granted, as [`approval`] has it.
    pub approved: String,
}

/// The whole file: an entry a plugin, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The entries by their names.
    pub plugins: BTreeMap<String, Entry>,
}

/// What is wrong with a lock file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It cannot be read.
    #[error("{NAME} cannot be read: {0}")]
    Unreadable(String),
    /// It is longer than any that is written here.
    #[error("{NAME} is longer than {} MiB; `local-ci plugin update` writes it anew", FILE_MAX >> 20)]
    TooLong,
    /// It would not be read back as it is, and is not written.
    #[error("{NAME} is not written: {0}")]
    Unwritable(String),
    /// Git has left it half merged.
    #[error("{NAME} has merge markers in it, in line {line}: take either side of them, then `local-ci plugin update`")]
    Unmerged {
        /// Where the first of them is.
        line: usize,
    },
    /// It is of a later format.
    #[error("{NAME} was written by a later version of local-ci (format {0}; this one knows {FORMAT}): update this one")]
    Newer(u64),
    /// It is not what is written here.
    #[error(
        "{NAME} is damaged, in line {line}: {why}; `git checkout {NAME}` brings back what was committed, and `local-ci plugin update` \
         writes it anew, for which all plugins are to be approved again"
    )]
    Damaged {
        /// Where, from one.
        line: usize,
        /// In which way.
        why: String,
    },
}

impl LockError {
    /// Whether the file may be written anew by who was asked to: not where a later version knows more of it than we do.
    pub fn may_be_replaced(&self) -> bool {
        matches!(self, Self::Unmerged { .. } | Self::Damaged { .. } | Self::TooLong)
    }
}

/// The file as it is on disk, but for its entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u64,
    #[serde(default)]
    plugin: Vec<toml::Spanned<Entry>>,
}

/// The version alone, of whatever else there is.
#[derive(Deserialize)]
struct Version {
    version: Option<toml::Spanned<u64>>,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plugin: Vec<&'a Entry>,
}

impl Lock {
    /// Reads a lock file's text.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let is_marker = |line: &str| ["<<<<<<<", ">>>>>>>", "|||||||"].iter().any(|marker| line.starts_with(marker));
        if let Some(at) = text.lines().position(is_marker) {
            return Err(LockError::Unmerged { line: at + 1 });
        }
        let damaged = |error: toml::de::Error| LockError::Damaged {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            // It may have a key of the file in it.
            why: plain::printable(error.message()).into_owned(),
        };
        let Version { version } = toml::from_str(text).map_err(damaged)?;
        let version = version.ok_or(LockError::Damaged { line: 1, why: "it does not say its version".to_owned() })?;
        match *version.get_ref() {
            FORMAT => {}
            0 => {
                let line = line_of(text, version.span().start);
                return Err(LockError::Damaged { line, why: "there is no version 0 of it".to_owned() });
            }
            newer => return Err(LockError::Newer(newer)),
        }
        let document: Document = toml::from_str(text).map_err(damaged)?;
        let mut plugins = BTreeMap::new();
        for spanned in document.plugin {
            let line = line_of(text, spanned.span().start);
            let entry = spanned.into_inner();
            if let Some(why) = flaw(&entry) {
                return Err(LockError::Damaged { line, why });
            }
            let name = entry.name.clone();
            if plugins.insert(name.clone(), entry).is_some() {
                return Err(LockError::Damaged { line, why: format!("{name:?} stands in it twice") });
            }
        }
        Ok(Self { plugins })
    }

    /// The text of this lock file: always the same for the same entries.
    pub fn render(&self) -> Result<String, LockError> {
        let written = Written { version: FORMAT, plugin: self.plugins.values().collect() };
        let body = toml::to_string(&written).map_err(|error| LockError::Unwritable(error.to_string()))?;
        Ok(format!("{HEADER}{body}"))
    }

    /// Reads a lock file. One that is not there has no entries.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let unreadable = |error: io::Error| LockError::Unreadable(error.to_string());
        let file = match rewrite::open_regular(path) {
            Ok(Some(file)) => file,
            Ok(None) => return Err(LockError::Unreadable("it is no file".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut bytes = Vec::new();
        file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > FILE_MAX {
            return Err(LockError::TooLong);
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|b| *b == b'\n').count();
            LockError::Damaged { line, why: "it is not UTF-8".to_owned() }
        })?;
        Self::parse(&text)
    }

    /// Writes the file as a whole, unless it says the same already. What would not be read back is not written.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let text = self.render()?;
        if text.len() as u64 > FILE_MAX {
            return Err(LockError::Unwritable(format!("it would be longer than {} MiB", FILE_MAX >> 20)));
        }
        match Self::parse(&text) {
            Ok(read) if read == *self => {}
            Ok(_) => return Err(LockError::Unwritable("it would be read as another one".to_owned())),
            Err(error) => return Err(LockError::Unwritable(format!("it could not be read again: {error}"))),
        }
        if let Ok(Some(file)) = rewrite::open_regular(path) {
            let mut there = Vec::new();
            let read = file.take(FILE_MAX + 1).read_to_end(&mut there);
            if read.is_ok() && there == text.as_bytes() {
                return Ok(());
            }
        }
        rewrite::replace(path, text.as_bytes()).map_err(|error| LockError::Unwritable(error.to_string()))
    }
}

/// Where a project's lock file is: beside its config, which is in its directory or, all by itself, in `.config`.
pub fn place(root: &Path) -> PathBuf {
    let is_there = |name: &str| fs::symlink_metadata(root.join(name)).is_ok();
    let is_hidden = is_there(".config/local-ci.toml") && !is_there("local-ci.toml") && !is_there(".local-ci.toml");
    root.join(if is_hidden { ".config" } else { "." }).components().collect::<PathBuf>().join(NAME)
}

/// What an approval is of: needs and grants, whatever their order. In hex digits.
pub fn approval(needs: &Grants, grants: &Grants) -> String {
    let text = format!("needs\n{}grants\n{}", canonical(needs), canonical(grants));
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// One text for all ways to write the same grants. What is empty is not in it, so that a kind that a later version knows
/// changes nothing of what was approved before.
fn canonical(grants: &Grants) -> String {
    let Grants { files_read, files_write, env, commands, http, secrets, clock } = grants;
    let lists = [
        ("files-read", files_read),
        ("files-write", files_write),
        ("env", env),
        ("commands", commands),
        ("http", http),
        ("secrets", secrets),
    ];
    let mut lines = Vec::new();
    for (kind, list) in lists {
        let mut list: Vec<&String> = list.iter().collect();
        list.sort();
        list.dedup();
        // With its length before it, no value can be read as two.
        lines.extend(list.into_iter().map(|value| format!("{kind} {} {value}\n", value.len())));
    }
    if *clock {
        lines.push("clock\n".to_owned());
    }
    lines.concat()
}

/// What no entry of ours has.
fn flaw(entry: &Entry) -> Option<String> {
    let name = &entry.name;
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Some("it has an entry without a name that a plugin can have".to_owned());
    }
    if let Some(hash) = &entry.blake3
        && !is_hash(hash)
    {
        return Some(format!("`blake3` of {name:?} is no hash of 64 hex digits"));
    }
    if !is_hash(&entry.approved) {
        return Some(format!("`approved` of {name:?} is no hash of 64 hex digits"));
    }
    (entry.blake3.is_some() != entry.size.is_some())
        .then(|| format!("{name:?} has only one of `blake3` and `size`, which belong together"))
}

/// The line that a byte is in, from one.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].split(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests;
