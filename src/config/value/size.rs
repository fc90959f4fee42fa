//! Sizes in bytes: a number, or `"64MiB"`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::Refusal;
use crate::config::code::Code;
use crate::config::visible::visible_line;

const UNITS: [(&str, u64); 9] = [
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
];

const FORMS: &str = "a size is a number of bytes, or a text with a unit: \"512KiB\", \"64MiB\", \"1GiB\"";

/// Reads a size.
fn parse(text: &str) -> Result<u64, Refusal> {
    let refuse = |what: &str| Err(Refusal::new(Code::BadSize, format!("{what}: \"{}\"", visible_line(text)), FORMS));
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim_start().to_ascii_lowercase();
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return refuse("is not a size");
    };
    if number.is_empty() {
        return refuse("is not a size");
    }
    // A file's length fits in i64 everywhere.
    match number.parse::<u64>().ok().and_then(|n| n.checked_mul(*factor)).filter(|n| i64::try_from(*n).is_ok()) {
        Some(bytes) => Ok(bytes),
        None => refuse("is too large"),
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Size(pub(in crate::config) u64);

struct SizeText;

impl Visitor<'_> for SizeText {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size in bytes, or one with its unit")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
        parse(text).map(Size).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Size, E> {
        let refusal = |_| Refusal::new(Code::BadSize, format!("cannot be negative: {number}"), FORMS);
        u64::try_from(number).map(Size).map_err(refusal).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeText)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, or a text with a unit: \"512KiB\", \"64MiB\", \"1GiB\" count in 1024, \"64MB\" in 1000.",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": r"^\s*[0-9]+\s*([KkMmGgTt][Ii]?)?[Bb]\s*$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H123: sizes are read, and what is none is refused.
    #[test]
    fn h123_sizes_are_read_or_refused() {
        for (text, bytes) in [("0B", 0), ("64MiB", 64 << 20), ("64 mb", 64_000_000), ("1GiB", 1 << 30), ("7b", 7)] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "64", "MiB", "-1MiB", "1.5GiB", "9223372036854775808B", "99999999999TiB", "1 000kb"] {
            assert_eq!(parse(text).map_err(|refusal| refusal.code), Err(Code::BadSize), "{text:?}");
        }
    }
}
