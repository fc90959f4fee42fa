//! A summary in Markdown, such as the one that a step of GitHub Actions may leave: what became of the run and of each stage,
//! and of what failed the last lines.
//!
//! A service that gets more than a mebibyte shows nothing at all, so there is a limit, and what is beyond it is counted.
//! Every piece is written whole or not at all, so that nothing stays open.

use super::attempts::{self, Attempt, end_of, why};
use super::{Facts, printed, title};
use crate::ids::StageId;
use crate::outcome::{HumanDuration, Outcome};
use crate::report::{Logs, annotations};
use crate::view::{RunView, StageView, Tally};
use std::time::Duration;

/// How long the document is at most, in bytes. GitHub takes 1 MiB a step, of which others may have written some.
pub(super) const MOST: usize = 900 * 1024;
/// How much room is kept for saying what was left out.
const RESERVE: usize = 512;
/// How much of what a failed attempt printed is shown, in bytes.
const PRINTED: u64 = 16 * 1024;
/// How many annotations of a stage are shown.
const NAMED: usize = 50;
/// The longest text that stands within a line, in characters.
const INLINE: usize = 500;

/// A document with a limit.
struct Page {
    out: String,
    limit: usize,
}

impl Page {
    /// Writes a piece, if there is room for it.
    fn push(&mut self, piece: &str) -> bool {
        let fits = self.out.len() + piece.len() + RESERVE <= self.limit;
        if fits {
            self.out.push_str(piece);
        }
        fits
    }

    /// Writes these pieces until one does not fit. Says how many were left out.
    fn push_all(&mut self, pieces: impl IntoIterator<Item = String>) -> usize {
        let mut left_out = 0;
        for piece in pieces {
            if left_out > 0 || !self.push(&piece) {
                left_out += 1;
            }
        }
        left_out
    }

    /// Writes what fits into the reserve.
    fn note(&mut self, text: &str) {
        if self.out.len() + text.len() <= self.limit {
            self.out.push_str(text);
        }
    }
}

/// The document.
pub(super) fn render(view: &RunView, logs: &mut dyn Logs, facts: &Facts) -> String {
    within(MOST, view, logs, facts)
}

fn within(limit: usize, view: &RunView, logs: &mut dyn Logs, facts: &Facts) -> String {
    let mut page = Page { out: String::new(), limit };
    page.push(&headline(view, facts));
    page.push("\n| | Stage | Took | Expected | |\n| --- | --- | ---: | ---: | --- |\n");
    let rows = page.push_all(view.stages().values().map(row));
    if rows > 0 {
        page.note(&format!("\n{rows} more stages are left out here.\n"));
    }
    page.push(&critical_path(view));
    let (mut failures, mut found) = (0, 0);
    for (id, stage) in view.stages().iter() {
        let shown = failure(view, logs, id, stage);
        failures += page.push_all(shown);
    }
    if failures > 0 {
        page.note(&format!("\n{failures} more failures are left out here.\n"));
    }
    for stage in view.stages().values().filter(|stage| !stage.annotations.is_empty()) {
        found += page.push_all([annotated(view, stage)]);
    }
    if found > 0 {
        page.note(&format!("\nWhat {found} more stages found is left out here.\n"));
    }
    let notices = view.notices().iter().map(|notice| format!("\n> {}\n", inline(&notice.text)));
    page.push_all(notices);
    page.out
}

/// The verdict and the counts.
fn headline(view: &RunView, facts: &Facts) -> String {
    let verdict = view.verdict().map_or("not ended", |verdict| verdict.word());
    let sign = if verdict == "passed" { "✅" } else { "❌" };
    let counts = view.counts();
    let counted = [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
        (counts.cached, "cached"),
        (counts.cancelled, "cancelled"),
    ];
    let counted: Vec<String> =
        counted.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let flaky = view.stages().values().filter(|stage| stage.is_flaky()).count();
    let flaky = if flaky > 0 { format!("; {flaky} flaky") } else { String::new() };
    let stages = if counts.total == 1 { "stage" } else { "stages" };
    let mut text = format!(
        "## {sign} {}: {verdict}\n\n**{} {stages}**: {}{flaky}; in {}",
        inline(&title(view, facts)),
        counts.total,
        counted.join(", "),
        HumanDuration(end_of(view)),
    );
    if let Some(commit) = &facts.commit {
        text.extend([format!(" · {}", code(commit.get(..12).unwrap_or(commit)))]);
    }
    if let Some(branch) = &facts.branch {
        text.extend([format!(" · {}", code(branch))]);
    }
    text.push('\n');
    text
}

/// A stage's line in the table.
fn row(stage: &StageView) -> String {
    let took = if stage.started.is_some() { HumanDuration(stage.duration()).to_string() } else { String::new() };
    let expected = stage.info.expected_ms().map(|ms| HumanDuration(Duration::from_millis(ms)).to_string());
    let remark = [remark(stage), slower(stage).map(str::to_owned)].into_iter().flatten().collect::<Vec<_>>().join("; ");
    format!(
        "| {} | {} | {took} | {} | {} |\n",
        sign(stage),
        code(stage.info.name.as_str()),
        expected.unwrap_or_default(),
        inline(&remark)
    )
}

