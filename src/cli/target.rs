//! `42`, `latest`, `42/test`, `test`: which run, and which stage of it, a word means.

use std::collections::BTreeSet;

use super::error::CliError;
use super::output;
use crate::clock::{Clock, SystemClock};
use crate::event::SCHEMA_VERSION;
use crate::ids::{RunNumber, StageId, StageName};
use crate::journal::header::Header;
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::outcome::{Outcome, Verdict, exit};
use crate::plan::error::nearest;
use crate::report::Ago;
use crate::session::jobs;
use crate::session::past::ledger;
use crate::session::runs::{self, Run};
use crate::view::StageView;

/// How many runs are looked through for a name like the one that was typed.
const LOOK_BACK: usize = 100;

/// A run, and the stages of it that are meant.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) run: Run,
    /// All, or those that were named.
    pub(super) stages: Vec<StageId>,
    /// Whether a stage was named.
    pub(super) narrowed: bool,
}

impl Target {
    /// Whether there is nothing more to come of it.
    pub(super) fn is_over(&self) -> bool {
        !self.run.state.is_active() || self.narrowed && self.all_ended()
    }

    /// The exit code of the run, or of the stages that were named, by the rules that make a run's. What has not ended
    /// has not failed.
    pub(super) fn exit_code(&self) -> u8 {
        match self.run.state {
            RunState::Finished { exit_code, .. } if !self.narrowed => exit_code,
            RunState::Queued | RunState::Running if !self.narrowed => exit::PASSED,
            RunState::Lost if !self.narrowed || !self.all_ended() => Verdict::Lost.exit_code(),
            RunState::Finished { .. } | RunState::Queued | RunState::Running | RunState::Lost => {
                self.verdict().exit_code()
            }
        }
    }

    /// The stages that are meant, as far as the run has said anything of them.
    fn views(&self) -> impl Iterator<Item = &StageView> {
        self.stages.iter().filter_map(|id| self.run.view.stages().get(*id))
    }

    fn all_ended(&self) -> bool {
        let ended = self.views().filter(|stage| stage.finished().is_some());
        ended.count() == self.stages.len()
    }

    fn verdict(&self) -> Verdict {
        let (mut cancelled, mut failed, mut errored) = (None, false, false);
        for stage in self.views() {
            match stage.finished().map(|finished| &finished.outcome) {
                None => {}
                Some(outcome) if outcome.satisfies(stage.info.allow_failure) => {}
                Some(Outcome::Cancelled { reason }) => cancelled = Some(*reason),
                Some(Outcome::Errored { .. }) => errored = true,
                Some(_) => failed = true,
            }
        }
        match cancelled {
            Some(reason) => Verdict::Cancelled { reason },
            None if failed => Verdict::Failed,
            None if errored => Verdict::Errored,
            None => Verdict::Passed,
        }
    }
}

