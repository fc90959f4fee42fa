//! `run`, and the bare form: prepares everything that can fail for the user's reasons, starts the run, and follows it.

use super::args::{Later, ListArgs, RunArgs};
use super::error::CliError;
use super::faces::{self, Mode};
use super::project::Context;
use super::{Ending, list, output, plan};
use crate::clock::{Clock, SystemClock};
use crate::env;
use crate::ids::{RunNumber, StageName};
use crate::outcome::{CancelReason, Verdict, exit};
use crate::process::signals::{self, Signals};
use crate::session::assignment::OnHangup;
use crate::session::follow::{self, Follower, Parts};
use crate::session::inline;
use crate::session::logs::RunLogs;
use crate::session::prepare::Prepared;
use crate::session::start::{Caller, Place, place, start};

/// Runs what was asked for.
pub(super) fn run(context: &Context<'_>, args: &RunArgs) -> Result<Ending, CliError> {
    refuse_later(&args.later)?;
    if args.list {
        return list::list(context, &ListArgs { json: args.json });
    }
    if args.dry_run {
        return plan::show(context, &args.selection, args.json);
    }
    // Taken before any thread is started, so that no thread takes them another way.
    let signals = Signals::take(&[signals::HANGUP, signals::INTERRUPT, signals::QUIT, signals::TERMINATE])
        .map_err(|error| CliError::infrastructure(format!("cannot take signals: {error}")))?;
    let rounds = args.repeat.unwrap_or(1);
    let mut failed = 0;
    let mut last = Ending::Code(exit::PASSED);
    for round in 1..=rounds {
        if rounds > 1 && !args.json {
            output::say(&format!("round {round} of {rounds}"));
        }
        let ending = once(context, args, &signals)?;
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

/// The face: the command line, then the project's config, then the user's.
fn mode(context: &Context<'_>, args: &RunArgs, configured: Option<&str>) -> Result<Mode, CliError> {
    if args.json {
        Ok(Mode::Report)
    } else if args.quiet {
        Ok(Mode::Quiet)
    } else {
        faces::mode(args.output.as_deref().or(configured).or(context.user.output.as_deref()))
    }
}

fn once(context: &Context<'_>, args: &RunArgs, signals: &Signals) -> Result<Ending, CliError> {
    let clock = SystemClock;
    let project = context.project()?;
    let mode = mode(context, args, project.pipeline.run().output.as_deref())?;
    let plan = context.plan(&project, &args.selection)?;
    let names: Vec<StageName> = plan.stages.values().map(|stage| stage.name.clone()).collect();
    let prepared = project.prepare(plan);
    let caller = Caller {
        env: context.env,
        argv: context.argv.clone(),
        directory: context.directory.clone(),
        on_hangup: if context.is_interactive() { OnHangup::Continue } else { OnHangup::Cancel },
        stage_env: colour_hints(context, mode),
        now: clock.now(),
    };
    let place = place(&prepared, &caller)?;
    if let Some(warning) = &place.warning {
        output::warning(warning);
    }
    let (run, number) = (place.run.clone(), place.number);
    let logs = RunLogs::new(run.clone(), names);
    let display = faces::display(mode, context, if number.is_some() { logs } else { logs.not_kept() });
    let ending = if prepared.plan.has_work() {
        follow_new(prepared, &caller, place, display, signals)?
    } else {
        let verdict = inline::run(prepared.plan, place, display);
        Ending::Code(verdict.exit_code())
    };
    if !matches!(ending, Ending::Signal(signals::HANGUP)) {
        Place::discard_if_temporary(&run, number);
    }
    Ok(ending)
}

fn follow_new(
    prepared: Prepared,
    caller: &Caller<'_>,
    place: Place,
    display: crate::report::display::Display,
    signals: &Signals,
) -> Result<Ending, CliError> {
    let started = start(prepared, caller, place)?;
    let number = started.number;
    let mut notify = |text: &str| output::say(text);
    let parts = Parts { run: started.run, display, clock: &SystemClock, signals, notify: &mut notify };
    let (ending, _) = Follower::foreground(parts, started.socket).follow();
    Ok(match ending {
        follow::Ending::Finished(verdict, code) => finished(verdict, code),
        follow::Ending::Lost => Ending::Code(exit::INFRASTRUCTURE),
        follow::Ending::Left(signal) => {
            left_alone(number, signal);
            Ending::Signal(signal)
        }
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

/// What becomes of a run that this process leaves before its end. A closed terminal is told nothing.
fn left_alone(number: Option<RunNumber>, signal: i32) {
    if signal == signals::HANGUP {
        return;
    }
    match number {
        Some(number) => output::say(&format!(
            "run {number} has not ended yet; `local-ci stop -f {number}` kills what is left of it"
        )),
        None => output::say("the run has not ended yet, and has no number to stop it by"),
    }
}

/// Asks tools for colour whose output is a pipe only because we show it: never against what the user has set.
fn colour_hints(context: &Context<'_>, mode: Mode) -> Vec<(String, String)> {
    if mode != Mode::Grouped || !faces::colour(context) {
        return Vec::new();
    }
    [(env::FORCE_COLOR, "1"), (env::CLICOLOR_FORCE, "1"), (env::CARGO_TERM_COLOR, "always")]
        .into_iter()
        .filter(|(name, _)| context.env.get(name).is_none())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Options that this version cannot act on are refused before anything is done.
fn refuse_later(later: &Later) -> Result<(), CliError> {
    let given = [
        ("--detach", later.detach),
        ("--allow", later.allow),
        ("--queue", later.queue),
        ("--after", later.after.is_some()),
        ("--after-any", later.after_any.is_some()),
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
