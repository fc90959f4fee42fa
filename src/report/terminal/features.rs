//! What a terminal is known to understand beyond text, colour and the cursor. What is not known is not tried: a terminal
//! that does not know a sequence may show it, or take it for something else.

use std::borrow::Cow;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::env::{self, Env};
use crate::text::plain::printable;

/// What the terminal understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Links (OSC 8).
    pub hyperlinks: bool,
    /// A mark of progress, in its tab or its window's icon (OSC 9;4).
    pub progress: bool,
}

/// VTE has had links without a fault since 0.50.1.
const VTE_HYPERLINKS: u32 = 5001;

impl Features {
    /// What the terminal of this environment is known to understand, and what [`env::HYPERLINKS`] and [`env::PROGRESS`]
    /// say of it. Inside a multiplexer, variables of the terminal outside say nothing.
    pub fn of(env: &Env) -> Self {
        let asked = |name| env.text(name).map(|_| env.truthy(name));
        let known = !is_multiplexed(env) && env.text(env::TERM) != Some("dumb");
        Self {
            hyperlinks: asked(env::HYPERLINKS).unwrap_or_else(|| known && has_hyperlinks(env)),
            progress: asked(env::PROGRESS).unwrap_or_else(|| known && has_progress(env)),
        }
    }
}

/// Whether a terminal multiplexer stands between us and the terminal.
fn is_multiplexed(env: &Env) -> bool {
    let term = env.text(env::TERM).unwrap_or_default();
    env.get(env::TMUX).is_some()
        || env.get(env::STY).is_some()
        || term == "tmux"
        || term == "screen"
        || term.starts_with("tmux-")
        || term.starts_with("screen.")
        || term.starts_with("screen-")
}

fn has_hyperlinks(env: &Env) -> bool {
    let programs = ["iTerm.app", "WezTerm", "ghostty", "vscode", "Hyper", "zed", "rio"];
    let terms = ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra", "wezterm"];
    env.text(env::TERM_PROGRAM).is_some_and(|program| programs.contains(&program))
        || env.text(env::TERM).is_some_and(|term| terms.contains(&term))
        || env.text(env::WT_SESSION).is_some()
        || env.text(env::KONSOLE_VERSION).is_some()
        || env
            .text(env::VTE_VERSION)
            .and_then(|version| version.parse().ok())
            .is_some_and(|version: u32| version >= VTE_HYPERLINKS)
}

fn has_progress(env: &Env) -> bool {
    let program = env.text(env::TERM_PROGRAM).unwrap_or_default();
    env.text(env::WT_SESSION).is_some()
        || env.text(env::CON_EMU_ANSI) == Some("ON")
        || matches!(program, "WezTerm" | "ghostty")
        // Before, the same sequence was a notification there.
        || (program == "iTerm.app" && is_from(env.text(env::TERM_PROGRAM_VERSION).unwrap_or_default(), &[3, 6, 6]))
}

/// Whether a version is this one or a later one.
fn is_from(version: &str, least: &[u32]) -> bool {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    let parts: Option<Vec<u32>> = version.split('.').map(digits).collect();
    parts.is_some_and(|parts| parts.as_slice() >= least)
}

/// The name of this machine, as links to its files carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// This machine.
    pub fn this() -> Self {
        Self(rustix::system::uname().nodename().to_string_lossy().into_owned())
    }

    /// A machine of this name.
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// A file's path as a person reads it, as a link to the file. Where what is read is not exactly the path there is no
/// link: nobody is to click on something other than what is there to be read.
pub(in crate::report) fn linked(path: &Path, host: &Host) -> String {
    let shown = path.to_string_lossy();
    let safe = printable(&shown);
    if safe != shown || matches!(shown, Cow::Owned(_)) || !path.is_absolute() {
        return safe.into_owned();
    }
    let mut url = String::from("file://");
    escape(host.0.as_bytes(), &mut url);
    escape(path.as_os_str().as_bytes(), &mut url);
    format!("\x1b]8;;{url}\x1b\\{shown}\x1b]8;;\x1b\\")
}

/// Appends what may stand in a URL's path as it is, and the rest as `%` and two hex digits (RFC 3986, 2.1).
fn escape(bytes: &[u8], url: &mut String) {
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => url.push(char::from(*byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(url, "%{byte:02X}")),
        }
    }
}

/// How far along we are, as a terminal shows it in its tab (`ConEmu`'s OSC 9;4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::report) enum Mark {
    /// There is no mark.
    #[default]
    None,
    /// So many per cent are done.
    Percent(u8),
    /// So many per cent are done, and something has failed.
    Failing(u8),
    /// Nobody knows how much there is to do.
    Unknown,
    /// So many per cent are done, and it stands still.
    Paused(u8),
}

impl Mark {
    /// How much is done, as far as it says so; none where there is no mark.
    pub(in crate::report) fn percent(self) -> Option<u8> {
        match self {
            Self::None => None,
            Self::Unknown => Some(0),
            Self::Percent(percent) | Self::Failing(percent) | Self::Paused(percent) => Some(percent),
        }
    }

