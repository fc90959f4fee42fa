//! Whether there is colour, and which colours and characters there are.
//!
//! Colour is decided for each stream on its own. Nothing is said by colour or glyph alone.

use crate::env::{self, Env};

/// What was asked for with `--color` or [`env::COLOR`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourWhen {
    /// Whatever the stream is.
    Always,
    /// On no stream.
    Never,
    /// As the environment and the stream say.
    #[default]
    Auto,
}

impl ColourWhen {
    /// The word as it is typed: `always`, `never` or `auto`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            "auto" => Some(Self::Auto),
            _ => None,
        }
    }

    /// Whether a stream gets colour. The first that has an opinion decides: the command line, our own variable,
    /// `NO_COLOR`, `FORCE_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, `TERM=dumb`, the stream, a CI whose log shows colour.
    pub fn decide(self, env: &Env, is_terminal: bool) -> bool {
        match self {
            Self::Always => return true,
            Self::Never => return false,
            Self::Auto => {}
        }
        match env.text(env::COLOR).and_then(Self::from_word) {
            Some(Self::Always) => return true,
            Some(Self::Never) => return false,
            Some(Self::Auto) | None => {}
        }
        if env.text(env::NO_COLOR).is_some() {
            return false;
        }
        if env.text(env::FORCE_COLOR).is_some() {
            return env.truthy(env::FORCE_COLOR);
        }
        if env.text(env::CLICOLOR_FORCE).is_some_and(|value| value != "0") {
            return true;
        }
        if env.text(env::CLICOLOR) == Some("0") || env.text(env::TERM) == Some("dumb") {
            return false;
        }
        is_terminal
            || [env::GITHUB_ACTIONS, env::GITLAB_CI, env::BUILDKITE, env::TF_BUILD].into_iter().any(|ci| env.truthy(ci))
    }
}

/// Which characters our own lines are made of. What stages print is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// All there are.
    #[default]
    Unicode,
    /// ASCII only: words in place of signs.
    Ascii,
}

impl Glyphs {
    /// The glyphs that this environment's character set has: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set and
    /// not empty names it (POSIX, "Internationalization Variables"). Where none is set it is ASCII.
    pub fn of(env: &Env) -> Self {
        let locale = [env::LC_ALL, env::LC_CTYPE, env::LANG].into_iter().find_map(|name| env.text(name));
        let charset = locale.unwrap_or_default().to_ascii_uppercase();
        if charset.contains("UTF-8") || charset.contains("UTF8") { Self::Unicode } else { Self::Ascii }
    }

    /// What stands for more of the same, or for what was left out.
    pub fn ellipsis(self) -> &'static str {
        self.either("…", "...")
    }

    /// What leads from one to the next.
    pub fn arrow(self) -> &'static str {
        self.either("→", "->")
    }

    /// What stands between the ends of a range.
    pub fn dash(self) -> &'static str {
        self.either("–", "-")
    }

    /// What stands between remarks on one line.
    pub fn separator(self) -> &'static str {
        self.either(" · ", ", ")
    }

    /// What the summary's heading begins with.
    pub(super) fn summary(self) -> &'static str {
        self.either("📊 ", "")
    }

    /// The first for Unicode, the second for ASCII.
    pub(super) fn either<T>(self, unicode: T, ascii: T) -> T {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }
}

/// What a line is about, as it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It failed, and that is allowed.
    Allowed,
    /// It ran out of time.
    TimedOut,
    /// It ran, and nobody knows what came of it.
    Lost,
    /// It was not to run.
    Skipped,
    /// There is no verdict: cancelled, not started.
    Left,
}

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether there is colour.
    pub colour: bool,
    /// Which characters there are.
    pub glyphs: Glyphs,
}

/// One of the sixteen colours, as the parameter of SGR that sets it, or an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ink(pub(super) u8);

impl Ink {
    pub(super) const DIM: Self = Self(2);
    pub(super) const RED: Self = Self(31);
    pub(super) const GREEN: Self = Self(32);
    pub(super) const YELLOW: Self = Self(33);
    pub(super) const CYAN: Self = Self(36);
}

impl Style {
    /// The glyph in its colour, one of the sixteen.
    pub(super) fn glyph(self, glyph: Glyph) -> String {
        let (unicode, ascii, ink) = match glyph {
            Glyph::Passed => ("✓", "ok", Ink::GREEN),
            Glyph::Failed => ("✗", "FAIL", Ink::RED),
            Glyph::Allowed => ("✗", "FAIL", Ink::YELLOW),
            Glyph::TimedOut => ("✗", "TIMEOUT", Ink::RED),
            Glyph::Lost => ("✗", "LOST", Ink::RED),
            Glyph::Skipped => ("-", "SKIP", Ink::YELLOW),
            Glyph::Left => ("-", "-", Ink::YELLOW),
        };
        self.ink(ink, self.glyphs.either(unicode, ascii))
    }

