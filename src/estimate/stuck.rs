//! Whether a stage seems to hang: it runs far longer than it ever did, and says nothing. A hint for people; nothing is
//! ever ended because of it.

use std::time::Duration;

use crate::event::Estimate;

/// How long a stage has to have been silent to seem stuck.
const SILENCE: Duration = Duration::from_mins(1);
/// A stage has to run at least so much longer than what hardly any run of it took.
const LONGER: Duration = Duration::from_mins(1);

impl Estimate {
    /// After how long a stage runs longer than any run of it should: half as long again as what 99 of 100 take, and no less
    /// than a minute more.
    ///
    /// Of thirty samples the longest is what is known of that; where the longest is the point itself, the band's end.
    pub fn far_too_long(&self) -> Duration {
        let longest = self.longer_ms.last().copied().unwrap_or(0);
        let most = Duration::from_millis(longest.max(self.high_ms).max(self.expected_ms));
        most.saturating_add(LONGER.max(most / 2))
    }

    /// Whether a stage seems stuck that has run this long on its run's clock, and has printed nothing for so long.
    pub fn seems_stuck(&self, elapsed: Duration, silent: Duration) -> bool {
        silent >= SILENCE && elapsed > self.far_too_long()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Basis;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn estimate(expected_s: u64, high_s: u64, longer_s: &[u64]) -> Estimate {
        let longer_ms = longer_s.iter().map(|s| s * 1000).collect();
        let (expected_ms, high_ms) = (expected_s * 1000, high_s * 1000);
        Estimate { expected_ms, low_ms: 0, high_ms, samples: 9, basis: Basis::Own, longer_ms }
    }

    #[test]
    fn a_stage_seems_stuck_where_it_is_far_too_long_and_silent() {
        let slow = estimate(600, 700, &[620, 800]);
        assert_eq!(slow.far_too_long(), s(1200), "half as long again as the longest");
        assert!(!slow.seems_stuck(s(1200), s(600)));
        assert!(slow.seems_stuck(s(1201), s(60)));
        assert!(!slow.seems_stuck(s(5000), s(59)), "it still prints");
        assert!(!slow.seems_stuck(s(900), s(900)), "it often says nothing");
    }

    #[test]
    fn what_takes_no_time_is_given_a_minute() {
        assert_eq!(estimate(1, 2, &[]).far_too_long(), s(62), "one sample: the band's end");
        assert_eq!(estimate(1, 2, &[3]).far_too_long(), s(63));
        let huge = Estimate { high_ms: u64::MAX, ..estimate(1, 2, &[]) };
        assert!(!huge.seems_stuck(s(100_000), s(100_000)));
    }
}
