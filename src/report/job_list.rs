//! The jobs of a directory, a line each: what runs, what came of the rest the last time, and what each is.
//!
//! Knows nothing of where runs are kept: whoever lists them fills in [`ListedJob`]s. The line's beginning,
//! `name  state (code): command`, is for programs too, where stdout is no terminal; on one, names and states stand under
//! each other. As JSON they are documented in `docs/events.md`; fields are only ever added.

use std::fmt::Write as _;
use std::time::Duration;

use console::{Alignment, measure_text_width, pad_str};
use serde::Serialize;

use super::about::About;
use super::ago::Ago;
use super::past_runs::{named, waits_for};
use super::stuck;
use super::style::Ink;
use super::table::Look;
use super::verdict::human;
use crate::ids::{RunNumber, StageName};
use crate::text::plain::printable;

/// A command is cut to no fewer columns than these.
const COMMAND_LEAST: usize = 16;
/// A name that is longer than this moves what stands behind it on its own line, not on all others.
const NAME_MOST: usize = 32;

/// What a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// A stage of the config.
    Stage,
    /// A command that was added.
    AdHoc,
    /// Known from runs alone: the config does not have it, or was not read.
    Former,
}

/// A job, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedJob {
    /// What it is called.
    pub name: StageName,
    /// What it is.
    pub kind: JobKind,
    /// `running`, `paused`, `queued`, `waiting`, `stopped`, `lost` or `never run`.
    pub state: &'static str,
    /// The exit code of its last attempt, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What came of it, in the words of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// The run that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunNumber>,
    /// How long ago that run began, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// How long it took, in milliseconds, where it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The other machine that it runs on, where it goes on there; also where it is lost here and may go on there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// How long it has been running, in milliseconds, where it is; pauses do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
    /// How long it should take, in milliseconds, where history knows; the whole of it where it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
    /// How much longer it should take, in milliseconds, where it is running and past runs took as long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
    /// How far it is, in per cent and at most 99, where it is running and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Which attempt runs, where it is not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// For how long it has been paused, in milliseconds, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_ms: Option<u64>,
    /// For how long it has printed nothing, in milliseconds, where it runs far longer than ever and so seems stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_ms: Option<u64>,
    /// The runs that have to end before its own may start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<RunNumber>,
    /// The runs of it after that one that wait for their turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queued: Vec<RunNumber>,
    /// Whether that run ran another command than the job has now: its `fix`, or what the config said then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub other_command: bool,
    /// What it runs; none where nobody knows any more.
    pub command: Option<String>,
    /// Where, relative to the directory of the project, where that is elsewhere; for ad-hoc jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is of the default set.
    pub default: bool,
    /// The stages that it needs.
    pub needs: Vec<StageName>,
    /// Whether it can only be run as `local-ci run NAME`, because a command has its name.
    pub hidden_by_command: bool,
}

/// The jobs of one directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The directory; none where the state does not say.
    pub project: Option<String>,
    /// Whether it is not there any more.
    pub gone: bool,
    /// Its jobs.
    pub jobs: Vec<ListedJob>,
}

/// A line for each job.
pub fn render(jobs: &[ListedJob], look: Look) -> String {
    let columns = Columns::of(jobs, look);
    let mut text = String::with_capacity(jobs.len() * 80);
    for job in jobs {
        line(job, columns, look, &mut text);
    }
    text
}

/// A line for each directory, below it its jobs.
pub fn render_groups(groups: &[Group], look: Look) -> String {
    let mut text = String::new();
    for group in groups {
        let separator = if text.is_empty() { "" } else { "\n" };
        let place = group.project.as_deref().map_or("a directory that is not known any more".into(), printable);
        let gone = if group.gone { "  (this directory is gone)" } else { "" };
        let _ = writeln!(text, "{separator}{place}{gone}");
        text.push_str(&render(&group.jobs, look));
    }
    text
}

/// How wide the first two columns are; nothing where they are not to stand under each other.
#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    state: usize,
}

impl Columns {
    fn of(jobs: &[ListedJob], look: Look) -> Self {
        if look.width.is_none() {
            return Self { name: 0, state: 0 };
        }
        let widest = |width: &dyn Fn(&ListedJob) -> usize| jobs.iter().map(width).max().unwrap_or(0);
        // Names are ASCII, and so are states.
        Self { name: widest(&|job| job.name.as_str().len()).min(NAME_MOST), state: widest(&|job| state(job).len()) }
    }
}

