//! `start` and `restart`: a run of a job in the background, of a stage with what it needs or of an ad-hoc job.

use std::ffi::OsString;

use super::args::{Command, RestartArgs, RunArgs, StartArgs};
use super::background::Background;
use super::error::CliError;
use super::project::{Anchor, Context};
use super::rerun::{elsewhere_then, words};
use super::target::{Target, unreadable};
use super::{Ending, add, argv, elsewhere, output, run, secrets, stop, variables};
use crate::ids::StageName;
use crate::journal::layout::ProjectDir;
use crate::pipeline::Action;
use crate::plan::command::command_text;
use crate::plan::nearest;
use crate::session::interrupts::Interrupts;
use crate::session::jobs::{self, AdHoc};
use crate::session::prepare::Project;
use crate::session::runs::meant;
use crate::session::secrets::Secrets;
use crate::text::plain::printable;

/// Starts a job.
pub(super) fn start(context: &Context<'_>, args: &StartArgs) -> Result<Ending, CliError> {
    let (state, job) = find(context, &args.job)?;
    begin(context, &state, job, args.json, &run::interrupts()?)
}

/// Stops a job where it runs, and starts it.
pub(super) fn restart(context: &Context<'_>, args: &RestartArgs) -> Result<Ending, CliError> {
    let (state, mut job) = find(context, &args.job)?;
    let interrupts = run::interrupts()?;
    let running = stop::active_with(&state, &args.job)?;
    if let Some(target) = &running {
        job.stay(context, target, args.json);
    }
    // What would be refused afterwards is refused before anything is stopped.
    job.check(context, &interrupts)?;
    if let Some(target) = running {
        let number = target.run.number;
        stop::refuse_bystanders(context, &target, "stop")?;
        if !args.json {
            output::say(&format!("stopping run {number}"));
        }
        stop::end(context, &state, number, args.force)?;
    }
    begin(context, &state, job, args.json, &interrupts)
}

/// What a word stands for.
enum Job {
    /// Stages of the config: one, or the cells of a matrix.
    Stages(Box<Project>, Box<RunArgs>, Vec<StageName>),
    /// An ad-hoc job.
    AdHoc(Box<Anchor>, AdHoc),
}

impl Job {
    /// Has it start where it runs in this run, which may be elsewhere than where the config has it.
    fn stay(&mut self, context: &Context<'_>, target: &Target, json: bool) {
        let Self::Stages(_, args, _) = self else { return };
        let Some(then) = elsewhere_then(context, &target.run) else { return };
        if let Some(remote) =
            then.remote.as_deref().filter(|remote| args.selection.elsewhere.remote.as_deref() != Some(remote))
            && !json
        {
            output::say(&format!("run {} is on {}: it is started there again", target.run.number, printable(remote)));
        }
        args.selection.elsewhere = then;
    }

    /// Whether it could be started, but for what is running.
    fn check(&self, context: &Context<'_>, interrupts: &Interrupts) -> Result<(), CliError> {
        match self {
            Job::Stages(project, args, _) => {
                let plan = project.plan(&args.selection.request(), context.env)?;
                elsewhere::reach(context, &plan, interrupts)?;
            }
            Job::AdHoc(anchor, job) => add::plan(context, job, &anchor.root).map(drop)?,
        }
        Ok(())
    }
}

/// The job of this name: a stage, a matrix with all its cells, or an ad-hoc job. Of equal names the stage is meant.
fn find(context: &Context<'_>, word: &str) -> Result<(ProjectDir, Job), CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let adhoc = jobs::find(&state, word).map_err(unreadable)?;
    let Anchor { project, fault, root } = anchor;
    let stages = project
        .as_ref()
        .map_or(Vec::new(), |project| meant(project.pipeline.stages().values().map(|stage| stage.name.clone()), word));
    match (project, adhoc) {
        (Some(project), adhoc) if !stages.is_empty() => {
            if let Some(job) = adhoc {
                output::say(&format!(
                    "{word} is a stage of the config, and it is the stage that is meant; the ad-hoc job of that name is \
                     started by `{} add {}`",
                    context.program(),
                    printable(&command_text(&job.command()))
                ));
            }
            let args = request(context, word)?;
            Ok((state, Job::Stages(Box::new(project), Box::new(args), stages)))
        }
        (project, Some(job)) => Ok((state, Job::AdHoc(Box::new(Anchor { root, project, fault }), job))),
        (project, None) => match fault {
            // The name may be one of its stages.
            Some(fault) => Err(fault.into()),
            None => Err(unknown(context, project.as_ref(), &state, word)),
        },
    }
}

