//! `remove`: forgets jobs with their history. `nuke`: stops everything, and forgets it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::Path;

use super::args::{NukeArgs, RemoveArgs};
use super::error::CliError;
use super::project::{Anchor, Context};
use super::prune::{count, megabytes};
use super::run::interrupts;
use super::takeover::{self, Place};
use super::target::unreadable;
use super::{Ending, history, output};
use crate::clock::SystemClock;
use crate::ids::{RunNumber, StageName};
use crate::journal::layout::{ProjectDir, state_dir};
use crate::outcome::exit;
use crate::plan::nearest;
use crate::session::forget::{self, ForgetError, Forgot};
use crate::session::nuke::{self, Holdings, NukeError};
use crate::session::past::forgotten::Forgotten;
use crate::session::runs::meant;
use crate::session::{jobs, past, retention};
use crate::text::plain::printable;

/// Forgets jobs.
pub(super) fn remove(context: &Context<'_>, args: &RemoveArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let known = Known::of(&anchor, &state)?;
    let mut names = BTreeSet::new();
    for word in &args.jobs {
        names.extend(known.meant(word, context, &anchor)?);
    }
    let names: Vec<StageName> = names.into_iter().collect();
    let forgot = forget::remove(&state, &anchor.root, &names, &SystemClock).map_err(|error| match error {
        ForgetError::Running { job, number } => CliError::Busy {
            message: format!("job {job} is running, in run {number}; nothing was removed"),
            hint: format!("`{0} stop {number}` ends it, `{0} await {number}` waits for it", context.program()),
        },
        ForgetError::Left { job, number, machine } => CliError::Busy {
            message: format!("job {job} was left in run {number}, and may run on {machine} still; nothing was removed"),
            hint: format!("`{0} stop {number}` ends it, `{0} attach {number}` takes it over", context.program()),
        },
        ForgetError::Io(error) => CliError::infrastructure(format!("nothing more could be removed: {error}"))
            .or_try("what was removed stays removed; the same command goes on with it"),
    })?;
    let plural = if names.len() == 1 { "" } else { "s" };
    let listed: Vec<&str> = names.iter().map(StageName::as_str).collect();
    output::say(&format!("forgot job{plural} {}: {}", listed.join(", "), what_went(&forgot)));
    if forgot.kept > 0 {
        let (verb, had) = if forgot.kept == 1 { ("stays", "it") } else { ("stay", "they") };
        output::say(&format!("{} {verb}, since {had} had other stages as well", count(forgot.kept, "run")));
    }
    for name in names.iter().filter(|name| known.stages.contains(name)) {
        output::say(&format!("stage {name} stays in the config"));
    }
    forgot.warnings.iter().for_each(|text| output::warning(text));
    // What was to go and did not is no success.
    Ok(Ending::Code(if forgot.warnings.is_empty() { exit::PASSED } else { exit::INFRASTRUCTURE }))
}

fn what_went(forgot: &Forgot) -> String {
    let runs = forgot.runs.len() + forgot.lines;
    if runs == 0 { "no runs".to_owned() } else { format!("{}, {}", count(runs, "run"), megabytes(forgot.bytes)) }
}

/// The names that a word can stand for.
struct Known {
    /// Of the config.
    stages: Vec<StageName>,
    jobs: Vec<StageName>,
    /// That ever ran, and those whose removal was cut off perhaps.
    before: Vec<StageName>,
}

impl Known {
    fn of(anchor: &Anchor, state: &ProjectDir) -> Result<Self, CliError> {
        let stages = anchor.project.iter().flat_map(|project| project.pipeline.stages().values());
        let past = past::open(state, &anchor.root);
        history::say(&past);
        let forgotten = Forgotten::read(state).map_err(unreadable)?;
        let ran = past.jobs().map_err(history::unreadable)?;
        Ok(Self {
            stages: stages.map(|stage| stage.name.clone()).collect(),
            jobs: jobs::read(state).map_err(unreadable)?.into_iter().map(|job| job.name).collect(),
            before: ran.into_iter().chain(forgotten.jobs.into_keys()).collect(),
        })
    }

