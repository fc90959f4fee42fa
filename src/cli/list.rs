//! `list`: the stages of this project, a line each, with what came of each the last time.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use console::measure_text_width;
use serde::Serialize;

use super::args::ListArgs;
use super::error::CliError;
use super::project::Context;
use super::target::unreadable;
use super::{Ending, faces, history, output};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::event::StageFinished;
use crate::ids::{RunNumber, Signature, StageName};
use crate::journal::state::RunState;
use crate::outcome::{HumanDuration, exit};
use crate::pipeline::{Action, Stage};
use crate::plan::signature::{self, Work};
use crate::plan::{Request, command_text};
use crate::report::{About, Ago, Look};
use crate::session::prepare::Project;
use crate::session::runs::{LastTime, last_times};
use crate::text::plain::printable;
use crate::view::StageState;

/// A command is cut to no fewer columns than these.
const COMMAND_LEAST: usize = 16;

#[derive(Serialize)]
struct Line {
    name: StageName,
    /// `running`, `paused`, `waiting`, `stopped`, `lost` or `never run`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    /// What came of it, in the words of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunNumber>,
    /// How long ago that run began, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<u64>,
    /// How long it has been running, in milliseconds, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ms: Option<u64>,
    /// How long it should take, in milliseconds, where history knows; the whole of it where it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_ms: Option<u64>,
    /// Whether that run ran another command than the stage has now: its `fix`, or what the config said then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    other_command: bool,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    default: bool,
    needs: Vec<StageName>,
    /// Whether it can only be run as `local-ci run NAME`, because a command has its name.
    hidden_by_command: bool,
}

/// Lists the stages.
pub(super) fn list(context: &Context<'_>, args: &ListArgs) -> Result<Ending, CliError> {
    let project = context.project()?;
    let stages = project.pipeline.stages();
    let names: Vec<StageName> = stages.values().map(|stage| stage.name.clone()).collect();
    // Without a state directory nothing has ever run as far as anybody knows.
    let last = match context.state(&project.root) {
        Ok(state) => last_times(&state, &names).unwrap_or_else(|error| {
            output::warning(&unreadable(error).to_string());
            HashMap::new()
        }),
        Err(_) => HashMap::new(),
    };
    let now = SystemClock.now();
    // For people a list is what it was; programs may want to plan with it.
    let expected = if args.json { expectations(context, &project) } else { HashMap::new() };
    let commands = faces::commands();
    let line = |stage: &Stage| Line {
        needs: stage.needs.iter().map(|need| stages[*need].name.clone()).collect(),
        hidden_by_command: commands.iter().any(|command| command == stage.name.as_str()),
        ..line(stage, last.get(&stage.name), expected.get(&stage.name).copied(), now)
    };
    let lines: Vec<Line> = stages.values().map(line).collect();
    let text = if args.json {
        serde_json::to_string_pretty(&lines).map_err(|error| CliError::infrastructure(error.to_string()))? + "\n"
    } else {
        {
            let look = faces::look(context);
            lines.iter().map(|line| render(line, look)).collect()
        }
    };
    context.say_detected(&project);
    let _ = output::print(&text);
    if lines.is_empty() {
        output::say("the pipeline has no stages");
        return Ok(Ending::Code(exit::NOTHING_SELECTED));
    }
    Ok(Ending::Code(exit::PASSED))
}

/// How long the next run of each stage should take, in milliseconds, where history knows.
fn expectations(context: &Context<'_>, project: &Project) -> HashMap<StageName, u64> {
    // A stage that cannot be run at all leaves the others as they are.
    let stages = project.pipeline.stages().values().filter(|stage| stage.unsupported.is_empty());
    let stages = stages.map(|stage| stage.name.as_str().to_owned()).collect();
    let request = Request { stages, only: true, ..Request::default() };
    let (Ok(mut plan), Ok((_, past))) = (project.plan(&request, context.env), history::open(context, project)) else {
        return HashMap::new();
    };
    past.foretell(&mut plan);
    history::say(&past);
    plan.stages.values().filter_map(|stage| Some((stage.name.clone(), stage.estimate.as_ref()?.expected_ms))).collect()
}

fn line(stage: &Stage, last: Option<&LastTime>, expected_ms: Option<u64>, now: Timestamp) -> Line {
    let (state, finished) = match last {
        None => ("never run", None),
        Some(last) => match (&last.state, last.run) {
            (StageState::Finished(finished), _) => ("stopped", Some(finished)),
            (_, RunState::Queued) => ("queued", None),
            (StageState::Waiting, RunState::Running) => ("waiting", None),
            (_, RunState::Running) if last.clock.since().is_some() => ("paused", None),
            (_, RunState::Running) => ("running", None),
            (_, RunState::Finished { .. } | RunState::Lost) => ("lost", None),
        },
    };
    let progress = last.and_then(|last| progress(last, now));
    Line {
        name: stage.name.clone(),
        state,
        exit_code: finished.and_then(StageFinished::exit_code),
        status: finished.map(|finished| finished.outcome.word()),
        other_command: last.is_some_and(|last| signature(stage) != Some(last.signature)),
        run: last.map(|last| last.number),
        age_ms: last
            .and_then(|last| last.started)
            .map(|at| u64::try_from(now.unix_ms.saturating_sub(at.unix_ms)).unwrap_or(0)),
        elapsed_ms: progress.map(|(elapsed, _)| milliseconds(elapsed)),
        expected_ms: match progress {
            Some((_, expected)) => expected.map(milliseconds),
            None => expected_ms,
        },
        command: match &stage.action {
            Action::Run(command) => command_text(command),
            Action::Use { kind } => format!("uses {kind}"),
        },
        description: stage.description.clone(),
        default: stage.default,
        needs: Vec::new(),
        hidden_by_command: false,
    }
}

