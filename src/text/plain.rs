//! One-line texts of our own with foreign content in them: file names, commands, excerpts of a config, error messages.
//!
//! What is invisible or would reorder the text is written out, so that the reader sees what is there.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with control characters, line separators, bidirectional controls and zero-width characters written as
/// `\n`, `\u{202e}` and so on. Tabs stay: they cannot hide or move anything.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            // Writing to a String cannot fail.
            c if is_hostile(c) => drop(write!(shown, "\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is invisible, or changes how its neighbours are shown.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            // Marks and controls of direction (Unicode standard annex 9).
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators.
            | '\u{2028}' | '\u{2029}'
            // Nothing at all; the zero-width joiner is left, for emoji and scripts are made with it.
            | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{180e}'
            // Tags: invisible ASCII.
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["", "cargo test", "größe/日本語.rs", "a\tb", "👩‍👩‍👧", r"a\nb"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    /// H61: a file name or command cannot steer the terminal.
    #[test]
    fn h61_controls_are_written_out() {
        assert_eq!(printable("a\n::error::x"), r"a\n::error::x");
        assert_eq!(printable("a\r\x1b[2Jb\x07\0"), r"a\r\u{1b}[2Jb\u{7}\u{0}");
        assert_eq!(printable("\u{9b}31m\x7f"), r"\u{9b}31m\u{7f}");
    }

    /// H63: names cannot be made to read as others.
    #[test]
    fn h63_direction_and_invisible_characters_are_written_out() {
        for c in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{200b}', '\u{feff}', '\u{2028}']) {
            let text = format!("x{c}y");
            assert_eq!(printable(&text), format!("x\\u{{{:x}}}y", u32::from(c)));
        }
    }
}
