//! Time that does not count: while a run is paused its clock stands still. The run itself and whoever looks at it use the
//! same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How long a run has stood still, and since when it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    since: Option<Timestamp>,
    /// All earlier pauses together, in microseconds.
    earlier_us: u64,
}

impl Pause {
    /// The run stands still from now on. Changes nothing where it does already.
    pub fn begin(&mut self, at: Timestamp) {
        self.since.get_or_insert(at);
    }

    /// The run goes on.
    pub fn end(&mut self, at: Timestamp) {
        if let Some(since) = self.since.take() {
            self.earlier_us = self.earlier_us.saturating_add(at.mono_us.saturating_sub(since.mono_us));
        }
    }

    /// Since when it stands still, if it does.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// A moment on the run's own clock, whose monotonic reading leaves out every pause before it.
    pub fn on_its_clock(&self, now: Timestamp) -> Timestamp {
        let stands = self.since.map_or(now.mono_us, |since| now.mono_us.min(since.mono_us));
        Timestamp { mono_us: stands.saturating_sub(self.earlier_us), ..now }
    }

    /// The reading of the machine's clock at which the run's own shows this; none while that stands still.
    pub fn shows_at(&self, mono_us: u64) -> Option<u64> {
        self.since.is_none().then(|| mono_us.saturating_add(self.earlier_us))
    }

    /// How long it stands still by now; nothing where it does not.
    pub fn lasts(&self, now: Timestamp) -> Option<Duration> {
        Some(now.since(self.since?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono_us: u64) -> Timestamp {
        // H95: what the wall clock shows means nothing here.
        Timestamp { unix_ms: -i64::try_from(mono_us * 7919 % 1000).unwrap(), mono_us }
    }

    fn mono(pause: Pause, now: u64) -> u64 {
        pause.on_its_clock(at(now)).mono_us
    }

    /// H95, H11.
    #[test]
    fn h95_pauses_are_left_out_and_time_stands_still_in_one() {
        let mut pause = Pause::default();
        assert_eq!(mono(pause, 10), 10);
        pause.begin(at(20));
        pause.begin(at(25));
        assert_eq!(mono(pause, 30), 20);
        assert_eq!(pause.lasts(at(30)), Some(Duration::from_micros(10)));
        pause.end(at(40));
        pause.end(at(45));
        assert_eq!((mono(pause, 50), pause.lasts(at(50))), (30, None));
        pause.begin(at(60));
        assert_eq!(pause.shows_at(50), None);
        pause.end(at(65));
        assert_eq!(mono(pause, 100), 75);
        assert_eq!(pause.shows_at(75), Some(100));
    }
}