    /// The jobs that a word stands for: those that there are, or else those that there were.
    fn meant(&self, word: &str, context: &Context<'_>, anchor: &Anchor) -> Result<Vec<StageName>, CliError> {
        let now = self.stages.iter().chain(&self.jobs).cloned();
        for found in [meant(now, word), meant(self.before.iter().cloned(), word)] {
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let all = self.stages.iter().chain(&self.jobs).chain(&self.before);
        let near = nearest(word, all.map(StageName::as_str));
        let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
        let faults = if anchor.fault.is_some() { " (the config has faults: its stages are not known)" } else { "" };
        Err(CliError::usage(format!("there is no job {word:?}{near}{faults}"))
            .or_try(format!("`{} list` shows the jobs; nothing was removed", context.program())))
    }
}

/// Stops everything and forgets it.
pub(super) fn nuke(context: &Context<'_>, args: &NukeArgs) -> Result<Ending, CliError> {
    let (found, faults) = if args.all {
        let state = state_dir(context.env).ok_or_else(no_state)?;
        nuke::projects(&state).map_err(unreadable)?
    } else {
        let project = context.state(&context.anchor()?.root)?;
        let is_there = project.path().symlink_metadata().is_ok();
        (if is_there { vec![project] } else { Vec::new() }, Vec::new())
    };
    let mut faults: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
    let mut held: Vec<(ProjectDir, Holdings)> = Vec::new();
    for project in found {
        match nuke::look(&project) {
            Ok(holdings) => held.push((project, holdings)),
            Err(error) if args.all => faults.push(error.to_string()),
            Err(error) => return Err(refused(&error)),
        }
    }
    for fault in &faults {
        output::warning(&format!("left alone: {fault}"));
    }
    let failed = Ending::Code(if faults.is_empty() { exit::PASSED } else { exit::INFRASTRUCTURE });
    // Of a project that is gone the index may still know.
    let is_indexed = args.all && state_dir(context.env).is_some_and(|state| state.join("history.db").exists());
    if held.iter().all(|(_, holdings)| holdings.is_empty()) && !is_indexed {
        output::say("there is nothing to forget");
        return Ok(failed);
    }
    if !args.yes && !confirmed(context, &held)? {
        output::say("nothing was done");
        return Ok(Ending::Code(exit::USAGE));
    }
    carry_out(context, args.all, &held).map(|done| if done { failed } else { Ending::Code(exit::INFRASTRUCTURE) })
}

/// Stops and forgets these. Says whether all of it could be done.
fn carry_out(context: &Context<'_>, all: bool, held: &[(ProjectDir, Holdings)]) -> Result<bool, CliError> {
    let (mut total, mut stopped, mut done) = (Forgot::default(), 0, true);
    for (project, holdings) in held {
        end_left(context, project, Path::new(&holdings.root));
        match nuke::nuke(project, all, &SystemClock) {
            Ok(forgot) => {
                stopped += holdings.active.len();
                total.runs.extend(&forgot.runs);
                total.lines += forgot.lines;
                total.jobs += forgot.jobs;
                total.bytes = total.bytes.saturating_add(forgot.bytes);
                total.warnings.extend(forgot.warnings);
            }
            Err(error) if all => {
                done = false;
                output::problem(&format!("{}: {error}", holdings.root));
            }
            Err(error) => return Err(refused(&error)),
        }
    }
    if let (true, Some(state)) = (all && done, state_dir(context.env))
        && let Err(error) = nuke::forget_index(&state, &held.iter().map(|(project, _)| project).collect::<Vec<_>>())
    {
        total.warnings.push(format!("the history could not be removed: {error}"));
    }
    let runs = total.runs.len() + total.lines;
    let stopped = if stopped == 0 { String::new() } else { format!("stopped {}, ", count(stopped, "run")) };
    output::say(&format!(
        "{stopped}forgot {}, {} and {}; numbers are not used again",
        count(runs, "run"),
        megabytes(total.bytes),
        count(total.jobs, "ad-hoc job")
    ));
    total.warnings.iter().for_each(|text| output::warning(text));
    Ok(done && total.warnings.is_empty())
}

/// Ends what is left of runs on other machines, as far as those can be reached: nobody will find it there any more.
fn end_left(context: &Context<'_>, state: &ProjectDir, root: &Path) {
    let numbers = state.numbers().unwrap_or_default();
    let left = numbers.into_iter().filter(|number| retention::goes_on_elsewhere(&state.run(*number)));
    let left: Vec<RunNumber> = left.collect();
    if left.is_empty() {
        return;
    }
    let interrupts = interrupts();
    for number in left {
        let place = Place { context, root, state, number };
        let ended = interrupts
            .as_ref()
            .map_err(ToString::to_string)
            .and_then(|interrupts| takeover::end(&place, false, interrupts).map_err(|error| error.to_string()));
        if let Err(error) = ended {
            output::warning(&format!("run {number} goes on where it was left, and cannot be found again: {error}"));
        }
    }
}

fn refused(error: &NukeError) -> CliError {
    CliError::infrastructure(format!("nothing was forgotten: {error}"))
}

fn no_state() -> CliError {
    CliError::infrastructure(
        "there is no state: none of LOCAL_CI_STATE_DIR, XDG_STATE_HOME and HOME is an absolute path",
    )
}

/// Says what will go, and asks. Where nobody can be asked, it takes `--yes`.
fn confirmed(context: &Context<'_>, held: &[(ProjectDir, Holdings)]) -> Result<bool, CliError> {
    let unasked = || {
        CliError::usage("this stops and forgets everything, and there is nobody to ask; nothing was done")
            .or_try("--yes does it without asking")
    };
    if !context.is_interactive() || !std::io::stderr().is_terminal() {
        return Err(unasked());
    }
    output::say("This stops and forgets for good:");
    for (_, holdings) in held.iter().filter(|(_, holdings)| !holdings.is_empty()) {
        let active: Vec<String> = holdings.active.iter().map(ToString::to_string).collect();
        let active = match &active[..] {
            [] => String::new(),
            [only] => format!(", of which run {only} goes on"),
            several => format!(", of which runs {} go on", several.join(", ")),
        };
        output::say(&printable(&format!(
            "  {}: {}{active}; {}; {}",
            holdings.root,
            count(holdings.runs, "run"),
            megabytes(holdings.bytes),
            count(holdings.jobs, "ad-hoc job")
        )));
    }
    let mut terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| unasked())?;
    let mut answer = String::new();
    terminal
        .write_all(b"Go on? [y/N] ")
        .and_then(|()| BufReader::new(terminal).read_line(&mut answer))
        .map_err(|_| unasked())?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
