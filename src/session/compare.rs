//! What changed from one run to another, as their directories have them.

mod findings;
mod output;

use std::io;
use std::path::Path;

use crate::clock::Timestamp;
use crate::event::SCHEMA_VERSION;
use crate::ids::{RunNumber, StageId, StageName};
use crate::journal::header::{Header, HeaderStage};
use crate::journal::state::RunState;
use crate::outcome::{Exit, Outcome, Verdict};
use crate::plan::command_text;
use crate::report::comparison::{Comparison, ConfigFile, OutputChange, Side, StageChange, StageSide};
use crate::session::runs::Run;
use crate::view::{StageState, StageView};

/// A run with what it was started with.
struct Whole<'a> {
    run: &'a Run,
    header: Header,
}

impl<'a> Whole<'a> {
    fn read(run: &'a Run) -> Result<Self, (RunNumber, io::Error)> {
        match Header::read(&run.dir) {
            Ok(header) => Ok(Self { run, header }),
            Err(error) => Err((run.number, error)),
        }
    }
}

/// Compares two runs. An error where one of them has no readable header, with its number.
pub fn compare(from: &Run, to: &Run, now: Timestamp) -> Result<Comparison, (RunNumber, io::Error)> {
    let (from, to) = (Whole::read(from)?, Whole::read(to)?);
    let named = |whole: &Whole<'_>, name: &StageName| {
        whole.run.names.iter().find(|(_, other)| *other == name).map(|(id, _)| id)
    };
    let mut names: Vec<StageName> = to.run.names.values().cloned().collect();
    names.extend(from.run.names.values().filter(|name| named(&to, name).is_none()).cloned());
    let stages = names.into_iter().map(|name| {
        let (a, b) = (named(&from, &name), named(&to, &name));
        stage(name, a.map(|id| (&from, id)), b.map(|id| (&to, id)))
    });
    let stages = stages.collect();
    Ok(Comparison { schema_version: SCHEMA_VERSION, from: side(&from, now), to: side(&to, now), stages })
}

fn side(whole: &Whole<'_>, now: Timestamp) -> Side {
    let (run, header) = (whole.run, &whole.header);
    let view = &run.view;
    let (verdict, exit_code) = match run.state {
        RunState::Queued => ("queued", None),
        RunState::Running => ("running", None),
        RunState::Finished { verdict, exit_code } => (verdict.word(), Some(exit_code)),
        RunState::Lost => (Verdict::Lost.word(), Some(Verdict::Lost.exit_code())),
    };
    let path = view.critical_path();
    let in_project = |path: &str| {
        let inside = Path::new(path).strip_prefix(&header.project).ok().and_then(Path::to_str);
        inside.unwrap_or(path).to_owned()
    };
    Side {
        run: run.number,
        verdict,
        exit_code,
        duration_ms: u64::try_from(view.elapsed(now).as_millis()).unwrap_or(u64::MAX),
        commit: header.commit.clone(),
        branch: header.branch.clone(),
        directory: header.directory.clone(),
        config: header
            .config
            .iter()
            .map(|file| ConfigFile { path: in_project(&file.path), hash: file.hash.clone() })
            .collect(),
        critical_path: path.stages.iter().map(|id| view.stages()[*id].info.name.clone()).collect(),
    }
}

type Place<'a> = (&'a Whole<'a>, StageId);