fn unknown(context: &Context<'_>, project: Option<&Project>, state: &ProjectDir, word: &str) -> CliError {
    let jobs = jobs::read(state).unwrap_or_default();
    let stages = project.iter().flat_map(|project| project.pipeline.stages().values()).map(|stage| stage.name.as_str());
    let near = nearest(word, stages.chain(jobs.iter().map(|job| job.name.as_str())));
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    CliError::usage(format!("there is no job {word:?}{near}"))
        .or_try(format!("`{} list` shows the jobs; `add` makes one of a command", context.program()))
}

/// What `run NAME` asks for, with what the environment says of how things run. What it says of which stages, and of how
/// they are shown, is not for who has named one.
fn request(context: &Context<'_>, word: &str) -> Result<RunArgs, CliError> {
    let typed: Vec<OsString> = ["local-ci", "run", word].map(Into::into).into();
    let unusual = |why: String| CliError::usage(format!("{word:?} cannot be started: {why}"));
    let mut cli = argv::parse(&typed).map_err(|error| unusual(error.to_string()))?;
    variables::fill_in(&mut cli, context.env)?;
    let Command::Run(mut args) = cli.command else { return Err(unusual("it is no stage".into())) };
    let selection = &mut args.selection;
    (selection.profile, selection.only, selection.fix) = (None, false, false);
    selection.tags.clear();
    selection.skip.clear();
    Ok(args)
}

fn begin(
    context: &Context<'_>,
    state: &ProjectDir,
    job: Job,
    json: bool,
    interrupts: &Interrupts,
) -> Result<Ending, CliError> {
    let mut listed = None;
    let (prepared, background) = match job {
        Job::AdHoc(anchor, job) => {
            listed = Some(job.clone());
            (add::plan(context, &job, &anchor.root)?, add::of(context, state, &anchor.root, &job))
        }
        Job::Stages(project, args, names) => {
            let plan = context.plan(&project, &args.selection)?;
            let stage = match &names[..] {
                [only] => plan.stages.values().find(|stage| stage.name == *only),
                _ => None,
            };
            let action = project.pipeline.stages().values().find(|stage| Some(&stage.name) == names.first());
            let background = Background {
                context,
                state,
                command: match (&names[..], action.map(|stage| &stage.action)) {
                    ([_], Some(Action::Run(command))) => Some(command_text(command)),
                    _ => None,
                },
                directory: stage
                    .map_or(project.root.clone(), |stage| project.root.join(&stage.dir))
                    .components()
                    .as_path()
                    .to_string_lossy()
                    .into_owned(),
                equivalent: words::words(&args, context.config().as_deref()),
                jobs: names,
                secrets: Secrets::default(),
                is_new: None,
            };
            (project.prepare(plan), background)
        }
    };
    if !prepared.plan.has_work() {
        return Err(CliError::usage("nothing would run: all of it is skipped by condition")
            .or_try(format!("`{} plan` says why", context.program())));
    }
    elsewhere::reach(context, &prepared.plan, interrupts)?;
    let background = Background { secrets: secrets::find(context, &prepared.plan, interrupts)?, ..background };
    interrupts.starting();
    let place = background.claim(&prepared).inspect_err(|_| interrupts.done())?;
    // Somebody may have removed it just before; from now on nobody can.
    if let Some(job) = listed.filter(|job| !jobs::is_listed(state, job).unwrap_or(true)) {
        place.withdraw();
        interrupts.done();
        return Err(CliError::usage(format!("job {} was removed just now", job.name)));
    }
    background.launch(prepared, place, interrupts, json)
}
