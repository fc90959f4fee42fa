//! The forms in which a value comes out of tools: as it is, its lines, encoded, and quoted.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::ids::hex;

/// All forms of a value, some of them more than once.
pub(super) fn of(value: &[u8]) -> Vec<Vec<u8>> {
    let trimmed = value.trim_ascii();
    let mut forms = vec![value.to_vec(), trimmed.to_vec()];
    forms.extend(trimmed.split(|byte| *byte == b'\n').map(|line| line.trim_ascii().to_vec()));
    for bytes in [value, trimmed] {
        for shift in 0..3 {
            forms.push(base64_at(&STANDARD_NO_PAD, bytes, shift));
            forms.push(base64_at(&URL_SAFE_NO_PAD, bytes, shift));
        }
        let digits = hex(bytes);
        forms.push(digits.to_ascii_uppercase().into_bytes());
        forms.push(digits.into_bytes());
    }
    for bytes in [value, trimmed] {
        forms.extend(percent(bytes));
    }
    if let Ok(text) = std::str::from_utf8(trimmed) {
        forms.extend(quoted(text).into_iter().map(String::into_bytes));
    }
    forms
}

/// What of a text's base64 does not depend on what stands before and after it, where it begins at the `shift`th of three
/// bytes.
fn base64_at(engine: &impl Engine, bytes: &[u8], shift: usize) -> Vec<u8> {
    let text = engine.encode([&[0; 2][..shift], bytes].concat());
    let (from, to) = ((8 * shift).div_ceil(6), 8 * (shift + bytes.len()) / 6);
    text.as_bytes().get(from..to).unwrap_or_default().to_vec()
}

/// Percent-encoded (RFC 3986), with digits of either case; where a blank is a plus, as forms have it, too.
fn percent(bytes: &[u8]) -> [Vec<u8>; 4] {
    let encode = |upper: bool, plus: bool| {
        let mut out = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*byte),
                b' ' if plus => out.push(b'+'),
                _ => {
                    let digits = hex(std::slice::from_ref(byte));
                    out.push(b'%');
                    out.extend(if upper { digits.to_ascii_uppercase() } else { digits }.bytes());
                }
            }
        }
        out
    };
    [encode(true, false), encode(false, false), encode(true, true), encode(false, true)]
}

/// As it stands between quotes of JSON, of shells, of Rust's `{:?}` and of XML, and with a shell's backslashes.
fn quoted(text: &str) -> Vec<String> {
    let json = serde_json::to_string(text).unwrap_or_default();
    let json = json.trim_matches('"').to_owned();
    let debug = format!("{text:?}");
    let debug = debug.get(1..debug.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let backslashed = |special: &str| -> String {
        text.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
    };
    vec![
        json.replace('/', "\\/"),
        json,
        debug,
        text.replace('\'', "'\\''"),
        text.replace('\'', "'\"'\"'"),
        backslashed("\"\\$`"),
        backslashed(" !\"#$&'()*,;<>?[\\]^`{|}~"),
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&apos;"),
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;"),
    ]
}
