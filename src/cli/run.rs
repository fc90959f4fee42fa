//! `run`, and the bare form: prepares everything that can fail for the user's reasons, starts the run, and follows it.

use super::args::{ListArgs, Presence, RunArgs, Selection};
use super::busy::{self, Busy, Way};
use super::error::CliError;
use super::faces::{self, Mode};
use super::leave::{self, Leaving};
use super::project::Context;
use super::{Ending, again, elsewhere, keys, list, onlooker, output, plan, queue, report, secrets, target};
use crate::clock::{Clock, SystemClock};
use crate::env;
use crate::ids::{RunNumber, StageName};
use crate::journal::layout::RunDir;
use crate::journal::turn::Turn;
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
use crate::session::place::{Caller, Place, StartError, discard_temporary, place_in_turn};
use crate::session::prepare::{Prepared, Project};
use crate::session::runs::{self, Run};
use crate::session::secrets::Secrets;
use crate::session::start::{Started, start};
use crate::session::step::StepFiles;

/// Runs what was asked for.
pub(super) fn run(context: &Context<'_>, args: &RunArgs) -> Result<Ending, CliError> {
    run_as(context, args, &[])
}

/// Runs what was asked for in other words than these, which do the same.
pub(super) fn run_as(context: &Context<'_>, args: &RunArgs, equivalent: &[String]) -> Result<Ending, CliError> {
    if args.list {
        return list::list(context, &ListArgs { all: false, json: args.json });
    }
    if args.dry_run {
        return plan::show(context, &args.selection, args.json);
    }
    run_in(context, args, &Occasion { equivalent, ..Occasion::default() }, &|| context.project())
}

/// Is told where a run is.
pub(super) type Placed<'a> = dyn Fn(&RunDir, Option<RunNumber>) + 'a;

/// What a run is started for, where that is not to do what was typed.
#[derive(Default)]
pub(super) struct Occasion<'a> {
    /// The `run` command line that does the same.
    pub(super) equivalent: &'a [String],
    /// Variables for every stage, below its own.
    pub(super) variables: Vec<(String, String)>,
    /// Whether nobody wants the run once this process is gone, so that it ends with it.
    pub(super) is_bound: bool,
    /// Is told where the run is, before it starts.
    pub(super) placed: Option<&'a Placed<'a>>,
}

/// Runs stages of a project that need not be the one that is found here. It is read anew for every round.
pub(super) fn run_in(
    context: &Context<'_>,
    args: &RunArgs,
    occasion: &Occasion<'_>,
    project: &dyn Fn() -> Result<Project, CliError>,
) -> Result<Ending, CliError> {
    report::refuse(context, args)?;
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
        let ending = once(context, args, occasion, &interrupts, project()?)?;
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

/// Who stays with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    /// We do, until it ends.
    ToTheEnd,
    /// Nobody: `--detach`.
    NotAtAll,
    /// We do, for as long as we like: `--allow`.
    AsLongAsLiked,
}

impl Stay {
    fn of(presence: &Presence) -> Self {
        match presence {
            Presence { detach: true, .. } => Self::NotAtAll,
            Presence { allow: true, .. } => Self::AsLongAsLiked,
            Presence { .. } => Self::ToTheEnd,
        }
    }
}

