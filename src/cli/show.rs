//! `show`: a run again, as its summary or its report. Exits with the run's own code.

use super::args::ShowArgs;
use super::error::CliError;
use super::faces::{self, Mode};
use super::project::Context;
use super::{Ending, again, output, queue, target};
use crate::journal::read::read_all;
use crate::journal::state::RunState;
use crate::outcome::{Verdict, exit};
use crate::report::json::report;
use crate::session::logs::RunLogs;
use crate::session::runs::Run;

/// Shows a run.
pub(super) fn show(context: &Context<'_>, args: &ShowArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let target = target::find(&state, &args.run)?;
    let run = &target.run;
    let names = run.names.values().cloned().collect();
    let logs = RunLogs::new(run.dir.clone(), names);
    let code = if args.json { as_json(run, &logs)? } else { as_summary(context, run, logs)? };
    let number = run.number;
    if run.state == RunState::Lost {
        output::lost(&run.dir, Some(number), &run.view);
    }
    Ok(Ending::Code(match (code, run.state) {
        (Some(code), _) => code,
        (None, RunState::Queued | RunState::Running) => {
            // There is no verdict yet: not a pass for whoever asks.
            let how = match run.state {
                RunState::Queued => queue::is_queued(&state, number),
                _ => "has not ended yet".to_owned(),
            };
            output::say(&format!("run {number} {how}; `local-ci attach {number}` follows it"));
            exit::INFRASTRUCTURE
        }
        (None, RunState::Finished { .. } | RunState::Lost) => exit::INFRASTRUCTURE,
    }))
}

/// The report as it is now. None where the run goes on.
fn as_json(run: &Run, logs: &RunLogs) -> Result<Option<u8>, CliError> {
    let mut report = report(&run.view, logs);
    if run.state == RunState::Lost && report.exit_code.is_none() {
        // It never said anything that a view could be made of.
        (report.verdict, report.exit_code) = (Verdict::Lost.word().into(), Some(Verdict::Lost.exit_code()));
    }
    let text = serde_json::to_string(&report)
        .map_err(|error| CliError::infrastructure(format!("the report cannot be written: {error}")))?;
    let _ = output::print(&(text + "\n"));
    Ok(run.view.exit_code())
}

/// The summary, once there is one. None where the run goes on.
fn as_summary(context: &Context<'_>, run: &Run, logs: RunLogs) -> Result<Option<u8>, CliError> {
    let mut display = faces::display(Mode::Recap, context, logs, again::of_run(run));
    for event in read_all(&run.dir).map_err(target::unreadable)? {
        display.event(&event);
        while display.output() {}
    }
    match run.state {
        RunState::Queued | RunState::Running => {}
        // Changes nothing where the run has ended.
        RunState::Finished { .. } | RunState::Lost => display.lose(),
    }
    while display.output() {}
    Ok(display.view().exit_code())
}
