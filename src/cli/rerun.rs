//! `rerun`: a run again, with today's config: all that was asked for then, or what did not pass.

mod adhoc;
mod failed;
pub(super) mod words;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::args::{Command, Elsewhere, Presence, Reports, RerunArgs, RunArgs};
use super::error::CliError;
use super::project::Context;
use super::{Ending, argv, output, run, target, variables};
use crate::ids::{RunNumber, StageName};
use crate::journal::header::Header;
use crate::outcome::exit;
use crate::plan::{Plan, PlanError};
use crate::session::past::ledger;
use crate::session::prepare::Project;
use crate::session::runs::Run;

/// How many stages are named at most.
const NAMED: usize = 10;

/// Runs a run again.
pub(super) fn rerun(context: &Context<'_>, args: &RerunArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let run = match find(context, &anchor.root, &args.run) {
        // Where there is no config either, that is what comes first.
        Err(_) if anchor.project.is_none() && anchor.fault.is_none() => {
            return Err(context.project().err().unwrap_or_else(target::no_runs));
        }
        other => other?,
    };
    let number = run.number;
    let header = Header::read(&run.dir).map_err(|error| {
        CliError::infrastructure(format!("what run {number} was asked to do cannot be read: {error}"))
    })?;
    let (mut again, config) = match asked_then(&header, number, context)? {
        Asked::Run(again, config) => (*again, config),
        Asked::Add(argv, dir) => return adhoc::rerun(context, args, &adhoc::Then { run: &run, argv, dir }),
    };
    let context = &context.with_config(config);
    let project = context.project()?;
    again.dry_run |= args.dry_run;
    (again.quiet, again.json, again.output) = (args.quiet, args.json, args.output.clone());
    again.reports = args.reports.clone();
    // It was one run, also where it was one of several rounds.
    again.repeat = None;
    // Who runs it again is there, whoever was at it then.
    again.presence = Presence::default();
    let failed = if args.failed {
        let failed = failed::stages(&run)?;
        if failed.is_empty() {
            output::say(&format!("nothing failed in run {number}"));
            return Ok(Ending::Code(exit::NOTHING_SELECTED));
        }
        refuse_gone(&project, number, &failed)?;
        failed::narrow(&mut again.selection, &run, &failed, &project.pipeline);
        Some(failed)
    } else {
        None
    };
    let now = stages_now(context, &project, &again, number)?;
    if !args.json {
        let stages = failed.as_deref().unwrap_or(&now);
        output::say(&format!("rerunning run {number}: {}", named(stages)));
        if let Some(change) = changed(&header, &project) {
            output::say(&format!("the config differs from that of run {number}: {change}"));
        }
        if failed.is_none() {
            say_other_stages(&header, &now);
        }
    }
    run::run_as(context, &again, &words::words(&again, context.config().as_deref()))
}

/// The run that is meant.
fn find(context: &Context<'_>, root: &Path, word: &str) -> Result<Run, CliError> {
    let state = context.state(root)?;
    if let Ok(number) = word.parse().map(RunNumber)
        && !state.run(number).path().is_dir()
        && ledger::find(&state, number).is_some()
    {
        return Err(CliError::usage(format!("run {number} was pruned, and what it was asked to do went with it"))
            .or_try(format!("`{} runs` shows which runs are still there", context.program())));
    }
    let target = target::find(&state, word)?;
    if target.narrowed {
        return Err(CliError::usage(format!("{word:?} is not a run"))
            .or_try(format!("a run is a number, or `latest`; `{} run STAGE` runs a stage", context.program())));
    }
    Ok(target.run)
}

