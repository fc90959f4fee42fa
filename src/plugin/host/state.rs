//! What a store holds besides the guest: what the guest may do and use up, and what it has said.

use std::time::Duration;

use wasmtime::UpdateDeadline;
use wasmtime::component::ResourceTable;

use super::limits::{HANDLES_MAX, Meter, OTHER_MEMORY, Quota, STAGE_MEMORY, TIME, WALL, computed};
use super::stop::{Stop, short};
use crate::cancel::CancelToken;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::event::{ANNOTATIONS_BYTES_MAX, ANNOTATIONS_MAX, Allowance, Annotation};
use crate::pipeline::plugin::Limits;
use crate::plugin::info::Role;
use crate::plugin::services::{Level, Services};

/// The most that a guest may say in a call, or in a session of several, in bytes.
const LOG_MAX: usize = 1024 * 1024;
/// What a line takes besides its text, as its end and a word before it.
const LINE: usize = 10;
/// Between two words of progress: who reads them sees no more.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// What a call, or a session of several, has for its guest.
pub struct Call {
    /// What stands behind its imports.
    pub services: Box<dyn Services>,
    /// What it may use up, as its user sets it. None where nobody can: then it has as much memory as a stage, and as much time
    /// as a call of any other role.
    pub limits: Option<Limits>,
    /// Asks it to end. It stops within about 10 ms, unless a service is at work for it.
    pub cancel: CancelToken,
}

/// See the module.
pub(super) struct State {
    services: Box<dyn Services>,
    cancel: CancelToken,
    source: String,
    meter: Meter,
    pub(super) quota: Quota,
    /// Commands that the guest has started.
    pub(super) commands: ResourceTable,
    said: Said,
    /// What it said just before it gave up.
    last_words: Option<String>,
}

/// How much a guest has said, and what was dropped.
#[derive(Debug, Default)]
struct Said {
    log: usize,
    lines_dropped: u64,
    annotations: Allowance,
    annotations_dropped: u64,
    /// When it last was, and whether that was the end.
    progress: Option<(Timestamp, bool)>,
}

impl State {
    /// For this role; what it finds is said to come from `source`.
    pub(super) fn new(call: Call, role: Role, source: String) -> Self {
        let Call { services, limits, cancel } = call;
        let memory = if role == Role::Stage || limits.is_none() { STAGE_MEMORY } else { OTHER_MEMORY };
        let can_be_raised = limits.is_some();
        // A stage of a run has its own timeout, which comes as a request to end.
        let has_timeout = role == Role::Stage && limits.is_some();
        let limits = limits.unwrap_or_default();
        let (time, wall) = if has_timeout {
            (None, None)
        } else {
            (Some(TIME), Some(limits.time.map_or(WALL, |time| time.max(WALL))))
        };
        let mut commands = ResourceTable::new();
        commands.set_max_capacity(HANDLES_MAX);
        Self {
            services,
            cancel,
            source,
            meter: Meter::new(limits.time.or(time), wall),
            quota: Quota::new(limits.memory.unwrap_or(memory), can_be_raised),
            commands,
            said: Said::default(),
            last_words: None,
        }
    }

    /// A call begins. Fails where nobody waits for it.
    pub(super) fn begin(&mut self) -> Result<(), Stop> {
        self.meter.begin();
        self.check_cancelled()
    }

    fn check_cancelled(&self) -> Result<(), Stop> {
        if self.cancel.level().is_some() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// A tick: whether the guest may go on. Where all is to stand still, it stands still here, and says so; whoever made
    /// the token waits for its commands as well.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let since = SystemClock.now();
        self.cancel.wait_while_held();
        self.meter.stood_still(since);
        self.check_cancelled().and_then(|()| self.meter.check()).map_err(wasmtime::Error::new)?;
        Ok(UpdateDeadline::Continue(1))
    }

    /// Does something for the guest, in time that is not the guest's.
    pub(super) fn serve<R>(&mut self, what: impl FnOnce(&mut dyn Services) -> R) -> R {
        let since = computed();
        let result = what(self.services.as_mut());
        self.meter.credit(since);
        result
    }

    /// The same in time that is the guest's: what is cheap for it to ask for, and as much work as it likes for the host.
    pub(super) fn labour<R>(&mut self, what: impl FnOnce(&mut dyn Services) -> R) -> R {
        what(self.services.as_mut())
    }

    /// Does something with a command of the guest's, in time that is not the guest's.
    pub(super) fn serve_command<R>(&mut self, what: impl FnOnce(&mut ResourceTable) -> R) -> R {
        let since = computed();
        let result = what(&mut self.commands);
        self.meter.credit(since);
        result
    }

    /// A line of the guest's. What nobody wants takes no room of what is wanted.
    pub(super) fn log(&mut self, level: Level, message: &str) {
        if !self.services.hears(level) {
            return;
        }
        let after = self.said.log.saturating_add(message.len() + LINE);
        if after > LOG_MAX {
            self.said.lines_dropped += 1;
            return;
        }
        self.said.log = after;
        self.serve(|services| services.log(level, message));
    }

    /// Something that the guest found, in the host's way.
    pub(super) fn annotate(&mut self, items: Vec<Annotation>) {
        let items = self.admit(items);
        if !items.is_empty() {
            self.serve(|services| services.annotate(items));
        }
    }

    /// As many of these as may still be said, with where they come from.
    pub(super) fn admit(&mut self, mut items: Vec<Annotation>) -> Vec<Annotation> {
        for item in &mut items {
            item.source.clone_from(&self.source);
        }
        let before = items.len();
        items.retain(|item| self.said.annotations.admits(item));
        self.said.annotations_dropped += (before - items.len()) as u64;
        items
    }

    /// How far the guest is, once in a while. The end is told at once.
    pub(super) fn progress(&mut self, done: u64, total: Option<u64>, note: Option<&str>) {
        let now = SystemClock.now();
        let is_end = total.is_some_and(|total| done >= total);
        let is_late = |(last, was_end): (Timestamp, bool)| now.since(last) >= PROGRESS_EVERY || (is_end && !was_end);
        if !self.said.progress.is_none_or(is_late) {
            return;
        }
        self.said.progress = Some((now, is_end));
        self.serve(|services| services.progress(done, total, note));
    }

    /// What the guest says just before it gives up; the first time counts.
    pub(super) fn panicked(&mut self, message: &str) {
        self.last_words.get_or_insert_with(|| short(message));
    }

    /// What it said before it gave up.
    pub(super) fn last_words(&self) -> Option<&str> {
        self.last_words.as_deref()
    }

    /// Says what was dropped of what the guest said. To be called at the end.
    pub(super) fn say_dropped(&mut self) {
        let Said { lines_dropped, annotations_dropped, .. } = std::mem::take(&mut self.said);
        if lines_dropped > 0 {
            let most = LOG_MAX / (1024 * 1024);
            let text = format!("lines left out: {lines_dropped}; a plugin may say {most} MiB");
            self.serve(|services| services.log(Level::Warn, &text));
        }
        if annotations_dropped > 0 {
            let most = ANNOTATIONS_BYTES_MAX >> 20;
            let text =
                format!("annotations left out: {annotations_dropped}; {ANNOTATIONS_MAX} and {most} MiB are the most");
            self.serve(|services| services.log(Level::Warn, &text));
        }
    }
}
