//! What can be said of a stage that runs, from its estimate and how long it has run.
//!
//! What is expected of a stage that has not ended is expected given that it has not: a stage that has outlived most of
//! its past runs is compared with those that took longer still.

use std::time::Duration;

use crate::event::Estimate;

/// Where a bar stops as long as the stage has not ended.
const ALMOST: f64 = 0.99;

impl Estimate {
    /// How long the whole is expected to take for a stage that has run this long and not ended.
    ///
    /// Once the point is passed, it is the median of those past runs that took longer still; none where no past run took
    /// as long. It never goes down as time passes.
    pub fn given(&self, elapsed: Duration) -> Option<Duration> {
        // What took no whole millisecond takes some time all the same.
        let expected = Duration::from_millis(self.expected_ms.max(1));
        if elapsed < expected {
            return Some(expected);
        }
        let ended = self.longer_ms.partition_point(|ms| Duration::from_millis(*ms) <= elapsed);
        let longer = &self.longer_ms[ended..];
        let upper = longer.get(longer.len() / 2)?;
        let lower = longer.get((longer.len() - 1) / 2)?;
        Some(Duration::from_millis(u64::midpoint(*lower, *upper)))
    }

    /// How much longer a stage is expected to take that has run this long: more than nothing. None where no past run
    /// took as long.
    pub fn remaining(&self, elapsed: Duration) -> Option<Duration> {
        self.given(elapsed).map(|whole| whole.saturating_sub(elapsed))
    }

    /// How far along a stage is that has run this long, for a bar: the part of the point that has passed, from 0 to 0.99.
    /// It never goes down: what has passed the point is as good as done until it is.
    pub fn fraction(&self, elapsed: Duration) -> f64 {
        let expected = Duration::from_millis(self.expected_ms.max(1));
        (elapsed.as_secs_f64() / expected.as_secs_f64()).min(ALMOST)
    }

    /// Whether a stage takes longer than usual that has run this long: nine of ten would have ended.
    pub fn is_late(&self, elapsed: Duration) -> bool {
        self.late_by(elapsed).is_some()
    }

    /// How long ago nine of ten would have ended, for a stage that has run longer than that.
    pub fn late_by(&self, elapsed: Duration) -> Option<Duration> {
        elapsed.checked_sub(Duration::from_millis(self.high_ms)).filter(|by| !by.is_zero())
    }
}

#[cfg(test)]
mod tests;
