//! Finding what CI services act on in filtered lines, and taking its effect away. Lines here are what the terminal
//! filter made: UTF-8, with no sequences but SGR, and without carriage returns.
//!
//! What counts is documented by each service: GitHub's forms in [`super::workflow`], TeamCity's in [`super::teamcity`],
//! Azure's in [`super::azure`], GitLab's in [`super::gitlab`]; Buildkite makes a heading of a line that begins with
//! `--- `, `+++ ` or `~~~ `, and opens the group above one that begins with `^^^ `.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::{azure, gitlab, teamcity, workflow};

/// What stands before a line that is not ours, wherever it could be taken for ours.
pub const QUOTE: &str = "  | ";

/// What is done about lines that a CI service would act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Markers {
    /// Nothing: a person reads this.
    #[default]
    Keep,
    /// A stop-commands fence is in force, so `::` does nothing. `##[` is broken, as the log's viewer draws groups from
    /// it all the same.
    Fenced,
    /// No fence: a line with a command is shown with [`QUOTE`] before it, and `##[` is broken.
    Guard,
    /// Azure Pipelines: `##vso[` and `##[` are broken.
    Azure,
    /// TeamCity: `##teamcity[` is broken.
    TeamCity,
    /// GitLab: the beginnings of section markers are broken.
    GitLab,
    /// Buildkite: a line that would be a heading is shown with [`QUOTE`] before it.
    Buildkite,
}

impl Markers {
    /// What counts wherever it stands in a line. It is broken by a blank before its last character.
    fn anywhere(self) -> &'static [&'static str] {
        match self {
            Self::Keep | Self::Buildkite => &[],
            Self::Fenced | Self::Guard => &[workflow::LEGACY],
            Self::Azure => &azure::COMMANDS,
            Self::TeamCity => &[teamcity::MESSAGE],
            Self::GitLab => &gitlab::SECTIONS,
        }
    }

    /// Whether lines count by how they begin.
    pub(super) fn has_beginnings(self) -> bool {
        match self {
            Self::Guard | Self::Buildkite => true,
            Self::Keep | Self::Fenced | Self::Azure | Self::TeamCity | Self::GitLab => false,
        }
    }

    /// Whether a line counts by how it begins, colours aside. Of a line that goes on, whether it still could.
    pub(super) fn begins(self, line: &[u8], whole: bool) -> bool {
        match self {
            Self::Guard => reads_as_command(line, whole),
            Self::Buildkite => reads_as_heading(line, whole),
            Self::Keep | Self::Fenced | Self::Azure | Self::TeamCity | Self::GitLab => false,
        }
    }

    /// Whether a line is set off in which something was broken.
    pub(super) fn sets_off_broken(self) -> bool {
        self == Self::Guard
    }

    /// A text of one line without what counts wherever it stands, for our own lines with foreign content.
    pub fn broken(self, text: &str) -> Cow<'_, str> {
        let mut text = Cow::Borrowed(text);
        for needle in self.anywhere() {
            if text.contains(needle) {
                let (front, last) = needle.split_at(needle.len() - 1);
                text = Cow::Owned(text.replace(needle, &format!("{front} {last}")));
            }
        }
        text
    }

    /// The same for a line that begins in column 0: where a service would act on its beginning, [`QUOTE`] stands before it.
    /// Not for `::`, of which our own lines have none.
    pub fn inert(self, line: &str) -> Cow<'_, str> {
        let line = self.broken(line);
        if self == Self::Buildkite && reads_as_heading(line.as_bytes(), true) {
            return Cow::Owned(format!("{QUOTE}{line}"));
        }
        line
    }
}

/// Breaks what counts wherever it stands, over the pieces of a line.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    needles: &'static [&'static str],
    finders: Vec<memmem::Finder<'static>>,
    /// How much of each needle the open line ended with when it was last let through.
    matched: [usize; NEEDLES_MAX],
}

/// How many needles there are at most.
const NEEDLES_MAX: usize = 2;

impl Breaker {
    pub(super) fn new(markers: Markers) -> Self {
        let needles = markers.anywhere();
        Self { needles, finders: needles.iter().map(memmem::Finder::new).collect(), matched: [0; NEEDLES_MAX] }
    }

