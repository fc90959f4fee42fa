//! The values of options, from what is typed or set to what is meant. The errors are sentences.

use std::time::Duration;

use crate::report::ColourWhen;

pub(super) fn colour(word: &str) -> Result<ColourWhen, String> {
    ColourWhen::from_word(word).ok_or_else(|| "expected auto, always or never".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}

/// How many: a whole number from one on.
pub(super) fn count(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "expected a whole number from 1 on, such as 4".to_owned())
}

pub(super) fn lines(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected how many lines, such as 20".to_owned())
}
