//! `add`: finds or makes the ad-hoc job of a command, and starts a run of it in the background.
//!
//! Everything that can fail for the user's reasons is looked at before anything is written.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::args::AddArgs;
use super::background::Background;
use super::error::{CliError, is_later_command};
use super::project::{Anchor, Context};
use super::{Ending, faces, output, run, secrets};
use crate::clock::{Clock, SystemClock};
use crate::env;
use crate::journal::layout::ProjectDir;
use crate::plan::Request;
use crate::plan::command::{command_text, quote};
use crate::process::program;
use crate::session::jobs::{self, AdHoc, Found, Wanted};
use crate::session::past;
use crate::session::prepare::Prepared;
use crate::session::secrets::Secrets;

/// How often it is begun anew where somebody removes the job at that very moment.
const TRIES: usize = 20;

/// Starts a run of the command's job.
pub(super) fn add(context: &Context<'_>, args: &AddArgs) -> Result<Ending, CliError> {
    let argv = words(&args.command)?;
    let wanted = Command::of(context, &argv)?;
    if wanted.anchor.fault.is_some() {
        let program = context.program();
        output::warning(&format!("the config has faults and is passed over; `{program} validate` shows them"));
    }
    let interrupts = run::interrupts()?;
    for _ in 0..TRIES {
        let Found { job, is_new, .. } = wanted.find_or_create()?;
        let Command { anchor, state, .. } = &wanted;
        let prepared = plan(context, &job, &anchor.root)?;
        let secrets = secrets::find(context, &prepared.plan, &interrupts)?;
        let background = Background { is_new: Some(is_new), secrets, ..of(context, state, &anchor.root, &job) };
        interrupts.starting();
        let place = background.claim(&prepared).inspect_err(|_| interrupts.done())?;
        // From now on the job goes on, and nobody can remove it; it may have been removed just before.
        if !jobs::is_listed(state, &job).unwrap_or(true) {
            place.withdraw();
            interrupts.done();
            continue;
        }
        return background.launch(prepared, place, &interrupts, args.json);
    }
    Err(CliError::infrastructure("nothing was started: the job is removed again and again"))
}

/// The job of a command in the directory that is worked in.
pub(super) fn find_or_create(context: &Context<'_>, argv: &[String]) -> Result<(Anchor, AdHoc), CliError> {
    let wanted = Command::of(context, argv)?;
    let found = wanted.find_or_create()?;
    Ok((wanted.anchor, found.job))
}

/// A command that may become a job: what can be wrong with it was looked at.
struct Command<'a> {
    argv: &'a [String],
    /// Relative to the project's directory.
    dir: PathBuf,
    anchor: Anchor,
    state: ProjectDir,
    taken: Taken,
}

impl<'a> Command<'a> {
    fn of(context: &Context<'_>, argv: &'a [String]) -> Result<Self, CliError> {
        let anchor = context.anchor()?;
        let dir = directory(context, &anchor.root)?;
        refuse_unknown_program(context, argv, &anchor.root.join(&dir))?;
        let state = context.state(&anchor.root)?;
        // A job that is there has its name, and nobody has to be asked for one.
        let jobs = jobs::read(&state).unwrap_or_default();
        let is_there = jobs.iter().any(|job| job.argv == *argv && job.dir == dir);
        let taken = if is_there { Taken::default() } else { Taken::of(&anchor, &state) };
        Ok(Self { argv, dir, anchor, state, taken })
    }

    fn find_or_create(&self) -> Result<Found, CliError> {
        let is_taken = |name: &str| self.taken.has(name);
        let wanted = Wanted { argv: self.argv, dir: &self.dir, is_taken: &is_taken, now: SystemClock.now() };
        let list = self.state.jobs();
        let found = jobs::find_or_create(&self.state, &self.anchor.root, &wanted).map_err(|error| {
            CliError::infrastructure(format!("{error} ({})", list.display()))
                .or_try("set LOCAL_CI_STATE_DIR to a directory that can be written")
        })?;
        if found.damaged > 0 {
            let lines =
                if found.damaged == 1 { "a line is".to_owned() } else { format!("{} lines are", found.damaged) };
            output::warning(&format!("{lines} damaged in {}, and passed over", list.display()));
        }
        Ok(found)
    }
}

/// A run of an ad-hoc job in the background.
pub(super) fn of<'a>(context: &'a Context<'a>, state: &'a ProjectDir, root: &Path, job: &AdHoc) -> Background<'a> {
    let directory = root.join(&job.dir).components().as_path().to_string_lossy().into_owned();
    Background {
        context,
        state,
        jobs: vec![job.name.clone()],
        command: Some(command_text(&job.command())),
        equivalent: equivalent(&directory, &job.argv),
        directory,
        secrets: Secrets::default(),
        is_new: Some(false),
    }
}

