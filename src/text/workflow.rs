//! GitHub's workflow commands: the lines that its runner acts on, and how to keep foreign text from being one.
//!
//! The runner knows two forms. `::name key=value::data` counts where `::` comes first on a line, after white space.
//! The older `##[name]data` counts anywhere in a line, and the log's viewer draws groups from it even where the
//! runner has been told to stop reading commands. The escapes are those of the runner's own table.

use std::borrow::Cow;
use std::fmt;

use crate::ids::hex;

/// Text for the data of a command: `%`, CR and LF escaped.
pub fn escape_data(text: &str) -> Cow<'_, str> {
    escape(text, &['%', '\r', '\n'])
}

/// Text for a property of a command: as data, and `:` and `,` too.
pub fn escape_property(text: &str) -> Cow<'_, str> {
    escape(text, &['%', '\r', '\n', ':', ','])
}

/// Escapes in one pass, so that the `%` of an escape is never escaped again.
fn escape<'a>(text: &'a str, special: &[char]) -> Cow<'a, str> {
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '%' => escaped.push_str("%25"),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            ':' if special.contains(&':') => escaped.push_str("%3A"),
            ',' if special.contains(&',') => escaped.push_str("%2C"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// The line that opens a group of this title.
pub fn group(title: &str) -> String {
    format!("::group::{}", escape_data(title))
}

/// The line that closes the open group. Groups do not nest.
pub const END_GROUP: &str = "::endgroup::";

/// What commands are resumed with after they were stopped. Whoever does not know it cannot resume them.
#[derive(Clone, PartialEq, Eq)]
pub struct StopToken(String);

impl StopToken {
    /// The token made of these random bytes: 32 hex digits, which are no command's name.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(hex(&bytes))
    }

    /// The line after which the runner reads no commands.
    pub fn stop(&self) -> String {
        format!("::stop-commands::{}", self.0)
    }

    /// The line after which it reads them again.
    pub fn resume(&self) -> String {
        format!("::{}::", self.0)
    }
}

/// Shows nothing: the token stands in its two lines and nowhere else.
impl fmt::Debug for StopToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopToken")
    }
}

/// How a command of the older form begins.
pub(super) const LEGACY: &str = "##[";

/// An annotation: what the runner shows beside the line that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue<'a> {
    /// `error`, `warning` or `notice`.
    pub kind: &'a str,
    /// The file, relative to the repository's root.
    pub file: Option<&'a str>,
    /// First and last line, from one.
    pub lines: (Option<u32>, Option<u32>),
    /// First and last column, from one. They count where it is one line.
    pub columns: (Option<u32>, Option<u32>),
    /// What stands above the message.
    pub title: &'a str,
    /// What is said, of as many lines as it takes.
    pub message: &'a str,
}

/// The longest message that the runner takes, in characters.
pub const MESSAGE_MAX: usize = 4096;

/// The line that makes an annotation.
pub fn issue(issue: &Issue<'_>) -> String {
    let Issue { kind, file, lines, columns, title, message } = *issue;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    // Without a file, a line says nothing; without a line, a column.
    let (line, end_line) = if file.is_some() { lines } else { (None, None) };
    let is_one_line = end_line.is_none_or(|end| Some(end) == line);
    let (column, end_column) = if line.is_some() && is_one_line { columns } else { (None, None) };
    let properties: Vec<String> = [
        ("file", file.map(str::to_owned)),
        ("line", number(line)),
        ("endLine", number(end_line.filter(|_| line.is_some()))),
        ("col", number(column)),
        ("endColumn", number(end_column.filter(|_| column.is_some()))),
        ("title", Some(title.to_owned()).filter(|title| !title.is_empty())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name}={}", escape_property(&value?))))
    .collect();
    let blank = if properties.is_empty() { "" } else { " " };
    format!("::{kind}{blank}{}::{}", properties.join(","), escape_data(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H67: nothing in a title or property can end its line or begin another property.
    #[test]
    fn h67_data_and_properties_are_escaped() {
        for (text, data, property) in [
            ("plain", "plain", "plain"),
            ("a\n::error::x", "a%0A::error::x", "a%0A%3A%3Aerror%3A%3Ax"),
            ("100%\r\n", "100%25%0D%0A", "100%25%0D%0A"),
            ("%0A", "%250A", "%250A"),
            ("a,b:c", "a,b:c", "a%2Cb%3Ac"),
            ("%25", "%2525", "%2525"),
            ("grün", "grün", "grün"),
        ] {
            assert_eq!(escape_data(text), data);
            assert_eq!(escape_property(text), property);
        }
        assert_eq!(group("a\n::error::x"), "::group::a%0A::error::x");
    }

    /// H65: the token is all of the randomness, and is not printed but in its two lines.
    #[test]
    fn h65_a_token_carries_128_bits_and_hides_from_debug() {
        let token = StopToken::from_random([0xab; 16]);
        assert_eq!(token.stop(), format!("::stop-commands::{}", "ab".repeat(16)));
        assert_eq!(token.resume(), format!("::{}::", "ab".repeat(16)));
        assert!(!format!("{token:?}").contains("ab"));
    }

    /// H67: whatever the texts are, the properties are those that were meant.
    #[test]
    fn h67_an_annotation_is_one_line_of_its_own_properties() {
        let full = Issue {
            kind: "error",
            file: Some("src/a,b:c.rs"),
            lines: (Some(3), Some(3)),
            columns: (Some(5), Some(9)),
            title: "E1, 100%",
            message: "one\n::error::two",
        };
        assert_eq!(
            issue(&full),
            "::error file=src/a%2Cb%3Ac.rs,line=3,endLine=3,col=5,endColumn=9,title=E1%2C 100%25::one%0A::error::two"
        );
        assert_eq!(
            issue(&Issue { lines: (Some(3), Some(4)), ..full }),
            "::error file=src/a%2Cb%3Ac.rs,line=3,endLine=4,title=E1%2C 100%25::one%0A::error::two"
        );
        assert_eq!(issue(&Issue { file: None, title: "", message: "m", ..full }), "::error::m");
    }
}