    /// Whether one of them stands in a text without colours.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.finders.iter().any(|finder| finder.find(text).is_some())
    }

    /// A line ends here.
    pub(super) fn end_line(&mut self) {
        self.matched = [0; NEEDLES_MAX];
    }

    /// Appends a piece of a line with each of them in it broken, colours aside; whether there was one. `whole`: the line
    /// ends with it.
    pub(super) fn push(&mut self, piece: &[u8], whole: bool, out: &mut Vec<u8>) -> bool {
        let is_new = whole && self.matched == [0; NEEDLES_MAX];
        if self.needles.is_empty() || (is_new && memchr(b'\x1b', piece).is_none() && !self.is_in(piece)) {
            out.extend_from_slice(piece);
            return false;
        }
        let (mut broken, mut copied, mut at) = (false, 0, 0);
        while let Some(byte) = piece.get(at) {
            if *byte == b'\x1b' {
                at = piece.len() - after_colour(&piece[at + 1..]).len();
                continue;
            }
            let both = self.needles.iter().zip(&mut self.matched);
            // Not `any`: each of them has to see every byte.
            if both.fold(false, |ends, (needle, matched)| advance(needle.as_bytes(), matched, *byte) || ends) {
                out.extend_from_slice(&piece[copied..at]);
                out.push(b' ');
                copied = at;
                broken = true;
                self.end_line();
            }
            at += 1;
        }
        out.extend_from_slice(&piece[copied..]);
        broken
    }
}

/// Takes one byte on the way through a needle, of which so much was matched (Knuth, Morris, Pratt; needles are short, so
/// the table is found anew). Whether the needle ends with it.
fn advance(needle: &[u8], matched: &mut usize, byte: u8) -> bool {
    while needle[*matched] != byte {
        if *matched == 0 {
            return false;
        }
        let part = &needle[..*matched];
        *matched = (0..part.len()).rev().find(|border| part.ends_with(&part[..*border])).unwrap_or(0);
    }
    *matched += 1;
    let ends = *matched == needle.len();
    if ends {
        *matched = 0;
    }
    ends
}

/// Whether a line begins with three signs that make a heading of it, and a blank. Of a line that goes on, whether it still
/// could.
fn reads_as_heading(line: &[u8], whole: bool) -> bool {
    let (mut rest, mut sign, mut count) = (line, 0, 0);
    loop {
        match rest {
            [] => return !whole || count == 3,
            [b'\x1b', after @ ..] => rest = after_colour(after),
            [byte @ (b'-' | b'+' | b'~' | b'^'), after @ ..] if count == 0 || (count < 3 && *byte == sign) => {
                (sign, count, rest) = (*byte, count + 1, after);
            }
            [b' ' | b'\t', ..] => return count == 3,
            _ => return count == 3 && blank(rest).is_some(),
        }
    }
}

/// Whether a line begins with `::` after blanks, colours aside. Of a line that goes on, whether it still could.
fn reads_as_command(line: &[u8], whole: bool) -> bool {
    let mut rest = line;
    let mut colons = 0;
    loop {
        match rest {
            [] => return !whole,
            [b':', ..] if colons == 1 => return true,
            [b':', after @ ..] => {
                colons = 1;
                rest = after;
            }
            [b'\x1b', after @ ..] => rest = after_colour(after),
            [b' ' | b'\t', after @ ..] if colons == 0 => rest = after,
            [0x80..=0xff, ..] if colons == 0 => match blank(rest) {
                Some(length) => rest = &rest[length..],
                None => return false,
            },
            _ => return false,
        }
    }
}

/// What follows an SGR sequence, given what follows its ESC.
fn after_colour(text: &[u8]) -> &[u8] {
    memchr(b'm', text).map_or(&[], |end| &text[end + 1..])
}

/// The length of the white space or invisible character that a text begins with.
fn blank(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(4)];
    let c = text.utf8_chunks().next()?.valid().chars().next()?;
    (c.is_whitespace() || matches!(c, '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'))
        .then(|| c.len_utf8())
}
