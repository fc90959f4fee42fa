//! Durations as live mode says them: no more precisely than they are known, and never as nothing.

use std::time::Duration;

/// A duration that has passed, to the second; after an hour, to the minute.
pub(super) fn passed(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "<1s".into(),
        seconds => whole(seconds),
    }
}

/// A duration that is expected: about so long, and a second at least.
pub(super) fn about(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    let step = match seconds {
        0..=19 => 1,
        20..=59 => 5,
        60..=599 => 10,
        600..=3599 => 60,
        _ => 300,
    };
    whole(((seconds + step / 2) / step * step).max(1))
}

/// A whole duration that is expected: what takes less than a second is said in milliseconds, to two digits.
pub(super) fn usual(duration: Duration) -> String {
    match duration.as_millis() {
        ms @ 0..100 => format!("{}ms", ms.max(1)),
        ms @ 100..995 => format!("{}ms", (ms + 5) / 10 * 10),
        _ => about(duration),
    }
}

/// What is left, as a point and the band around it: `~1m20s left (1m–2m)`. The band is left out where it says no more.
pub(super) fn left(point: Duration, band: Option<(Duration, Duration)>, dash: &str) -> String {
    let shown = about(point);
    let band = band.map(|(low, high)| (about(low), about(high))).filter(|(low, high)| low != high);
    match band {
        Some((low, high)) => format!("~{shown} left ({low}{dash}{high})"),
        None => format!("~{shown} left"),
    }
}

/// So many seconds, without units that are zero at the end.
fn whole(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// A part of a whole in per cent, at most 99: what has not ended is not done.
pub fn percent(fraction: f64) -> u8 {
    (1..=99).rev().find(|percent| f64::from(*percent) <= fraction * 100.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_usually_takes_less_than_a_second_is_said_in_milliseconds() {
        for (time, text) in [(0, "1ms"), (45, "45ms"), (404, "400ms"), (994, "990ms"), (995, "1s"), (2400, "2s")] {
            assert_eq!(usual(ms(time)), text);
        }
    }

    #[test]
    fn what_has_passed_is_said_to_the_second() {
        for (time, text) in [
            (0, "<1s"),
            (999, "<1s"),
            (1000, "1s"),
            (12_999, "12s"),
            (60_000, "1m"),
            (80_500, "1m20s"),
            (3_599_000, "59m59s"),
            (3_900_000, "1h05m"),
        ] {
            assert_eq!(passed(ms(time)), text);
        }
    }

    #[test]
    fn what_is_expected_is_said_roughly_and_never_as_nothing() {
        for (time, text) in [
            (0, "1s"),
            (300, "1s"),
            (1600, "2s"),
            (19_000, "19s"),
            (41_000, "40s"),
            (58_000, "1m"),
            (83_000, "1m20s"),
            (596_000, "10m"),
            (754_000, "13m"),
            (3_599_000, "1h00m"),
            (7_000_000, "1h55m"),
        ] {
            assert_eq!(about(ms(time)), text, "{time}");
        }
        assert_eq!(left(ms(80_000), Some((ms(60_000), ms(120_000))), "–"), "~1m20s left (1m–2m)");
        assert_eq!(left(ms(0), Some((ms(0), ms(400))), "–"), "~1s left");
        assert_eq!(left(ms(2000), None, "-"), "~2s left");
    }

    #[test]
    fn nothing_is_done_before_its_end() {
        let shown = [0.0, 0.004, 0.01, 0.5, 0.999, 1.0, 7.0, f64::NAN].map(percent);
        assert_eq!(shown, [0, 0, 1, 50, 99, 99, 99, 0]);
    }
}
