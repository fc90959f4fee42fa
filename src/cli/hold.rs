//! `pause`, `resume` and `signal`: what a run that goes on is asked over its socket.

use std::time::Duration;

use super::args::{HoldArgs, SignalArgs};
use super::error::CliError;
use super::project::Context;
use super::stop::{only_active, refuse_bystanders};
use super::target::{self, Target};
use super::{Ending, output, takeover};
use crate::ids::{RunNumber, StageId, StageName};
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::outcome::{Verdict, exit};
use crate::plan::error::nearest;
use crate::process::signals;
use crate::session::ask::{AskError, ask};
use crate::session::control::{Reply, Request};
use crate::session::runs;
use crate::text::plain::printable;
use crate::view::{StageState, StageView};

/// How long a run may take to answer: it waits some seconds for what does not stop at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stops everything that a run has started, until it is resumed.
pub(super) fn pause(context: &Context<'_>, args: &HoldArgs) -> Result<Ending, CliError> {
    let (state, number) = find(context, args, "pause")?;
    match ask(&state.run(number), &Request::Pause, PATIENCE) {
        Ok(Reply::Already) => output::say(&format!("run {number} is paused already")),
        Ok(Reply::Refused { why }) => return Err(refused(number, "paused", &why)),
        Ok(Reply::Done | Reply::Signalled { .. }) => {
            let program = context.program();
            output::say(&format!("run {number} is paused; `{program} resume {number}` has it go on"));
        }
        Err(error) => return Err(unanswered(context, &state, number, "paused", &error)),
    }
    Ok(Ending::Code(exit::PASSED))
}

/// Has a paused run go on.
pub(super) fn resume(context: &Context<'_>, args: &HoldArgs) -> Result<Ending, CliError> {
    let (state, number) = find(context, args, "resume")?;
    match ask(&state.run(number), &Request::Resume, PATIENCE) {
        Ok(Reply::Already) => output::say(&format!("run {number} is not paused")),
        Ok(Reply::Refused { why }) => return Err(refused(number, "resumed", &why)),
        Ok(Reply::Done | Reply::Signalled { .. }) => output::say(&format!("run {number} goes on")),
        Err(error) => return Err(unanswered(context, &state, number, "resumed", &error)),
    }
    Ok(Ending::Code(exit::PASSED))
}

/// The run that is meant, which goes on.
fn find(context: &Context<'_>, args: &HoldArgs, verb: &str) -> Result<(ProjectDir, RunNumber), CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let number = match &args.target {
        Some(word) => {
            let target = target::find(&state, word)?;
            match target.run.state {
                RunState::Running => {}
                RunState::Queued => return Err(queued(target.run.number)),
                RunState::Finished { .. } | RunState::Lost => return Err(over(context, &target)),
            }
            refuse_bystanders(context, &target, verb)?;
            target.run.number
        }
        None => only_active(&runs::active(&state).map_err(target::unreadable)?)?,
    };
    Ok((state, number))
}

/// Sends a signal to everything that a job, or a whole run, has started.
pub(super) fn signal(context: &Context<'_>, args: &SignalArgs) -> Result<Ending, CliError> {
    let signal = signals::number_of(&args.signal).ok_or_else(|| unknown_signal(&args.signal))?;
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let target = target::find(&state, &args.target)?;
    let number = target.run.number;
    let stages = meant(context, &target)?;
    let (mut processes, mut refusal) = (0, None);
    for stage in stages {
        match ask(&state.run(number), &Request::Signal { stage, signal }, PATIENCE) {
            Ok(Reply::Signalled { processes: reached }) => processes += reached,
            Ok(Reply::Refused { why }) => refusal = Some(why),
            Ok(Reply::Done | Reply::Already) => {}
            Err(error) => return Err(unanswered(context, &state, number, "sent a signal", &error)),
        }
    }
    let name = signals::name_of(signal);
    match (processes, refusal) {
        (0, Some(why)) => Err(refused(number, "sent a signal", &why)),
        (0, None) => Err(CliError::infrastructure(format!(
            "{name} reached nobody: run {number} has no process now that it may be sent to"
        ))),
        (1, _) => Ok(sent(&format!("{name} sent to 1 process of run {number}"))),
        (n, _) => Ok(sent(&format!("{name} sent to {n} processes of run {number}"))),
    }
}

fn sent(text: &str) -> Ending {
    output::say(text);
    Ending::Code(exit::PASSED)
}

/// The stages that get a signal: those of the named ones that run, or all that do.
fn meant(context: &Context<'_>, target: &Target) -> Result<Vec<Option<StageName>>, CliError> {
    match target.run.state {
        RunState::Running => {}
        RunState::Queued => return Err(queued(target.run.number)),
        RunState::Finished { .. } | RunState::Lost => return Err(over(context, target)),
    }
    if !target.narrowed {
        return Ok(vec![None]);
    }
    let runs = |id: &&StageId| {
        let view = target.run.view.stages().get(**id);
        view.is_some_and(|view| matches!(view.state, StageState::Running { .. }))
    };
    let running: Vec<_> = target.stages.iter().filter(runs).map(|id| Some(target.run.names[*id].clone())).collect();
    if running.is_empty() { Err(over(context, target)) } else { Ok(running) }
}