fn state(job: &ListedJob) -> String {
    match job.exit_code {
        Some(code) => format!("{} ({code}):", job.state),
        None => format!("{}:", job.state),
    }
}

/// The state's colour, which says nothing that the word does not.
fn ink(job: &ListedJob) -> Option<Ink> {
    match (job.state, job.status) {
        _ if job.stuck_ms.is_some() => Some(Ink::YELLOW),
        ("running", _) => Some(Ink::CYAN),
        ("paused" | "lost", _) | (_, Some("cancelled" | "error")) => Some(Ink::YELLOW),
        (_, Some("pass")) => Some(Ink::GREEN),
        (_, Some("fail" | "timeout")) => Some(Ink::RED),
        _ => None,
    }
}

/// A line, of which on a terminal the command gives way to what is said after it.
fn line(job: &ListedJob, columns: Columns, look: Look, text: &mut String) {
    let state = state(job);
    let shown = ink(job).map_or_else(|| state.clone(), |ink| look.style.ink(ink, &state));
    let state = pad_str(&shown, columns.state, Alignment::Left, None);
    let head = format!("{:width$}  {state}", job.name.as_str(), width = columns.name);
    let tail = tail(job);
    let mut command = job.command.as_deref().map(|command| look.first_line(command)).unwrap_or_default();
    if let Some(width) = look.width {
        let taken = measure_text_width(&head) + 1 + measure_text_width(&tail);
        command = look.cut_to(&command, width.saturating_sub(taken).max(COMMAND_LEAST));
    }
    let gap = if command.is_empty() { "" } else { " " };
    let _ = writeln!(text, "{head}{gap}{command}{tail}");
}

/// What is said after the command.
fn tail(job: &ListedJob) -> String {
    let mut tail = String::new();
    if let (Some(run), Some(age)) = (job.run, job.age_ms) {
        let mut facts = progress(job);
        facts.extend(job.status.and_then(came_to).map(str::to_owned));
        facts.push(format!("run {run}"));
        if job.state == "queued" {
            facts.push(waits_for(&job.behind));
        }
        if job.other_command {
            facts.push("another command".into());
        }
        facts.push(Ago(i64::try_from(age).unwrap_or(i64::MAX)).to_string());
        if !job.queued.is_empty() {
            facts.push(format!("queued again as {}", named(&job.queued)));
        }
        let _ = write!(tail, "  [{}]", facts.join(", "));
    }
    if let Some(dir) = &job.dir {
        let _ = write!(tail, "  [in {}]", printable(dir));
    }
    if job.kind == JobKind::Stage && !job.default {
        tail.push_str("  [not in the default set]");
    }
    if job.hidden_by_command {
        let _ = write!(tail, "  [local-ci run {}]", job.name);
    }
    if let Some(description) = &job.description {
        let _ = write!(tail, "  # {}", printable(description));
    }
    tail
}

/// How far a job is that goes on: what matters most first.
fn progress(job: &ListedJob) -> Vec<String> {
    if let (Some(machine), Some(run), "lost") = (&job.on, job.run, job.state) {
        return vec![format!("goes on on {}: local-ci attach {run}", printable(machine))];
    }
    let mut facts: Vec<String> = job.on.iter().map(|name| format!("on {}", printable(name))).collect();
    if let (Some(silent), Some(expected)) = (job.stuck_ms, job.expected_ms) {
        facts.push(stuck::sentence(Duration::from_millis(silent), expected));
    }
    facts.extend(job.paused_ms.map(|ms| format!("paused for {}", human(ms))));
    let Some(elapsed) = job.elapsed_ms else { return facts };
    facts.extend(job.percent.map(|percent| format!("{percent}%")));
    facts.push(format!("{} so far", human(elapsed)));
    match (job.left_ms, job.expected_ms) {
        // Nobody is told that nothing is left of what goes on.
        (Some(left), _) => facts.push(format!("{} left", About(left.max(1000)))),
        (None, Some(expected)) if job.stuck_ms.is_none() => {
            facts.push(format!("longer than ever, usually {}", About(expected)));
        }
        (None, _) => {}
    }
    facts.extend(job.attempt.map(|attempt| format!("attempt {attempt}")));
    facts
}

/// What a job came to, as it reads before the run.
fn came_to(status: &str) -> Option<&'static str> {
    Some(match status {
        "pass" => "passed",
        "fail" => "failed",
        "timeout" => "timed out",
        "cancelled" => "cancelled",
        "error" => "could not be run",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