    /// What sets it.
    pub(in crate::report) fn sequence(self) -> String {
        let (state, percent) = match self {
            Self::None => (0, 0),
            Self::Percent(percent) => (1, percent),
            Self::Failing(percent) => (2, percent),
            Self::Unknown => (3, 0),
            Self::Paused(percent) => (4, percent),
        };
        format!("\x1b]9;4;{state};{percent}\x1b\\")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether there are links and a mark of progress.
    fn features(pairs: &[(&str, &str)]) -> (bool, bool) {
        let Features { hyperlinks, progress } = Features::of(&Env::from_pairs(pairs.iter().copied()));
        (hyperlinks, progress)
    }

    #[test]
    fn only_terminals_that_are_known_get_more_than_text() {
        for (pairs, expected) in [
            (&[] as &[(&str, &str)], (false, false)),
            (&[("TERM", "xterm-256color")], (false, false)),
            (&[("TERM", "xterm-kitty")], (true, false)),
            (&[("VTE_VERSION", "5000")], (false, false)),
            (&[("VTE_VERSION", "7600")], (true, false)),
            (&[("KONSOLE_VERSION", "230400")], (true, false)),
            (&[("TERM_PROGRAM", "Apple_Terminal")], (false, false)),
            (&[("TERM_PROGRAM", "vscode")], (true, false)),
            (&[("TERM_PROGRAM", "ghostty")], (true, true)),
            (&[("TERM_PROGRAM", "WezTerm")], (true, true)),
            (&[("TERM_PROGRAM", "iTerm.app"), ("TERM_PROGRAM_VERSION", "3.5.14")], (true, false)),
            (&[("TERM_PROGRAM", "iTerm.app"), ("TERM_PROGRAM_VERSION", "3.6.6")], (true, true)),
            (&[("TERM_PROGRAM", "iTerm.app"), ("TERM_PROGRAM_VERSION", "3.10.0beta1")], (true, true)),
            (&[("WT_SESSION", "1-2")], (true, true)),
            (&[("ConEmuANSI", "ON")], (false, true)),
            (&[("ConEmuANSI", "OFF")], (false, false)),
            // What stands outside a multiplexer is hidden by it.
            (&[("WT_SESSION", "1-2"), ("TMUX", "/tmp/tmux,1,0")], (false, false)),
            (&[("VTE_VERSION", "7600"), ("TERM", "screen.xterm-256color")], (false, false)),
            (&[("VTE_VERSION", "7600"), ("STY", "1.pts-0")], (false, false)),
            (&[("TERM", "dumb"), ("WT_SESSION", "1-2")], (false, false)),
        ] {
            assert_eq!(features(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn what_is_asked_for_goes_before_what_is_known() {
        assert_eq!(features(&[("LOCAL_CI_HYPERLINKS", "1"), ("LOCAL_CI_PROGRESS", "1"), ("TMUX", "x")]), (true, true));
        assert_eq!(features(&[("LOCAL_CI_HYPERLINKS", "0"), ("TERM_PROGRAM", "ghostty")]), (false, true));
        assert_eq!(features(&[("LOCAL_CI_PROGRESS", "0"), ("TERM_PROGRAM", "ghostty")]), (true, false));
        assert_eq!(features(&[("LOCAL_CI_PROGRESS", ""), ("TERM_PROGRAM", "ghostty")]), (true, true));
    }

    /// H61: what is shown is what is linked, and nothing in a path gets out of the link.
    #[test]
    fn h61_a_link_is_the_path_that_is_read() {
        let link = |path: &str| linked(Path::new(path), &Host::named("box.example.invalid"));
        assert_eq!(link("/a/b.log"), "\x1b]8;;file://box.example.invalid/a/b.log\x1b\\/a/b.log\x1b]8;;\x1b\\");
        assert_eq!(
            link("/a b/ü%.log"),
            "\x1b]8;;file://box.example.invalid/a%20b/%C3%BC%25.log\x1b\\/a b/ü%.log\x1b]8;;\x1b\\"
        );
        for hostile in ["/a\x1b]8;;x\x07b", "/a\u{202e}b", "/a\nb", "relative.log"] {
            assert_eq!(link(hostile), printable(hostile), "{hostile:?}");
        }
        let not_text = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff"));
        assert_eq!(linked(not_text, &Host::named("box.example.invalid")), "/a\u{fffd}");
        assert!(
            linked(Path::new("/a"), &Host::named("example.invalid\x1b\\x"))
                .starts_with("\x1b]8;;file://example.invalid%1B%5Cx/a\x1b\\")
        );
    }

    #[test]
    fn a_mark_is_set_as_conemu_documents_it() {
        let marks = [Mark::None, Mark::Percent(40), Mark::Failing(41), Mark::Unknown, Mark::Paused(42)];
        let sequences = ["0;0", "1;40", "2;41", "3;0", "4;42"].map(|mark| format!("\x1b]9;4;{mark}\x1b\\"));
        assert_eq!(marks.map(Mark::sequence), sequences);
    }
}
