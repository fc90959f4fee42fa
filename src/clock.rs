//! Time, brought in from outside so that tests decide it.
//!
//! A [`Timestamp`] has two readings of one moment. The monotonic one measures durations and cannot jump;
//! the wall one is only ever shown. `CLOCK_MONOTONIC` is the same in every process of a machine since its
//! boot and stands still while the machine sleeps, so a follower can go on counting where the supervisor is.

mod pause;

use std::sync::Mutex;
use std::time::Duration;

pub use pause::Pause;
use serde::{Deserialize, Serialize};

/// One moment, read on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Milliseconds since 1970-01-01 UTC; may jump when the clock is set.
    pub unix_ms: i64,
    /// Microseconds on the machine's monotonic clock; only differences mean anything.
    pub mono_us: u64,
}

impl Timestamp {
    /// The time that passed since `earlier`; zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.mono_us.saturating_sub(earlier.mono_us))
    }

    /// This moment and a while on.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let us = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self { unix_ms: self.unix_ms.saturating_add(ms), mono_us: self.mono_us.saturating_add(us) }
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        use rustix::time::{ClockId, clock_gettime};
        let wall = clock_gettime(ClockId::Realtime);
        let mono = clock_gettime(ClockId::Monotonic);
        Timestamp {
            unix_ms: wall.tv_sec * 1000 + wall.tv_nsec / 1_000_000,
            mono_us: u64::try_from(mono.tv_sec * 1_000_000 + mono.tv_nsec / 1000).unwrap_or(0),
        }
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows this moment.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves both readings on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.after(by);
    }

    /// Sets the wall reading alone, as a person or a time server does.
    pub fn set_wall(&self, unix_ms: i64) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).unix_ms = unix_ms;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new(Timestamp { unix_ms: 1_700_000_000_000, mono_us: 1_000_000 })
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H95: the wall clock may jump; durations do not notice, and are never negative.
    #[test]
    fn h95_durations_come_from_the_monotonic_clock() {
        let clock = ManualClock::default();
        let start = clock.now();
        clock.advance(Duration::from_secs(5));
        clock.set_wall(start.unix_ms - 3_600_000);
        assert_eq!(clock.now().since(start), Duration::from_secs(5));
        assert_eq!(start.since(clock.now()), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_moves_on() {
        let a = SystemClock.now();
        let b = SystemClock.now();
        assert!(b.mono_us >= a.mono_us);
        assert!(a.unix_ms > 1_600_000_000_000);
    }
}
