//! `plan`: what would run, in what order, and why or why not.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::args::{GraphFormat, PlanArgs, Selection};
use super::error::CliError;
use super::project::Context;
use super::{Ending, faces, output};
use crate::event::{Basis, Estimate};
use crate::ids::{Signature, StageName};
use crate::outcome::{HumanDuration, exit};
use crate::pipeline::remote::{Remote, Sync};
use crate::plan::diagram::{Sheet, dot, mermaid};
use crate::plan::{Decision, Expectation, Plan, PlannedStage, Reason};
use crate::process::tool::Tools;
use crate::remote::Fault;
use crate::remote::tree::{Preview, preview};
use crate::report::Look;
use crate::text::plain::printable;

/// Shows the plan of a selection.
pub(super) fn plan(context: &Context<'_>, args: &PlanArgs) -> Result<Ending, CliError> {
    match args.graph {
        Some(format) => graph(context, &args.selection, format),
        None => show(context, &args.selection, args.json),
    }
}

/// Draws the plan of a selection.
fn graph(context: &Context<'_>, selection: &Selection, format: GraphFormat) -> Result<Ending, CliError> {
    let project = context.project()?;
    let plan = context.plan(&project, selection)?;
    let stages = project.pipeline.stages();
    let sheet = Sheet::new(&plan, |name| {
        let declared = &stages[project.pipeline.find(name.as_str())?].declared;
        (declared != name).then_some(declared)
    });
    let _ = output::print(&match format {
        GraphFormat::Dot => dot(&sheet),
        GraphFormat::Mermaid => mermaid(&sheet),
    });
    Ok(Ending::Code(exit::PASSED))
}

/// Shows the plan of a selection, as text or JSON.
pub(super) fn show(context: &Context<'_>, selection: &Selection, json: bool) -> Result<Ending, CliError> {
    let project = context.project()?;
    context.say_detected(&project);
    let mut plan = context.plan(&project, selection)?;
    context.foretell(&project.root, &mut plan).iter().for_each(|text| output::warning(text));
    let commands = faces::commands();
    let tools = Tools::plain(context.env);
    let previews: Vec<_> = plan.remotes.values().map(|remote| preview(&plan.root, remote, &tools)).collect();
    let text = if json {
        serde_json::to_string_pretty(&document(&plan, &commands, &previews))
            .map_err(|error| CliError::infrastructure(error.to_string()))?
            + "\n"
    } else {
        let mut text = text(&plan, &commands, context.global.verbose > 0, faces::look(context));
        for (remote, preview) in plan.remotes.values().zip(&previews) {
            text.push_str(&sending(remote, preview));
        }
        text
    };
    // A reader that has gone away has read enough.
    let _ = output::print(&text);
    Ok(Ending::Code(exit::PASSED))
}

#[derive(Serialize)]
struct PlanDocument<'a> {
    schema_version: u32,
    project: String,
    jobs: u32,
    fail_fast: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u128>,
    stages: Vec<StageDocument<'a>>,
    remotes: Vec<RemoteDocument<'a>>,
    left_out: &'a [StageName],
    warnings: &'a [String],
}

/// A machine that stages run on.
#[derive(Serialize)]
struct RemoteDocument<'a> {
    name: &'a str,
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    session: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dir: Option<&'a str>,
    sync: Sync,
    slots: u32,
    /// What would be sent there; missing where that cannot be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    sends: Option<SendsDocument>,
}

/// What would be sent to a machine, before anything is left out that is there already.
#[derive(Serialize)]
struct SendsDocument {
    files: u64,
    bytes: u64,
    /// Not sent, since their names say that they hold secrets.
    left_out: Vec<String>,
    notices: Vec<String>,
}

#[derive(Serialize)]
struct StageDocument<'a> {
    name: &'a StageName,
    #[serde(flatten)]
    decision: &'a Decision,
    reasons: &'a [Reason],
    command: String,
    needs: Vec<&'a StageName>,
    /// Names only: a plan may be printed into a log.
    env: Vec<&'a String>,
    dir: String,
    executor: &'a str,
    signature: Signature,
    threads: u32,
    locks: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u128>,
    retries: u32,
    /// Whether it can only be run as `local-ci run NAME`, because a command has its name.
    hidden_by_command: bool,
    allow_failure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<&'a Estimate>,
}

