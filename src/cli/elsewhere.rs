//! The other machines of a plan, before its run is claimed: where one cannot be reached there is no run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::CliError;
use super::output;
use super::project::Context;
use crate::plan::Plan;
use crate::session::interrupts::Interrupts;
use crate::session::remotes::Line;
use crate::session::remotes::connect::{Unreached, connect};
use crate::text::plain::printable;

/// Makes sure of the lines to all machines that stages of this plan run on. Ctrl+C ends it, and us.
pub(super) fn reach(context: &Context<'_>, plan: &Plan, interrupts: &Interrupts) -> Result<(), CliError> {
    if plan.remotes.is_empty() {
        return Ok(());
    }
    let is_given_up = Arc::new(AtomicBool::new(false));
    let (told, line) = (Arc::clone(&is_given_up), Line::of_command(context.env, &is_given_up));
    interrupts.leave_with(move || {
        told.store(true, Ordering::Release);
        "nothing was started".to_owned()
    });
    let result = connect(plan.remotes.values(), &|remote| line.to(remote), &mut |text| output::say(&printable(text)));
    interrupts.done();
    let Err(unreached) = result else { return Ok(()) };
    let mut faults = unreached.into_iter().map(error);
    let Some(first) = faults.next() else { return Ok(()) };
    // Of several the last is the error, and those before it are told the same way.
    Err(faults.fold(first, |before, next| {
        output::fault(&before, super::faces::colour_when(context), context.env);
        next
    }))
}

/// What is wrong with a machine, and what to do about it.
fn error(Unreached { remote, fault }: Unreached) -> CliError {
    let message = if fault.message.contains(&remote) { fault.message } else { format!("{remote}: {}", fault.message) };
    let error = CliError::infrastructure(message);
    let cures: Vec<String> = fault.cures.iter().map(|cure| printable(cure).into_owned()).collect();
    if cures.is_empty() { error } else { error.or_try(cures.join("\n        ")) }
}
