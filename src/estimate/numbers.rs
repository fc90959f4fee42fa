//! Milliseconds and counts as real numbers, and back.

use std::time::Duration;

/// Milliseconds as seconds.
pub(super) fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}

/// Seconds as whole milliseconds, to the nearest; the longest there is where they are more than that or no number.
pub(super) fn milliseconds(seconds: f64) -> u64 {
    let duration = Duration::try_from_secs_f64(seconds.max(0.0) + 0.0005).unwrap_or(Duration::MAX);
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A count of things in memory.
pub(super) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// `ln(a / b)`; zero counts as a millisecond, so that what took no time has a logarithm.
pub(super) fn log_ratio(a_ms: u64, b_ms: u64) -> f64 {
    (seconds(a_ms.max(1)) / seconds(b_ms.max(1))).ln()
}

/// The middle of these numbers, the mean of the middle two where they are even in number. None where there are none.
pub(super) fn middle(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    let upper = numbers.get(numbers.len() / 2)?;
    let lower = numbers.get(numbers.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(*lower, *upper))
}
