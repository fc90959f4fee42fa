//! Whether somebody types where a run is shown, and what for.

use std::io::{self, IsTerminal};

use super::faces::Mode;
use super::project::Context;
use super::{Ending, output};
use crate::env::Env;
use crate::ids::RunNumber;
use crate::journal::layout::RunDir;
use crate::outcome::exit;
use crate::plan::Plan;
use crate::process::pty::Size;
use crate::report::Display;
use crate::session::assignment::OnHangup;
use crate::session::keys::{Keys, Leave, Seat, Wishes};

/// What keys may be read for, before the run is there.
pub(super) struct Offer<'a> {
    #[cfg_attr(not(feature = "chaos"), expect(dead_code, reason = "asked for bugs on request only"))]
    env: &'a Env,
    seat: Option<Seat>,
    /// Whether leaving the run leaves it running, and is to be had by a key.
    may_leave: bool,
}

impl<'a> Offer<'a> {
    /// What can be offered here: nothing where nobody types on stdin, where the terminal is another program's, or where a
    /// program reads what is shown. A key that leaves is for who sees that it is there.
    pub(super) fn of(context: &Context<'a>, mode: Mode, on_hangup: OnHangup) -> Self {
        let is_for_people = match mode {
            Mode::Live | Mode::Grouped | Mode::Lines | Mode::Quiet => true,
            Mode::Recap | Mode::Events | Mode::Report => false,
        };
        let seat = (is_for_people && io::stdin().is_terminal()).then(Seat::find).flatten();
        let may_leave = seat.is_some() && mode == Mode::Live && on_hangup == OnHangup::Continue;
        Self { env: context.env, seat, may_leave }
    }

    /// How large the terminal is that interactive stages of this plan may have; none where there are none.
    pub(super) fn for_stages(&self, plan: &Plan) -> Option<Size> {
        self.seat
            .as_ref()
            .filter(|_| plan.stages.values().any(|stage| stage.runs() && stage.policy.interactive))
            .map(Seat::size)
    }

    /// The same for a run that has this number. Nobody leaves one that has none, and cannot be come back to.
    pub(super) fn to(mut self, number: Option<RunNumber>) -> Self {
        self.may_leave &= number.is_some();
        self
    }

    /// Whether a key leaves the run.
    pub(super) fn may_leave(&self) -> bool {
        self.may_leave
    }

    /// Reads keys for the run that is shown. Nothing is read any more once the first of what is returned is dropped.
    /// `is_ours`: this process has started it.
    pub(super) fn start(self, run: &RunDir, is_ours: bool, display: Display) -> (Option<Keys>, Option<Leave>, Display) {
        let may_leave = self.may_leave;
        let help = if is_ours { HELP } else { ONLOOKERS_HELP };
        let wishes = Wishes { run: run.clone(), may_leave, help: help.to_owned(), notify: output::say };
        match self.seat.map(|seat| Keys::start(seat, wishes)) {
            Some(Ok(keys)) => {
                let terminal = keys.for_stages();
                #[cfg(feature = "chaos")]
                let terminal = super::bug::armed_terminal(terminal, self.env);
                let display = display.with_terminal(terminal, is_ours);
                let leave = may_leave.then(|| keys.leave());
                (Some(keys), leave, display)
            }
            Some(Err(error)) => {
                output::warning(&format!("keys cannot be read: {error}"));
                (None, None, display)
            }
            None => (None, None, display),
        }
    }
}

/// What `?` says to who started the run.
const HELP: &str = "d leaves the run, which goes on; Ctrl+C ends it";
/// What `?` says to who looks on.
const ONLOOKERS_HELP: &str = "d leaves the run, as Ctrl+C does; it goes on";

/// The viewer has left by a key. There is no verdict to be had: nobody is to take this for a pass.
pub(super) fn left(context: &Context<'_>, number: RunNumber) -> Ending {
    let program = context.program();
    output::say(&format!(
        "run {number} continues; `{program} attach {number}` comes back to it, `{program} stop {number}` ends it"
    ));
    Ending::Code(exit::INFRASTRUCTURE)
}