/// The plan of what a run was asked to do, with the config as it is now. None where that was no stage of a config.
pub(super) fn plan_now(context: &Context<'_>, header: &Header, number: RunNumber) -> Result<Option<Plan>, CliError> {
    let (again, config) = match asked_then(header, number, context)? {
        Asked::Run(again, config) => (again, config),
        Asked::Add(..) => return Ok(None),
    };
    let context = context.with_config(config);
    let project = context.project()?;
    match context.plan(&project, &again.selection) {
        Ok(plan) => Ok(Some(plan)),
        // What it was asked for is not there any more: each of its stages is told of by itself.
        Err(CliError::Plan(PlanError::UnknownStage { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a run was told of where its stages run: they are not brought elsewhere by running them again. None where that
/// is not known.
pub(super) fn elsewhere_then(context: &Context<'_>, run: &Run) -> Option<Elsewhere> {
    let header = Header::read(&run.dir).ok()?;
    match asked_then(&header, run.number, context).ok()? {
        Asked::Run(again, _) => Some(again.selection.elsewhere),
        Asked::Add(..) => None,
    }
}

/// What a run was asked to do.
enum Asked {
    /// Stages, with the config that it was told to read.
    Run(Box<RunArgs>, Option<PathBuf>),
    /// An ad-hoc job: this command in this directory.
    Add(Vec<String>, PathBuf),
}

/// What that run was asked to do, with what the environment says today, and the config that it was told to read.
fn asked_then(header: &Header, number: RunNumber, context: &Context<'_>) -> Result<Asked, CliError> {
    let words = if header.equivalent.is_empty() { &header.argv } else { &header.equivalent };
    let words: Vec<std::ffi::OsString> = words.iter().map(Into::into).collect();
    let unknown = |why: String| {
        CliError::usage(format!("what run {number} was asked to do is not known to this version: {why}"))
            .or_try(format!("`{} show {number}` shows its stages, to be named in a new run", context.program()))
    };
    let mut cli = argv::parse(&words).map_err(|error| {
        let text = error.to_string();
        unknown(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })?;
    // When it started then, and who stayed with it, is nothing of what it was asked to do.
    if let Command::Run(args) = &mut cli.command {
        args.presence = Presence::default();
        args.reports = Reports::default();
    }
    variables::fill_in(&mut cli, context.env)?;
    match cli.command {
        Command::Run(args) => {
            let config = cli.global.config.map(|file| Path::new(&header.directory).join(file));
            Ok(Asked::Run(Box::new(args), config))
        }
        Command::Add(args) => {
            let argv = args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            Ok(Asked::Add(argv, Path::new(&header.directory).join(cli.global.directory.unwrap_or_default())))
        }
        other => {
            let name = format!("{other:?}");
            Err(unknown(format!("it was not started by `run` ({})", name.split('(').next().unwrap_or_default())))
        }
    }
}

/// Stages that the config no longer has cannot be run again.
fn refuse_gone(project: &Project, number: RunNumber, failed: &[StageName]) -> Result<(), CliError> {
    let is_there = |name: &&StageName| project.pipeline.stages().values().any(|stage| stage.name == **name);
    let gone: Vec<StageName> = failed.iter().filter(|name| !is_there(name)).cloned().collect();
    match &gone[..] {
        [] => Ok(()),
        [stage] => Err(CliError::usage(format!(
            "stage {stage}, which did not pass in run {number}, is not in the config any more"
        ))
        .or_try("`local-ci list` shows the stages")),
        _ => Err(CliError::usage(format!(
            "stages {}, which did not pass in run {number}, are not in the config any more",
            named(&gone)
        ))
        .or_try("`local-ci list` shows the stages")),
    }
}

/// The stages of the run as it would be now. What that run was asked for may not be there any more.
fn stages_now(
    context: &Context<'_>,
    project: &Project,
    again: &RunArgs,
    number: RunNumber,
) -> Result<Vec<StageName>, CliError> {
    let request = again.selection.request();
    match project.plan(&request, context.env) {
        Ok(plan) => Ok(plan.stages.values().map(|stage| stage.name.clone()).collect()),
        Err(PlanError::UnknownStage { name, from: None, .. }) => Err(CliError::usage(format!(
            "run {number} was asked for stage {name:?}, which is not in the config any more"
        ))
        .or_try(format!("`{} list` shows the stages", context.program()))),
        Err(error) => Err(error.into()),
    }
}

/// Says which stages the run had then and has not now, and the other way round.
fn say_other_stages(header: &Header, now: &[StageName]) {
    let then: Vec<StageName> = header.stages.iter().map(|stage| stage.name.clone()).collect();
    for (what, these, those) in [("no longer", &then[..], now), ("new", now, &then[..])] {
        let alone: Vec<StageName> = these.iter().filter(|name| !those.contains(name)).cloned().collect();
        if !alone.is_empty() {
            output::say(&format!("{what} among its stages: {}", named(&alone)));
        }
    }
}

/// What is different about the config: files that are not what they were.
fn changed(header: &Header, project: &Project) -> Option<String> {
    let then: Vec<(&str, &str)> = header.config.iter().map(|file| (file.path.as_str(), file.hash.as_str())).collect();
    let now: Vec<(String, String)> = project
        .config
        .iter()
        .map(|(path, text)| (path.to_string_lossy().into_owned(), blake3::hash(text.as_bytes()).to_hex().to_string()))
        .collect();
    let now: Vec<(&str, &str)> = now.iter().map(|(path, hash)| (path.as_str(), hash.as_str())).collect();
    let find =
        |files: &[(&str, &str)], path: &str| files.iter().find(|file| file.0 == path).map(|file| file.1.to_owned());
    let short = |path: &str| {
        let inside = Path::new(path).strip_prefix(&project.root).ok();
        crate::text::plain::printable(&inside.map_or(path.into(), |inside| inside.to_string_lossy())).into_owned()
    };
    let mut changes: Vec<String> = Vec::new();
    for (path, hash) in &now {
        match find(&then, path) {
            Some(before) if before == *hash => {}
            Some(_) => changes.push(format!("{} has changed", short(path))),
            None => changes.push(format!("{} was not read then", short(path))),
        }
    }
    let gone = then.iter().filter(|(path, _)| find(&now, path).is_none());
    changes.extend(gone.map(|(path, _)| format!("{} is not read now", short(path))));
    if changes.is_empty() { None } else { Some(changes.join(", ")) }
}

/// Names in a row: some in full, many by number.
fn named(names: &[StageName]) -> String {
    let mut text = names.iter().take(NAMED).map(StageName::as_str).collect::<Vec<_>>().join(" ");
    if names.len() > NAMED {
        let _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_counted() {
        let names: Vec<StageName> = (1..=12).map(|n| StageName::new(&format!("s{n}")).unwrap()).collect();
        assert_eq!(named(&names), "s1 s2 s3 s4 s5 s6 s7 s8 s9 s10 and 2 more");
        assert_eq!(named(&names[..2]), "s1 s2");
    }
}
