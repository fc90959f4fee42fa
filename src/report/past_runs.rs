//! What came of earlier runs, a line each, for people and for programs.
//!
//! Knows nothing of where runs are kept: whoever lists them fills in [`PastLine`]s. As JSON they are documented in
//! `docs/events.md`; fields are only ever added within a schema version.

use console::{Alignment, measure_text_width};
use serde::Serialize;

use super::about::About;
use super::ago::Ago;
use super::mark::Mark;
use super::table::{GAP, Look, Table};
use super::verdict::human;
use crate::ids::{RunNumber, StageName};
use crate::text::plain::printable;

/// How many runs are named at most.
const NAMED: usize = 4;

/// In fewer columns than this, details would tell nothing.
const DETAILS_LEAST: usize = 10;
/// Columns that the details are given before the commit gets any, where they need them.
const DETAILS_FIRST: usize = 22;
/// Commit and branch are shown in at most so many columns on a terminal.
const COMMIT_MOST: usize = 32;
/// A commit is shown with so many digits.
const COMMIT_DIGITS: usize = 7;

/// A run, or a job in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastLine {
    /// Its number.
    pub run: RunNumber,
    /// When it started: milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
    /// `passed`, `failed`, `cancelled`, `errored` or `lost`; `running`, `paused` or `queued` where it has not ended.
    pub verdict: String,
    /// The exit code that goes with the verdict; none where it has not ended.
    pub exit_code: Option<u8>,
    /// How long it took, or has taken, in milliseconds.
    pub duration_ms: u64,
    /// How many stages it has.
    pub stages: u32,
    /// How many of them have come to their last word.
    pub finished: u32,
    /// How many failed, timed out or could not be run, allowed failures included.
    pub failed: u32,
    /// Their names, where the run is still there to say them.
    pub failed_stages: Vec<StageName>,
    /// What it ran, where it ran one stage and has not failed: what has failed says so itself.
    #[serde(skip)]
    pub only: Option<StageName>,
    /// The stages that run now.
    pub running_stages: Vec<StageName>,
    /// How much longer it is expected to take, in milliseconds, where it runs and that is known.
    pub left_ms: Option<u64>,
    /// For how long it has been paused, in milliseconds, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_ms: Option<u64>,
    /// The other machines on which something of it may run still, where it is lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_on: Vec<String>,
    /// The runs that it waits for, where it is queued.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<RunNumber>,
    /// The commit that was checked out.
    pub commit: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// Whether its directory was pruned: what its stages printed is gone.
    pub pruned: bool,
    /// The job in it, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobLine>,
}

/// What came of a job in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobLine {
    /// The stage.
    pub name: StageName,
    /// `pass`, `cached`, `fail`, `timeout`, `skip`, `cancelled`, `error` or `lost`; `running`, `paused`, `waiting` or
    /// `queued` where the run has not ended.
    pub status: &'static str,
    /// The exit code of its last attempt, as a shell would give it, where it had one.
    pub exit_code: Option<i32>,
    /// How long its last attempt took, or has taken, in milliseconds.
    pub duration_ms: u64,
    /// What was foretold, in milliseconds.
    pub expected_ms: Option<u64>,
    /// How many attempts were started.
    pub attempts: u32,
    /// Whether it passed only after another attempt.
    pub flaky: bool,
}

