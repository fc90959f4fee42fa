//! A line of the list: from what a job is and how it stands.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{Signature, StageName};
use crate::pipeline::{Action, Stage};
use crate::plan::command_text;
use crate::report::job_list::{JobKind, ListedJob};
use crate::report::live::percent;
use crate::session::jobs::AdHoc;
use crate::session::standing::{Progress, Standing, State};

/// A stage of the config, with the fingerprints that what it runs can have. What it needs, and whether a command has its name, is for the caller to say.
pub(super) fn of_stage(stage: &Stage, works: &[Signature], standing: Option<&Standing>, now: Timestamp) -> ListedJob {
    ListedJob {
        other_command: standing.is_some_and(|standing| !works.contains(&standing.signature)),
        command: Some(match &stage.action {
            Action::Run(command) => command_text(command),
            Action::Use(used) => format!("uses {}", used.name()),
        }),
        description: stage.description.clone(),
        default: stage.default,
        ..line(&stage.name, JobKind::Stage, standing, now)
    }
}

/// A command that was added.
pub(super) fn of_ad_hoc(job: &AdHoc, standing: Option<&Standing>, now: Timestamp) -> ListedJob {
    let dir = job.dir.to_string_lossy();
    ListedJob {
        command: Some(command_text(&job.command())),
        dir: (!matches!(&*dir, "" | ".")).then(|| dir.into_owned()),
        ..line(&job.name, JobKind::AdHoc, standing, now)
    }
}

/// What only its runs know of.
pub(super) fn of_former(name: &StageName, standing: &Standing, now: Timestamp) -> ListedJob {
    ListedJob { command: standing.command.clone(), ..line(name, JobKind::Former, Some(standing), now) }
}

fn line(name: &StageName, kind: JobKind, standing: Option<&Standing>, now: Timestamp) -> ListedJob {
    let mut job = ListedJob {
        name: name.clone(),
        kind,
        state: "never run",
        exit_code: None,
        status: None,
        run: None,
        age_ms: None,
        duration_ms: None,
        on: None,
        elapsed_ms: None,
        expected_ms: None,
        left_ms: None,
        percent: None,
        attempt: None,
        paused_ms: None,
        stuck_ms: None,
        behind: Vec::new(),
        queued: Vec::new(),
        other_command: false,
        command: None,
        dir: None,
        description: None,
        default: false,
        needs: Vec::new(),
        hidden_by_command: false,
    };
    let Some(standing) = standing else { return job };
    job.run = Some(standing.number);
    job.queued.clone_from(&standing.queued);
    job.on = standing.remote.clone().filter(|_| standing.state.goes_on());
    let age = |started| now.unix_ms.saturating_sub(i64::try_from(started).unwrap_or(i64::MAX));
    job.age_ms = standing.started_ms.map(|started| u64::try_from(age(started)).unwrap_or(0));
    match &standing.state {
        State::Queued { behind } => (job.state, job.behind) = ("queued", behind.clone()),
        State::Waiting => job.state = "waiting",
        State::Running(progress) => add_progress(&mut job, progress),
        State::Stopped { status, exit_code, duration_ms } => {
            job.state = "stopped";
            (job.status, job.exit_code, job.duration_ms) = (Some(*status), *exit_code, Some(*duration_ms));
        }
        State::Lost => job.state = "lost",
        State::Left => (job.state, job.on) = ("lost", standing.remote.clone()),
    }
    job
}

fn add_progress(job: &mut ListedJob, progress: &Progress) {
    let Progress { attempt, elapsed, paused, silent, estimate } = progress;
    job.state = if paused.is_some() { "paused" } else { "running" };
    job.elapsed_ms = Some(milliseconds(*elapsed));
    job.paused_ms = paused.map(milliseconds);
    job.attempt = (*attempt > 1).then_some(*attempt);
    let Some(estimate) = estimate else { return };
    let whole = estimate.given(*elapsed);
    job.expected_ms = Some(whole.map_or(estimate.expected_ms, milliseconds));
    job.left_ms = estimate.remaining(*elapsed).map(milliseconds);
    job.percent = Some(percent(estimate.fraction(*elapsed)));
    // What is paused cannot print anything.
    let is_stuck = paused.is_none() && estimate.seems_stuck(*elapsed, *silent);
    job.stuck_ms = is_stuck.then(|| milliseconds(*silent));
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