/// A sign that stands out without colours.
fn sign(stage: &StageView) -> &'static str {
    match stage.tally() {
        Some(Tally::Passed) if stage.is_flaky() => "⚠️ flaky",
        Some(Tally::Passed) => "✅",
        Some(Tally::Failed) if stage.is_allowed_failure() => "⚠️",
        Some(Tally::Failed) => "❌",
        Some(Tally::Skipped) => "⏭️",
        Some(Tally::Cached) => "♻️",
        Some(Tally::Cancelled) => "🚫",
        None => "❔",
    }
}

/// What there is to say of how a stage ended.
fn remark(stage: &StageView) -> Option<String> {
    let Some(finished) = stage.finished() else {
        return Some(if stage.started.is_some() { why(None)? } else { "not started".to_owned() });
    };
    if finished.outcome == Outcome::Cached {
        return Some("cached".to_owned());
    }
    if stage.is_flaky() {
        return Some(format!("passed at attempt {}", finished.attempt));
    }
    let why = why(Some(&finished.outcome))?;
    let attempts = stage.attempts();
    let again = if attempts > 1 { format!(", {attempts} attempts") } else { String::new() };
    Some(if stage.is_allowed_failure() { format!("{why}{again}, which is allowed") } else { format!("{why}{again}") })
}

/// Where it took longer than nine of ten runs did.
fn slower(stage: &StageView) -> Option<&'static str> {
    let (took, band) = (stage.took_ms()?, stage.info.estimate.as_ref()?);
    (stage.attempts() > 0 && took > band.high_ms).then_some("slower than usual")
}

/// The chain of stages that took longest, where there is more than one in it.
fn critical_path(view: &RunView) -> String {
    let path = view.critical_path();
    if path.stages.len() < 2 {
        return String::new();
    }
    let names: Vec<String> = path.stages.iter().map(|id| code(view.stages()[*id].info.name.as_str())).collect();
    format!("\nCritical path: {} ({})\n", names.join(" → "), HumanDuration(path.duration))
}

/// What a stage printed that failed, folded; what its attempts before the last one printed as well.
fn failure(view: &RunView, logs: &mut dyn Logs, id: StageId, stage: &StageView) -> Vec<String> {
    let attempts = attempts::of(view, stage);
    let bad = |attempt: &&Attempt<'_>| !matches!(attempt.outcome, Some(Outcome::Passed | Outcome::Cached));
    let pieces = attempts.iter().filter(bad).map(|attempt| {
        let number = if attempts.len() > 1 { format!(" (attempt {})", attempt.number) } else { String::new() };
        let summary = format!("{}{number}: {}", stage.info.name, why(attempt.outcome).unwrap_or_default());
        folded(&summary, &stage.info.command, &printed::last(logs, id, attempt, PRINTED))
    });
    pieces.collect()
}

/// A command and what it printed, below a line that opens it.
fn folded(summary: &str, command: &str, text: &str) -> String {
    let command = command.lines().map(|line| format!("$ {line}")).collect::<Vec<_>>().join("\n");
    let text = if text.is_empty() { command } else { format!("{command}\n{text}") };
    let fence = fence(&text);
    format!("\n<details><summary>{}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n", html(summary))
}

/// Backticks that nothing in the text can end: more than it has in a row, and three at least.
fn fence(text: &str) -> String {
    let (mut longest, mut row) = (0, 0);
    for c in text.chars() {
        row = if c == '`' { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    "`".repeat(longest.max(2) + 1)
}

/// What a stage found in the project.
fn annotated(view: &RunView, stage: &StageView) -> String {
    let mut text = format!("\n### Found by {}\n\n", code(stage.info.name.as_str()));
    for line in annotations::lines(stage, view, "local-ci", NAMED) {
        text.extend([format!("- {}\n", inline(&line))]);
    }
    text
}

/// Text within a line, in which nothing is markup.
fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        if at == INLINE {
            shown.push('…');
            break;
        }
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // A line feed would end a row of the table.
            c if c.is_control() => shown.push(' '),
            c if c.is_ascii_punctuation()
                && !matches!(c, ',' | '.' | ':' | ';' | '/' | '\'' | '"' | '(' | ')' | '-' | '=' | '?' | '%') =>
            {
                shown.push('\\');
                shown.push(c);
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Text for an element of HTML, on one line.
fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.chars().take(INLINE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A name as code. Names of stages have nothing in them that could end it; those of branches may, and are then plain.
fn code(name: &str) -> String {
    if name.contains(['`', '|']) || name.chars().any(char::is_control) { inline(name) } else { format!("`{name}`") }
}

#[cfg(test)]
mod tests;
