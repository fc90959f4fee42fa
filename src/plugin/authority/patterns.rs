//! Grants that were read: each pattern once.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Component, Path};

use globset::GlobSet;

use super::key::Key;
use crate::config::path_matcher;
use crate::pipeline::plugin::Grants;
use crate::text::plain::printable;

/// A value that can never permit anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Under which key it stands.
    pub key: Key,
    /// The value.
    pub value: String,
    /// What is wrong with it, as the end of a sentence that begins with the value.
    pub why: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` has `{}`, which {}", self.key.as_str(), printable(&self.value), self.why)
    }
}

/// Every name, in a policy and in needs.
pub(super) const EVERY: &str = "*";

/// What one side permits.
#[derive(Clone, Debug, Default)]
pub(super) struct Permissions {
    files_read: Globs,
    files_write: Globs,
    env: Names,
    commands: Vec<Pattern>,
    http: Hosts,
    secrets: Names,
    clock: bool,
}

impl Permissions {
    /// Reads grants; where this is none of a pipeline's, `*` stands for every variable and every host.
    pub(super) fn read(grants: &Grants, may_have_every: bool) -> Result<Self, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let permissions = Self {
            files_read: Globs::read(Key::FilesRead, &grants.files_read, &mut flaws),
            files_write: Globs::read(Key::FilesWrite, &grants.files_write, &mut flaws),
            env: Names::read(Key::Env, &grants.env, may_have_every, &mut flaws),
            commands: each(Key::Commands, &grants.commands, &mut flaws, Pattern::read),
            http: Hosts::read(&grants.http, may_have_every, &mut flaws),
            secrets: Names::read(Key::Secrets, &grants.secrets, may_have_every, &mut flaws),
            clock: grants.clock,
        };
        if flaws.is_empty() { Ok(permissions) } else { Err(flaws) }
    }

    pub(super) fn reads(&self, path: &str) -> bool {
        self.files_read.has(path)
    }

    pub(super) fn reads_something(&self) -> bool {
        !self.files_read.adds.is_empty()
    }

    pub(super) fn writes(&self, path: &str) -> bool {
        self.files_write.has(path)
    }

    /// Whether a glob of this key takes a file out on purpose.
    pub(super) fn takes_out(&self, key: Key, path: &str) -> bool {
        let globs = if key == Key::FilesWrite { &self.files_write } else { &self.files_read };
        globs.takes_out.iter().any(|glob| glob.is_match(path))
    }

    pub(super) fn knows(&self, variable: &str) -> bool {
        self.env.has(variable)
    }

    pub(super) fn runs(&self, argv: &[String]) -> bool {
        self.commands.iter().any(|pattern| pattern.matches(argv))
    }

    pub(super) fn reaches(&self, host: &str, port: u16) -> bool {
        self.http.has(host, port)
    }

    pub(super) fn sends(&self, secret: &str) -> bool {
        self.secrets.has(secret)
    }

    pub(super) fn tells_time(&self) -> bool {
        self.clock
    }
}

/// Reads values one by one, and keeps what is wrong with them.
fn each<T>(key: Key, values: &[String], flaws: &mut Vec<Flaw>, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
    let mut all = Vec::new();
    for value in values {
        match read(value) {
            Ok(one) => all.push(one),
            Err(why) => flaws.push(Flaw { key, value: value.clone(), why }),
        }
    }
    all
}

/// Globs of files. One with `!` before it takes out what others add, wherever it stands.
#[derive(Clone, Debug, Default)]
struct Globs {
    adds: Vec<GlobSet>,
    takes_out: Vec<GlobSet>,
}

impl Globs {
    fn read(key: Key, values: &[String], flaws: &mut Vec<Flaw>) -> Self {
        let globs = each(key, values, flaws, |value| match value.strip_prefix('!') {
            Some(text) => Ok((true, glob(text)?)),
            None => Ok((false, glob(value)?)),
        });
        let (takes_out, adds): (Vec<_>, Vec<_>) = globs.into_iter().partition(|(takes_out, _)| *takes_out);
        let sets = |list: Vec<(bool, GlobSet)>| list.into_iter().map(|(_, glob)| glob).collect();
        Self { adds: sets(adds), takes_out: sets(takes_out) }
    }

    fn has(&self, path: &str) -> bool {
        let any = |globs: &[GlobSet]| globs.iter().any(|glob| glob.is_match(path));
        any(&self.adds) && !any(&self.takes_out)
    }
}

/// A glob of files in the project.
fn glob(text: &str) -> Result<GlobSet, String> {
    let text = text.strip_prefix("./").unwrap_or(text);
    if text.ends_with('/') {
        return Err(format!("names a directory; what is in it is `{}**`", printable(text)));
    }
    if text.is_empty() || !Path::new(text).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("does not stay in the project; globs are relative to its directory".to_owned());
    }
    path_matcher(text).map_err(|why| format!("is no glob: {why}"))
}

/// Whether this can be a variable's name.
pub(super) fn is_variable(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
    first && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Names of variables.
#[derive(Clone, Debug, Default)]
struct Names {
    every: bool,
    names: BTreeSet<String>,
}

impl Names {
    fn read(key: Key, values: &[String], may_have_every: bool, flaws: &mut Vec<Flaw>) -> Self {
        let every = may_have_every && values.iter().any(|value| value == EVERY);
        let names = each(key, values, flaws, |value| {
            if is_variable(value) || may_have_every && value == EVERY {
                return Ok(value.to_owned());
            }
            Err("is no variable's name; they are granted one by one".to_owned())
        });
        Self { every, names: names.into_iter().collect() }
    }

    fn has(&self, name: &str) -> bool {
        self.every || self.names.contains(name)
    }
}

/// A word of a command, as it is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// This one.
    Is(String),
    /// Any that is no option: of many programs, one option is as good as any command (`--output`, `--exec`).
    Operand,
    /// Any.
    Any,
}

impl Word {
    fn means(&self, given: &str) -> bool {
        match self {
            Self::Is(word) => word == given,
            Self::Operand => !given.starts_with('-'),
            Self::Any => true,
        }
    }

    /// Whether it means every word that the other does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Is(word) => self.means(word),
            Self::Operand => !matches!(self, Self::Is(_)),
            Self::Any => *self == Self::Any,
        }
    }
}

/// A command in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) words: Vec<Word>,
    /// Of what kind the words are that may follow, any number of them.
    pub(super) rest: Option<Word>,
}

/// Behind these, no program takes a word for an option.
const OPTIONS_END: [&str; 2] = ["--", "--end-of-options"];

impl Pattern {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut given: Vec<&str> = text.split_ascii_whitespace().collect();
        let last = given.last().copied().filter(|word| matches!(*word, "**" | "-**"));
        if last.is_some() {
            given.pop();
        }
        if given.contains(&"**") || given.contains(&"-**") {
            return Err("has `**` before its end; it stands for any number of words at the end alone".to_owned());
        }
        if given.is_empty() && last.is_none() {
            return Err("is no command".to_owned());
        }
        // Who may run any program is not kept from anything by its options.
        let mut has_options = given.first().is_none_or(|program| *program == "*");
        let mut words = Vec::new();
        for word in given {
            words.push(match word {
                "-*" => Word::Any,
                "*" if has_options => Word::Any,
                "*" => Word::Operand,
                word => Word::Is(word.to_owned()),
            });
            has_options |= OPTIONS_END.contains(&word);
        }
        let rest = last.map(|last| if has_options || last == "-**" { Word::Any } else { Word::Operand });
        Ok(Self { words, rest })
    }

    fn matches(&self, argv: &[String]) -> bool {
        let Some((front, behind)) = argv.split_at_checked(self.words.len()) else { return false };
        let same = self.words.iter().zip(front).all(|(word, given)| word.means(given));
        let rest = behind.iter().all(|given| self.rest.as_ref().is_some_and(|rest| rest.means(given)));
        !argv.is_empty() && same && rest
    }
}

/// A command as it would be granted: a word that cannot stand in a pattern as it is becomes `*`, and an option `-*`.
pub(super) fn words(argv: &[String]) -> String {
    let word = |word: &String| {
        let is_pattern = matches!(word.as_str(), "" | "**" | "-**");
        match word {
            word if !is_pattern && !word.contains(|c: char| c.is_ascii_whitespace()) => word.clone(),
            option if option.starts_with('-') => "-*".to_owned(),
            _ => "*".to_owned(),
        }
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The ports of a host that is granted without one: https, and http where that is spoken at all.
const USUAL: [u16; 2] = [443, 80];

/// Hosts that may be spoken to.
#[derive(Clone, Debug, Default)]
struct Hosts {
    every: bool,
    places: BTreeSet<(String, u16)>,
}

impl Hosts {
    fn read(values: &[String], may_have_every: bool, flaws: &mut Vec<Flaw>) -> Self {
        let every = may_have_every && values.iter().any(|value| value == EVERY);
        let hosts = each(Key::Http, values, flaws, |value| match host(value) {
            Some(host) => Ok(Some(host)),
            None if may_have_every && value == EVERY => Ok(None),
            None => Err("is neither `host` nor `host:port`".to_owned()),
        });
        let places = hosts
            .into_iter()
            .flatten()
            .flat_map(|(host, ports)| ports.into_iter().map(move |port| (host.clone(), port)));
        Self { every, places: places.collect() }
    }

    fn has(&self, host: &str, port: u16) -> bool {
        self.every || self.places.contains(&(host.to_owned(), port))
    }
}

/// The host of a value of `http`, in lower case, and the ports that are meant.
pub(super) fn host(value: &str) -> Option<(String, Vec<u16>)> {
    let (host, port) = match value.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
            (format!("[{address}]"), port)
        }
        None => match value.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (value.to_owned(), None),
        },
    };
    let is_name = |host: &str| {
        !host.is_empty() && host.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'))
    };
    let port = match port {
        Some(port) if port.bytes().all(|c| c.is_ascii_digit()) => {
            Some(port.parse::<u16>().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
        None => None,
    };
    let is_host = host.starts_with('[') || is_name(&host);
    is_host.then(|| (host.to_ascii_lowercase(), port.map_or_else(|| USUAL.to_vec(), |port| vec![port])))
}

/// A host and a port as they would be granted.
pub(super) fn host_and_port(host: &str, port: u16) -> String {
    if port == USUAL[0] { host.to_owned() } else { format!("{host}:{port}") }
}
