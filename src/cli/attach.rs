//! `attach`: follows a run from its first byte until it ends, through the same faces as a run in the foreground.

use super::args::AttachArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, faces, output, target};
use crate::clock::SystemClock;
use crate::outcome::exit;
use crate::process::signals::{self, Signals};
use crate::session::follow::{self, Follower, Parts};
use crate::session::logs::RunLogs;

/// Follows a run.
pub(super) fn attach(context: &Context<'_>, args: &AttachArgs) -> Result<Ending, CliError> {
    let signals = Signals::take(&[signals::HANGUP, signals::INTERRUPT, signals::QUIT, signals::TERMINATE])
        .map_err(|error| CliError::infrastructure(format!("cannot take signals: {error}")))?;
    let project = context.project()?;
    let mode = faces::mode(args.output.as_deref().or(context.user.output.as_deref()))?;
    let state = context.state(&project.root)?;
    let run = target::find(&state, &args.target)?.run;
    let names = run.view.stages().values().map(|stage| stage.info.name.clone()).collect();
    let display = faces::display(mode, context, RunLogs::new(run.dir.clone(), names));
    let mut notify = |text: &str| output::say(text);
    let parts = Parts { run: run.dir, display, clock: &SystemClock, signals: &signals, notify: &mut notify };
    let (ending, _) = Follower::onlooker(parts).follow();
    Ok(match ending {
        follow::Ending::Finished(_, code) => Ending::Code(code),
        follow::Ending::Lost => Ending::Code(exit::INFRASTRUCTURE),
        follow::Ending::Left(signal) => {
            if signal != signals::HANGUP {
                let number = run.number;
                output::say(&format!(
                    "run {number} continues; `local-ci attach {number}` comes back to it, `local-ci stop {number}` ends it"
                ));
            }
            Ending::Signal(signal)
        }
    })
}