/// The lines as a table. `now_ms` is the wall clock's reading.
///
/// What came of a run is what the table is for: on a terminal too narrow for all, the commit goes first, then the details,
/// when it was, and how long it took.
pub fn render(lines: &[PastLine], now_ms: i64, look: Look) -> String {
    let name = |line: &PastLine| match &line.job {
        Some(job) => format!("{}/{}", line.run, job.name),
        None => line.run.to_string(),
    };
    let of = |cell: &dyn Fn(&PastLine) -> String| lines.iter().map(cell).collect::<Vec<String>>();
    let started = |line: &PastLine| Ago::between(line.started_unix_ms, now_ms).to_string();
    let mut columns = vec![
        Column::new("Run", Alignment::Left, of(&name)),
        Column::new("Started", Alignment::Left, of(&started)),
        Column::new("Duration", Alignment::Right, of(&duration)),
        Column::new("Status", Alignment::Left, of(&|line| status(line, look))),
    ];
    let details = Column::new("Details", Alignment::Left, of(&|line| details(line, look)));
    let mut room = usize::MAX;
    if let Some(width) = look.width {
        let needed = |columns: &[Column]| columns.iter().map(|column| column.width + GAP).sum::<usize>();
        while columns.len() > 2 && needed(&columns) > width + GAP {
            columns.remove(1);
        }
        room = width.saturating_sub(needed(&columns));
    }
    let has_details = details.cells.iter().any(|cell| !cell.is_empty()) && room >= details.width.min(DETAILS_LEAST);
    let spare = if has_details { room.saturating_sub(details.width.min(DETAILS_FIRST) + GAP) } else { room };
    let most = spare.min(if look.width.is_some() { COMMIT_MOST } else { usize::MAX });
    let commit = Column::new("Commit", Alignment::Left, of(&|line| commit(line, most, look)));
    if most >= COMMIT_DIGITS && commit.cells.iter().any(|cell| !cell.is_empty()) {
        columns.push(commit);
    }
    if has_details {
        columns.push(details);
    }
    let headings: Vec<(&str, Alignment)> = columns.iter().map(|column| (column.heading, column.alignment)).collect();
    let mut table = Table::new(&headings);
    for row in 0..lines.len() {
        table.row(columns.iter().map(|column| column.cells[row].clone()).collect());
    }
    table.render(look)
}

/// A column, before it is known whether there is room for it.
struct Column {
    heading: &'static str,
    alignment: Alignment,
    cells: Vec<String>,
    width: usize,
}

impl Column {
    fn new(heading: &'static str, alignment: Alignment, cells: Vec<String>) -> Self {
        let widest = cells.iter().map(|cell| measure_text_width(cell)).max().unwrap_or(0);
        Self { heading, alignment, cells, width: widest.max(heading.len()) }
    }
}

/// How long it took; nothing for what never ran.
fn duration(line: &PastLine) -> String {
    match &line.job {
        _ if line.verdict == "queued" => String::new(),
        Some(job) if job.attempts == 0 => String::new(),
        Some(job) => human(job.duration_ms).to_string(),
        None => human(line.duration_ms).to_string(),
    }
}

/// The mark and the word, which says the same without the mark.
fn status(line: &PastLine, look: Look) -> String {
    let (mark, word) = match &line.job {
        Some(job) => job_status(job),
        None => run_status(line),
    };
    format!("{} {word}", mark.draw(look.style))
}

fn run_status(line: &PastLine) -> (Mark, String) {
    let code = line.exit_code.map_or(String::new(), |code| format!(" ({code})"));
    match line.verdict.as_str() {
        "passed" => (Mark::Passed, "passed".into()),
        "failed" => (Mark::Failed, format!("failed{code}")),
        "running" => (Mark::Running, "running".into()),
        waits @ ("paused" | "queued") => (Mark::Left, waits.into()),
        "cancelled" => (Mark::Left, "cancelled".into()),
        "errored" => (Mark::Lost, format!("errored{code}")),
        // `lost`, and what a later version may have written.
        other => (Mark::Lost, printable(other).into_owned()),
    }
}

fn job_status(job: &JobLine) -> (Mark, String) {
    let code = job.exit_code.map_or(String::new(), |code| format!(" ({code})"));
    match job.status {
        "pass" => (Mark::Passed, "passed".into()),
        "cached" => (Mark::Passed, "cached".into()),
        "fail" => (Mark::Failed, format!("failed{code}")),
        "timeout" => (Mark::Failed, "timed out".into()),
        "running" => (Mark::Running, "running".into()),
        waits @ ("paused" | "waiting" | "queued") => (Mark::Left, waits.into()),
        "skip" => (Mark::Left, "skipped".into()),
        "cancelled" => (Mark::Left, "cancelled".into()),
        "error" => (Mark::Lost, "errored".into()),
        other => (Mark::Lost, other.into()),
    }
}

