//! How long somebody is waited for: time in which all stands still is no time of theirs.

use std::time::Duration;

use crate::clock::Timestamp;

/// What is left of a time, looked at now and then.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
    looked: Timestamp,
    /// Whether all stood still at the last look.
    was_held: bool,
}

impl Patience {
    /// So much, from now on.
    pub(super) fn new(left: Duration, now: Timestamp) -> Self {
        Self { left, looked: now, was_held: false }
    }

    /// Whether it is over. `is_held` says whether all stands still now: then what went by since the last look is not counted,
    /// and neither is what goes by until the next.
    pub(super) fn is_over(&mut self, now: Timestamp, is_held: bool) -> bool {
        if !is_held && !self.was_held {
            self.left = self.left.saturating_sub(now.since(self.looked));
        }
        (self.looked, self.was_held) = (now, is_held);
        self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp { unix_ms: 0, mono_us: seconds * 1_000_000 }
    }

    #[test]
    fn what_goes_by_while_all_stands_still_is_not_counted() {
        let mut patience = Patience::new(Duration::from_secs(10), at(0));
        assert!(!patience.is_over(at(4), false));
        // An hour of standing still, seen when it had begun and when it had ended.
        assert!(!patience.is_over(at(5), true));
        assert!(!patience.is_over(at(3600), true));
        assert!(!patience.is_over(at(3601), false));
        assert!(!patience.is_over(at(3606), false));
        assert!(patience.is_over(at(3607), false));
    }
}