fn queued(number: RunNumber) -> CliError {
    CliError::usage(format!("run {number} has not started; it waits for its turn"))
}

fn refused(number: RunNumber, what: &str, why: &str) -> CliError {
    CliError::usage(format!("run {number} cannot be {what}: {}", printable(why)))
}

/// Nobody answered. A run that has ended since it was looked at is said to have.
fn unanswered(context: &Context<'_>, state: &ProjectDir, number: RunNumber, what: &str, error: &AskError) -> CliError {
    match error {
        AskError::Ended => match target::find(state, &number.to_string()) {
            Ok(target) => over(context, &target),
            Err(error) => error,
        },
        AskError::Queued => queued(number),
        AskError::Silent | AskError::Deaf | AskError::Io(_) => {
            let program = context.program();
            CliError::infrastructure(format!("run {number} cannot be {what}: {error}"))
                .or_try(format!("`{program} stop {number}` and `stop -f` reach it all the same"))
        }
    }
}

/// What is meant does not run: what came of it.
fn over(context: &Context<'_>, target: &Target) -> CliError {
    let number = target.run.number;
    if let Some((what, machine)) = left(target) {
        return CliError::usage(format!("{what}, and may run on {} still", printable(&machine)))
            .or_try(format!("`{0} stop {number}` ends it, `{0} attach {number}` takes it over", context.program()));
    }
    let view = match target.stages[..] {
        [stage] if target.narrowed => target.run.view.stages().get(stage),
        _ => None,
    };
    CliError::usage(match (view, target.run.state) {
        (Some(view), state) => {
            format!("{} is not running: in run {number} it {}", view.info.name, stage_word(view, state))
        }
        (None, RunState::Finished { verdict, .. }) => format!("run {number} has ended: it {}", run_word(verdict)),
        (None, RunState::Lost) => format!("run {number} has ended: it was lost"),
        (None, RunState::Running | RunState::Queued) => format!("nothing of that is running in run {number}"),
    })
}

/// What is meant and was left, as the beginning of a sentence, and the machines on which it may run.
fn left(target: &Target) -> Option<(String, String)> {
    let number = target.run.number;
    let left = takeover::left(&target.run)?;
    match target.stages[..] {
        [stage] if target.narrowed => {
            let name = &target.run.names[stage];
            let (_, machine) = left.elsewhere.iter().find(|(left, _)| left == name)?;
            Some((format!("{name} was left in run {number}"), machine.clone()))
        }
        _ if left.elsewhere.is_empty() => None,
        _ => Some((format!("run {number} was left"), left.machines().join(", "))),
    }
}

fn stage_word(view: &StageView, run: RunState) -> String {
    match &view.state {
        StageState::Finished(finished) => {
            let code = finished.exit_code().filter(|code| *code != 0);
            let code = code.map_or(String::new(), |code| format!(" ({code})"));
            let word = match finished.outcome.word() {
                "pass" => "passed",
                "fail" => "failed",
                "timeout" => "timed out",
                "skip" => "was skipped",
                "cancelled" => "was cancelled",
                "error" => "could not be run",
                other => other,
            };
            format!("{word}{code}")
        }
        _ if run == RunState::Lost => "was lost".into(),
        StageState::Waiting => "has not started yet".into(),
        StageState::Retrying { attempt, .. } => format!("waits for attempt {attempt}"),
        StageState::Running { .. } => "has just ended".into(),
    }
}

fn run_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Cancelled { .. } => "was cancelled",
        Verdict::Errored => "could not be run",
        Verdict::Lost => "was lost",
    }
}

fn unknown_signal(word: &str) -> CliError {
    let bare = word.to_ascii_uppercase();
    let near = nearest(bare.strip_prefix("SIG").unwrap_or(&bare), signals::names());
    let error = CliError::usage(format!("there is no signal {:?}", printable(word)));
    match &near[..] {
        [] => error.or_try("a signal is a name such as TERM or SIGUSR1, or its number, as kill(1) takes it"),
        near => error.or_try(format!("did you mean {}?", near.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_signal_finds_those_like_it() {
        let hint = |word| match unknown_signal(word) {
            CliError::Usage { message, hint } => (message, hint.unwrap()),
            other => panic!("{other}"),
        };
        assert_eq!(hint("SIGTREM"), ("there is no signal \"SIGTREM\"".into(), "did you mean TERM?".into()));
        assert!(hint("usr").1.starts_with("did you mean USR1, USR2"), "{:?}", hint("usr"));
        assert!(hint("64").1.starts_with("a signal is a name"));
    }
}