fn once(
    context: &Context<'_>,
    args: &RunArgs,
    occasion: &Occasion<'_>,
    interrupts: &Interrupts,
    project: Project,
) -> Result<Ending, CliError> {
    let equivalent = occasion.equivalent;
    let context = &context.annotating(project.pipeline.run().annotations);
    let stay = Stay::of(&args.presence);
    let mode = match stay {
        // How it is shown will be asked when somebody looks at it.
        Stay::NotAtAll => faces::mode(context, None)?,
        Stay::ToTheEnd | Stay::AsLongAsLiked => mode(context, args, project.pipeline.run().output.as_deref())?,
    };
    let plan = context.plan(&project, &args.selection)?;
    elsewhere::reach(context, &plan, interrupts)?;
    let secrets = if plan.has_work() { secrets::find(context, &plan, interrupts)? } else { Secrets::default() };
    let goes_on = stay != Stay::ToTheEnd || context.is_interactive() && !occasion.is_bound;
    let on_hangup = if goes_on { OnHangup::Continue } else { OnHangup::Cancel };
    // Who is about to leave types nothing.
    let offer = (stay == Stay::ToTheEnd).then(|| keys::Offer::of(context, mode, on_hangup));
    let names: Vec<StageName> = plan.stages.values().map(|stage| stage.name.clone()).collect();
    let turn = queue::turn(context, &project.root, &args.presence)?;
    let prepared = project.prepare(plan);
    let mut caller = Caller {
        env: context.env,
        argv: context.argv.clone(),
        equivalent: equivalent.to_vec(),
        directory: context.directory.clone(),
        on_hangup,
        verbose: context.global.verbose > 0,
        terminal: offer.as_ref().and_then(|offer| offer.for_stages(&prepared.plan)),
        stage_env: colour_hints(context, mode).into_iter().chain(occasion.variables.iter().cloned()).collect(),
        secrets,
        now: SystemClock.now(),
    };
    let place = match claim(context, args, &prepared, &mut caller, &turn, interrupts)? {
        Claimed::Place(place) => place,
        Claimed::Attach(run) => return Ok(onlooker::follow(context, interrupts, &run, mode, None)),
    };
    if let Some(warning) = &place.warning {
        output::warning(warning);
    }
    let (run, number) = (place.run.clone(), place.number);
    if let Some(placed) = occasion.placed {
        placed(&run, number);
    }
    let leaving = Leaving::new(context, (&run, &place.id, number), prepared.root.clone(), names.clone())
        .elsewhere(&prepared.plan)
        .queued(place.waits.as_ref());
    let logs = RunLogs::new(run.clone(), names);
    let logs = if number.is_some() { logs } else { logs.not_kept() };
    // What waits for its turn needs somebody who waits, also where there is nothing to be done.
    let has_work = prepared.plan.needs_supervisor() || place.waits.is_some();
    let announcement = leave::announcement(args.json, args.quiet);
    let ending = match stay {
        Stay::NotAtAll if has_work => {
            let started = begin(context, prepared, &caller, place)?;
            // What becomes of its directory is the supervisor's affair: it outlives us.
            return Ok(leaving.detach(context, announcement, &started, interrupts));
        }
        Stay::NotAtAll => {
            interrupts.done();
            let verdict = inline::run(prepared.plan, &place, faces::unseen(context, logs)).0;
            Ok(leaving.detach_ended(announcement, verdict.exit_code()))
        }
        Stay::AsLongAsLiked => {
            let display = faces::onlooker(mode, context, Box::new(logs), rerun(&args.selection, equivalent), false);
            let stayed = stay_with(context, prepared, &caller, place, display, &leaving, interrupts);
            if let Ok((ending, follow::Ending::Left)) = stayed {
                // A directory that nobody keeps is then the supervisor's affair.
                return Ok(report::write_all(context, &args.reports, (&run, number), ending));
            }
            stayed.map(|(ending, _)| ending)
        }
        Stay::ToTheEnd => {
            let offer = offer.map(|offer| offer.to(number));
            let may_leave = offer.as_ref().is_some_and(keys::Offer::may_leave);
            let display = faces::foreground(mode, context, logs, rerun(&args.selection, equivalent), may_leave);
            if has_work {
                follow_new(context, prepared, &caller, place, Shown { display, offer }, interrupts)
            } else {
                // Nothing is started that a signal could be for.
                interrupts.done();
                let (verdict, _) = inline::run(prepared.plan, &place, display);
                Ok(Ending::Code(verdict.exit_code()))
            }
        }
    };
    interrupts.done();
    let ending = ending.map(|ending| report::write_all(context, &args.reports, (&run, number), ending));
    if number.is_none() {
        discard_temporary(&run);
    }
    ending
}

/// What came of asking for a place.
enum Claimed {
    /// There is one.
    Place(Place),
    /// Somebody wants to look at the run that is in the way.
    Attach(Box<Run>),
}

/// Finds a place for the run. Where one of its stages is running already, somebody who sits here is asked for a way on.
fn claim(
    context: &Context<'_>,
    args: &RunArgs,
    prepared: &Prepared,
    caller: &mut Caller<'_>,
    turn: &Turn,
    interrupts: &Interrupts,
) -> Result<Claimed, CliError> {
    let mut turn = turn.clone();
    loop {
        interrupts.starting();
        let error = match place_in_turn(prepared, caller, &turn) {
            Ok(place) => return Ok(Claimed::Place(place)),
            Err(error) => error,
        };
        interrupts.done();
        let StartError::Running { stage, number, .. } = &error else { return Err(error.into()) };
        let project = context.state(&prepared.root)?;
        let may_wait = !args.presence.allow;
        let busy = Busy { context, project: &project, stage, number: *number, may_wait };
        if !busy::may_ask(context, args) {
            return Err(busy.error());
        }
        match busy.ask()? {
            Way::Attach => {
                return Ok(Claimed::Attach(Box::new(runs::read(&project, *number).map_err(target::unreadable)?)));
            }
            Way::Wait => turn.queue = true,
            Way::Replace => busy.end()?,
        }
        caller.now = SystemClock.now();
    }
}

