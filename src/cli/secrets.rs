//! The secrets of a run that is about to be started: where one is not to be had there is no run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::CliError;
use super::output;
use super::project::Context;
use crate::ids::StageName;
use crate::pipeline::secret::Origin;
use crate::plan::Plan;
use crate::process::tool::Tools;
use crate::session::interrupts::Interrupts;
use crate::session::secrets::{Missing, Secrets, resolve};

/// How long who leaves waits for a command that was asked to have ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds the secrets of what runs of a plan. Ctrl+C ends that, and us.
pub(super) fn find(context: &Context<'_>, plan: &Plan, interrupts: &Interrupts) -> Result<Secrets, CliError> {
    let tools = Tools::plain(context.env);
    let asks = plan.secrets.values().any(|origin| matches!(origin, Origin::Command(_)));
    let leaves = Arc::new(AtomicBool::new(false));
    let (ended, has_ended) = channel::<()>();
    if asks {
        let (leaves, has_ended) = (Arc::clone(&leaves), Mutex::new(has_ended));
        interrupts.leave_with(move || {
            leaves.store(true, Ordering::Release);
            // The other end is dropped when nothing is being asked any more.
            let ended = has_ended.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(PATIENCE);
            "nothing was started".to_owned()
        });
    }
    let result = resolve(plan, context.env, &tools, &|| leaves.load(Ordering::Acquire));
    drop(ended);
    if asks {
        interrupts.done();
    }
    let secrets = result.map_err(|missing| refused(&missing))?;
    let short = secrets.too_short();
    if !short.is_empty() {
        let verb = if short.len() == 1 { "is" } else { "are" };
        output::warning(&format!("{} {verb} shorter than 6 bytes, so that it cannot be masked", short.join(", ")));
    }
    Ok(secrets)
}

/// One message for all that are not to be had.
fn refused(missing: &[Missing]) -> CliError {
    let about = |one: &Missing| {
        let plural = if one.stages.len() == 1 { "" } else { "s" };
        let stages: Vec<&str> = one.stages.iter().map(StageName::as_str).collect();
        format!("secret {}, for stage{plural} {}: {}", one.name, stages.join(", "), one.why)
    };
    let message = match missing {
        [only] => about(only),
        several => {
            let lines: Vec<String> = several.iter().map(|one| format!("\n  {}", about(one))).collect();
            format!("{} secrets are not to be had:{}", several.len(), lines.concat())
        }
    };
    let mut cures: Vec<&str> = missing.iter().filter_map(|one| one.cure.as_deref()).collect();
    cures.dedup();
    let error = CliError::usage(message);
    if cures.is_empty() { error } else { error.or_try(cures.join("; ")) }
}
