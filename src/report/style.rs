//! Whether there is colour, which colours there are, and which CI's markers are written.
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
        is_terminal || [env::GITHUB_ACTIONS, env::GITLAB_CI, env::BUILDKITE].into_iter().any(|ci| env.truthy(ci))
    }
}

/// Which CI's markers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// None reads along: groups are marked for whoever parses the transcript.
    #[default]
    Plain,
    /// GitHub's runner acts on what it reads, so what stages print is fenced off.
    GitHub,
}

impl Dialect {
    /// The dialect of the CI that we run in.
    pub fn of(env: &Env) -> Self {
        if env.text(env::GITHUB_ACTIONS) == Some("true") { Self::GitHub } else { Self::Plain }
    }
}

/// What a line is about, as its first character says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It failed, and that is allowed.
    Allowed,
    /// There is no verdict: skipped, cancelled, not started.
    Left,
}

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether there is colour.
    pub colour: bool,
}

impl Style {
    /// The glyph in its colour, one of the sixteen.
    pub(super) fn glyph(self, glyph: Glyph) -> &'static str {
        match (glyph, self.colour) {
            (Glyph::Passed, true) => "\x1b[32m✓\x1b[0m",
            (Glyph::Passed, false) => "✓",
            (Glyph::Failed, true) => "\x1b[31m✗\x1b[0m",
            (Glyph::Allowed, true) => "\x1b[33m✗\x1b[0m",
            (Glyph::Failed | Glyph::Allowed, false) => "✗",
            (Glyph::Left, true) => "\x1b[33m-\x1b[0m",
            (Glyph::Left, false) => "-",
        }
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

    #[test]
    fn only_the_runners_own_word_selects_its_dialect() {
        assert_eq!(Dialect::of(&Env::from_pairs([("GITHUB_ACTIONS", "true")])), Dialect::GitHub);
        assert_eq!(Dialect::of(&Env::from_pairs([("GITHUB_ACTIONS", "false")])), Dialect::Plain);
        assert_eq!(Dialect::of(&Env::default()), Dialect::Plain);
    }
}
