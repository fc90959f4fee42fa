//! Another machine that stages run on: an entry of `[remotes]`, or what `--remote` names.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The tmux session of a remote that names none.
pub const DEFAULT_SESSION: &str = "onion";
/// In the place of a remote, this machine.
pub const HERE: &str = "local";
/// How long one operation over the line may take where nothing else is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// For how long a line that was lost is tried again where nothing else is said.
pub const DEFAULT_GIVE_UP: Duration = Duration::from_mins(10);

/// Whom to connect to, checked: see [`Destination::parse`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Destination {
    /// The user there; none: whom ssh's config says.
    pub user: Option<String>,
    /// The host, or its alias in ssh's config; an IPv6 address without brackets.
    pub host: String,
    /// The port; none: what ssh's config says.
    pub port: Option<u16>,
}

/// A part of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Before the `@`.
    User,
    /// The host.
    Host,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Host => "host",
        })
    }
}

/// Why a text names nobody to connect to. Reads after "it".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDestination {
    /// A part of it, or all, is not there.
    #[error("has no {0}")]
    Missing(Part),
    /// A part would be taken for an option.
    #[error("has a {0} that begins with `-`, which ssh would take for an option")]
    Option(Part),
    /// A part has a character that no name has.
    #[error("has {character:?} in its {part}; a {part} has letters, digits and {}", others(*.part))]
    Character {
        /// Which part.
        part: Part,
        /// The first such character.
        character: char,
    },
    /// A part is longer than any name.
    #[error("has a {part} of more than {} bytes", longest(*.part))]
    TooLong {
        /// Which part.
        part: Part,
    },
    /// Several colons without brackets.
    #[error("has several colons: an IPv6 address stands in brackets, as in [::1] or [::1]:22")]
    NoBrackets,
    /// What stands in brackets is no address.
    #[error("has no IPv6 address in its brackets")]
    NoAddress,
    /// The number behind the colon is larger than a port can be.
    #[error("has a port that is too large: that is a number from 1 to 65535")]
    PortTooLarge,
    /// What stands behind the colon is no port.
    #[error("has no port behind its colon: that is a number from 1 to 65535")]
    Port,
}

/// The longest name: of a host, that of the domain name system (RFC 1035, 2.3.4); of a user, more than any system takes.
fn longest(part: Part) -> usize {
    match part {
        Part::User => 128,
        Part::Host => 253,
    }
}

/// What a part has beside letters and digits. None of it means anything to a shell or to ssh.
fn others(part: Part) -> &'static str {
    match part {
        // Directories of users call them `jane@corp.example`; ssh takes the last `@` for its own, as we do.
        Part::User => "`.`, `_`, `-`, `+`, `@`",
        Part::Host => "`.`, `_`, `-`",
    }
}

fn check_part(part: Part, text: &str) -> Result<String, BadDestination> {
    if text.is_empty() {
        return Err(BadDestination::Missing(part));
    }
    if text.starts_with('-') {
        return Err(BadDestination::Option(part));
    }
    let allowed = others(part).replace(['`', ',', ' '], "");
    if let Some(character) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !allowed.contains(*c)) {
        return Err(BadDestination::Character { part, character });
    }
    if text.len() > longest(part) {
        return Err(BadDestination::TooLong { part });
    }
    Ok(text.to_owned())
}

fn port(text: &str) -> Result<u16, BadDestination> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadDestination::Port);
    }
    match text.parse() {
        Ok(0) => Err(BadDestination::Port),
        Ok(port) => Ok(port),
        Err(_) => Err(BadDestination::PortTooLarge),
    }
}

/// An IPv6 address, with the name of an interface behind a `%` where it is a link's own (RFC 4007, 11).
fn address(text: &str) -> Result<String, BadDestination> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    address.parse::<Ipv6Addr>().map_err(|_| BadDestination::NoAddress)?;
    zone.map(|zone| check_part(Part::Host, zone)).transpose()?;
    Ok(text.to_owned())
}