fn document<'a>(plan: &'a Plan, commands: &[String], previews: &[Result<Preview, Fault>]) -> PlanDocument<'a> {
    PlanDocument {
        schema_version: crate::event::SCHEMA_VERSION,
        project: plan.root.to_string_lossy().into_owned(),
        jobs: plan.jobs,
        fail_fast: plan.fail_fast,
        timeout_ms: plan.timeout.map(|timeout| timeout.as_millis()),
        stages: plan
            .stages
            .values()
            .map(|stage| StageDocument {
                name: &stage.name,
                decision: &stage.decision,
                reasons: &stage.reasons,
                command: stage.command_text(),
                needs: stage.needs.iter().map(|need| &plan.stages[*need].name).collect(),
                env: stage.env.keys().collect(),
                dir: stage.dir.to_string_lossy().into_owned(),
                executor: &stage.executor,
                signature: stage.signature,
                threads: stage.policy.threads,
                locks: &stage.policy.locks,
                timeout_ms: stage.policy.timeout.map(|timeout| timeout.as_millis()),
                retries: stage.policy.retries,
                hidden_by_command: is_hidden(&stage.name, commands),
                allow_failure: stage.policy.allow_failure,
                estimate: stage.estimate.as_ref(),
            })
            .collect(),
        remotes: plan
            .remotes
            .values()
            .zip(previews)
            .map(|(remote, sends)| remote_document(plan, remote, sends))
            .collect(),
        left_out: &plan.left_out,
        warnings: &plan.warnings,
    }
}

fn remote_document<'a>(plan: &Plan, remote: &'a Remote, preview: &Result<Preview, Fault>) -> RemoteDocument<'a> {
    RemoteDocument {
        name: &remote.name,
        host: remote.destination.to_string(),
        port: remote.destination.port,
        session: &remote.session,
        dir: remote.dir.as_deref(),
        sync: remote.sync,
        slots: plan.slots(&remote.name),
        sends: preview.as_ref().ok().map(|preview| SendsDocument {
            files: preview.files,
            bytes: preview.bytes,
            left_out: preview.left_out.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
            notices: preview.notices.clone(),
        }),
    }
}

/// Whether a stage can only be run as `local-ci run NAME`, because a command has its name.
fn is_hidden(stage: &StageName, commands: &[String]) -> bool {
    commands.iter().any(|command| command == stage.as_str())
}

/// Names are given so many columns at most; what is said of a longer one begins below it.
const NAME_MOST: usize = 32;
/// What stands before a name.
const DECISION: usize = 8;

/// The plan as a person reads it. Verbose, nothing of it is cut to the terminal.
fn text(plan: &Plan, commands: &[String], verbose: bool, look: Look) -> String {
    let mut text = String::new();
    // A third of the line at most: the rest is for what is said of them.
    let most = look.width.map_or(NAME_MOST, |width| (width / 3).saturating_sub(DECISION).clamp(8, NAME_MOST));
    let names = plan.stages.values().map(|stage| stage.name.as_str().len());
    let width = names.filter(|length| *length <= most).max().unwrap_or(0);
    let runs = plan.stages.values().filter(|stage| stage.runs()).count();
    let expectation = plan.expectation();
    let _ = writeln!(text, "{runs} of {} stages would run, {}", plan.stages.len(), at_a_time(plan));
    for stage in plan.stages.values() {
        let name = &stage.name;
        let (decision, said) = match &stage.decision {
            Decision::Run => ("run", look.first_line(&stage.command_text())),
            Decision::Skip { reason } => ("skip", printable(&reason.to_string()).into_owned()),
        };
        let mut lines = vec![said];
        if !stage.needs.is_empty() {
            let needs: Vec<&str> = stage.needs.iter().map(|need| plan.stages[*need].name.as_str()).collect();
            lines.push(format!("after {}", needs.join(", ")));
        }
        lines.extend(stage.reasons.iter().map(|reason| match reason {
            Reason::Asked { by } if by == name.as_str() => "asked for".to_owned(),
            other => printable(&other.to_string()).into_owned(),
        }));
        if plan.remotes.contains_key(&stage.executor) {
            lines.push(format!("on {}", printable(&stage.executor)));
        }
        if let (Some(_), true) = (&expectation, stage.runs()) {
            lines.push(usually(stage.estimate.as_ref()));
        }
        if is_hidden(name, commands) {
            lines.push(format!("bears a command's name: local-ci run {name}"));
        }
        if verbose {
            lines.push(format!("signature {}", stage.signature.short()));
            let ingredients = crate::plan::signature::explain(&stage.work());
            lines.extend(ingredients.iter().map(|part| format!("  {}: {}", part.name, printable(&part.value))));
        }
        let mut lead = format!("  {decision:4}  {name:width$}");
        if name.as_str().len() > width {
            let _ = writeln!(text, "{lead}");
            lead = " ".repeat(DECISION + width);
        }
        for line in lines {
            let line = format!("{lead}  {line}");
            let _ = writeln!(text, "{}", if verbose { line } else { look.cut(&line) });
            lead = " ".repeat(DECISION + width);
        }
    }
    if !plan.left_out.is_empty() {
        let names: Vec<&str> = plan.left_out.iter().map(StageName::as_str).collect();
        let _ = writeln!(text, "left out: {}", names.join(", "));
    }
    if let Some(expectation) = &expectation {
        let _ = writeln!(text, "{}", expected(expectation, look));
    }
    text
}

