//! How wide text is on a terminal, and text that is no wider than it may be.

use console::measure_text_width;

/// Where tabs lead to, in columns.
const TAB: usize = 8;

/// How many columns a character takes at most. A sequence that a terminal may join into one sign counts as its parts: a
/// line that is narrower than it was taken for does no harm.
fn columns(c: char) -> usize {
    measure_text_width(c.encode_utf8(&mut [0; 4]))
}

/// How many columns a text takes at most. There are no tabs and no sequences in it.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// The text in so many columns at most: tabs are made blanks, and where it is too wide, `ellipsis` stands for its middle.
pub(super) fn fit(text: &str, room: usize, ellipsis: &str) -> String {
    let text = without_tabs(text);
    if width(&text) <= room {
        return text;
    }
    let ellipsis = if width(ellipsis) <= room { ellipsis } else { "" };
    let room = room - width(ellipsis);
    let head = prefix(&text, room.div_ceil(2));
    let tail = suffix(&text[head.len()..], room - width(head));
    format!("{head}{ellipsis}{tail}")
}

/// The text, and blanks up to this many columns.
pub(super) fn padded(text: &str, room: usize) -> String {
    let blanks = room.saturating_sub(width(text));
    format!("{text}{:blanks$}", "")
}

fn without_tabs(text: &str) -> String {
    let mut column = 0;
    let mut expanded = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' {
            let blanks = TAB - column % TAB;
            expanded.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        } else {
            expanded.push(c);
            column += columns(c);
        }
    }
    expanded
}

/// As much of the beginning as fits, with all that combines with its last character.
fn prefix(text: &str, room: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += columns(*c);
        used > room
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// As much of the end as fits. It begins with a character that stands by itself.
fn suffix(text: &str, room: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        let wide = columns(c);
        used += wide;
        if used > room {
            break;
        }
        if wide > 0 {
            start = at;
        }
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_is_too_wide_loses_its_middle() {
        let fit = |text, room| fit(text, room, "…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("test:1.80:linux", 9), "test…inux");
        assert_eq!(fit("test:1.80:linux", 2), "t…");
        assert_eq!(fit("test:1.80:linux", 1), "…");
        assert_eq!(fit("test:1.80:linux", 0), "");
        assert_eq!(super::fit("test:1.80:linux", 9, "..."), "tes...nux");
        assert_eq!(super::fit("test:1.80:linux", 2, "..."), "tx");
    }

    /// H189: wide characters are two columns, marks none, and tabs lead to the next stop.
    #[test]
    fn h189_columns_are_counted_as_a_terminal_does() {
        for (text, columns) in [("abc", 3), ("日本語", 6), ("e\u{301}", 1), ("ｱ", 1), ("👍", 2), ("", 0)] {
            assert_eq!(width(text), columns, "{text}");
        }
        assert_eq!(fit("日本語テスト", 7, "…"), "日…スト");
        assert_eq!(fit("日本語テスト", 6, "…"), "日…ト");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}e\u{301}", 3, "…"), "e\u{301}…e\u{301}");
        assert_eq!(fit("a\tb", 80, "…"), "a       b");
        assert_eq!(fit("日\tb\tc", 80, "…"), "日      b       c");
        assert_eq!(padded("日本", 6), "日本  ");
        assert_eq!(padded("long", 2), "long");
    }

    proptest! {
        /// H189, H22: whatever the text and however little room there is.
        #[test]
        fn h189_nothing_is_wider_than_its_room(text in "\\PC{0,40}", room in 0usize..50) {
            let shown = fit(&text, room, "…");
            prop_assert!(width(&shown) <= room);
            if width(&without_tabs(&text)) <= room {
                prop_assert_eq!(shown, text);
            }
        }
    }
}
