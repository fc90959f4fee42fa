//! Going on with a run that was left: `attach` takes it over, and `stop` ends what is left of it. Nothing else does.

use std::path::Path;
use std::time::Duration;

use super::error::CliError;
use super::faces::Mode;
use super::project::Context;
use super::rerun::plan_now;
use super::run::colour_hints;
use super::{elsewhere, output, secrets, target};
use crate::cancel::CancelLevel;
use crate::clock::{Clock, SystemClock};
use crate::ids::{RunNumber, Signature, StageName};
use crate::journal::claim::{RetakeError, release, retake};
use crate::journal::header::Header;
use crate::journal::layout::ProjectDir;
use crate::journal::state::{self, RunState};
use crate::journal::turn::Refusal;
use crate::session::assignment::OnHangup;
use crate::session::interrupts::Interrupts;
use crate::session::place::{Caller, StartError};
use crate::session::runs::{self, Run};
use crate::session::secrets::Secrets;
use crate::session::start::{FirstWord, Started, Taken, take_over};
use crate::session::takeover::past::{past, said};
use crate::session::takeover::plan::{Again, again};
use crate::session::takeover::{self, Left};
use crate::text::plain::printable;

/// How long the first word of a supervisor is waited for.
const FIRST_WORD: Duration = Duration::from_secs(2);

/// A run as it is once it is known whether it was left: one whose supervisor was killed a moment ago is not yet.
pub(super) fn settled(state: &ProjectDir, run: Run) -> Result<Run, CliError> {
    if run.state.is_active() && runs::settle(&run.dir, &SystemClock).map_err(target::unreadable)? {
        return runs::read(state, run.number).map_err(target::unreadable);
    }
    Ok(run)
}

/// What there is to go on with of a run, if anything is.
pub(super) fn left(run: &Run) -> Option<Left> {
    if run.state == RunState::Lost { takeover::look_in(&run.dir, &run.view) } else { None }
}

/// A run of this project.
pub(super) struct Place<'a> {
    pub(super) context: &'a Context<'a>,
    /// The project's directory.
    pub(super) root: &'a Path,
    pub(super) state: &'a ProjectDir,
    pub(super) number: RunNumber,
}

/// Has a supervisor go on with a run that was left, with today's config. Where somebody else just did, it is theirs.
pub(super) fn go_on(place: &Place<'_>, mode: Mode, interrupts: &Interrupts) -> Result<(), CliError> {
    let Place { context, number, .. } = place;
    let (header, view) = place.read()?;
    let today = plan_now(context, &header, *number)?;
    output::say(&format!("run {number} was left; taking it over"));
    let again = again(&view, &header, today.as_ref());
    for (stage, why) in &again.barred {
        if view.stages().get(*stage).is_some_and(|stage| stage.finished().is_none()) {
            let name = &again.plan.stages[*stage].name;
            output::warning(&format!("{name}: {why}; what runs of it is followed, and nothing more of it is started"));
        }
    }
    elsewhere::reach(context, &again.plan, interrupts)?;
    let secrets = secrets::find(context, &again.plan, interrupts)?;
    interrupts.starting();
    let stage_env = colour_hints(context, mode);
    match place.begin(again, &header, None, stage_env, secrets)? {
        None => output::say(&format!("somebody else took run {number} over just now; this follows it")),
        Some(started) => {
            if started.first_word(FIRST_WORD) == FirstWord::Dead {
                return Err(place.died());
            }
        }
    }
    Ok(())
}

/// Ends what is left of a run, wherever it is, and waits until that is so. It takes no config. Says whether that is done:
/// somebody else may have taken it over just now, and then it is a run like any other.
pub(super) fn end(place: &Place<'_>, force: bool, interrupts: &Interrupts) -> Result<bool, CliError> {
    let number = place.number;
    let (header, view) = place.read()?;
    let again = again(&view, &header, None);
    elsewhere::reach(place.context, &again.plan, interrupts)?;
    let level = if force { CancelLevel::Kill } else { CancelLevel::Terminate };
    let run = place.state.run(number);
    match place.begin(again, &header, Some(level), Vec::new(), Secrets::default())? {
        None => return Ok(false),
        Some(started) => {
            if started.first_word(FIRST_WORD) == FirstWord::Dead {
                return Err(place.died());
            }
            // Its stages have their grace, and the line the time that it may be gone.
            runs::wait_over(&run, Duration::MAX, &SystemClock).map_err(target::unreadable)?;
        }
    }
    match state::of(&run).map_err(target::unreadable)? {
        RunState::Lost => {
            let left = runs::read(place.state, number).ok().and_then(|run| left(&run));
            let how = left.map_or_else(|| "is lost".to_owned(), |left| left.sentence());
            Err(CliError::infrastructure(format!("run {number} {}: it could not be ended", printable(&how)))
                .or_try(format!("`{} stop {number}` tries again", place.context.program())))
        }
        RunState::Queued | RunState::Running | RunState::Finished { .. } => Ok(true),
    }
}

impl Place<'_> {
    fn read(&self) -> Result<(Header, crate::view::RunView), CliError> {
        let run = self.state.run(self.number);
        Header::read(&run).and_then(|header| Ok((header, said(&run)?))).map_err(|error| {
            CliError::infrastructure(format!("what run {} was asked to do cannot be read: {error}", self.number))
        })
    }

    /// Takes the run again and starts a supervisor for it. None where somebody else has, or it has ended.
    fn begin(
        &self,
        again: Again,
        header: &Header,
        stop: Option<CancelLevel>,
        stage_env: Vec<(String, String)>,
        secrets: Secrets,
    ) -> Result<Option<Started>, CliError> {
        let Again { plan, barred, open } = again;
        let jobs: Vec<(Signature, StageName)> =
            open.iter().map(|id| (plan.stages[*id].job(), plan.stages[*id].name.clone())).collect();
        let number = self.number;
        let lock = match retake(self.state, self.root, number, &jobs) {
            Ok(lock) => lock,
            Err(RetakeError::Held | RetakeError::Over) => return Ok(None),
            Err(RetakeError::Refused(Refusal::Running { stage, number, is_queued })) => {
                return Err(StartError::Running { stage, number, is_queued }.into());
            }
            Err(error @ (RetakeError::Refused(_) | RetakeError::Io(_))) => {
                return Err(CliError::infrastructure(format!("run {number} cannot be taken over: {error}")));
            }
        };
        let run = self.state.run(number);
        // Only now nobody else writes to it.
        let past = past(&run, barred, stop, SystemClock.now()).map_err(|error| {
            release(self.state, number);
            CliError::infrastructure(format!("run {number} cannot be taken over: its journal cannot be read: {error}"))
        })?;
        let caller = Caller {
            env: self.context.env,
            argv: Vec::new(),
            equivalent: Vec::new(),
            directory: self.context.directory.clone(),
            // Nobody's terminal: who attaches may leave.
            on_hangup: OnHangup::Continue,
            verbose: self.context.global.verbose > 0,
            terminal: None,
            stage_env,
            secrets,
            now: SystemClock.now(),
        };
        let taken = Taken { id: header.run.clone(), number, run, lock, plan, past };
        Ok(Some(take_over(taken, self.state, &caller)?))
    }

    fn died(&self) -> CliError {
        let number = self.number;
        let complaint =
            runs::last_complaint(&self.state.run(number)).map_or(String::new(), |line| format!(" ({line})"));
        CliError::infrastructure(format!(
            "run {number} is left again: its new supervisor died{}",
            printable(&complaint)
        ))
    }
}
