//! Which stages of a run did not pass, and a selection of them alone.

use crate::cli::args::Selection;
use crate::cli::error::CliError;
use crate::ids::StageName;
use crate::journal::state::RunState;
use crate::outcome::{Outcome, SkipReason};
use crate::pipeline::Pipeline;
use crate::session::runs::Run;
use crate::view::StageView;

/// The stages of a run that has ended which did not pass, and those that were not started because of that.
pub(super) fn stages(run: &Run) -> Result<Vec<StageName>, CliError> {
    if run.state.is_active() {
        let how = if run.state == RunState::Queued { "has not begun yet: it is queued" } else { "has not ended yet" };
        return Err(CliError::usage(format!("run {} {how}", run.number))
            .or_try(format!("`local-ci attach {}` follows it", run.number)));
    }
    // A run that was lost before its first event has nothing that passed.
    let did_not_pass = |stage: Option<&StageView>| stage.is_none_or(is_failure);
    let stages = run.names.iter().filter(|(id, _)| did_not_pass(run.view.stages().get(*id)));
    Ok(stages.map(|(_, name)| name.clone()).collect())
}

fn is_failure(stage: &StageView) -> bool {
    match stage.finished().map(|finished| &finished.outcome) {
        Some(Outcome::Passed | Outcome::Cached | Outcome::Skipped { reason: SkipReason::Condition { .. } }) => false,
        Some(
            Outcome::Failed { .. }
            | Outcome::TimedOut { .. }
            | Outcome::Errored { .. }
            | Outcome::Cancelled { .. }
            | Outcome::Skipped { reason: SkipReason::NeedFailed { .. } | SkipReason::RunTimeout },
        )
        // Lost, before it started or after.
        | None => true,
    }
}

/// Cuts what that run was asked for down to these stages. What it left out stays left out.
pub(super) fn narrow(selection: &mut Selection, run: &Run, failed: &[StageName], pipeline: &Pipeline) {
    // A profile also says what to leave out.
    if let Some(profile) = selection.profile.take().and_then(|name| pipeline.profiles().get(&name)) {
        selection.skip.extend(profile.skip.iter().cloned());
    }
    selection.tags.clear();
    // They are to be run, whatever has changed since.
    selection.changed = None;
    selection.stages = failed.iter().map(|name| name.as_str().to_owned()).collect();
    if selection.args.is_empty() {
        return;
    }
    // Arguments went to the one stage that was asked for: all others are there because it needs them, so it is the last.
    match run.names.values().last().filter(|asked| failed.contains(asked)) {
        Some(asked) => selection.stages = vec![asked.as_str().to_owned()],
        None => selection.args.clear(),
    }
}
