//! `run`, and the bare form: prepares everything that can fail for the user's reasons, starts the run, and follows it.

use std::io::ErrorKind;

use super::args::{Later, ListArgs, RunArgs, Selection};
use super::error::CliError;
use super::faces::{self, Mode};
use super::project::Context;
use super::{Ending, keys, list, output, plan};
use crate::clock::{Clock, SystemClock};
use crate::env;
use crate::ids::{RunNumber, StageName};
use crate::outcome::{CancelReason, Verdict, exit};
use crate::plan::command::quote_all;
use crate::process::{reap_ended, signals};
use crate::report::{Display, Rerun};
use crate::session::assignment::OnHangup;
use crate::session::follow::{self, Follower, Parts};
use crate::session::inline;
use crate::session::inputs;
use crate::session::interrupts::Interrupts;
use crate::session::logs::RunLogs;
use crate::session::place::{Caller, Place, discard_temporary, place};
use crate::session::prepare::Prepared;
use crate::session::start::start;

/// Runs what was asked for.
pub(super) fn run(context: &Context<'_>, args: &RunArgs) -> Result<Ending, CliError> {
    run_as(context, args, &[])
}

/// Runs what was asked for in other words than these, which do the same.
pub(super) fn run_as(context: &Context<'_>, args: &RunArgs, equivalent: &[String]) -> Result<Ending, CliError> {
    refuse_later(args)?;
    if args.list {
        return list::list(context, &ListArgs { all: false, json: args.json });
    }
    if args.dry_run {
        return plan::show(context, &args.selection, args.json);
    }
    let interrupts = interrupts()?;
    let rounds = args.repeat.unwrap_or(1);
    let mut failed = 0;
    let mut last = Ending::Code(exit::PASSED);
    for round in 1..=rounds {
        if rounds > 1 && !args.json {
            output::say(&format!("round {round} of {rounds}"));
        }
        // The supervisors of earlier rounds are our children, and have ended.
        reap_ended();
        let ending = once(context, args, equivalent, &interrupts)?;
        match ending {
            Ending::Code(exit::PASSED) => {}
            Ending::Code(exit::FAILED) => {
                failed += 1;
                last = ending;
            }
            // Neither a pass nor a failure: nothing to be gained by going on.
            Ending::Code(_) | Ending::Signal(_) => return Ok(ending),
        }
    }
    if rounds > 1 && !args.json {
        output::say(&format!("{failed} of {rounds} rounds failed"));
    }
    Ok(last)
}

/// Takes this process's signals.
pub(super) fn interrupts() -> Result<Interrupts, CliError> {
    Interrupts::start(output::say).map_err(|error| CliError::infrastructure(format!("cannot take signals: {error}")))
}

/// The face: the command line, then the project's config, then the user's.
fn mode(context: &Context<'_>, args: &RunArgs, configured: Option<&str>) -> Result<Mode, CliError> {
    if args.json {
        Ok(Mode::Report)
    } else if args.quiet {
        Ok(Mode::Quiet)
    } else {
        faces::mode(context, args.output.as_deref().or(configured).or(context.user.output.as_deref()))
    }
}

fn once(
    context: &Context<'_>,
    args: &RunArgs,
    equivalent: &[String],
    interrupts: &Interrupts,
) -> Result<Ending, CliError> {
    let clock = SystemClock;
    let project = context.project()?;
    let mode = mode(context, args, project.pipeline.run().output.as_deref())?;
    let plan = context.plan(&project, &args.selection)?;
    let on_hangup = if context.is_interactive() { OnHangup::Continue } else { OnHangup::Cancel };
    let stays = !args.presence.detach && !args.presence.allow;
    let offer = if stays { keys::Offer::of(context, mode, on_hangup) } else { keys::Offer::none(context) };
    let names: Vec<StageName> = plan.stages.values().map(|stage| stage.name.clone()).collect();
    let prepared = project.prepare(plan);
    let caller = Caller {
        env: context.env,
        argv: context.argv.clone(),
        equivalent: equivalent.to_vec(),
        directory: context.directory.clone(),
        on_hangup,
        terminal: offer.for_stages(&prepared.plan),
        stage_env: colour_hints(context, mode),
        now: clock.now(),
    };
    interrupts.starting();
    let place = place(&prepared, &caller).inspect_err(|_| interrupts.done())?;
    if let Some(warning) = &place.warning {
        output::warning(warning);
    }
    let (run, number) = (place.run.clone(), place.number);
    let logs = RunLogs::new(run.clone(), names);
    let logs = if number.is_some() { logs } else { logs.not_kept() };
    let offer = offer.to(number);
    let display = faces::foreground(mode, context, logs, rerun(&args.selection), offer.may_leave());
    let ending = if prepared.plan.has_work() {
        follow_new(context, prepared, &caller, place, Shown { display, offer }, interrupts)
    } else {
        // Nothing is started that a signal could be for.
        interrupts.done();
        let verdict = inline::run(prepared.plan, &place, display);
        Ok(Ending::Code(verdict.exit_code()))
    };
    interrupts.done();
    if number.is_none() {
        discard_temporary(&run);
    }
    ending
}

