//! What stands in for the estimate of a stage that history does not know: the other stages of its run.

use std::time::Duration;

use super::bound::Span;
use super::statistics::median;
use crate::event::{Basis, Estimate};

/// What a stage takes as far as nothing but the other stages of its run says so: the median of what is expected of them,
/// in milliseconds and in any order; the band from half of that to twice. None where none of them is known.
///
/// It is a guess of what the whole run takes, and not to be shown for the stage itself.
pub fn typical(known_ms: &[u64]) -> Option<Estimate> {
    let expected_ms = median(known_ms)?;
    let mut longer_ms: Vec<u64> = known_ms.iter().copied().filter(|ms| *ms > expected_ms).collect();
    longer_ms.sort_unstable();
    Some(Estimate {
        expected_ms,
        low_ms: expected_ms / 2,
        high_ms: expected_ms.saturating_mul(2),
        samples: 0,
        basis: Basis::default(),
        longer_ms,
    })
}

impl Estimate {
    /// How much longer a stage takes that has run this long; none where no past run took as long.
    pub fn left(&self, elapsed: Duration) -> Option<Span> {
        let expected = self.remaining(elapsed)?;
        let ms = |ms| Duration::from_millis(ms).saturating_sub(elapsed);
        // Past the band there are only those that took longer still.
        let high = if self.is_late(elapsed) { self.longer_ms.last().copied().unwrap_or(0) } else { self.high_ms };
        Some(Span { expected, low: ms(self.low_ms).min(expected), high: ms(high).max(expected) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_unknown_stage_is_like_the_middle_one_of_the_known() {
        assert_eq!(typical(&[]), None);
        let typical = typical(&[9000, 1000, 2000]).unwrap();
        assert_eq!((typical.low_ms, typical.expected_ms, typical.high_ms), (1000, 2000, 4000));
        assert_eq!(typical.remaining(ms(3000)), Some(ms(6000)), "once it is passed, the longer ones are left");
    }

    #[test]
    fn what_is_left_shrinks_as_time_passes_and_is_never_nothing() {
        let (low_ms, high_ms, longer_ms) = (800, 1500, vec![1600, 3000]);
        let estimate = Estimate { expected_ms: 1000, low_ms, high_ms, samples: 9, basis: Basis::Own, longer_ms };
        let left = |elapsed| {
            let span = estimate.left(ms(elapsed)).unwrap();
            [span.low, span.expected, span.high].map(|time| time.as_millis())
        };
        assert_eq!(left(0), [800, 1000, 1500]);
        assert_eq!(left(900), [0, 100, 600]);
        assert_eq!(left(1200), [0, 1100, 1100], "half of the longer ones take until 2300");
        assert_eq!(left(1600), [0, 1400, 1400]);
        assert_eq!(estimate.left(ms(3000)), None);
    }
}
