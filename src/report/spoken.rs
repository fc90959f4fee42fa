//! Durations for who has them read out.

use std::time::Duration;

/// A duration in words.
pub(super) fn spoken(ms: u64) -> String {
    let seconds = Duration::from_millis(ms.saturating_add(500)).as_secs();
    let unit = |n: u64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let units = match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => return "less than a second".into(),
        (0, 0, s) => [unit(s, "second"), String::new()],
        (0, m, 0) => [unit(m, "minute"), String::new()],
        (0, m, s) => [unit(m, "minute"), unit(s, "second")],
        (h, 0, _) => [unit(h, "hour"), String::new()],
        (h, m, _) => [unit(h, "hour"), unit(m, "minute")],
    };
    units.join(" ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_words() {
        for (ms, words) in [
            (0, "less than a second"),
            (499, "less than a second"),
            (900, "1 second"),
            (41_200, "41 seconds"),
            (60_000, "1 minute"),
            (150_000, "2 minutes 30 seconds"),
            (3_600_000, "1 hour"),
            (7_500_000, "2 hours 5 minutes"),
        ] {
            assert_eq!(spoken(ms), words);
        }
    }
}
