//! `show`: a run again, as its summary or its report. Exits with the run's own code.

use super::args::ShowArgs;
use super::error::CliError;
use super::faces::{self, Mode};
use super::project::Context;
use super::{Ending, target};
use crate::journal::read::read_all;
use crate::journal::state::RunState;
use crate::outcome::exit;

/// Shows a run.
pub(super) fn show(context: &Context<'_>, args: &ShowArgs) -> Result<Ending, CliError> {
    let project = context.project()?;
    let state = context.state(&project.root)?;
    let target = target::find(&state, &args.run)?;
    let run = &target.run;
    let names = run.names.values().cloned().collect();
    let mode = if args.json { Mode::Report } else { Mode::Recap };
    let mut display = faces::display(mode, context, run.dir.clone(), names);
    for event in read_all(&run.dir).map_err(target::unreadable)? {
        display.event(&event);
        while display.output() {}
    }
    match run.state {
        RunState::Finished { exit_code, .. } => Ok(Ending::Code(exit_code)),
        RunState::Running => {
            super::output::say(&format!(
                "run {} has not ended yet; `local-ci attach {}` follows it",
                run.number, run.number
            ));
            Ok(Ending::Code(exit::PASSED))
        }
        RunState::Lost => {
            display.lose();
            while display.output() {}
            super::output::lost_before_it_began(&run.dir, Some(run.number), display.view());
            Ok(Ending::Code(exit::INFRASTRUCTURE))
        }
    }
}
