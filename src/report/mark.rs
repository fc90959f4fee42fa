//! What a line of a list is about, as one character in front of a word that says the same.

use super::style::{Ink, Style};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Passed,
    Failed,
    Running,
    /// There is no verdict, because it was ended or not started.
    Left,
    /// There is no verdict, because something went wrong.
    Lost,
}

impl Mark {
    /// The character in its colour, one of the sixteen.
    pub(super) fn draw(self, style: Style) -> String {
        let (unicode, ascii, ink) = match self {
            Self::Passed => ("✓", "+", Ink::GREEN),
            Self::Failed => ("✗", "x", Ink::RED),
            Self::Running => ("◉", "*", Ink(36)),
            Self::Left => ("-", "-", Ink::YELLOW),
            Self::Lost => ("!", "!", Ink::YELLOW),
        };
        style.ink(ink, style.glyphs.either(unicode, ascii))
    }
}
