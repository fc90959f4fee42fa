//! TeamCity's service messages: `##teamcity[name key='value' …]` on a line. The escapes are those of its documentation
//! ("Service Messages", "Escaped Values").

use std::fmt::Write;

/// How a service message begins.
pub(super) const MESSAGE: &str = "##teamcity[";

/// The line of a message with these attributes.
pub fn message(name: &str, attributes: &[(&str, &str)]) -> String {
    let mut text = format!("{MESSAGE}{name}");
    for (key, value) in attributes {
        // Writing to a String cannot fail.
        let _ = write!(text, " {key}='{}'", escape(value));
    }
    text.push(']');
    text
}

/// A value. What is not ASCII is written in UTF-16 units, so that it does not matter what the build's log is read as.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match c {
            '\n' => escaped.push_str("|n"),
            '\r' => escaped.push_str("|r"),
            '|' | '\'' | '[' | ']' => escaped.extend(['|', c]),
            c if c.is_ascii() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "|0x{unit:04X}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H67: no value ends itself, its message or its line.
    #[test]
    fn h67_values_are_escaped() {
        assert_eq!(
            message("blockOpened", &[("name", "it's [a|b]\r\n"), ("description", "é😀")]),
            "##teamcity[blockOpened name='it|'s |[a||b|]|r|n' description='|0x00E9|0xD83D|0xDE00']"
        );
    }
}
