//! A duration that is expected, as roughly as it is known.

use std::fmt;
use std::time::Duration;

use crate::outcome::HumanDuration;

/// A duration that is expected, in milliseconds: `~250ms`, `~2.3s`, `~40s`, `~2m30s`. From ten seconds on, without tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About(pub u64);

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What would round up to ten seconds, up to what would round up to a minute.
        let text = match self.0 {
            ms @ 9_950..59_500 => format!("~{}s", (ms + 500) / 1000),
            ms @ 59_500..60_000 => format!("~{}", HumanDuration(Duration::from_millis(ms.max(60_000)))),
            ms => format!("~{}", HumanDuration(Duration::from_millis(ms))),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_told_roughly() {
        for (ms, text) in [
            (250, "~250ms"),
            (2_345, "~2.3s"),
            (9_949, "~9.9s"),
            (9_950, "~10s"),
            (40_400, "~40s"),
            (59_499, "~59s"),
            (59_500, "~1m00s"),
            (150_000, "~2m30s"),
        ] {
            assert_eq!(About(ms).to_string(), text, "{ms}");
        }
    }
}
