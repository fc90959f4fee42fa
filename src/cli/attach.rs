//! `attach`: follows a run from its first byte until it ends, through the same faces as a run in the foreground.

use super::args::AttachArgs;
use super::error::CliError;
use super::project::Context;
use super::run::interrupts;
use super::{Ending, faces, keys, output, target};
use crate::clock::SystemClock;
use crate::outcome::exit;
use crate::session::assignment::OnHangup;
use crate::session::follow::{self, Follower, Parts};
use crate::session::logs::RunLogs;

/// Follows a run.
pub(super) fn attach(context: &Context<'_>, args: &AttachArgs) -> Result<Ending, CliError> {
    let interrupts = interrupts()?;
    let anchor = context.anchor()?;
    let mode = faces::mode(context, args.output.as_deref().or(anchor.output()).or(context.user.output.as_deref()))?;
    let state = context.state(&anchor.root)?;
    let run = target::find(&state, args.target.as_deref().unwrap_or("latest"))?.run;
    let names = run.names.values().cloned().collect();
    let offer = keys::Offer::of(context, mode, OnHangup::Continue);
    let display = faces::onlooker(mode, context, RunLogs::new(run.dir.clone(), names), offer.may_leave());
    let number = run.number;
    interrupts.leave_with(format!(
        "run {number} continues; `local-ci attach {number}` comes back to it, `local-ci stop {number}` ends it"
    ));
    let mut notify = |text: &str| output::say(text);
    let (_keys, leave, display) = offer.start(&run.dir, false, display);
    let parts = Parts { run: run.dir.clone(), display, clock: &SystemClock, notify: &mut notify };
    let (ending, display) = Follower::onlooker(parts).leaving_by(leave).follow();
    interrupts.done();
    Ok(match ending {
        follow::Ending::Finished(_, code) => Ending::Code(code),
        follow::Ending::Lost => {
            output::lost_before_it_began(&run.dir, Some(run.number), display.view());
            Ending::Code(exit::INFRASTRUCTURE)
        }
        follow::Ending::Left => keys::left(context, number),
    })
}