fn stage(name: StageName, from: Option<Place<'_>>, to: Option<Place<'_>>) -> StageChange {
    let (a, b) = (from.map(stage_side), to.map(stage_side));
    let duration = |side: &Option<StageSide>| side.as_ref()?.duration_ms;
    let delta_ms = duration(&a).zip(duration(&b)).and_then(|(a, b)| i64::try_from(i128::from(b) - i128::from(a)).ok());
    let env = |place: Option<Place<'_>>| place.and_then(in_header).map_or_else(Vec::new, |stage| stage.env.clone());
    let (env_from, env_to) = (env(from), env(to));
    let both = from.is_some() && to.is_some();
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|name| both && !other.contains(name)).cloned().collect()
    };
    let (annotations_new, annotations_gone) = match (from.and_then(ran), to.and_then(ran)) {
        (Some(from), Some(to)) => (
            findings::only_in(&to.annotations, &from.annotations),
            findings::only_in(&from.annotations, &to.annotations),
        ),
        _ => (Vec::new(), Vec::new()),
    };
    StageChange {
        name,
        delta_ms,
        outside: duration(&a).and(to.and_then(outside)),
        environment_added: only(&env_to, &env_from),
        environment_gone: only(&env_from, &env_to),
        annotations_new,
        annotations_gone,
        output: match (from, to) {
            (Some(from), Some(to)) => output(from, to),
            _ => OutputChange::NotCompared,
        },
        from: a,
        to: b,
    }
}

/// A stage that ran to its end: one that did not found nothing, and that says nothing of what there is to be found.
fn ran(place: Place<'_>) -> Option<&StageView> {
    in_view(place).filter(|stage| stage.finished().is_some() && stage.attempts() > 0)
}

fn in_view((whole, id): Place<'_>) -> Option<&StageView> {
    whole.run.view.stages().get(id)
}

/// The header has the stages in the same order.
fn in_header((whole, id): Place<'_>) -> Option<&HeaderStage> {
    whole.header.stages.get(usize::try_from(id.0).ok()?)
}

fn stage_side(place: Place<'_>) -> StageSide {
    let (view, header) = (in_view(place), in_header(place));
    let is_active = place.0.run.state.is_active();
    let state = view.map(|stage| &stage.state);
    let status = match state {
        Some(StageState::Finished(finished)) if finished.outcome == Outcome::Cached => "cached",
        Some(StageState::Finished(finished)) => finished.outcome.word(),
        Some(StageState::Running { .. } | StageState::Retrying { .. }) if is_active => "running",
        Some(StageState::Waiting) | None if is_active => "waiting",
        Some(_) | None => "lost",
    };
    StageSide {
        status,
        exit_code: view.and_then(StageView::finished).and_then(|finished| finished.exit).map(Exit::shell_code),
        attempts: view.map_or(0, StageView::attempts),
        duration_ms: view.filter(|stage| stage.attempts() > 0).and_then(StageView::took_ms),
        command: header.map(|stage| command_text(&stage.command)).unwrap_or_default(),
        directory: header.map(|stage| stage.dir.clone()).unwrap_or_default(),
    }
}

/// Where a stage that passed took longer or less than it had been foretold.
fn outside(place: Place<'_>) -> Option<&'static str> {
    let stage = in_view(place)?;
    let (took, band) = (stage.took_ms().filter(|_| stage.attempts() > 0)?, stage.info.estimate.as_ref()?);
    let passed = stage.finished().is_some_and(|finished| finished.outcome == Outcome::Passed);
    match took {
        took if took > band.high_ms => Some("slower"),
        // What failed early says nothing.
        took if took < band.low_ms && passed => Some("faster"),
        _ => None,
    }
}

/// Compares what the last attempts printed.
fn output(from: Place<'_>, to: Place<'_>) -> OutputChange {
    let (Some((a, from)), Some((b, to))) = (last_log(from), last_log(to)) else { return OutputChange::NotCompared };
    for (number, log) in [(a, &from), (b, &to)] {
        if let Some(why) = log.objection() {
            return OutputChange::Unknown { why: format!("in run {number} {why}") };
        }
    }
    output::compare(&from, &to).unwrap_or_else(|error| OutputChange::Unknown { why: error.to_string() })
}

/// What the last attempt printed, if there was one, and in which run.
fn last_log(place: Place<'_>) -> Option<(RunNumber, output::Log<'_>)> {
    let (stage, run) = (in_view(place)?, place.0.run);
    let attempt = stage.attempts();
    let log = output::Log { run: &run.dir, stage: &stage.info.name, attempt, info: stage.attempt_log(attempt) };
    (attempt > 0).then_some((run.number, log))
}
