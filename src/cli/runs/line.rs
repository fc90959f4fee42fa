//! A line of the list: from what the history has of a run that has ended, or from the journal of one that goes on.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::StageFinished;
use crate::history::{PastRun, StageRecord, Status};
use crate::ids::{DenseMap, RunNumber, StageId, StageName};
use crate::journal::header::Header;
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::outcome::Verdict;
use crate::report::past_runs::{JobLine, PastLine};
use crate::session::runs::{self, Run};
use crate::session::takeover;
use crate::session::turn::still_awaited;
use crate::view::{StageState, StageView, Tally};

/// The line of a run that has ended, with what its directory adds as long as it is there.
pub(super) fn of_past(state: &ProjectDir, run: PastRun) -> PastLine {
    let (stages, failed) = run.stages;
    let look_up = failed > 0 && !run.pruned && run.job.is_none();
    let is_lost = run.verdict == Verdict::Lost.word() && !run.pruned;
    PastLine {
        run: run.number,
        started_unix_ms: run.started_ms,
        verdict: run.verdict,
        exit_code: Some(run.exit_code),
        duration_ms: run.duration_ms,
        stages,
        finished: stages,
        failed,
        failed_stages: if look_up {
            runs::read(state, run.number).map_or_else(|_| Vec::new(), |run| failed_stages(&run))
        } else {
            Vec::new()
        },
        only: if stages == 1 && failed == 0 && !run.pruned && run.job.is_none() {
            Header::read(&state.run(run.number)).ok().and_then(|header| Some(header.stages.first()?.name.clone()))
        } else {
            None
        },
        running_stages: Vec::new(),
        left_ms: None,
        paused_ms: None,
        left_on: if is_lost { left_on(state, run.number) } else { Vec::new() },
        waits_for: Vec::new(),
        commit: run.commit,
        branch: run.branch,
        pruned: run.pruned,
        job: run.job.map(job),
    }
}

/// Where something of a lost run may run still.
fn left_on(state: &ProjectDir, number: RunNumber) -> Vec<String> {
    let left = runs::read(state, number).ok().and_then(|run| takeover::look_in(&run.dir, &run.view));
    left.map_or_else(Vec::new, |left| left.machines().into_iter().map(str::to_owned).collect())
}

fn job(record: StageRecord) -> JobLine {
    JobLine {
        status: record.status.word(),
        exit_code: record.exit_code,
        duration_ms: record.duration_ms,
        expected_ms: record.foretold.map(|[point, _, _]| point),
        attempts: record.attempts,
        flaky: record.status == Status::Pass && record.attempts > 1,
        name: record.name,
    }
}

/// The line of a run that goes on; with jobs, a line for each of them that it has.
pub(super) fn of_active(state: &ProjectDir, run: &Run, jobs: Option<&[StageName]>, now: Timestamp) -> Vec<PastLine> {
    let header = Header::read(&run.dir).ok();
    // Before its first event a run has only its header to say when it began.
    let started = run.started.or_else(|| header.as_ref().map(|header| header.started));
    let waits = header.as_ref().and_then(|header| header.waits.as_ref());
    let open = waits.map(|waits| still_awaited(state, waits)).unwrap_or_default();
    let (commit, branch) = header.map_or((None, None), |header| (header.commit, header.branch));
    let is_queued = run.state == RunState::Queued;
    let since = |at| if run.view.header().is_some() { run.view.elapsed(now) } else { now.since(at) };
    let line = PastLine {
        run: run.number,
        started_unix_ms: started.map_or(0, |at| u64::try_from(at.unix_ms).unwrap_or(0)),
        verdict: if is_queued {
            "queued"
        } else if run.view.is_paused() {
            "paused"
        } else {
            "running"
        }
        .into(),
        exit_code: None,
        duration_ms: started.filter(|_| !is_queued).map_or(0, |at| milliseconds(since(at))),
        stages: count(run.names.len()),
        finished: count(run.view.stages().values().filter(|stage| stage.finished().is_some()).count()),
        failed: count(failed_stages(run).len()),
        failed_stages: failed_stages(run),
        only: None,
        running_stages: run.view.running().iter().map(|id| run.names[*id].clone()).collect(),
        left_ms: run.view.eta(now).map(|eta| milliseconds(eta.expected)),
        paused_ms: run.view.paused_for(now).map(milliseconds),
        left_on: Vec::new(),
        waits_for: if is_queued { open } else { Vec::new() },
        commit,
        branch,
        pruned: false,
        job: None,
    };
    let Some(jobs) = jobs else { return vec![line] };
    let jobs = run.names.iter().filter(|(_, name)| jobs.contains(name));
    jobs.map(|(id, name)| PastLine { job: Some(active_job(id, name, run, now)), ..line.clone() }).collect()
}

fn active_job(id: StageId, name: &StageName, run: &Run, now: Timestamp) -> JobLine {
    let view = run.view.stages().get(id);
    let (status, duration_ms) = match view.map(|view| &view.state) {
        None if run.state == RunState::Queued => ("queued", 0),
        None | Some(StageState::Waiting | StageState::Retrying { .. }) => ("waiting", 0),
        Some(StageState::Running { since, .. }) => {
            let status = if run.view.is_paused() { "paused" } else { "running" };
            (status, milliseconds(run.view.on_its_clock(now).since(*since)))
        }
        Some(StageState::Finished(finished)) => (finished.outcome.word(), finished.duration_ms),
    };
    JobLine {
        name: name.clone(),
        status,
        exit_code: view.and_then(StageView::finished).and_then(StageFinished::exit_code),
        duration_ms,
        expected_ms: view.and_then(|view| view.info.expected_ms()),
        attempts: view.map_or(0, StageView::attempts),
        flaky: view.is_some_and(StageView::is_flaky),
    }
}

/// The stages of a run that failed, and those it was lost with.
fn failed_stages(run: &Run) -> Vec<StageName> {
    let ended = run.view.end().is_some();
    let failed = |stage: &StageView| match stage.tally() {
        Some(tally) => tally == Tally::Failed,
        None => ended && stage.started.is_some(),
    };
    let stages: &DenseMap<StageId, StageView> = run.view.stages();
    stages.values().filter(|stage| failed(stage)).map(|stage| stage.info.name.clone()).collect()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