/// The commit's first digits and the branch, in so many columns at most.
fn commit(line: &PastLine, most: usize, look: Look) -> String {
    let digits = line.commit.as_deref().map(|commit| commit.chars().take(COMMIT_DIGITS).collect::<String>());
    let words: Vec<&str> = digits.as_deref().into_iter().chain(line.branch.as_deref()).collect();
    let text = printable(&words.join(" ")).into_owned();
    look.cut_to(&text, most)
}

/// What else there is to say: how far it is, what failed, what is gone.
fn details(line: &PastLine, look: Look) -> String {
    let mut said = match &line.job {
        Some(job) => job_details(line, job),
        None if matches!(&*line.verdict, "running" | "paused") => vec![progress(line)],
        None if line.verdict == "queued" => Vec::new(),
        None => failures(line),
    };
    if let Some(paused) = line.paused_ms {
        said.insert(0, format!("for {}", human(paused)));
    }
    if line.verdict == "queued" {
        said.push(waits_for(&line.waits_for));
    }
    if !line.left_on.is_empty() {
        said.push(format!("goes on on {}: local-ci attach {}", printable(&line.left_on.join(", ")), line.run));
    }
    if line.pruned {
        said.push("pruned".into());
    }
    said.join(look.style.glyphs.separator())
}

fn job_details(line: &PastLine, job: &JobLine) -> Vec<String> {
    let mut said = Vec::new();
    match (job.status, job.expected_ms) {
        ("running" | "paused", Some(expected)) => said.push(format!("of {}", About(expected))),
        ("waiting", _) => said.push(progress(line)),
        _ => {}
    }
    if job.flaky {
        said.push(format!("flaky: passed on attempt {}", job.attempts));
    } else if job.attempts > 1 {
        said.push(format!("{} attempts", job.attempts));
    }
    said
}

/// `waits for runs 3, 4 and 6`; of one that is about to begin, that.
pub(super) fn waits_for(runs: &[RunNumber]) -> String {
    if runs.is_empty() { "about to begin".into() } else { format!("waits for {}", named(runs)) }
}

/// Runs in a row: `run 43`, `runs 41 and 43`, `runs 41, 42, 43, 44 and 5 more`.
pub fn named(runs: &[RunNumber]) -> String {
    let numbers: Vec<String> = runs.iter().map(ToString::to_string).collect();
    listed(&numbers)
}

/// The same of runs of which something is said: each begins with its number.
pub fn listed(runs: &[String]) -> String {
    let word = if runs.len() == 1 { "run" } else { "runs" };
    match runs {
        [] => "nothing".to_owned(),
        [only] => format!("{word} {only}"),
        [first @ .., last] if runs.len() <= NAMED => format!("{word} {} and {last}", first.join(", ")),
        _ => format!("{word} {} and {} more", runs[..NAMED - 1].join(", "), runs.len() - (NAMED - 1)),
    }
}

/// How far a run is that goes on.
fn progress(line: &PastLine) -> String {
    let mut text = format!("{}/{}", line.finished, line.stages);
    if let Some(left) = line.left_ms {
        // Nobody is told that nothing is left of what goes on.
        text = format!("{text}, {} left", About(left.max(1000)));
    }
    if !line.running_stages.is_empty() {
        text = format!("{text}: {}", names(&line.running_stages));
    }
    text
}

fn failures(line: &PastLine) -> Vec<String> {
    let allowed = if line.verdict == "passed" { " (allowed to fail)" } else { "" };
    match (&line.failed_stages[..], line.failed) {
        ([], 0) => line.only.iter().map(StageName::to_string).collect(),
        // A run whose record is gone knows only how many.
        ([], failed) => vec![format!("{failed} of {} failed{allowed}", line.stages)],
        (stages, _) => vec![format!("{}{allowed}", names(stages))],
    }
}

/// All names: where there is no room for them, the end of the line is cut.
fn names(stages: &[StageName]) -> String {
    stages.iter().map(StageName::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
