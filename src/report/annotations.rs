//! What was found in the project, as lines: each says where, how much it matters and what it is, as compilers do.

use std::io::Write;

use super::transcript::Transcript;
use crate::event::{Annotation, Severity, Spot};
use crate::view::{RunView, StageView};

/// The longest message that is shown whole, in characters.
const WIDTH: usize = 500;

/// Writes what a stage's last attempt found, as much of it as the page shows.
pub(super) fn write<W: Write>(page: &mut Transcript<W>, view: &RunView, stage: &StageView) {
    for line in lines(stage, view, &page.options.program, page.annotations_max) {
        page.line(&format!("  {line}"));
    }
}

/// The lines, and one about what is left out.
pub(super) fn lines(stage: &StageView, view: &RunView, program: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = stage.annotations.iter().take(most).map(line).collect();
    let more = stage.annotations.len() - lines.len();
    if more > 0 {
        lines.push(match view.header().and_then(|run| run.number) {
            Some(number) => format!("and {more} more: {program} show {number}"),
            None => format!("and {more} more"),
        });
    }
    lines
}

/// One of them. Its text is foreign; to be written as a line is.
pub(super) fn line(annotation: &Annotation) -> String {
    let Annotation { severity, message, code, title, at, source: _ } = annotation;
    let at = at.as_ref().map(|at| format!("{}: ", place(at))).unwrap_or_default();
    let title = title.as_ref().map(|title| format!("{}: ", first(title))).unwrap_or_default();
    let code = code.as_ref().map(|code| format!(" ({})", first(code))).unwrap_or_default();
    format!("{at}{}: {title}{}{code}", severity.word(), first(message))
}

fn place(spot: &Spot) -> String {
    let path = first(&spot.path);
    // A line that begins with colons, blanks before them or not, is a command to some CI services.
    let path = if path.trim_start().starts_with(':') { format!("./{path}") } else { path };
    let mut place = path;
    for number in [spot.line, spot.line.and(spot.column)].into_iter().flatten() {
        place = format!("{place}:{number}");
    }
    place
}

/// The first line of a text, its end cut off where it is too long.
fn first(text: &str) -> String {
    let line = text.trim_end().lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}

/// How many there are in a run, as a sentence; none where nothing was found.
pub(super) fn sentence(view: &RunView) -> Option<String> {
    let all = || view.stages().values().flat_map(|stage| &stage.annotations);
    let counted: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (severity, all().filter(|annotation| annotation.severity == severity).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}{}", severity.word(), if count == 1 { "" } else { "s" }))
        .collect();
    (!counted.is_empty()).then(|| format!("Annotations: {}.", counted.join(", ")))
}
