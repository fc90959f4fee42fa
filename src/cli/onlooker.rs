//! Looking on at a run that somebody started: Ctrl+C leaves it, and it goes on.

use super::faces::Mode;
use super::project::Context;
use super::{Ending, again, faces, keys, output, queue};
use crate::clock::SystemClock;
use crate::journal::state::{self, RunState};
use crate::outcome::exit;
use crate::report::Logs;
use crate::session::assignment::OnHangup;
use crate::session::follow::{self, Follower, Parts};
use crate::session::interrupts::Interrupts;
use crate::session::logs::RunLogs;
use crate::session::runs::Run;
use crate::session::tail::TailLogs;

/// Shows a run until it ends, from its first byte, or from so many lines before the end of what its stages have printed.
pub(super) fn follow(
    context: &Context<'_>,
    interrupts: &Interrupts,
    run: &Run,
    mode: Mode,
    tail: Option<usize>,
) -> Ending {
    let (number, program) = (run.number, context.program());
    let logs = RunLogs::new(run.dir.clone(), run.names.values().cloned().collect());
    let logs: Box<dyn Logs> = match tail {
        Some(lines) => Box::new(TailLogs::of(run, logs, lines, format!("{program} logs {number}/"))),
        None => Box::new(logs),
    };
    let offer = keys::Offer::of(context, mode, OnHangup::Continue);
    let display = faces::onlooker(mode, context, logs, again::of_run(run), offer.may_leave());
    let dir = run.dir.clone();
    interrupts.leave_with(move || match state::of(&dir) {
        Ok(RunState::Finished { .. } | RunState::Lost) => {
            format!("run {number} has ended; `{program} attach {number}` shows it again")
        }
        Ok(RunState::Queued | RunState::Running) | Err(_) => format!(
            "run {number} continues; `{program} attach {number}` comes back to it, `{program} stop {number}` ends it"
        ),
    });
    let mut notify = |text: &str| output::say(text);
    let (_keys, leave, display) = offer.start(&run.dir, false, display);
    let parts = Parts { run: run.dir.clone(), display, clock: &SystemClock, notify: &mut notify };
    let follower = Follower::onlooker(parts).telling(queue::waiting_of(run)).leaving_by(leave);
    let (ending, display) = follower.follow();
    interrupts.done();
    output::incomplete(&display);
    match ending {
        follow::Ending::Finished(_, code) => Ending::Code(code),
        follow::Ending::Left => keys::left(context, number),
        follow::Ending::Lost => {
            output::lost(&run.dir, Some(number), display.view());
            Ending::Code(exit::INFRASTRUCTURE)
        }
    }
}
