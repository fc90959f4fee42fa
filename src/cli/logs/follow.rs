//! Follows what is printed until there is nothing more to come.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use super::page::Page;
use super::say_lost;
use super::source::{Begin, Source, Wanted};
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::target::{self, Target};
use crate::clock::{Clock, SystemClock};
use crate::ids::RunNumber;
use crate::journal::layout::ProjectDir;
use crate::journal::watch::Heard;
use crate::outcome::exit;
use crate::session::runs;
use crate::session::waiting::{Due, Waiting};

/// Being woken again within so short a time, [`MANY`] times in a row, is to be woken for less than anybody can read.
const RAPID: Duration = Duration::from_millis(2);
/// See [`RAPID`].
const MANY: u32 = 8;
/// How much is then taken in at once.
const BATCH: Duration = Duration::from_millis(4);

/// What is followed.
#[derive(Clone, Copy)]
pub(in crate::cli) enum Followed<'a> {
    /// What was named. The function says why there was nothing to show.
    These(&'a dyn Fn(&Target) -> String),
    /// All that goes on in a project, now or by then.
    All(&'a ProjectDir),
}

/// Follows to the end; the exit code: that of the lowest number that has one which is not 0.
pub(in crate::cli) fn follow(
    mut sources: Vec<Source>,
    followed: Followed<'_>,
    page: &mut Page<'_>,
) -> Result<u8, CliError> {
    let mut waiting = Waiting::new(&SystemClock);
    if let Followed::All(project) = followed {
        waiting.add_runs(project);
    }
    let mut known = Known::default();
    for source in &sources {
        waiting.add(source.target.run.number, &source.target.run.dir, true);
        known.followed.insert(source.target.run.number);
    }
    if let Followed::All(project) = followed {
        known.newest = runs::latest(project).map_err(target::unreadable)?.max(known.followed.last().copied());
    }
    let mut codes = Vec::new();
    let (mut woken, mut rapid) = (SystemClock.now(), 0_u32);
    // All is looked at after it is watched, so that nothing happens unheard between the two.
    let mut due = Due::All;
    loop {
        if let Followed::All(project) = followed
            && (due == Due::All || matches!(&due, Due::Some(heard) if heard.contains(&Heard::Runs)))
        {
            sources.extend(started(project, &mut known, &mut waiting, page)?);
        }
        for source in sources.iter_mut().filter(|source| due.has(source.target.run.number)) {
            // What can be read of the logs after this was written before a run was seen to have ended.
            refresh(&mut source.target)?;
        }
        // An error says that nobody reads any more.
        let Ok(more) = turn(&mut sources, followed, page, &mut codes) else { break };
        if sources.is_empty() {
            let Followed::All(project) = followed else { break };
            sources.extend(started(project, &mut known, &mut waiting, page)?);
            if sources.is_empty() {
                break;
            }
            due = Due::All;
            continue;
        }
        let now = SystemClock.now();
        rapid = if now.since(woken) < RAPID { rapid.saturating_add(1) } else { 0 };
        if rapid > MANY && !more {
            // The stages want the processor.
            let _ = rustix::event::poll(&mut [], rustix::event::Timespec::try_from(BATCH).ok().as_ref());
        }
        woken = SystemClock.now();
        let open = sources.iter().filter_map(|source| source.due(woken)).min();
        due = waiting.wait(if more { Some(Duration::ZERO) } else { open });
    }
    codes.sort_unstable();
    Ok(codes.into_iter().map(|(_, code)| code).find(|code| *code != exit::PASSED).unwrap_or(exit::PASSED))
}

/// Reads what was written since. Of a run that somebody has deleted there is nothing more to come.
fn refresh(target: &mut Target) -> Result<(), CliError> {
    let read = target.run.refresh();
    if target.run.dir.path().is_dir() { read.map_err(target::unreadable) } else { Ok(()) }
}

/// Which runs are no news.
#[derive(Default)]
struct Known {
    followed: BTreeSet<RunNumber>,
    /// The newest run at the last look, whether it went on or not.
    newest: Option<RunNumber>,
}

/// Runs that have started since the last look, also those that have ended by now.
fn started(
    project: &ProjectDir,
    known: &mut Known,
    waiting: &mut Waiting<'_>,
    page: &mut Page<'_>,
) -> Result<Vec<Source>, CliError> {
    let wanted = Wanted { begin: Begin::First, only: None, prefixed: true, with_run: true };
    let mut numbers = runs::active(project).map_err(target::unreadable)?;
    let newest =
        project.numbers().map_err(target::unreadable)?.into_iter().filter(|number| known.newest < Some(*number));
    numbers.extend(newest);
    known.newest = known.newest.max(numbers.iter().max().copied());
    let mut sources = Vec::new();
    for number in numbers {
        if known.followed.insert(number)
            && let Ok(target) = target::find(project, &number.to_string())
        {
            waiting.add(number, &target.run.dir, true);
            sources.push(Source::new(target, wanted, page));
        }
    }
    Ok(sources)
}

/// Shows what there is, takes away what has nothing more to come, and says whether there may be more at once.
fn turn(
    sources: &mut Vec<Source>,
    followed: Followed<'_>,
    page: &mut Page<'_>,
    codes: &mut Vec<(RunNumber, u8)>,
) -> io::Result<bool> {
    let (mut more, mut left) = (false, Vec::new());
    for mut source in std::mem::take(sources) {
        let now = SystemClock.now();
        let is_over = source.target.is_over();
        let has_more = source.turn(page, now)?;
        source.show_quiet(page, now)?;
        more |= has_more;
        if has_more || !is_over {
            left.push(source);
            continue;
        }
        source.finish(page)?;
        page.flush()?;
        if let Followed::These(nothing) = followed
            && !page.wrote()
        {
            output::say(&nothing(&source.target));
        }
        say_lost(&source.target);
        codes.push((source.target.run.number, source.target.exit_code()));
    }
    *sources = left;
    if !more {
        page.flush()?;
    }
    Ok(more)
}
