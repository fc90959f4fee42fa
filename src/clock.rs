//! Time, brought in from outside so that tests decide it.
//!
//! A [`Timestamp`] has two readings of one moment. The monotonic one measures durations and cannot jump;
//! the wall one is only ever shown. `CLOCK_MONOTONIC` is the same in every process of a machine since its
//! boot and stands still while the machine sleeps, so a follower can go on counting where the supervisor is.

mod pause;

use std::sync::{Arc, Mutex};
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

/// A clock whose monotonic reading is ahead of another's: that of a run which is gone on with in another boot.
pub struct Shifted {
    clock: Arc<dyn Clock>,
    by_us: i64,
}

impl Shifted {
    /// A clock so many microseconds ahead of this one.
    pub fn new(clock: Arc<dyn Clock>, by_us: i64) -> Self {
        Self { clock, by_us }
    }

    /// How far ahead of `now` a clock has to be to go on from `last`. Within a boot that is what it was, `before`; after
    /// another, the time between them is what has passed on the wall. Never so little that it would jump back.
    pub fn ahead(last: Timestamp, now: Timestamp, before: i64, same_boot: bool) -> i64 {
        let signed = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
        let passed = now.unix_ms.saturating_sub(last.unix_ms).max(0).saturating_mul(1000);
        let least = signed(last.mono_us).saturating_sub(signed(now.mono_us));
        if same_boot { before.max(least) } else { least.saturating_add(passed) }
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp { mono_us: now.mono_us.saturating_add_signed(self.by_us), ..now }
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

    /// A run that is gone on with after a reboot: its time goes on by the wall, and within a boot as it was. H95: it never
    /// goes back, whatever the wall says.
    #[test]
    fn h95_a_journals_clock_goes_on_over_a_reboot_and_never_back() {
        let last = Timestamp { unix_ms: 100_000, mono_us: 50_000_000 };
        let at = |unix_ms, mono_us| Timestamp { unix_ms, mono_us };
        let shown = |now: Timestamp, before, same_boot| {
            let ahead = Shifted::ahead(last, now, before, same_boot);
            Shifted::new(Arc::new(ManualClock::new(now)), ahead).now().mono_us
        };
        assert_eq!(shown(at(107_000, 57_000_000), 0, true), 57_000_000, "in the same boot");
        assert_eq!(shown(at(107_000, 7_000_000), 50_000_000, true), 57_000_000, "in that of the last one to take over");
        assert_eq!(shown(at(107_000, 2_000_000), 0, false), 57_000_000, "after a reboot");
        assert_eq!(shown(at(107_000, 900_000_000), 0, false), 57_000_000, "and long after it");
        assert_eq!(shown(at(90_000, 2_000_000), 0, false), 50_000_000, "and the clock was set back");
        assert_eq!(shown(at(107_000, 2_000_000), 0, true), 50_000_000, "and who says that it was the same is wrong");
    }

    #[test]
    fn the_system_clock_moves_on() {
        let a = SystemClock.now();
        let b = SystemClock.now();
        assert!(b.mono_us >= a.mono_us);
        assert!(a.unix_ms > 1_600_000_000_000);
    }
}
