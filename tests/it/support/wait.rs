//! Waiting for what is true sooner or later. Nothing here waits for time to pass.

use std::time::{Duration, Instant};

/// How long anything may take that takes milliseconds on an idle machine, or seconds where it is about megabytes; on a
/// busy one it takes twenty times that.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(3);

/// Waits until it holds, or fails naming what was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, holds: impl FnMut() -> bool) {
    assert!(holds_within(PATIENCE, holds), "waited {PATIENCE:?} for this in vain: {what}");
}

/// Whether it comes to hold in time.
pub(crate) fn holds_within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}
