//! Between generated types and our own words.

use super::generated::exports::local_ci::plugin::about;
use super::generated::local_ci::plugin::types;
use crate::event::{Annotation, Severity, Spot};
use crate::pipeline::plugin::{Excerpt, Generated, Kind};
use crate::plugin::excerpt;
use crate::plugin::fault::FaultKind;
use crate::plugin::host::stop::short;
use crate::plugin::info::{Context, Info, Need, Notification, StageEnd, Verdict};
use crate::plugin::services::{Line, Printed};

/// The most of a problem's message, in bytes.
const MESSAGE_MAX: usize = 16 * 1024;
/// The most of other texts, in bytes.
const TEXT_MAX: usize = 4 * 1024;

pub(super) fn pairs(pairs: &[(String, String)]) -> Vec<types::Pair> {
    pairs.iter().map(|(key, value)| types::Pair { key: key.clone(), value: value.clone() }).collect()
}

pub(super) fn own_pairs(pairs: Vec<types::Pair>) -> Vec<(String, String)> {
    pairs.into_iter().map(|types::Pair { key, value }| (key, value)).collect()
}

pub(super) fn context(context: &Context) -> types::Context {
    types::Context {
        run_id: context.run.clone(),
        stage: context.stage.clone(),
        attempt: context.attempt,
        params: context.params.clone(),
        extra: pairs(&context.extra),
    }
}

pub(super) fn line(line: &Line) -> types::Line {
    types::Line { channel: channel(line.is_err), text: line.text.clone() }
}

fn channel(is_err: bool) -> types::Channel {
    if is_err { types::Channel::Err } else { types::Channel::Out }
}

/// The contract's `line` for a parser: what is generated wants a `String` of its own for each.
#[derive(Clone, Copy, Debug, wasmtime::component::ComponentType, wasmtime::component::Lower)]
#[component(record)]
pub(super) struct Lent<'a> {
    channel: types::Channel,
    text: &'a str,
}

pub(super) fn lent<'a>(line: &Printed<'a>) -> Lent<'a> {
    Lent { channel: channel(line.is_err), text: line.text }
}

pub(super) fn event(event: &Notification) -> types::Event {
    types::Event {
        seq: event.seq,
        at_ms: event.at_ms,
        kind: event.kind.clone(),
        stage: event.stage.clone(),
        data: event.data.clone(),
    }
}

/// Its source is for others to say.
pub(super) fn annotation(annotation: types::Annotation) -> Annotation {
    let severity = match annotation.severity {
        types::Severity::Note => Severity::Note,
        types::Severity::Warning => Severity::Warning,
        types::Severity::Error => Severity::Error,
    };
    let annotation = Annotation {
        severity,
        message: annotation.message,
        code: annotation.code.filter(|code| !code.is_empty()),
        title: annotation.title.filter(|title| !title.is_empty()),
        at: annotation.at.filter(|at| !at.path.is_empty()).map(spot),
        source: String::new(),
    };
    annotation.bounded()
}

/// Lines and columns count from one: zero is none.
fn spot(span: types::Span) -> Spot {
    let counted = |number: Option<u32>| number.filter(|number| *number > 0);
    Spot {
        path: span.path,
        line: counted(span.line),
        column: counted(span.column),
        end_line: counted(span.end_line),
        end_column: counted(span.end_column),
    }
}

/// The text, or as much of it as is kept.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.push('…');
    }
    text
}

pub(super) fn problem(problem: types::Problem) -> FaultKind {
    let types::Problem { code, message, retryable, extra: _ } = problem;
    FaultKind::Problem { code: cut(code, TEXT_MAX), message: cut(message, MESSAGE_MAX), retryable }
}

pub(super) fn stage_end(outcome: types::Outcome) -> StageEnd {
    let verdict = match outcome.verdict {
        types::Verdict::Passed => Verdict::Passed,
        types::Verdict::Failed => Verdict::Failed,
        types::Verdict::Skipped => Verdict::Skipped,
    };
    let outputs = outcome.outputs.into_iter().map(|output| cut(output.key, TEXT_MAX)).collect();
    StageEnd { verdict, summary: outcome.summary.map(|summary| cut(summary, TEXT_MAX)), outputs }
}

pub(super) fn generated(spec: types::StageSpec) -> Generated {
    Generated { name: spec.name, body: spec.body }
}

/// What a plugin says of itself, or why that makes no sense.
pub(super) fn info(info: about::Info) -> Result<Info, FaultKind> {
    let kinds = |kinds: Vec<about::Kind>| kinds.into_iter().map(kind).collect();
    let parsers: Result<Vec<Kind>, String> = info.parsers.into_iter().map(parser).collect();
    let need = |need: about::Capability| Need { kind: need.kind, value: need.value, reason: need.reason };
    Ok(Info {
        name: info.name,
        version: info.version,
        summary: info.summary,
        stages: kinds(info.stages),
        parsers: parsers.map_err(FaultKind::Nonsense)?,
        expanders: kinds(info.expanders),
        events: info.events,
        config: info.config,
        needs: info.needs.into_iter().map(need).collect(),
        examples: if info.examples.trim().is_empty() { "[]".to_owned() } else { info.examples },
    })
}

fn kind(kind: about::Kind) -> Kind {
    let about::Kind { name, summary, params, fixes, extra: _ } = kind;
    Kind { name, summary, params, fixes, excerpt: Excerpt::default() }
}

fn parser(mut parser: about::Kind) -> Result<Kind, String> {
    let extra = own_pairs(std::mem::take(&mut parser.extra));
    let kind = kind(parser);
    Ok(Kind { excerpt: excerpt::read(&short(&kind.name), &extra)?, ..kind })
}
