//! What is said of a run at its end: the counts, in a form that wrappers parse, and after them what else there is to
//! say, failures last.

use std::io::Write;
use std::time::Duration;

use super::annotations;
use super::dialect::Weight;
use super::style::{Glyph, Glyphs};
use super::transcript::{Block, Rerun, Transcript};
use super::verdict::human;
use super::{LogKey, LogPart, Logs};
use crate::ids::StageId;
use crate::outcome::{HumanDuration, Verdict};
use crate::text::plain::printable;
use crate::view::{Bottleneck, MoreSlots, RemoteView, RunView, StageView, Tally};

/// How far past the time by which nine of ten have ended a stage must be to be named.
const SLOWER_LEAST: Duration = Duration::from_secs(1);
/// How many stages of a long critical path are named at either end.
const PATH_ENDS: usize = 3;

/// Writes the summary of a run that has ended.
pub(super) fn write<W: Write>(page: &mut Transcript<W>, view: &RunView, logs: &dyn Logs) {
    let Some(end) = view.end() else { return };
    page.block(Block::Lines);
    let glyphs = page.options.style.glyphs;
    page.heading(Weight::Heavy);
    page.line(&format!("{}Summary:", glyphs.summary()));
    let counts = view.counts();
    page.line(&format!("  Total stages: {}", counts.total));
    for (word, count) in [
        ("Passed", counts.passed),
        ("Failed", counts.failed),
        ("Skipped", counts.skipped),
        ("Cached", counts.cached),
        ("Cancelled", counts.cancelled),
    ] {
        if count > 0 {
            page.line(&format!("  {word}: {count}"));
        }
    }
    page.line(&format!("  Total time: {}", human(end.duration_ms)));

    let sentences = sentences(view, end.verdict, glyphs);
    if !sentences.is_empty() {
        page.block(Block::Lines);
        for sentence in sentences {
            page.line(&sentence);
        }
    }
    failures(page, view, logs);
    if let Some(number) = view.header().and_then(|run| run.number) {
        page.block(Block::Lines);
        let program = &page.options.program;
        if logs.is_kept() {
            page.line(&format!("Run {number} is kept: {program} show {number}"));
        } else {
            page.line(&format!("Run {number} is not kept: its record was removed while it went on."));
        }
    }
}

fn sentences(view: &RunView, verdict: Verdict, glyphs: Glyphs) -> Vec<String> {
    let mut sentences = Vec::new();
    match verdict {
        Verdict::Passed | Verdict::Failed => {}
        Verdict::Cancelled { reason } => sentences.push(format!("Cancelled: {reason}.")),
        Verdict::Errored => sentences.push("No verdict: a stage could not be run.".into()),
        Verdict::Lost if !view.left_on().is_empty() => {
            let machines = printable(&view.left_on().join(", ")).into_owned();
            sentences
                .push(format!("Left: nobody sees to the run any more; what it started on {machines} goes on there."));
        }
        Verdict::Lost => {
            sentences.push("Lost: the process that ran it died before it could say how the run ended.".into());
        }
    }
    if let Some(untended) = view.untended_ms() {
        sentences.push(format!("Taken over: for {} nobody saw to it.", human(untended)));
    }
    sentences.extend(annotations::sentence(view));
    let named = |which: &dyn Fn(&StageView) -> Option<String>| {
        let names: Vec<String> = view.stages().values().filter_map(which).collect();
        names.join(", ")
    };
    let lists = [
        ("Allowed to fail", named(&|stage| stage.is_allowed_failure().then(|| stage.info.name.to_string()))),
        ("Passed only after another attempt (flaky)", named(&flaky)),
        ("Slower than usual", named(&slower)),
        ("Log incomplete, because it could not be written", named(&incomplete)),
    ];
    for (what, names) in lists {
        if !names.is_empty() {
            sentences.push(format!("{what}: {names}."));
        }
    }
    if let Some(bottleneck) = view.bottleneck().filter(|_| view.was_parallel()) {
        sentences.push(critical_path(view, &bottleneck, glyphs));
    }
    sentences
}

fn flaky(stage: &StageView) -> Option<String> {
    let attempt = stage.finished().filter(|_| stage.is_flaky())?.attempt;
    Some(format!("{} (attempt {attempt})", stage.info.name))
}

fn incomplete(stage: &StageView) -> Option<String> {
    let bytes = stage.lost_bytes();
    (bytes > 0).then(|| format!("{} ({bytes} bytes lost)", stage.info.name))
}

fn slower(stage: &StageView) -> Option<String> {
    let took = stage.took_ms().filter(|_| stage.tally() == Some(Tally::Passed))?;
    let estimate = stage.info.estimate.as_ref()?;
    estimate.late_by(Duration::from_millis(took)).filter(|by| *by >= SLOWER_LEAST)?;
    Some(format!("{} ({}, usually {})", stage.info.name, human(took), human(estimate.expected_ms)))
}

