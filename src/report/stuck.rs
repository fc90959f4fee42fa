//! Stages that seem to hang: what is said of them, wherever it is said, and when a running face looks for them.

use std::time::Duration;

use super::verdict::human;
use super::{LogKey, LogPart, Logs};
use crate::clock::Timestamp;
use crate::event::Estimate;
use crate::ids::StageId;
use crate::outcome::HumanDuration;
use crate::view::{RunView, StageState, StageView};

/// `seems stuck: nothing printed for 4m, usually done after 2m10s`; none for a stage that does not seem so, having run this
/// long on its run's clock and been silent for so long.
fn hint(estimate: &Estimate, elapsed: Duration, silent: Duration) -> Option<String> {
    estimate.seems_stuck(elapsed, silent).then(|| sentence(silent, estimate.expected_ms))
}

/// The sentence itself.
pub(super) fn sentence(silent: Duration, expected_ms: u64) -> String {
    let usually = human(expected_ms);
    // It changes by the minute: a figure that moves with each second would say that something happens.
    match silent.as_secs() {
        seconds @ 0..3600 => {
            format!("seems stuck: nothing printed for {}m, usually done after {usually}", seconds / 60)
        }
        _ => format!("seems stuck: nothing printed for {}, usually done after {usually}", HumanDuration(silent)),
    }
}

/// When the stages printed last that run far too long: by the wall clock, in milliseconds since 1970.
///
/// Looked at when there may be output, for only then there are logs to look at; and only of those stages, so that in most
/// runs nothing is looked at at all.
#[derive(Debug, Default)]
pub(super) struct LastPrinted {
    now: Option<Timestamp>,
    /// When the run was seen to be paused: nobody could print until then.
    paused: i64,
    stages: Vec<(StageId, i64)>,
}

impl LastPrinted {
    /// Time passes.
    pub(super) fn tick(&mut self, view: &RunView, now: Timestamp) {
        self.now = Some(now);
        if view.is_paused() {
            self.paused = now.unix_ms;
        }
    }

    /// Looks at the logs of those that run far too long.
    pub(super) fn look(&mut self, view: &RunView, logs: &dyn Logs) {
        self.stages.clear();
        let Some(now) = self.now.filter(|_| !view.is_paused()) else { return };
        let now = view.on_its_clock(now);
        for (id, stage) in view.stages().iter() {
            let (StageState::Running { attempt, since }, Some(estimate)) = (&stage.state, &stage.info.estimate) else {
                continue;
            };
            if now.since(*since) > estimate.far_too_long() {
                let written = logs.written(LogKey { stage: id, attempt: *attempt, part: LogPart::Head });
                self.stages.push((id, written.unwrap_or(0).max(since.unix_ms).max(self.paused)));
            }
        }
    }

    /// What was seen.
    pub(super) fn stages(&self) -> &[(StageId, i64)] {
        &self.stages
    }
}

/// What is said of a stage that seems stuck, from when it printed last. `now` is on its run's clock.
pub(super) fn hint_of(printed: &[(StageId, i64)], id: StageId, stage: &StageView, now: Timestamp) -> Option<String> {
    let (_, last) = printed.iter().find(|(of, _)| *of == id)?;
    let StageState::Running { since, .. } = &stage.state else { return None };
    let silent = Duration::from_millis(u64::try_from(now.unix_ms.saturating_sub(*last)).unwrap_or(0));
    hint(stage.info.estimate.as_ref()?, now.since(*since), silent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::recorded::{Recorded, Step, expecting, stage};

    #[test]
    fn what_seems_stuck_is_said_in_words() {
        let s = Duration::from_secs;
        let estimate = expecting(130_000);
        assert_eq!(hint(&estimate, s(140), s(140)), None);
        assert_eq!(hint(&estimate, s(280), s(59)), None);
        let said = hint(&estimate, s(280), s(299)).unwrap();
        assert_eq!(said, "seems stuck: nothing printed for 4m, usually done after 2m10s");
        let said = hint(&estimate, s(9000), s(3900)).unwrap();
        assert_eq!(said, "seems stuck: nothing printed for 1h05m, usually done after 2m10s");
    }

    /// Logs that were written to at that time, by the wall clock.
    struct Written(i64);
    impl Logs for Written {
        fn read(&mut self, _: LogKey, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
            Ok(0)
        }
        fn path(&self, _: LogKey) -> Option<std::path::PathBuf> {
            None
        }
        fn is_kept(&self) -> bool {
            true
        }
        fn written(&self, _: LogKey) -> Option<i64> {
            Some(self.0)
        }
    }

    #[test]
    fn only_what_runs_far_too_long_is_looked_at_and_a_pause_is_no_silence() {
        let mut info = stage("a", "true");
        info.estimate = Some(expecting(10_000));
        let mut run = Recorded::of(vec![info, stage("b", "true")]);
        run.start(0).start(1);
        let at = |seconds: u64| {
            Timestamp { unix_ms: 1_700_000_000_000, mono_us: 5_000_000 }.after(Duration::from_secs(seconds))
        };
        let mut last = LastPrinted::default();
        let mut said = |run: &Recorded, written: u64, seconds: u64| {
            let view = run.view();
            last.tick(&view, at(seconds));
            last.look(&view, &Written(at(written).unix_ms));
            let now = view.on_its_clock(at(seconds));
            let hints: Vec<String> =
                view.stages().iter().filter_map(|(id, stage)| hint_of(last.stages(), id, stage, now)).collect();
            hints.join("; ")
        };
        assert_eq!(said(&run, 2, 71), "", "a minute longer than ever");
        assert_eq!(said(&run, 2, 72), "seems stuck: nothing printed for 1m, usually done after 10.0s");
        assert_eq!(said(&run, 60, 100), "");
        run.wait(100_000).push(crate::event::EventKind::Paused);
        assert_eq!(said(&run, 2, 900), "");
        assert_eq!(said(&run, 2, 999), "");
        run.wait(900_000).push(crate::event::EventKind::Resumed);
        assert_eq!(said(&run, 2, 1020), "", "it has only just gone on");
        assert!(matches!(run.steps.last(), Some(Step::Event(_))));
    }
}