impl Destination {
    /// Reads `[user@]host[:port]`; an IPv6 address stands in brackets. Refuses whatever ssh, a shell or a terminal would take for
    /// something else than a name. The error reads after "it".
    pub fn parse(text: &str) -> Result<Self, BadDestination> {
        let (user, rest) = match text.rsplit_once('@') {
            None => (None, text),
            Some((user, rest)) => (Some(check_part(Part::User, user)?), rest),
        };
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, behind) = inside.split_once(']').ok_or(BadDestination::NoAddress)?;
            let port = match behind.strip_prefix(':') {
                None if behind.is_empty() => None,
                None => return Err(BadDestination::Port),
                Some(text) => Some(port(text)?),
            };
            return Ok(Self { user, host: address(inside)?, port });
        }
        let (host, behind) = match rest.split_once(':') {
            None => (rest, None),
            Some((_, behind)) if behind.contains(':') => return Err(BadDestination::NoBrackets),
            Some((host, behind)) => (host, Some(behind)),
        };
        let host = check_part(Part::Host, host)?;
        Ok(Self { user, host, port: behind.map(port).transpose()? })
    }

    /// Checks a user that is given by itself. The error reads after "it".
    pub fn check_user(text: &str) -> Result<(), BadDestination> {
        check_part(Part::User, text).map(drop)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)
    }
}

/// The longest name of a session or of a remote, in bytes.
const NAME_MAX: usize = 100;

/// Checks the name of a tmux session: tmux turns `.` and `:` into `_`, and in the place of a name looks for a pattern or an
/// id where others stand. The error reads after "it".
pub fn check_session(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let fault = match name.chars().find(|c| !allowed(*c)) {
        _ if name.is_empty() => "is empty".to_owned(),
        Some(c @ ('.' | ':')) => format!("has `{c}` in it, which tmux turns into `_`"),
        Some(c) => format!("has {c:?} in it, which the name of a session cannot have"),
        None if name.starts_with('-') => "begins with `-`".to_owned(),
        None if name.len() > NAME_MAX => format!("has more than {NAME_MAX} bytes"),
        None => return Ok(()),
    };
    Err(format!("{fault}; a name has letters, digits, `_` and `-`, such as {DEFAULT_SESSION}"))
}

/// Checks the project's directory on another machine. The error reads after "it".
pub fn check_dir(dir: &str) -> Result<(), &'static str> {
    if dir.contains(['\0', '\n', '\r']) {
        return Err("has a character in it that no path here has");
    }
    if dir.starts_with('/') || dir == "~" || dir.starts_with("~/") {
        return Ok(());
    }
    Err("is neither an absolute path nor one from the home directory there, such as /srv/project or ~/src/project")
}

/// Checks the name of an entry of `[remotes]`, which stands for an executor. The error reads after "it".
pub fn check_name(name: &str) -> Result<(), String> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let allowed = |c: char| first(c) || "-.+".contains(c);
    let fault = match name.chars().find(|c| !allowed(*c)) {
        _ if name.is_empty() => "is empty".to_owned(),
        Some(c) => format!("has {c:?} in it"),
        None if !name.starts_with(first) => "begins with something else than a letter, a digit or `_`".to_owned(),
        None if name.len() > NAME_MAX => format!("has more than {NAME_MAX} bytes"),
        None if name == HERE => return Err("stands for this machine".to_owned()),
        None => return Ok(()),
    };
    Err(format!("{fault}; a name has letters, digits, `.`, `_`, `+` and `-`"))
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