/// How many stages run at a time, and where.
fn at_a_time(plan: &Plan) -> String {
    if plan.remotes.is_empty() {
        return format!("{} at a time", plan.jobs);
    }
    let is_here = |stage: &PlannedStage| stage.runs() && !plan.remotes.contains_key(&stage.executor);
    let here = plan.stages.values().any(is_here).then(|| (plan.jobs, "here".to_owned()));
    let there = plan.remotes.keys().map(|name| (plan.slots(name), format!("on {}", printable(name))));
    let places = here.into_iter().chain(there).enumerate().map(|(index, (slots, place))| match index {
        0 => format!("{slots} at a time {place}"),
        _ => format!("{slots} {place}"),
    });
    places.collect::<Vec<_>>().join(", ")
}

/// Which machine a remote is, and what is done there.
fn where_it_is(remote: &Remote, sync: Sync) -> String {
    let Remote { name, destination, session, dir, .. } = remote;
    let host = (*name != destination.to_string()).then(|| destination.to_string());
    let port = destination.port.map(|port| format!("port {port}"));
    let dir = dir.as_ref().map(|dir| format!("directory {dir}"));
    let how = match sync {
        Sync::Git => "work tree sent by git",
        Sync::Rsync => "work tree sent by rsync",
        Sync::None => "nothing is sent",
    };
    let parts = [host, port, Some(format!("tmux session {session}")), dir, Some(how.to_owned())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    printable(&format!("{name}: {}", parts.join(", "))).into_owned()
}

/// Which machine a remote is, and what would be sent there.
fn sending(remote: &Remote, preview: &Result<Preview, Fault>) -> String {
    let mut text = format!("{}\n", where_it_is(remote, preview.as_ref().map_or(remote.sync, |preview| preview.mode)));
    match preview {
        Err(fault) => {
            let _ = writeln!(text, "  what would be sent is not known: {}", printable(&fault.message));
        }
        Ok(Preview { mode: Sync::None, .. }) => {}
        Ok(Preview { files, bytes, left_out, notices, .. }) => {
            let _ =
                writeln!(text, "  at most {}, {}: what is there already is not sent", counted(*files), size(*bytes));
            for path in left_out {
                let _ = writeln!(text, "  left out, as it may hold secrets: {}", printable(&path.to_string_lossy()));
            }
            for notice in notices {
                let _ = writeln!(text, "  {}", printable(notice));
            }
        }
    }
    text
}

fn counted(files: u64) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// Bytes as people count them.
fn size(bytes: u64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// How long a stage takes, and how that is known.
fn usually(estimate: Option<&Estimate>) -> String {
    // It may be new, or may have failed whenever it ran.
    let Some(estimate) = estimate else { return "no estimate yet".to_owned() };
    let basis = match estimate.basis {
        Basis::Own => "",
        Basis::OtherWorktree => ", by other work trees of the repository",
        Basis::EarlierCommand => ", by the command that it had before",
        Basis::OtherMachine => ", by other machines",
    };
    format!("usually {}{basis}", HumanDuration(Duration::from_millis(estimate.expected_ms)))
}

/// How long the whole run takes.
fn expected(expectation: &Expectation, look: Look) -> String {
    let [expected, low, high] = [expectation.expected, expectation.low, expectation.high].map(HumanDuration);
    match expectation.unknown {
        0 => format!("expected: ~{expected} ({low}{}{high})", look.style.glyphs.dash()),
        1 => format!("expected: ~{expected}, a guess: 1 stage has no estimate yet"),
        n => format!("expected: ~{expected}, a guess: {n} stages have no estimate yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Glyphs, Style};

    fn estimate(basis: Basis) -> Estimate {
        Estimate { expected_ms: 12_000, low_ms: 11_000, high_ms: 14_000, samples: 3, basis, longer_ms: Vec::new() }
    }

    #[test]
    fn a_stage_says_how_long_it_takes_and_how_that_is_known() {
        assert_eq!(usually(None), "no estimate yet");
        assert_eq!(usually(Some(&estimate(Basis::Own))), "usually 12.0s");
        assert_eq!(
            usually(Some(&estimate(Basis::OtherWorktree))),
            "usually 12.0s, by other work trees of the repository"
        );
        assert_eq!(usually(Some(&estimate(Basis::EarlierCommand))), "usually 12.0s, by the command that it had before");
    }

    #[test]
    fn what_a_run_of_unknown_stages_takes_is_a_guess() {
        let secs = Duration::from_secs;
        let mut whole = Expectation { expected: secs(150), low: secs(120), high: secs(180), unknown: 0 };
        let look = Look::default();
        assert_eq!(expected(&whole, look), "expected: ~2m30s (2m00s–3m00s)");
        let ascii = Look { style: Style { glyphs: Glyphs::Ascii, ..Style::default() }, ..look };
        assert_eq!(expected(&whole, ascii), "expected: ~2m30s (2m00s-3m00s)");
        whole.unknown = 2;
        assert_eq!(expected(&whole, look), "expected: ~2m30s, a guess: 2 stages have no estimate yet");
    }
}
