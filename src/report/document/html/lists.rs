//! The page's lists: stages, what was found, what was noticed, what was printed.

use super::{escape, expected, status};
use crate::event::{Annotation, Severity};
use crate::ids::StageId;
use crate::outcome::{HumanDuration, Outcome};
use crate::report::document::attempts::{self, why};
use crate::report::document::{Facts, printed};
use crate::report::sparkline::{Bar, sparkline};
use crate::report::{Glyphs, Logs};
use crate::view::{RunView, StageView};

/// How much of what a failed attempt printed is on the page, in bytes.
const FAILED: u64 = 256 * 1024;
/// How much of one that passed.
const PASSED: u64 = 32 * 1024;
/// How much of all stages together: what is beyond it is in the logs, as the page says.
const ALL: usize = 8 * 1024 * 1024;
/// How many annotations of a stage are shown.
const NAMED: usize = 200;

/// The stages, a row each.
pub(super) fn stages(view: &RunView, facts: &Facts) -> String {
    let has_history = view.stages().values().any(|stage| history(stage, facts).is_some());
    let head = if has_history { "<th>History</th>" } else { "" };
    let mut rows = String::new();
    for stage in view.stages().values() {
        let (tone, word) = status(stage);
        let info = &stage.info;
        let took = if stage.started.is_some() { HumanDuration(stage.duration()).to_string() } else { String::new() };
        let expected = info.estimate.as_ref().map(expected).unwrap_or_default();
        let history = match history(stage, facts) {
            Some(bars) => {
                format!("<td class=\"spark\" data-name=\"History\">{}</td>", sparkline(&bars, Glyphs::Unicode))
            }
            None if has_history => "<td></td>".to_owned(),
            None => String::new(),
        };
        rows.extend([format!(
            "<tr><td><code>{}</code></td><td class=\"status {tone}\">{word}</td><td>{}</td>\
             <td class=\"number\" data-name=\"Took\">{took}</td>\
             <td class=\"number\"{}>{expected}</td>{history}</tr>\n",
            escape(info.name.as_str()),
            escape(&remark(stage)),
            if expected.is_empty() { "" } else { " data-name=\"Expected\"" },
        )]);
    }
    format!(
        "<h2>Stages</h2>\n<table>\n<thead><tr><th>Stage</th><th>Outcome</th><th></th><th class=\"number\">Took</th>\
         <th class=\"number\">Expected</th>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// What came of it before, where there is more than one run to be seen.
fn history(stage: &StageView, facts: &Facts) -> Option<Vec<Bar>> {
    let past = facts.history.get(&stage.info.name).filter(|past| past.len() > 1)?;
    Some(past.iter().map(|ms| ms.map_or(Bar::Failed, Bar::Passed)).collect())
}

/// What there is to say of how it ended.
fn remark(stage: &StageView) -> String {
    let mut said = Vec::new();
    if let Some(finished) = stage.finished() {
        if stage.is_flaky() {
            said.push(format!("passed at attempt {}", finished.attempt));
        }
        said.extend(why(Some(&finished.outcome)));
    }
    let (took, band) = (stage.took_ms().filter(|_| stage.attempts() > 0), stage.info.estimate.as_ref());
    if let (Some(took), Some(band)) = (took, band)
        && took > band.high_ms
    {
        said.push("slower than usual".to_owned());
    }
    said.join("; ")
}

/// What was found in the project.
pub(super) fn found(view: &RunView) -> String {
    let mut text = String::new();
    for stage in view.stages().values().filter(|stage| !stage.annotations.is_empty()) {
        let items = stage.annotations.iter().take(NAMED).map(item).collect::<Vec<String>>().concat();
        let more = stage.annotations.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("<p>and {more} more</p>\n") } else { String::new() };
        let name = escape(stage.info.name.as_str());
        text.extend([format!("<h2>Found by {name}</h2>\n<ul class=\"found\">\n{items}</ul>\n{more}")]);
    }
    text
}

fn item(annotation: &Annotation) -> String {
    let Annotation { severity, message, code, title, at, source } = annotation;
    let tone = match severity {
        Severity::Error => "fail",
        Severity::Warning => "warn",
        Severity::Note => "idle",
    };
    let place = at.as_ref().map(|at| {
        let numbers = [at.line, at.line.and(at.column)].into_iter().flatten().map(|number| format!(":{number}"));
        format!("<code>{}</code> · ", escape(&format!("{}{}", at.path, numbers.collect::<String>())))
    });
    let code = code.as_ref().map(|code| format!(" · {}", escape(code))).unwrap_or_default();
    let title = title.as_ref().map(|title| format!("<b>{}</b>\n", escape(title))).unwrap_or_default();
    format!(
        "<li class=\"{tone}\"><span class=\"place\">{}{} · {}{code}</span>{title}{}</li>\n",
        place.unwrap_or_default(),
        severity.word(),
        escape(source),
        escape(message.trim_end())
    )
}

/// What a person should know of the run.
pub(super) fn notices(view: &RunView) -> String {
    let items = view
        .notices()
        .iter()
        .map(|notice| format!("<li class=\"idle\">{}</li>\n", escape(&notice.text)))
        .collect::<Vec<String>>()
        .concat();
    if items.is_empty() { items } else { format!("<h2>Notices</h2>\n<ul class=\"found\">\n{items}</ul>\n") }
}

/// What stages printed, folded: first what did not pass.
pub(super) fn printed(view: &RunView, logs: &mut dyn Logs) -> String {
    let mut pieces: Vec<(StageId, usize, bool)> = Vec::new();
    for (id, stage) in view.stages().iter() {
        for (at, attempt) in attempts::of(view, stage).iter().enumerate() {
            pieces.push((id, at, matches!(attempt.outcome, Some(Outcome::Passed | Outcome::Cached))));
        }
    }
    pieces.sort_by_key(|(_, _, passed)| *passed);
    let (mut text, mut left_out) = (String::new(), 0);
    for (id, at, passed) in pieces {
        if text.len() > ALL {
            left_out += 1;
            continue;
        }
        text.push_str(&piece(view, logs, id, at, passed));
    }
    if left_out > 0 {
        text.extend([format!("<p>What {left_out} more attempts printed is left out here; the logs have it.</p>\n")]);
    }
    if text.is_empty() { text } else { format!("<h2>Output</h2>\n{text}") }
}

fn piece(view: &RunView, logs: &mut dyn Logs, id: StageId, at: usize, passed: bool) -> String {
    let stage = &view.stages()[id];
    let attempts = attempts::of(view, stage);
    let attempt = &attempts[at];
    let output = printed::last(logs, id, attempt, if passed { PASSED } else { FAILED });
    let is_last = at + 1 == attempts.len();
    let (tone, word) = if is_last { status(stage) } else { ("fail", "✗ failed") };
    let number = if attempts.len() > 1 { format!(", attempt {}", attempt.number) } else { String::new() };
    let why = why(attempt.outcome).map(|why| format!(": {}", escape(&why))).unwrap_or_default();
    let command =
        stage.info.command.lines().map(|line| format!("$ {}\n", escape(line))).collect::<Vec<String>>().concat();
    format!(
        "<details><summary><span class=\"status {tone}\">{word}</span><code>{}</code>{number}{why} \
         <small>{}</small></summary><pre>{command}{}</pre></details>\n",
        escape(stage.info.name.as_str()),
        HumanDuration(attempt.length),
        escape(&output)
    )
}