impl Remote {
    /// A remote of which nothing but its name and whom to connect to is said.
    pub fn new(name: impl Into<String>, destination: Destination) -> Self {
        Self {
            name: name.into(),
            destination,
            session: DEFAULT_SESSION.to_owned(),
            dir: None,
            sync: Sync::default(),
            include: Vec::new(),
            env: BTreeMap::new(),
            slots: None,
            description: None,
            timeout: DEFAULT_TIMEOUT,
            give_up: DEFAULT_GIVE_UP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Result<(Option<String>, String, Option<u16>), String> {
        let destination = Destination::parse(text).map_err(|fault| fault.to_string())?;
        Ok((destination.user, destination.host, destination.port))
    }

    #[test]
    fn h143_destinations_are_read() {
        let at = '@';
        for (text, user, host, port) in [
            ("build.example.invalid".to_owned(), None, "build.example.invalid", None),
            (format!("ci{at}build.example.invalid:2222"), Some("ci"), "build.example.invalid", Some(2222)),
            ("box:22".to_owned(), None, "box", Some(22)),
            ("box_1".to_owned(), None, "box_1", None),
            ("127.0.0.1:65535".to_owned(), None, "127.0.0.1", Some(65535)),
            ("[::1]".to_owned(), None, "::1", None),
            (format!("ci{at}[::1]:2222"), Some("ci"), "::1", Some(2222)),
            ("[fe80::1%eth0]".to_owned(), None, "fe80::1%eth0", None),
            (format!("jane{at}corp.example{at}box"), Some("jane@corp.example"), "box", None),
        ] {
            assert_eq!(parsed(&text), Ok((user.map(str::to_owned), host.to_owned(), port)), "{text}");
        }
    }

    /// H143: nothing that ssh would take for an option, a shell for a command or a terminal for a control.
    #[test]
    fn h143_what_is_no_name_is_refused() {
        let at = '@';
        for (text, why) in [
            (String::new(), "has no host"),
            ("-oProxyCommand=touch x".to_owned(), "has a host that begins with `-`"),
            ("-box".to_owned(), "has a host that begins with `-`"),
            (format!("-l{at}box"), "has a user that begins with `-`"),
            (format!("ci{at}-box"), "has a host that begins with `-`"),
            (format!("{at}box"), "has no user"),
            (format!("ci{at}"), "has no host"),
            (":22".to_owned(), "has no host"),
            ("box:".to_owned(), "has no port"),
            ("box:0".to_owned(), "has no port"),
            ("box:65536".to_owned(), "has a port that is too large"),
            ("box:+22".to_owned(), "has no port"),
            ("box:ssh".to_owned(), "has no port"),
            ("::1".to_owned(), "has several colons"),
            ("::1]".to_owned(), "has several colons"),
            ("[::1".to_owned(), "has no IPv6 address"),
            ("[]".to_owned(), "has no IPv6 address"),
            ("[box]".to_owned(), "has no IPv6 address"),
            ("[::1]22".to_owned(), "has no port"),
            ("[fe80::1%]".to_owned(), "has no host"),
            ("[fe80::1%-x]".to_owned(), "has a host that begins with `-`"),
            ("a b".to_owned(), "has ' ' in its host"),
            (" box".to_owned(), "has ' ' in its host"),
            ("box\n".to_owned(), "has '\\n' in its host"),
            ("box\0".to_owned(), "has '\\0' in its host"),
            ("\u{1b}[2Jbox".to_owned(), "has '\\u{1b}' in its host"),
            ("box;id".to_owned(), "has ';' in its host"),
            ("$(id)".to_owned(), "has '$' in its host"),
            ("`id`".to_owned(), "has '`' in its host"),
            ("box|cat".to_owned(), "has '|' in its host"),
            ("box&".to_owned(), "has '&' in its host"),
            ("box/dir".to_owned(), "has '/' in its host"),
            ("box,other".to_owned(), "has ',' in its host"),
            ("%h".to_owned(), "has '%' in its host"),
            ("b\u{fc}ro".to_owned(), "has 'ü' in its host"),
            (format!("a b{at}box"), "has ' ' in its user"),
            (format!("$USER{at}box"), "has '$' in its user"),
            (format!("a:b{at}box"), "has ':' in its user"),
            ("x".repeat(254), "has a host of more than 253 bytes"),
            (format!("{}{at}box", "x".repeat(129)), "has a user of more than 128 bytes"),
        ] {
            let said = parsed(&text).unwrap_err();
            assert!(said.starts_with(why), "{text:?}: {said}");
            assert!(!said.contains(char::is_control), "{said:?}");
        }
    }

    proptest! {
        /// H143: what is taken is safe as a word of its own, unquoted, to any shell.
        #[test]
        fn h143_what_is_read_has_nothing_of_a_shells_in_it(text in r#"[a-z0-9@:.\-_\[\]% $`;|&<>()'"\\\n]{0,12}|\PC{0,8}"#) {
            if let Ok(Destination { user, host, port }) = Destination::parse(&text) {
                for part in user.iter().chain([&host]) {
                    prop_assert!(!part.is_empty() && !part.starts_with('-'));
                    prop_assert!(part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+@:%".contains(&byte)), "{part}");
                }
                prop_assert_ne!(port, Some(0));
            }
        }
    }

    #[test]
    fn names_of_sessions_are_those_that_tmux_leaves_alone() {
        for name in [DEFAULT_SESSION, "a", "ci-2", "_x"] {
            assert_eq!(check_session(name), Ok(()), "{name}");
        }
        let long = "x".repeat(101);
        for name in ["", "a.b", "a:1", "=a", "$1", "@2", "%3", "a b", "a*", "-a", "ü", "a\n", long.as_str()] {
            assert!(check_session(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn directories_there_are_whole_paths() {
        for dir in ["/srv/x", "~", "~/src/a b", "/"] {
            assert_eq!(check_dir(dir), Ok(()), "{dir}");
        }
        for dir in ["", "src", "./x", "~ci/x", "$HOME/x", "/a\nb", "/a\0"] {
            assert!(check_dir(dir).is_err(), "{dir:?}");
        }
    }

    #[test]
    fn this_machine_is_no_remote() {
        assert_eq!(check_name("build-box"), Ok(()));
        for name in ["", "local", "a b", "-x", ".x", "a:1", "a/b", "\u{1b}"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
