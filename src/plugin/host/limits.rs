//! What a guest may use up: memory, tables, instances and its own time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::ResourceLimiter;

use super::stop::Stop;
use crate::clock::{Clock, SystemClock, Timestamp};

/// Memory of a stage that has no limit of its own, in bytes.
pub(super) const STAGE_MEMORY: u64 = 256 * MIB;
/// Memory of every other role, in bytes.
pub(super) const OTHER_MEMORY: u64 = 64 * MIB;
/// The guest's own time for a call of every role but a stage.
pub(super) const TIME: Duration = Duration::from_secs(10);
/// How long such a call may take in all, with what it waits for: somebody waits for it. More own time than this is more here.
pub(super) const WALL: Duration = Duration::from_mins(1);
/// Things of the host's that a guest may hold at once.
pub(super) const HANDLES_MAX: usize = 1000;

const MIB: u64 = 1024 * 1024;
/// Elements of all tables together. A component made from Python has some tens of thousands.
const ELEMENTS_MAX: usize = 1_000_000;
/// Core instances, and tables, of one component. One made from Python has some tens.
const INSTANCES_MAX: usize = 500;
/// Memories of one component.
const MEMORIES_MAX: usize = 50;

/// What all memories and tables of a store have together, and may have.
#[derive(Debug)]
pub(super) struct Quota {
    memory_max: u64,
    /// Whether the user can have it that there is more.
    can_be_raised: bool,
    memory: u64,
    elements: usize,
}

impl Quota {
    pub(super) fn new(memory_max: u64, can_be_raised: bool) -> Self {
        Self { memory_max, can_be_raised, memory: 0, elements: 0 }
    }
}

/// Errors end the guest at once with a sentence; `Ok(false)` would leave it to a guest to say what it ran out of.
impl ResourceLimiter for Quota {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.memory.saturating_add((desired as u64).saturating_sub(current as u64));
        if after > self.memory_max {
            let most = self.memory_max.div_ceil(MIB);
            let more = if self.can_be_raised { ": if that is right, raise `memory` in its `limits`" } else { "" };
            let text = format!("wants {} MiB of memory, and {most} MiB are the most{more}", after.div_ceil(MIB));
            return Err(wasmtime::Error::new(Stop::TooMuch(text)));
        }
        self.memory = after;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.elements.saturating_add(desired.saturating_sub(current));
        if after > ELEMENTS_MAX {
            let text = format!("wants tables of {after} elements, and {ELEMENTS_MAX} are the most");
            return Err(wasmtime::Error::new(Stop::TooMuch(text)));
        }
        self.elements = after;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

/// The time of a call, two ways. The guest's own is what its thread spent computing, without what the host did for it: waiting,
/// for the host or for others on a busy machine, is no time of the guest's. The other is how long it takes in all, but for
/// what it stood still with everything else.
#[derive(Debug)]
pub(super) struct Meter {
    limit: Option<Duration>,
    wall: Option<Duration>,
    began: Duration,
    hosts: Duration,
    since: Timestamp,
    still: Duration,
}

impl Meter {
    pub(super) fn new(limit: Option<Duration>, wall: Option<Duration>) -> Self {
        let none = Duration::ZERO;
        Self { limit, wall, began: none, hosts: none, since: SystemClock.now(), still: none }
    }

    /// A call begins, on this thread.
    pub(super) fn begin(&mut self) {
        (self.began, self.hosts) = (computed(), Duration::ZERO);
        (self.since, self.still) = (SystemClock.now(), Duration::ZERO);
    }

    /// It stood still since then, with everything else.
    pub(super) fn stood_still(&mut self, since: Timestamp) {
        self.still += SystemClock.now().since(since);
    }

    /// Does something of the host's, which is not counted.
    pub(super) fn credit(&mut self, since: Duration) {
        self.hosts += computed().saturating_sub(since);
    }

    /// Fails once one of its times is up.
    pub(super) fn check(&self) -> Result<(), Stop> {
        let used = computed().saturating_sub(self.began).saturating_sub(self.hosts);
        match self.limit {
            Some(limit) if used > limit => return Err(Stop::TooSlow(limit)),
            Some(_) | None => {}
        }
        match self.wall {
            Some(wall) if SystemClock.now().since(self.since).saturating_sub(self.still) > wall => {
                Err(Stop::TooLong(wall))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What this thread has computed so far.
pub(super) fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
