//! How long ago something was, as a person says it.

use std::fmt;

/// How long ago something was, in milliseconds by the wall clock; negative where it says that it is still to come.
///
/// To the nearest unit below: `5 sec ago`, `2 min ago`, `1 hour ago`, `3 days ago`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ago(pub i64);

impl Ago {
    /// Between two readings of the wall clock, in milliseconds since 1970.
    pub fn between(then_ms: u64, now_ms: i64) -> Self {
        Self(now_ms.saturating_sub(i64::try_from(then_ms).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str, &str); 7] = [
            (365 * 86_400, "year", "years"),
            (30 * 86_400, "month", "months"),
            (7 * 86_400, "week", "weeks"),
            (86_400, "day", "days"),
            (3600, "hour", "hours"),
            (60, "min", "min"),
            (1, "sec", "sec"),
        ];
        let seconds = self.0 / 1000;
        // A clock that was set back; a little of it is no more than two clocks that differ.
        if seconds < -60 {
            return f.pad("in the future");
        }
        match UNITS.iter().find(|(size, _, _)| seconds >= *size) {
            None => f.pad("just now"),
            Some((size, one, many)) => {
                let n = seconds / size;
                f.pad(&format!("{n} {} ago", if n == 1 { one } else { many }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_whole_unit() {
        for (seconds, text) in [
            (0, "just now"),
            (1, "1 sec ago"),
            (59, "59 sec ago"),
            (60, "1 min ago"),
            (150, "2 min ago"),
            (3599, "59 min ago"),
            (3600, "1 hour ago"),
            (2 * 3600, "2 hours ago"),
            (86_400, "1 day ago"),
            (6 * 86_400, "6 days ago"),
            (15 * 86_400, "2 weeks ago"),
            (59 * 86_400, "1 month ago"),
            (364 * 86_400, "12 months ago"),
            (800 * 86_400, "2 years ago"),
        ] {
            assert_eq!(Ago(seconds * 1000).to_string(), text, "{seconds}");
        }
    }

    /// H95: a clock that was set back makes no negative age, and nothing panics.
    #[test]
    fn h95_a_clock_that_was_set_back_is_told() {
        assert_eq!(Ago::between(5_000, 4_000).to_string(), "just now");
        assert_eq!(Ago::between(3_600_000, 0).to_string(), "in the future");
        assert_eq!(Ago::between(u64::MAX, i64::MIN).to_string(), "in the future");
        assert_eq!(Ago::between(0, i64::MAX).to_string(), "292471208 years ago");
    }
}
