//! `stdout JOB`, `stderr JOB`: what a job wrote to one of its streams, now or the last time. Byte for byte, unless a
//! terminal shows it; then it is made fit for that. Of a job that was tried again, the last attempt.

use std::io::{self, IsTerminal};

use super::args::StreamArgs;
use super::error::CliError;
use super::logs::{Begin, Followed, Manner, Page, Source, Wanted, follow, has_started, still_queued, whose};
use super::project::{Anchor, Context};
use super::target::{self, Target};
use super::{Ending, faces, output};
use crate::clock::{Clock, SystemClock};
use crate::event::Stream;
use crate::outcome::exit;
use crate::report::Style;
use crate::text::plain::printable;

/// `stdout`.
pub(super) fn stdout(context: &Context<'_>, args: &StreamArgs) -> Result<Ending, CliError> {
    show(context, args, Stream::Stdout)
}

/// `stderr`.
pub(super) fn stderr(context: &Context<'_>, args: &StreamArgs) -> Result<Ending, CliError> {
    show(context, args, Stream::Stderr)
}

fn show(context: &Context<'_>, args: &StreamArgs, stream: Stream) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let target = target::find(&state, &args.target)?;
    if target.stages.len() != 1 {
        return Err(several(&target, stream));
    }
    let one = is_one(&anchor, &target);
    let manner = if io::stdout().is_terminal() { Manner::Text } else { Manner::Raw };
    let mut page = Page::new(manner, None, Style { colour: faces::colour(context), ..Style::default() });
    let begin = args.tail.map_or(Begin::LastAttempt, Begin::Last);
    let wanted = Wanted { begin, only: Some(stream), prefixed: false, with_run: false };
    let mut source = Source::new(target, wanted, &mut page);
    let nothing =
        |target: &Target| still_queued(&state, target).unwrap_or_else(|| nothing_shown(target, stream, one.as_ref()));
    if args.follow {
        return Ok(Ending::Code(follow(vec![source], Followed::These(&nothing), &mut page)?));
    }
    // That nobody reads any more is nobody's failure.
    let shown = source.all(&mut page, SystemClock.now()).and_then(|()| page.flush());
    if shown.is_ok() && !page.wrote() {
        output::say(&nothing(&source.target));
    }
    Ok(Ending::Code(exit::PASSED))
}

/// Why both streams of a job are one.
enum One {
    /// It has a terminal.
    Terminal,
    /// It ran on this other machine, where they are written in the order in which they came.
    Elsewhere(String),
}

/// Whether both streams of the job are one, and why.
fn is_one(anchor: &Anchor, target: &Target) -> Option<One> {
    let id = target.stages.first()?;
    let known = target.run.view.stages().get(*id);
    if let Some(remote) = known.and_then(|stage| target.run.view.remote(stage.executor())) {
        return Some(One::Elsewhere(remote.info.name.clone()));
    }
    let is_interactive = known.is_some_and(|stage| stage.info.interactive);
    // That it was given one for another reason, the config says as it is now.
    let pipeline = anchor.project.as_ref().map(|project| &project.pipeline);
    let stage = pipeline.zip(target.run.names.get(*id)).and_then(|(pipeline, name)| {
        let id = pipeline.find(name.as_str())?;
        Some(&pipeline.stages()[id])
    });
    (is_interactive || stage.is_some_and(|stage| stage.policy.pty)).then_some(One::Terminal)
}

fn command(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}

/// Streams of several jobs are not mixed.
fn several(target: &Target, stream: Stream) -> CliError {
    let (number, command) = (target.run.number, command(stream));
    let names: Vec<&str> =
        target.stages.iter().filter_map(|id| target.run.names.get(*id)).map(crate::ids::StageName::as_str).collect();
    match names.first() {
        None => CliError::usage(format!("run {number} has no stages")),
        Some(first) => {
            CliError::usage(format!("{command} is of one job, and these are {}: {}", names.len(), names.join(", ")))
                .or_try(format!(
                    "name one, such as `local-ci {command} {number}/{first}`; `local-ci logs` shows them all"
                ))
        }
    }
}

/// Why there was nothing to show.
fn nothing_shown(target: &Target, stream: Stream, one: Option<&One>) -> String {
    let (whose, number) = (whose(target), target.run.number);
    if !has_started(target) {
        return format!("{whose} did not start in run {number}");
    }
    let name = match (stream, one) {
        (Stream::Stdout, _) => "standard output",
        (Stream::Stderr, Some(one)) => {
            let why = match one {
                One::Terminal => "has a terminal".to_owned(),
                One::Elsewhere(name) => format!("ran on {}", printable(name)),
            };
            return format!("{whose} {why}, and both of its streams are one: `local-ci stdout {whose}` has it");
        }
        (Stream::Stderr, None) => "standard error",
    };
    format!("{whose} wrote nothing to its {name} in run {number}")
}
