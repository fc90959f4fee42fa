//! What a supervisor has to know of a run that it goes on with, read from the run's journal by who holds its lock.

use std::io;

use super::is_elsewhere;
use crate::cancel::CancelLevel;
use crate::clock::{Shifted, Timestamp};
use crate::engine::machine::past::{Before, Past};
use crate::event::{Event, EventKind, LogInfo};
use crate::ids::StageId;
use crate::journal::layout::RunDir;
use crate::journal::read::read_all;
use crate::journal::state::Owner;
use crate::process::identity::boot_id;
use crate::view::{RunView, StageState, StageView};

/// A run's journal as a view, with what it says and nothing else: one that is lost is not said to be.
pub fn said(run: &RunDir) -> io::Result<RunView> {
    Ok(shown(&read_all(run)?))
}

fn shown(events: &[Event]) -> RunView {
    let mut view = RunView::new();
    for event in events {
        view.apply(event);
    }
    view
}

/// What a run came to until now. `stop` says how firmly it is to be ended, where that is what it is taken over for.
pub fn past(
    run: &RunDir,
    barred: Vec<(StageId, String)>,
    stop: Option<CancelLevel>,
    now: Timestamp,
) -> io::Result<Past> {
    let mut events = read_all(run)?;
    let view = shown(&events);
    let (Some(header), Some((last, next_seq))) = (view.header(), view.so_far()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it never said what it was about to do"));
    };
    events.retain(|event| matches!(event.kind, EventKind::RunStarted(_) | EventKind::StageFinished(_)));
    let is_same_boot = Owner::read(run).zip(boot_id().ok()).is_some_and(|(owner, now)| owner.boot_id == now);
    let ahead_us = Shifted::ahead(last, now, view.ahead_us(), is_same_boot);
    Ok(Past {
        next_seq,
        started: header.at,
        last: view.clock().on_its_clock(last),
        clock: view.clock(),
        told: events,
        stages: view.stages().values().map(|stage| before(run, stage)).collect(),
        barred,
        cancelling: view.cancelling(),
        stop,
        sent: view
            .remotes()
            .iter()
            .filter(|remote| remote.sent.is_some())
            .map(|remote| remote.info.name.clone())
            .collect(),
        after_ms: u64::try_from(now.unix_ms.saturating_sub(last.unix_ms)).unwrap_or(0),
        ahead_us,
    })
}

fn before(run: &RunDir, stage: &StageView) -> Before {
    match &stage.state {
        StageState::Waiting => Before::Waiting,
        StageState::Finished(finished) => Before::Finished(finished.clone()),
        StageState::Running { attempt, since } if is_elsewhere(stage) => {
            Before::Elsewhere { attempt: *attempt, since: *since }
        }
        StageState::Running { attempt, since } => {
            // Nobody has said how much it printed: all that is there.
            let bytes = std::fs::metadata(run.log(&stage.info.name, *attempt)).map_or(0, |log| log.len());
            Before::Here { attempt: *attempt, since: *since, log: LogInfo { bytes, ..LogInfo::default() } }
        }
        StageState::Retrying { attempt, since } => {
            let delay = stage.failed_attempts.last().map_or(0, |failed| failed.delay_ms);
            let until = since.after(std::time::Duration::from_millis(delay));
            Before::Delayed { attempt: attempt.saturating_sub(1), until }
        }
    }
}