    /// The text in this colour, where there is colour.
    pub(super) fn ink(self, Ink(parameter): Ink, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{parameter}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows stand in the order of precedence: each shows one variable against those below it.
    #[test]
    fn colour_is_decided_in_the_documented_order() {
        use ColourWhen::{Always, Auto, Never};
        type Variables = &'static [(&'static str, &'static str)];
        let table: &[(ColourWhen, Variables, bool, bool)] = &[
            (Always, &[("LOCAL_CI_COLOR", "never"), ("NO_COLOR", "1"), ("TERM", "dumb")], false, true),
            (Never, &[("LOCAL_CI_COLOR", "always"), ("FORCE_COLOR", "1")], true, false),
            (Auto, &[("LOCAL_CI_COLOR", "always"), ("NO_COLOR", "1")], false, true),
            (Auto, &[("LOCAL_CI_COLOR", "never"), ("FORCE_COLOR", "1")], true, false),
            (Auto, &[("LOCAL_CI_COLOR", "auto"), ("NO_COLOR", "1")], true, false),
            (Auto, &[("LOCAL_CI_COLOR", "blue")], true, true),
            (Auto, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (Auto, &[("NO_COLOR", "0")], true, false),
            (Auto, &[("NO_COLOR", "")], true, true),
            (Auto, &[("FORCE_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")], false, true),
            (Auto, &[("FORCE_COLOR", "0"), ("CLICOLOR_FORCE", "1")], true, false),
            (Auto, &[("FORCE_COLOR", "false")], true, false),
            (Auto, &[("FORCE_COLOR", "")], false, false),
            (Auto, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")], false, true),
            (Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Auto, &[("CLICOLOR_FORCE", "0")], true, true),
            (Auto, &[("CLICOLOR", "0")], true, false),
            (Auto, &[("CLICOLOR", "1")], false, false),
            (Auto, &[("TERM", "dumb")], true, false),
            (Auto, &[("TERM", "dumb"), ("GITHUB_ACTIONS", "true")], false, false),
            (Auto, &[("TERM", "xterm")], true, true),
            (Auto, &[], true, true),
            (Auto, &[], false, false),
            (Auto, &[("GITHUB_ACTIONS", "true")], false, true),
            (Auto, &[("GITLAB_CI", "true")], false, true),
            (Auto, &[("BUILDKITE", "true")], false, true),
            (Auto, &[("CI", "true")], false, false),
        ];
        for (when, pairs, is_terminal, colour) in table {
            let env = Env::from_pairs(pairs.iter().copied());
            assert_eq!(when.decide(&env, *is_terminal), *colour, "{when:?} {pairs:?} terminal: {is_terminal}");
        }
    }

    /// H193: the first variable that says anything decides, as in the C library.
    #[test]
    fn h193_glyphs_are_those_of_the_locale() {
        for (pairs, glyphs) in [
            (&[] as &[(&str, &str)], Glyphs::Ascii),
            (&[("LANG", "en_US.UTF-8")], Glyphs::Unicode),
            (&[("LANG", "de_DE.utf8")], Glyphs::Unicode),
            (&[("LANG", "C")], Glyphs::Ascii),
            (&[("LANG", "en_US.ISO-8859-1")], Glyphs::Ascii),
            (&[("LC_CTYPE", "C.UTF-8"), ("LANG", "C")], Glyphs::Unicode),
            (&[("LC_ALL", "C"), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C.UTF-8")], Glyphs::Ascii),
            (&[("LC_ALL", ""), ("LC_CTYPE", ""), ("LANG", "C.UTF-8")], Glyphs::Unicode),
        ] {
            assert_eq!(Glyphs::of(&Env::from_pairs(pairs.iter().copied())), glyphs, "{pairs:?}");
        }
    }

    /// H193: every sign has a word or a character of ASCII.
    #[test]
    fn h193_ascii_is_ascii() {
        use Glyph::{Allowed, Failed, Left, Lost, Passed, Skipped, TimedOut};
        let style = Style { colour: false, glyphs: Glyphs::Ascii };
        let words = [Passed, Failed, Allowed, TimedOut, Lost, Skipped, Left].map(|glyph| style.glyph(glyph));
        assert_eq!(words, ["ok", "FAIL", "FAIL", "TIMEOUT", "LOST", "SKIP", "-"]);
        let glyphs = style.glyphs;
        for text in [glyphs.ellipsis(), glyphs.arrow(), glyphs.dash(), glyphs.separator(), glyphs.summary()] {
            assert!(text.is_ascii(), "{text}");
        }
    }
}
