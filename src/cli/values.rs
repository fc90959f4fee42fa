//! The values of options, from what is typed or set to what is meant. The errors are sentences.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::pipeline::{Flaky, remote};
use crate::report::document::Kind;
use crate::report::{ColourWhen, Dialect};

/// The kinds of reports by their words.
pub(super) fn report_kinds() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::word)).try_map(|word| word.parse::<Kind>())
}

pub(super) fn colour(word: &str) -> Result<ColourWhen, String> {
    ColourWhen::from_word(word).ok_or_else(|| "expected auto, always or never".to_owned())
}

pub(super) fn dialect(word: &str) -> Result<Dialect, String> {
    Dialect::from_word(word).ok_or_else(|| format!("expected {}", Dialect::ALL.map(Dialect::word).join(", ")))
}

pub(super) fn flaky(word: &str) -> Result<Flaky, String> {
    Flaky::from_word(word).ok_or_else(|| "expected pass or fail".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}

/// A duration, or how many seconds. Not nothing: what may take no time cannot be done.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = if is_number { duration(&format!("{text}s"))? } else { duration(text)? };
    if limit.is_zero() { Err("it leaves no time at all".to_owned()) } else { Ok(limit) }
}

/// The name of a tmux session.
pub(super) fn session(text: &str) -> Result<String, String> {
    remote::check_session(text).map(|()| text.to_owned()).map_err(|why| format!("it {why}"))
}

/// The project's directory on another machine.
pub(super) fn remote_dir(text: &str) -> Result<String, String> {
    remote::check_dir(text).map(|()| text.to_owned()).map_err(|why| format!("it {why}"))
}

/// How many: a whole number from one on.
pub(super) fn count(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "expected a whole number from 1 on, such as 4".to_owned())
}

pub(super) fn lines(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected how many lines, such as 20".to_owned())
}
