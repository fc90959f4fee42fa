//! The line that says what runs where nothing else was said for a minute: whoever reads a log must not take a long stage
//! for a hang, nor a CI service end the job for it.

use std::time::Duration;

use super::Logs;
use super::remotes::matters;
use super::stuck::{LastPrinted, hint_of};
use super::style::Glyphs;
use super::verdict::human;
use crate::clock::Timestamp;
use crate::outcome::HumanDuration;
use crate::view::{RunView, StageState, StageView};

/// After how long a silence we say what runs. A silence is counted from the first tick in it, and ticks are a second apart
/// and a little: so none is longer than a minute.
const SILENCE: Duration = Duration::from_secs(57);

/// How long nothing was said.
#[derive(Debug, Default)]
pub(super) struct Silence {
    since: Option<Timestamp>,
    printed: LastPrinted,
}

impl Silence {
    /// Looks which stages seem stuck. To be called where there may be output.
    pub(super) fn look(&mut self, view: &RunView, logs: &dyn Logs) {
        self.printed.look(view, logs);
    }

    /// Whether it is time to say what runs. `heard`: something was said since the last call. To be asked at every tick.
    pub(super) fn is_due(&mut self, heard: bool, view: &RunView, now: Timestamp) -> bool {
        self.printed.tick(view, now);
        if heard {
            self.since = Some(now);
        }
        let due = now.since(*self.since.get_or_insert(now)) >= SILENCE;
        if due {
            self.since = Some(now);
        }
        due
    }
}

/// What runs, since when, and how long it usually takes, or that it seems stuck; or that it is paused, and how long that
/// has lasted.
pub(super) fn still_running(view: &RunView, now: Timestamp, glyphs: Glyphs, silence: &Silence) -> String {
    let more = glyphs.ellipsis();
    let at = view.on_its_clock(now);
    let running = view.running().into_iter().filter_map(|id| Some((id, view.stages().get(id)?)));
    let hint = |id, stage| hint_of(silence.printed.stages(), id, stage, at);
    let stages: Vec<String> = running.map(|(id, stage)| still(stage, at, hint(id, stage))).collect();
    let what = match view.paused_for(now) {
        Some(paused) => format!("paused for {}", HumanDuration(paused)),
        None if stages.is_empty() => return format!("{more} still waiting: nothing runs"),
        None => "still running".into(),
    };
    let separator = if stages.is_empty() { "" } else { ": " };
    format!("{more} {what}{separator}{}{}", stages.join(", "), matters(view, now))
}

/// A stage that has not ended, in words.
fn still(stage: &StageView, now: Timestamp, stuck: Option<String>) -> String {
    let name = &stage.info.name;
    let usual = match (stuck, stage.info.expected_ms()) {
        (Some(hint), _) => format!(", {hint}"),
        (None, Some(ms)) => format!(", usually {}", human(ms)),
        (None, None) => String::new(),
    };
    match &stage.state {
        StageState::Running { since, .. } => format!("{name} (since {}{usual})", HumanDuration(now.since(*since))),
        StageState::Retrying { attempt, .. } => format!("{name} (attempt {attempt} is to come)"),
        StageState::Waiting | StageState::Finished(_) => name.to_string(),
    }
}