/// What the run's time went to, and what would have made it shorter.
fn critical_path(view: &RunView, bottleneck: &Bottleneck, glyphs: Glyphs) -> String {
    let (then, more) = (format!(" {} ", glyphs.arrow()), glyphs.ellipsis());
    let stages = &bottleneck.path.stages;
    let names =
        |stages: &[StageId]| -> Vec<&str> { stages.iter().map(|id| view.stages()[*id].info.name.as_str()).collect() };
    let left_out = stages.len().saturating_sub(2 * PATH_ENDS);
    let chain = if left_out > 1 {
        let (first, last) = (names(&stages[..PATH_ENDS]), names(&stages[stages.len() - PATH_ENDS..]));
        format!("{}{then}{more} {left_out} more {more}{then}{}", first.join(&then), last.join(&then))
    } else {
        names(stages).join(&then)
    };
    let advice = match &bottleneck.more_slots {
        MoreSlots::Save { jobs, at_most } => format!("; -j{jobs} could save {} at most", HumanDuration(*at_most)),
        MoreSlots::NoHelp { jobs } => format!("; -j{jobs} would not help"),
        MoreSlots::Locked { jobs, lock, held } => {
            let lock = printable(lock);
            format!("; -j{jobs} would not help, the lock {lock} was held for {}", HumanDuration(*held))
        }
        MoreSlots::Unknown => String::new(),
    };
    // Both are rounded to whole milliseconds, each stage for itself.
    let path = HumanDuration(bottleneck.path.duration.min(bottleneck.wall));
    let wall = HumanDuration(bottleneck.wall);
    let sent = sent_for(view, bottleneck);
    let sent = sent.map_or(String::new(), |sent| format!("; sending files took {sent} of it"));
    format!("Critical path: {chain}, {path} of {wall}{sent}{advice}.")
}

/// How long stages of the path waited for the work tree to be sent, where that is a tenth of it or more.
fn sent_for(view: &RunView, bottleneck: &Bottleneck) -> Option<HumanDuration> {
    let on_path = |remote: &&RemoteView| {
        bottleneck.path.stages.iter().any(|id| view.stages()[*id].executor() == remote.info.name)
    };
    let sent =
        view.remotes().iter().filter(on_path).filter_map(|remote| remote.sent).map(|sent| sent.duration_ms).sum();
    let sent = Duration::from_millis(sent).min(bottleneck.path.duration);
    (sent * 10 >= bottleneck.path.duration).then_some(HumanDuration(sent))
}

/// The stages that made the run fail, with where their output is and how to run them again.
fn failures<W: Write>(page: &mut Transcript<W>, view: &RunView, logs: &dyn Logs) {
    let counts = |stage: &StageView| match stage.tally() {
        Some(Tally::Failed) => !stage.is_allowed_failure(),
        Some(Tally::Passed | Tally::Skipped | Tally::Cached | Tally::Cancelled) => false,
        // It started, and there is no last word on it: lost, unless there may be one to come.
        None => stage.started.is_some() && stage.left_on().is_none(),
    };
    let failed: Vec<(StageId, &StageView)> = view.stages().iter().filter(|(_, stage)| counts(stage)).collect();
    if failed.is_empty() {
        return;
    }
    // What has no number is thrown away after the run, its logs with it.
    page.block(Block::Lines);
    page.line("Failed:");
    for (id, stage) in failed {
        let name = &stage.info.name;
        let (error, attempt) = match stage.finished() {
            Some(finished) => (finished.outcome.error().unwrap_or_default(), finished.attempt),
            None => ("lost".into(), 1),
        };
        page.glyph_line("  ", Glyph::Failed, &format!("{name}: {}", error.lines().next().unwrap_or_default()));
        // No file is made for an attempt that prints nothing.
        let printed = attempt > 0 && stage.attempt_log(attempt).is_none_or(|log| log.bytes > 0);
        if let Some(path) = logs.path(LogKey { stage: id, attempt, part: LogPart::Head }).filter(|_| printed) {
            page.line(&format!("    log: {}", path.display()));
        }
        let is_subcommand = (page.options.is_subcommand)(name.as_str());
        let program = &page.options.program;
        let run = if is_subcommand { " run" } else { "" };
        let Rerun { options, arguments, by_number } = &page.options.rerun;
        let arguments = arguments.as_ref().filter(|(stage, _)| stage == name.as_str()).map_or("", |(_, given)| given);
        let again = match view.header().and_then(|run| run.number).filter(|_| *by_number) {
            Some(number) => format!("    rerun: {program} rerun {number}"),
            None => format!("    rerun: {program}{run}{options} {name}{arguments}"),
        };
        let mend = stage.info.has_fix.then(|| format!("    fix: {program}{run} --fix {name}"));
        [Some(again), mend].into_iter().flatten().for_each(|line| page.line(&line));
    }
}
