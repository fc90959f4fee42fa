//! JSON with comments and commas at ends, as some tools have their settings.

/// The text as plain JSON of the same length, so that places in it stay where they are.
pub(super) fn plain(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    // The last comma outside of strings and comments, while nothing but blanks has followed it.
    let mut comma = None;
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => string_end(&bytes, at),
            (b'/', Some(b'/')) => memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length),
            (b'/', Some(b'*')) => memchr::memmem::find(&bytes[at + 2..], b"*/").map_or(bytes.len(), |n| at + n + 4),
            _ => at + 1,
        };
        match bytes[at] {
            b'/' if end > at + 1 => {
                bytes[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            }
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at = end;
    }
    // Only whole runs between ASCII characters became blanks.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_become_blanks() {
        let text = "{ // é\n \"a\": \"// no, /* \\\" \", /* two\nlines é */ \"b\": [1, 2, /* x */ ], }";
        let plain = plain(text);
        assert_eq!(plain.len(), text.len());
        let value: serde_json::Value = serde_json::from_str(&plain).unwrap();
        assert_eq!(value, serde_json::json!({ "a": "// no, /* \" ", "b": [1, 2] }));
    }

    #[test]
    fn broken_texts_are_passed_on() {
        for text in ["\"", "\"\\", "/*", "/", "//", ",}", "é/*é", "{\"a\":1,,}"] {
            assert_eq!(plain(text).len(), text.len(), "{text}");
        }
        assert!(serde_json::from_str::<serde_json::Value>(&plain("[1,,]")).is_err());
    }
}
