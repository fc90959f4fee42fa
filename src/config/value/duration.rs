//! Durations: `"500ms"`, `"30s"`, `"1h30m"`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::Refusal;
use crate::config::code::Code;
use crate::config::visible::visible_line;

/// The units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest duration: what is longer is a mistake, and sums of a few of it cannot overflow.
const MOST: Duration = Duration::from_hours(87600);

const FORMS: &str =
    "a duration is numbers with units, the largest first: \"500ms\", \"30s\", \"20m\", \"1h30m\", \"7d\"";

/// Reads a duration.
pub(in crate::config) fn parse(text: &str) -> Result<Duration, Refusal> {
    let shown = visible_line(text);
    let refuse = |message: String, help: &str| Err(Refusal::new(Code::BadDuration, message, help));
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return refuse(format!("cannot be negative: \"{shown}\""), FORMS);
    }
    if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        let help = format!("say which unit: \"{0}s\" for seconds, \"{0}m\" for minutes", visible_line(trimmed));
        return refuse(format!("has no unit: \"{shown}\""), &help);
    }
    let mut rest = trimmed;
    let mut units = UNITS.as_slice();
    let mut total: u64 = 0;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let place = units.iter().position(|(name, _)| *name == unit);
        let (Some(place), false) = (place, number.is_empty()) else {
            return refuse(format!("is not a duration: \"{shown}\""), FORMS);
        };
        let milliseconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(units[place].1));
        match milliseconds.and_then(|ms| total.checked_add(ms)).filter(|ms| Duration::from_millis(*ms) <= MOST) {
            Some(sum) => total = sum,
            None => return refuse(format!("is too long: \"{shown}\""), "a duration is at most 3650 days"),
        }
        units = &units[place + 1..];
        rest = tail.trim_start();
        parts += 1;
    }
    if parts == 0 {
        return refuse("is empty".into(), FORMS);
    }
    Ok(Duration::from_millis(total))
}

/// A duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Span(pub(in crate::config) Duration);

/// A limit of time, which can be none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Limit(pub(in crate::config) Option<Duration>);

struct Text;

impl Visitor<'_> for Text {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Duration, E> {
        if number < 0 {
            return Err(E::custom(Refusal::new(Code::BadDuration, format!("cannot be negative: {number}"), FORMS)));
        }
        let help = format!("write it in quotes with its unit: \"{number}s\" for seconds, \"{number}m\" for minutes");
        Err(E::custom(Refusal::new(Code::BadDuration, format!("has no unit: {number}"), help)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Duration, E> {
        Err(E::custom(Refusal::new(Code::BadDuration, format!("is not a duration: {number}"), FORMS)))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text).map(Self)
    }
}

struct LimitText;

impl Visitor<'_> for LimitText {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit, or \"none\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
        if text == "none" {
            return Ok(Limit(None));
        }
        let duration = parse(text).map_err(E::custom)?;
        if duration.is_zero() {
            let message = "leaves no time at all: it is zero";
            return Err(E::custom(Refusal::new(Code::BadDuration, message, "for no limit, write \"none\"")));
        }
        Ok(Limit(Some(duration)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Limit, E> {
        Text.visit_i64(number).map(|duration| Limit(Some(duration)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Limit, E> {
        Text.visit_f64(number).map(|duration| Limit(Some(duration)))
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitText)
    }
}

/// [`UNITS`], each once at most and in this order. That there is a number at all, other patterns have to say.
const PATTERN: &str = r"^\s*([0-9]+d\s*)?([0-9]+h\s*)?([0-9]+m\s*)?([0-9]+s\s*)?([0-9]+ms\s*)?$";

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Numbers with units, the largest first: \"500ms\", \"30s\", \"20m\", \"1h30m\", \"7d\".",
            "type": "string",
            "pattern": PATTERN,
            "allOf": [{ "pattern": "[0-9]" }],
        })
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration above zero, such as \"30s\", \"20m\" or \"1h30m\"; or \"none\".",
            "anyOf": [
                { "const": "none" },
                { "type": "string", "pattern": PATTERN, "allOf": [{ "pattern": "[1-9]" }] },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("20m", 1_200_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("7d", 604_800_000),
            ("1d2h3m4s5ms", 93_784_005),
            ("0s", 0),
            ("90m", 5_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    /// H123: what is not a duration is refused, and nothing overflows.
    #[test]
    fn h123_other_texts_are_refused() {
        for text in [
            "",
            " ",
            "30",
            "-5s",
            "s",
            "5",
            "5 s",
            "1.5h",
            "30m1h",
            "1h1h",
            "5S",
            "5µs",
            "NaN",
            "inf",
            "1e3s",
            "٣s",
            "18446744073709551616s",
            "18446744073709551615d",
            "99999999999d",
            "1hh",
            "1h-1m",
        ] {
            assert_eq!(parse(text).map_err(|refusal| refusal.code), Err(Code::BadDuration), "{text:?}");
        }
    }
}
