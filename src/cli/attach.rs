//! `attach`: follows a run from its first byte until it ends, through the same faces as a run in the foreground. One that was
//! left is taken over first.

use super::args::AttachArgs;
use super::error::CliError;
use super::project::Context;
use super::run::interrupts;
use super::takeover::{self, Place};
use super::{Ending, faces, onlooker, target};
use crate::session::runs;

/// Follows a run.
pub(super) fn attach(context: &Context<'_>, args: &AttachArgs) -> Result<Ending, CliError> {
    let interrupts = interrupts()?;
    let anchor = context.anchor()?;
    let mode = faces::mode(context, args.output.as_deref().or(anchor.output()).or(context.user.output.as_deref()))?;
    let state = context.state(&anchor.root)?;
    let mut run = match &args.target {
        Some(word) => target::find(&state, word)?.run,
        None => target::newest(&state)?,
    };
    run = takeover::settled(&state, run)?;
    if takeover::left(&run).is_some() {
        let place = Place { context, root: &anchor.root, state: &state, number: run.number };
        takeover::go_on(&place, mode, &interrupts)?;
        run = runs::read(&state, run.number).map_err(target::unreadable)?;
    }
    // Who asks for the end of an output wants to see it, on a terminal too.
    let mut context = context.annotating(anchor.annotations());
    context.global.verbose = context.global.verbose.max(u8::from(args.tail.is_some()));
    Ok(onlooker::follow(&context, &interrupts, &run, mode, args.tail))
}