/// How a run is shown, and what is done with what is typed.
struct Shown<'a> {
    display: Display,
    offer: keys::Offer<'a>,
}

fn follow_new(
    context: &Context<'_>,
    prepared: Prepared,
    caller: &Caller<'_>,
    place: Place,
    shown: Shown<'_>,
    interrupts: &Interrupts,
) -> Result<Ending, CliError> {
    // One reason why there is no history is enough.
    let has_history = place.warning.is_none();
    let root = prepared.root.clone();
    let started = start(prepared, caller, place, |plan| {
        inputs::fingerprint(plan);
        let warnings = context.foretell(&root, plan);
        warnings.iter().filter(|_| has_history).for_each(|text| output::warning(text));
    })?;
    interrupts
        .forward(&started.socket, &started.run, farewell(started.number))
        .map_err(|error| CliError::infrastructure(format!("cannot pass signals on: {error}")))?;
    let (run, number) = (started.run.clone(), started.number);
    let mut notify = |text: &str| output::say(text);
    let has_keys = caller.terminal.is_some() || shown.offer.may_leave();
    let (_keys, leave, display) =
        if has_keys { shown.offer.start(&run, true, shown.display) } else { (None, None, shown.display) };
    let parts = Parts { run: started.run, display, clock: &SystemClock, notify: &mut notify };
    let (ending, display) = Follower::foreground(parts, started.socket).leaving_by(leave).follow();
    if let Some(error) = display.closed().filter(|error| error.kind() != ErrorKind::BrokenPipe) {
        output::warning(&format!("the output is incomplete, it could not be written: {error}"));
    }
    Ok(match ending {
        follow::Ending::Finished(verdict, code) => finished(verdict, code),
        follow::Ending::Lost => {
            output::lost_before_it_began(&run, number, display.view());
            Ending::Code(exit::INFRASTRUCTURE)
        }
        // The key is there only where the run has a number.
        follow::Ending::Left => number.map_or(Ending::Code(exit::INFRASTRUCTURE), |number| keys::left(context, number)),
    })
}

/// A run that a signal to us ended is passed on as that signal, so that a shell's loop ends as well.
fn finished(verdict: Verdict, code: u8) -> Ending {
    match verdict {
        Verdict::Cancelled { reason: CancelReason::Interrupt } => Ending::Signal(signals::INTERRUPT),
        Verdict::Cancelled { reason: CancelReason::Terminate } => Ending::Signal(signals::TERMINATE),
        _ => Ending::Code(code),
    }
}

/// What it takes to run a stage of this selection again as it was run.
fn rerun(selection: &Selection) -> Rerun {
    let arguments = match &selection.stages[..] {
        [stage] if !selection.args.is_empty() => Some((stage.clone(), format!(" -- {}", quote_all(&selection.args)))),
        _ => None,
    };
    Rerun { options: if selection.fix { " --fix".into() } else { String::new() }, arguments }
}

/// What to say when this process leaves a run before its end.
fn farewell(number: Option<RunNumber>) -> String {
    match number {
        Some(number) => {
            format!("run {number} has not ended yet; `local-ci stop -f {number}` kills what is left of it")
        }
        None => "the run has not ended yet, and has no number to stop it by".into(),
    }
}

/// Asks tools for colour whose output is a pipe only because we show it: never against what the user has set.
fn colour_hints(context: &Context<'_>, mode: Mode) -> Vec<(String, String)> {
    if !faces::shows_colour(context, mode) {
        return Vec::new();
    }
    [(env::FORCE_COLOR, "1"), (env::CLICOLOR_FORCE, "1"), (env::CARGO_TERM_COLOR, "always")]
        .into_iter()
        .filter(|(name, _)| context.env.get(name).is_none())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Options that this version cannot act on are refused before anything is done.
fn refuse_later(args: &RunArgs) -> Result<(), CliError> {
    let later: &Later = &args.later;
    let given = [
        ("--detach", args.presence.detach),
        ("--allow", args.presence.allow),
        ("--queue", args.presence.queue),
        ("--after", args.presence.after.is_some()),
        ("--after-any", args.presence.after_any.is_some()),
        ("--remote", later.remote.is_some()),
        ("--session", later.session.is_some()),
        ("--remote-timeout", later.remote_timeout.is_some()),
        ("--remote-dir", later.remote_dir.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => {
            Err(CliError::usage(format!("{option} is not in this version"))
                .or_try("run without it; nothing was started"))
        }
    }
}
