//! A run as a page: one file that needs nothing else, neither a network nor scripts.
//!
//! All that comes from a run is text in it and never markup; besides that, the page forbids itself to load or run
//! anything, so that a mistake here could do nothing.

mod lists;
mod timeline;

use super::attempts::end_of;
use super::{Facts, moment, title};
use crate::event::Estimate;
use crate::outcome::{HumanDuration, Verdict};
use crate::report::Logs;
use crate::view::{RunView, StageView, Tally};
use std::time::Duration;

/// What the page looks like, on a desk and on a phone, by day and by night.
const STYLE: &str = include_str!("html/page.css");
/// Nothing is loaded, nothing runs, and no form is sent.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The document.
pub(super) fn render(view: &RunView, logs: &mut dyn Logs, facts: &Facts) -> String {
    let title = escape(&title(view, facts));
    let (tone, verdict) = match view.verdict() {
        Some(Verdict::Passed) => ("pass", "passed"),
        Some(verdict @ Verdict::Failed) => ("fail", verdict.word()),
        Some(verdict @ (Verdict::Cancelled { .. } | Verdict::Errored | Verdict::Lost)) => ("warn", verdict.word()),
        None => ("idle", "not ended"),
    };
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: {verdict}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title} <span class=\"verdict {tone}\">{verdict}</span></h1>\n"
    );
    page.push_str(&about(view, facts));
    page.push_str(&timeline::section(view));
    page.push_str(&lists::stages(view, facts));
    page.push_str(&lists::found(view));
    page.push_str(&lists::notices(view));
    page.push_str(&lists::printed(view, logs));
    page.extend([format!("<footer>local-ci {}</footer>\n</body>\n</html>\n", escape(&facts.program))]);
    page
}

/// Counts and what else is known of the run, in one line.
fn about(view: &RunView, facts: &Facts) -> String {
    let mut items = Vec::new();
    let counts = view.counts();
    let counted = [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
        (counts.cached, "cached"),
        (counts.cancelled, "cancelled"),
    ];
    items.extend(counted.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("<b>{count}</b> {word}")));
    let flaky = view.stages().values().filter(|stage| stage.is_flaky()).count();
    if flaky > 0 {
        items.push(format!("<b>{flaky}</b> flaky"));
    }
    items.push(format!("took <b>{}</b>", HumanDuration(end_of(view))));
    if let Some(run) = view.header() {
        items.push(format!("started {} UTC", moment::utc_seconds(run.at.unix_ms).replace('T', " ")));
    }
    if let Some(commit) = &facts.commit {
        items.push(format!("commit <code>{}</code>", escape(commit.get(..12).unwrap_or(commit))));
    }
    if let Some(branch) = &facts.branch {
        items.push(format!("branch <code>{}</code>", escape(branch)));
    }
    items.push(format!("on {}", escape(&facts.host)));
    let items = items.iter().map(|item| format!("<li>{item}</li>\n")).collect::<Vec<String>>().concat();
    format!("<ul class=\"facts\">\n{items}</ul>\n")
}

/// How a stage ended: its colour's name, a sign and a word, so that no colour is needed.
fn status(stage: &StageView) -> (&'static str, &'static str) {
    match stage.tally() {
        Some(Tally::Passed) if stage.is_flaky() => ("warn", "⚠ flaky"),
        Some(Tally::Passed) => ("pass", "✓ passed"),
        Some(Tally::Failed) if stage.is_allowed_failure() => ("warn", "✗ allowed"),
        Some(Tally::Failed) => ("fail", "✗ failed"),
        Some(Tally::Skipped) => ("idle", "– skipped"),
        Some(Tally::Cached) => ("pass", "✓ cached"),
        Some(Tally::Cancelled) => ("idle", "– cancelled"),
        None if stage.started.is_some() => ("fail", "? lost"),
        None => ("idle", "– not started"),
    }
}

/// What was expected, with the band that nine of ten runs keep to.
fn expected(estimate: &Estimate) -> String {
    let human = |ms| HumanDuration(Duration::from_millis(ms)).to_string();
    format!("{} <small>({}–{})</small>", human(estimate.expected_ms), human(estimate.low_ms), human(estimate.high_ms))
}

/// Foreign text as text of the page, in attributes too.
fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            // Neither has a place in a page.
            c if c.is_control() && c != '\n' && c != '\t' => shown.push('\u{fffd}'),
            // Marks of direction would turn what stands around them.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests;