/// Starts a run.
fn begin(context: &Context<'_>, prepared: Prepared, caller: &Caller<'_>, place: Place) -> Result<Started, CliError> {
    // One reason why there is no history is enough.
    let has_history = place.warning.is_none();
    let root = prepared.root.clone();
    let started = start(prepared, caller, place, |plan| {
        inputs::fingerprint(plan);
        let warnings = context.foretell(&root, plan);
        warnings.iter().filter(|_| has_history).for_each(|text| output::warning(text));
    })?;
    Ok(started)
}

/// `--allow`: starts the run and shows it for as long as somebody likes. Gives also how following it ended.
fn stay_with(
    context: &Context<'_>,
    prepared: Prepared,
    caller: &Caller<'_>,
    place: Place,
    display: Display,
    leaving: &Leaving,
    interrupts: &Interrupts,
) -> Result<(Ending, follow::Ending), CliError> {
    if !prepared.plan.needs_supervisor() {
        leaving.introduce(interrupts);
        let (verdict, display) = inline::run(prepared.plan, &place, display);
        let ending = follow::Ending::Finished(verdict, verdict.exit_code());
        return Ok((leaving.part(context, ending, &display, interrupts), ending));
    }
    let started = begin(context, prepared, caller, place)?;
    if let Some(ending) = leaving.confirm(&started) {
        return Ok((ending, follow::Ending::Lost));
    }
    leaving.introduce(interrupts);
    let mut notify = |text: &str| output::say(text);
    let parts = Parts { run: started.run, display, clock: &SystemClock, notify: &mut notify };
    let (ending, display) = Follower::foreground(parts, started.socket).leaving_when_closed().follow();
    Ok((leaving.part(context, ending, &display, interrupts), ending))
}

/// How a run is shown, and what is done with what is typed.
struct Shown<'a> {
    display: Display,
    offer: Option<keys::Offer<'a>>,
}

fn follow_new(
    context: &Context<'_>,
    mut prepared: Prepared,
    caller: &Caller<'_>,
    place: Place,
    shown: Shown<'_>,
    interrupts: &Interrupts,
) -> Result<Ending, CliError> {
    let step = StepFiles::lay_out(&mut prepared.plan, &place.run, context.env).unwrap_or_else(|error| {
        output::warning(&format!("stages write to the CI step's own files, all to the same: {error}"));
        None
    });
    let waits = place.waits.clone();
    let waiting = queue::waiting(&place);
    let started = begin(context, prepared, caller, place)?;
    interrupts
        .forward(&started.socket, &started.run, farewell(started.number))
        .map_err(|error| CliError::infrastructure(format!("cannot pass signals on: {error}")))?;
    let (run, number) = (started.run.clone(), started.number);
    let mut notify = |text: &str| output::say(text);
    let is_used = |offer: &keys::Offer<'_>| caller.terminal.is_some() || offer.may_leave();
    let (_keys, leave, display) = match shown.offer.filter(is_used) {
        Some(offer) => offer.start(&run, true, shown.display),
        None => (None, None, shown.display),
    };
    let parts = Parts { run: started.run, display, clock: &SystemClock, notify: &mut notify };
    let follower = Follower::foreground(parts, started.socket).telling(waiting).leaving_by(leave);
    let (ending, display) = follower.follow();
    output::incomplete(&display);
    if let (Some(step), follow::Ending::Finished(..) | follow::Ending::Lost) = (step, ending) {
        step.merge().iter().for_each(|complaint| output::warning(complaint));
    }
    Ok(match ending {
        follow::Ending::Finished(verdict, code) => {
            queue::say_in_vain(verdict, waits.as_ref());
            finished(verdict, code)
        }
        follow::Ending::Lost => {
            output::lost(&run, number, display.view());
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
fn rerun(selection: &Selection, equivalent: &[String]) -> Rerun {
    let arguments = match &selection.stages[..] {
        [stage] if !selection.args.is_empty() => Some((stage.clone(), format!(" -- {}", quote_all(&selection.args)))),
        _ => None,
    };
    let by_number = again::is_of_command(equivalent);
    let fix = if selection.fix { " --fix" } else { "" };
    Rerun { options: format!("{fix}{}", again::elsewhere(&selection.elsewhere)), arguments, by_number }
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
pub(super) fn colour_hints(context: &Context<'_>, mode: Mode) -> Vec<(String, String)> {
    if !faces::shows_colour(context, mode) {
        return Vec::new();
    }
    [(env::FORCE_COLOR, "1"), (env::CLICOLOR_FORCE, "1"), (env::CARGO_TERM_COLOR, "always")]
        .into_iter()
        .filter(|(name, _)| context.env.get(name).is_none())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