/// The command line that adds the same job from anywhere.
pub(super) fn equivalent(directory: &str, argv: &[String]) -> Vec<String> {
    let front = ["local-ci", &format!("--directory={directory}"), "add", "--"].map(str::to_owned);
    front.into_iter().chain(argv.iter().cloned()).collect()
}

/// The plan of a run of an ad-hoc job: one stage.
pub(super) fn plan(context: &Context<'_>, job: &AdHoc, root: &Path) -> Result<Prepared, CliError> {
    let dir = root.join(&job.dir);
    if !dir.is_dir() {
        let dir = dir.components().as_path().display().to_string();
        return Err(CliError::usage(format!("the directory of job {} is not there any more: {dir}", job.name))
            .or_try(format!("`{} remove {}` forgets the job", context.program(), job.name)));
    }
    refuse_unknown_program(context, &job.argv, &dir)?;
    let project =
        job.project(root).map_err(|error| CliError::usage(format!("job {} cannot be run: {error}", job.name)))?;
    let request = Request { stages: vec![job.name.as_str().to_owned()], jobs: Some(1), ..Request::default() };
    let plan = project.plan(&request, context.env)?;
    Ok(project.prepare(plan))
}

/// The words of the command, as they are kept: as text.
fn words(command: &[OsString]) -> Result<Vec<String>, CliError> {
    let word = |(at, word): (usize, &OsString)| {
        word.to_str().map(str::to_owned).ok_or_else(|| {
            let what = if at == 0 { "the program".to_owned() } else { format!("argument {at}") };
            CliError::usage(format!("{what} is not UTF-8 text: {:?}", word.to_string_lossy()))
                .or_try("a job is kept as text; put such a word into a script, and add that")
        })
    };
    let argv: Vec<String> = command.iter().enumerate().map(word).collect::<Result<_, _>>()?;
    match argv.first().map(String::as_str) {
        None | Some("") => Err(CliError::usage("the command's name is empty")
            .or_try("`local-ci add make test` adds a job for `make test`")),
        Some(_) => Ok(argv),
    }
}

/// Where the command is to run, relative to the project's directory.
fn directory(context: &Context<'_>, root: &Path) -> Result<PathBuf, CliError> {
    let here = context.directory.canonicalize().map_err(|error| {
        CliError::infrastructure(format!("the directory {} cannot be used: {error}", context.directory.display()))
    })?;
    let Ok(dir) = here.strip_prefix(root) else {
        return Err(CliError::usage(format!(
            "{} is not below the project's directory {}",
            here.display(),
            root.display()
        ))
        .or_try("a job belongs to a project: start it there, or leave --config out"));
    };
    if dir.to_str().is_none() {
        return Err(CliError::usage(format!("the directory's name is not UTF-8 text: {}", dir.display()))
            .or_try("a job is kept as text; start it in the project's own directory"));
    }
    Ok(dir.to_owned())
}

/// A program that is not there cannot be run, now or later: nobody has to look into a log for that.
fn refuse_unknown_program(context: &Context<'_>, argv: &[String], dir: &Path) -> Result<(), CliError> {
    let name = argv.first().map_or("", String::as_str);
    let Err(error) = program::resolve(name, context.env.get(env::PATH), dir) else { return Ok(()) };
    let first = error.message.lines().next().unwrap_or_default();
    let hint = if name.starts_with('-') {
        "options of local-ci stand before the command, and the command begins after `--`".to_owned()
    } else if name.contains(char::is_whitespace) {
        format!(
            "each word of the command stands by itself, without quotes around all; a line for a shell is `{} add sh -c \
             {}`",
            context.program(),
            quote(name)
        )
    } else if name.contains('/') {
        format!("it is looked for from {}", dir.components().as_path().display())
    } else {
        let path = context.env.get(env::PATH).map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        format!("looked in PATH: {path}")
    };
    Err(CliError::usage(format!("nothing was started: {first}")).or_try(hint))
}

/// Names that an ad-hoc job cannot have.
#[derive(Default)]
struct Taken {
    names: BTreeSet<String>,
}

impl Taken {
    fn of(anchor: &Anchor, state: &ProjectDir) -> Self {
        let stages = anchor.project.iter().flat_map(|project| project.pipeline.stages().values());
        let stages = stages.flat_map(|stage| [&stage.name, &stage.declared]).map(ToString::to_string);
        // A name that something had before has a history, and that is not to be inherited.
        let before = past::glance(state, &anchor.root).jobs().unwrap_or_default();
        let before = before.into_iter().map(|name| name.to_string());
        Self { names: stages.chain(before).chain(faces::commands()).collect() }
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(name) || is_later_command(name)
    }
}