/// Finds what a word means.
pub(super) fn find(project: &ProjectDir, word: &str) -> Result<Target, CliError> {
    let (run, stage) = match word.split_once('/') {
        Some((run, stage)) => (Some(run), Some(stage)),
        None if word == "latest" || word.parse::<u64>().is_ok() => (Some(word), None),
        None => (None, Some(word)),
    };
    let number = match (run, stage) {
        (None, None) | (Some("latest"), _) => runs::latest(project).map_err(unreadable)?.ok_or_else(no_runs)?,
        (Some(number), _) => match number.parse() {
            Ok(number) => RunNumber(number),
            Err(_) => {
                return Err(
                    CliError::usage(format!("{number:?} is not a run")).or_try("a run is a number, or `latest`")
                );
            }
        },
        (None, Some(stage)) => runs::latest_with(project, stage).map_err(unreadable)?.ok_or_else(|| {
            if jobs::find(project, stage).is_ok_and(|job| job.is_some()) {
                return CliError::usage(format!(
                    "there is no run of job {stage}: it was never started, or they were pruned"
                ))
                .or_try(format!("`local-ci runs {stage}` has what came of it, `local-ci start {stage}` starts it"));
            }
            let names = known_names(project);
            let names = names.iter().map(String::as_str).chain(["latest"]);
            CliError::usage(format!("no run has a stage or job {stage:?}{}", did_you_mean(stage, names)))
                .or_try("`local-ci list` shows the stages; a run is a number, or `latest`")
        })?,
    };
    let run = runs::read(project, number);
    // Looked at afterwards: it may be deleted while it is read, and then nothing that was read means anything.
    if !project.run(number).path().is_dir() {
        return Err(missing(project, number));
    }
    let run = run.map_err(|error| {
        CliError::infrastructure(format!("run {number} cannot be read: {error}"))
            .or_try(format!("its directory is {}", project.run(number).path().display()))
    })?;
    if Header::schema(&run.dir).is_some_and(|schema| schema > SCHEMA_VERSION) {
        output::warning(&format!(
            "run {number} was written by a newer version of local-ci: what this one does not know of it is left out"
        ));
    }
    let stages: Vec<StageId> = match stage {
        None => run.names.ids().collect(),
        Some(word) => {
            let meant = runs::meant(run.names.values().cloned(), word);
            run.names.iter().filter(|(_, name)| meant.contains(name)).map(|(id, _)| id).collect()
        }
    };
    if let (Some(name), true) = (stage, stages.is_empty()) {
        let meant = did_you_mean(name, run.names.values().map(StageName::as_str));
        return Err(CliError::usage(format!("run {number} has no stage {name:?}{meant}"))
            .or_try(format!("`local-ci show {number}` shows its stages")));
    }
    Ok(Target { run, stages, narrowed: stage.is_some() })
}

/// What is meant where nothing was named: the newest run that goes on; where none does, the latest.
pub(super) fn newest(project: &ProjectDir) -> Result<Run, CliError> {
    // What has ended meanwhile, or was deleted, is passed over.
    let going_on =
        || runs::active(project).unwrap_or_default().into_iter().rev().filter_map(|n| runs::read(project, n).ok());
    let running = going_on().find(|run| run.state == RunState::Running);
    match running.or_else(|| going_on().find(|run| run.state == RunState::Queued)) {
        Some(run) => Ok(run),
        None => Ok(find(project, "latest")?.run),
    }
}

/// The end of a sentence about a name that nothing has.
fn did_you_mean<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    match &nearest(word, names)[..] {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// The names of stages in the latest runs, and of ad-hoc jobs.
fn known_names(project: &ProjectDir) -> BTreeSet<String> {
    let runs = project.numbers().unwrap_or_default().into_iter().rev().take(LOOK_BACK);
    let stages = runs.filter_map(|number| Header::read(&project.run(number)).ok()).flat_map(|header| header.stages);
    let jobs = jobs::read(project).unwrap_or_default().into_iter().map(|job| job.name.to_string());
    stages.map(|stage| stage.name.to_string()).chain(jobs).collect()
}

pub(super) fn no_runs() -> CliError {
    CliError::usage("there are no runs of this project yet")
        .or_try("`local-ci run` starts one, `local-ci add CMD` one of any command")
}

fn missing(project: &ProjectDir, number: RunNumber) -> CliError {
    let Some(line) = ledger::find(project, number) else {
        return CliError::usage(format!("there is no run {number}")).or_try(which_runs(project));
    };
    let ago = Ago::between(line.pruned_ms, SystemClock.now().unix_ms);
    CliError::usage(format!("run {number} was pruned {ago}: what its stages printed is gone"))
        .or_try("`local-ci runs` still has what came of it")
}

fn which_runs(project: &ProjectDir) -> String {
    match project.numbers().ok().as_deref() {
        Some([first, .., last]) => format!("this project has runs {first} to {last}"),
        Some([only]) => format!("this project has run {only} only"),
        Some([]) | None => "there are no runs of this project yet".into(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn unreadable(error: std::io::Error) -> CliError {
    CliError::infrastructure(format!("the project's runs cannot be read: {error}"))
}
