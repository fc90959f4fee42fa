//! How long to wait before a line is tried again: 1, 2, 4 … 30 s, a fifth more or less, so that many who lost it together do
//! not come back together.

use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};

/// The longest wait.
const MAX: Duration = Duration::from_secs(30);

/// The waits between tries.
#[derive(Debug)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { tries: 0 }
    }

    /// How often it was tried.
    pub(super) fn attempt(&self) -> u32 {
        self.tries
    }

    /// How long to wait after one more try that has failed.
    pub(super) fn next(&mut self) -> Duration {
        let whole = Duration::from_secs(1 << self.tries.min(5)).min(MAX);
        self.tries += 1;
        let mut byte = [127_u8];
        // Without chance it comes back together with others, and that is all.
        let _ = getrandom(&mut byte, GetRandomFlags::empty());
        whole.mul_f32(0.8 + 0.4 * f32::from(byte[0]) / 255.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_with_a_fifth_of_chance() {
        let mut backoff = Backoff::new();
        for (attempt, seconds) in (1..).zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]) {
            let wait = backoff.next().as_secs_f32();
            assert!((seconds * 0.79..=seconds * 1.21).contains(&wait), "{attempt}: {wait}");
            assert_eq!(backoff.attempt(), attempt);
        }
    }
}
