//! `diff`: what changed from one run to another. That something differs is no failure.

use super::args::DiffArgs;
use super::error::CliError;
use super::project::Context;
use super::target;
use super::{Ending, faces, output};
use crate::clock::{Clock, SystemClock};
use crate::outcome::exit;
use crate::report::comparison::render;
use crate::session::compare::compare;

/// Compares two runs.
pub(super) fn diff(context: &Context<'_>, args: &DiffArgs) -> Result<Ending, CliError> {
    let state = context.state(&context.anchor()?.root)?;
    let (from, to) = (target::find(&state, &args.from)?, target::find(&state, &args.to)?);
    if let Some(narrowed) = [(&from, &args.from), (&to, &args.to)].iter().find(|(target, _)| target.narrowed) {
        return Err(CliError::usage(format!("{:?} is a job, and runs are compared", narrowed.1))
            .or_try(format!("its latest run is {}", narrowed.0.run.number)));
    }
    if from.run.number == to.run.number {
        return Err(CliError::usage(format!("run {} is compared with itself", from.run.number))
            .or_try("name an earlier run; `local-ci runs` lists them"));
    }
    let comparison = compare(&from.run, &to.run, SystemClock.now()).map_err(|(number, error)| {
        CliError::infrastructure(format!("run {number} is damaged: its header.json cannot be read: {error}"))
            .or_try(format!("`local-ci logs {number}` shows what is left of it"))
    })?;
    if args.json {
        let text = serde_json::to_string(&comparison)
            .map_err(|error| CliError::infrastructure(format!("the comparison cannot be written: {error}")))?;
        let _ = output::print(&(text + "\n"));
        return Ok(Ending::Code(exit::PASSED));
    }
    let _ = output::print(&render(&comparison, faces::look(context)));
    if !comparison.differs() {
        output::say("nothing differs but how long it took");
    }
    Ok(Ending::Code(exit::PASSED))
}