/// How long it has been running, and how long the whole of it should take.
fn progress(last: &LastTime, now: Timestamp) -> Option<(Duration, Option<Duration>)> {
    match last.state {
        StageState::Running { since, .. } if last.run == RunState::Running => {
            let elapsed = last.clock.on_its_clock(now).since(since);
            Some((elapsed, last.estimate.as_ref().and_then(|estimate| estimate.given(elapsed))))
        }
        StageState::Running { .. } | StageState::Waiting | StageState::Retrying { .. } | StageState::Finished(_) => {
            None
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a stage came to, as it reads before the run.
fn past(status: &str) -> &'static str {
    match status {
        "pass" => "passed, ",
        "fail" => "failed, ",
        "timeout" => "timed out, ",
        "cancelled" => "cancelled, ",
        "error" => "could not be run, ",
        _ => "",
    }
}

/// The fingerprint of what the stage would run now.
fn signature(stage: &Stage) -> Option<Signature> {
    let Action::Run(command) = &stage.action else { return None };
    Some(signature::signature(&Work { command, env: &stage.env, dir: &stage.dir, executor: signature::LOCAL }))
}

fn human(ms: u64) -> HumanDuration {
    HumanDuration(Duration::from_millis(ms))
}

/// A line, of which on a terminal the command gives way to what is said after it.
fn render(line: &Line, look: Look) -> String {
    let code = line.exit_code.map_or(String::new(), |code| format!(" ({code})"));
    let mut command = look.first_line(&line.command);
    let head = format!("{}  {}{code}: ", line.name, line.state);
    let mut tail = String::new();
    if let (Some(run), Some(age)) = (line.run, line.age_ms) {
        let came_to = line.status.map_or("", past);
        let other = if line.other_command { ", another command" } else { "" };
        let progress = match (line.elapsed_ms.map(human), line.expected_ms) {
            (None, _) => String::new(),
            (Some(elapsed), None) => format!("{elapsed} so far, "),
            (Some(elapsed), Some(expected)) => format!("{elapsed} of {}, ", About(expected)),
        };
        let ago = Ago(i64::try_from(age).unwrap_or(i64::MAX));
        let _ = write!(tail, "  [{progress}{came_to}run {run}{other}, {ago}]");
    }
    if !line.default {
        tail.push_str("  [not in the default set]");
    }
    if line.hidden_by_command {
        let _ = write!(tail, "  [local-ci run {}]", line.name);
    }
    if let Some(description) = &line.description {
        let _ = write!(tail, "  # {}", printable(description));
    }
    let room = look
        .width
        .map(|width| width.saturating_sub(measure_text_width(&head) + measure_text_width(&tail)).max(COMMAND_LEAST));
    if let Some(room) = room {
        command = look.cut_to(&command, room);
    }
    format!("{head}{command}{tail}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Glyphs, Style};

    fn shown(width: Option<usize>, glyphs: Glyphs) -> String {
        let line = Line {
            name: StageName::new("test").unwrap(),
            state: "stopped",
            exit_code: Some(0),
            status: Some("pass"),
            run: Some(RunNumber(7)),
            age_ms: Some(23_500),
            elapsed_ms: None,
            expected_ms: None,
            other_command: false,
            command: "cargo test --workspace --all-features\nsecond".into(),
            description: None,
            default: true,
            needs: Vec::new(),
            hidden_by_command: false,
        };
        render(&line, Look { style: Style { colour: false, glyphs }, width })
    }

    /// What came of a stage stands on its line wherever there is room for it.
    #[test]
    fn the_command_gives_way_on_a_terminal() {
        let tail = "  [passed, run 7, 23 sec ago]\n";
        let whole = "test  stopped (0): cargo test --workspace --all-features";
        assert_eq!(shown(None, Glyphs::Unicode), format!("{whole} …{tail}"));
        assert_eq!(shown(Some(200), Glyphs::Ascii), format!("{whole} ...{tail}"));
        assert_eq!(
            shown(Some(80), Glyphs::Unicode),
            format!("test  stopped (0): cargo test --workspace --all-fe…{tail}")
        );
        assert_eq!(shown(Some(20), Glyphs::Ascii), format!("test  stopped (0): cargo test --wo~{tail}"));
    }
}
