//! `logs`: what stages printed, now or then, line by line. With `-f` it goes on until the run ends, or the stage that
//! was named, and exits with its code; without a name it follows all runs that go on here, and those that start
//! meanwhile, until none does.

mod follow;
mod page;
mod source;

use regex::bytes::Regex;

use super::args::LogsArgs;
use super::error::CliError;
use super::project::Context;
use super::target::{self, Target};
use super::{Ending, faces, output, queue};
use crate::clock::{Clock, SystemClock};
use crate::journal::layout::ProjectDir;
use crate::journal::state::RunState;
use crate::outcome::exit;
use crate::report::Style;
use crate::session::runs;
pub(super) use follow::{Followed, follow};
pub(super) use page::{Manner, Page};
pub(super) use source::{Begin, Source, Wanted};

/// Shows logs.
pub(super) fn logs(context: &Context<'_>, args: &LogsArgs) -> Result<Ending, CliError> {
    let grep = args.grep.as_deref().map(expression).transpose()?;
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let style = Style { colour: faces::colour(context), ..Style::default() };
    let begin = args.tail.map_or(Begin::First, Begin::Last);
    if args.follow && args.target.is_none() {
        let mut page = Page::new(Manner::Lines, grep, style);
        let wanted = Wanted { begin, only: None, prefixed: true, with_run: true };
        let numbers = runs::active(&state).map_err(target::unreadable)?;
        // One that is deleted right now does not go on.
        let found = numbers.iter().filter_map(|number| target::find(&state, &number.to_string()).ok());
        let sources: Vec<Source> = found.map(|target| Source::new(target, wanted, &mut page)).collect();
        if sources.is_empty() {
            output::say("nothing is running here; `local-ci logs` shows what the latest run printed");
            return Ok(Ending::Code(exit::PASSED));
        }
        return Ok(Ending::Code(follow(sources, Followed::All(&state), &mut page)?));
    }
    let target = target::find(&state, args.target.as_deref().unwrap_or("latest"))?;
    let prefixed = target.stages.len() > 1;
    let manner = if prefixed || grep.is_some() { Manner::Lines } else { Manner::Text };
    let mut page = Page::new(manner, grep, style);
    let wanted = Wanted { begin, only: None, prefixed, with_run: false };
    let mut source = Source::new(target, wanted, &mut page);
    if args.follow {
        return Ok(Ending::Code(follow(
            vec![source],
            Followed::These(&|target| nothing_shown(&state, target, args)),
            &mut page,
        )?));
    }
    // That nobody reads any more is nobody's failure.
    let shown = source.all(&mut page, SystemClock.now()).and_then(|()| page.flush());
    if shown.is_ok() && !page.wrote() {
        output::say(&nothing_shown(&state, &source.target, args));
    }
    say_lost(&source.target);
    Ok(Ending::Code(exit::PASSED))
}

/// Says of a run that was lost before anything could happen that it was.
fn say_lost(target: &Target) {
    if target.run.state == RunState::Lost {
        output::lost(&target.run.dir, Some(target.run.number), &target.run.view);
    }
}

/// Why there was nothing to show.
fn nothing_shown(state: &ProjectDir, target: &Target, args: &LogsArgs) -> String {
    let (whose, number) = (whose(target), target.run.number);
    if let Some(why) = still_queued(state, target) {
        why
    } else if !has_started(target) {
        format!("{whose} did not start in run {number}")
    } else if args.grep.is_some() {
        format!("no line that {whose} printed in run {number} matches")
    } else {
        format!("{whose} printed nothing in run {number}")
    }
}

/// Why a run that waits for its turn has nothing to show, if this is one.
pub(super) fn still_queued(state: &ProjectDir, target: &Target) -> Option<String> {
    let (whose, number) = (whose(target), target.run.number);
    let is_queued = target.run.state == RunState::Queued;
    is_queued.then(|| format!("run {number} {}: {whose} printed nothing yet", queue::is_queued(state, number)))
}

/// The stage that is meant, or a word for several.
pub(super) fn whose(target: &Target) -> String {
    match &target.stages[..] {
        [only] => target.run.names.get(*only).map_or_else(|| "the stage".to_owned(), ToString::to_string),
        _ => "the stages".to_owned(),
    }
}

/// Whether any of what is meant has started.
pub(super) fn has_started(target: &Target) -> bool {
    let stages = target.run.view.stages();
    target.stages.iter().filter_map(|id| stages.get(*id)).any(|stage| stage.started.is_some())
}

fn expression(text: &str) -> Result<Regex, CliError> {
    Regex::new(text).map_err(|error| {
        // The last line says what is wrong, those before it draw where.
        let error = error.to_string();
        let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        CliError::usage(format!("--grep: {text:?} is not a regular expression: {why}")).or_try(
            "to look for the characters themselves, write a backslash before each of . * + ? ( ) [ ] { } | ^ $ \\",
        )
    })
}
