//! The other machines of a plan, before its run is claimed: where one cannot be reached there is no run.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::CliError;
use super::output;
use super::project::Context;
use crate::pipeline::remote::check_name;
use crate::plan::Plan;
use crate::process::tool::Tools;
use crate::remote::FaultKind;
use crate::session::interrupts::Interrupts;
use crate::session::remotes::Ways;
use crate::session::remotes::connect::{Unreached, connect};
use crate::text::plain::printable;

/// How long who leaves waits for what was started to have ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes sure of the lines to all machines that stages of this plan run on. Ctrl+C ends it, and us.
pub(super) fn reach(context: &Context<'_>, plan: &Plan, interrupts: &Interrupts) -> Result<(), CliError> {
    if plan.remotes.is_empty() {
        return Ok(());
    }
    let ways = Arc::new(Ways::new(Tools::plain(context.env), context.env));
    let (ended, has_ended) = channel::<()>();
    interrupts.leave_with({
        let (ways, has_ended) = (Arc::clone(&ways), Mutex::new(has_ended));
        move || {
            ways.close();
            // The other end is dropped when nothing is being connected any more.
            let ended = has_ended.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(PATIENCE);
            "nothing was started".to_owned()
        }
    });
    let result = connect(plan.remotes.values(), &|remote| ways.to(remote), &mut |text| output::say(&printable(text)));
    drop(ended);
    interrupts.done();
    let Err(unreached) = result else { return Ok(()) };
    let mut faults = unreached.into_iter().map(|one| error(context, one));
    let Some(first) = faults.next() else { return Ok(()) };
    // Of several the last is the error, and those before it are told the same way.
    Err(faults.fold(first, |before, next| {
        output::fault(&before, super::faces::colour_when(context), context.env);
        next
    }))
}

/// What is wrong with a machine, and what to do about it.
fn error(context: &Context<'_>, Unreached { remote, fault }: Unreached) -> CliError {
    let mut message =
        if fault.message.contains(&remote) { fault.message } else { format!("{remote}: {}", fault.message) };
    // Where a host's name leads nowhere, the name of an entry was meant perhaps.
    if fault.kind == FaultKind::Unresolved && check_name(&remote).is_ok() && !super::remote::is_known(context, &remote)
    {
        message = format!("{message}, and there is no [remotes.{remote}]");
    }
    let error = CliError::infrastructure(message);
    let cures: Vec<String> = fault.cures.iter().map(|cure| printable(cure).into_owned()).collect();
    if cures.is_empty() { error } else { error.or_try(cures.join("\n        ")) }
}
