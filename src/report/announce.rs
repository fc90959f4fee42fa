//! Annotations at the end of a run, in the words of the service that reads along, as many as it hears.

mod chosen;

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use super::dialect::Dialect;
use super::transcript::{Block, Transcript};
use crate::event::{Severity, Spot};
use crate::text::plain::printable;
use crate::text::{azure, teamcity, workflow};
use crate::view::RunView;
use chosen::{Budget, Chosen, Said, choose};

/// The longest title, in characters.
const TITLE_MAX: usize = 200;
/// The longest text of an attribute that TeamCity takes, in characters.
const ATTRIBUTE_MAX: usize = 4000;

/// How many errors, warnings and notices are heard; none where the log has no annotations.
fn budget(dialect: Dialect) -> Option<Budget> {
    match dialect {
        Dialect::Plain | Dialect::GitLab | Dialect::Buildkite => None,
        // Of one step, the runner keeps ten of each.
        Dialect::GitHub => Some([10, 10, 10]),
        // So does the agent, which knows no notices.
        Dialect::Azure => Some([10, 10, 0]),
        Dialect::TeamCity => Some([100, 100, 100]),
    }
}

/// Says what a run has found, and what failed in it. Nothing where no service hears it.
pub(super) fn write<W: Write>(page: &mut Transcript<W>, view: &RunView) {
    let dialect = page.options.dialect;
    let Some(budget) = budget(dialect) else { return };
    let Chosen { said, left } = choose(view, budget);
    if said.is_empty() && left == [0; 3] {
        return;
    }
    page.block(Block::Lines);
    let base = base(view, page.options.workspace.as_deref());
    if dialect == Dialect::TeamCity {
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            if said.iter().any(|said| said.severity == severity && said.at.is_some()) {
                page.marker(&inspection_type(severity));
            }
        }
    }
    for said in &said {
        let marker = match dialect {
            Dialect::GitHub => on_github(said, &base),
            Dialect::Azure => on_azure(said, &base),
            Dialect::TeamCity => on_teamcity(said, &base),
            Dialect::Plain | Dialect::GitLab | Dialect::Buildkite => continue,
        };
        page.marker(&marker);
    }
    if left != [0; 3] {
        let words = [Severity::Error, Severity::Warning, Severity::Note].into_iter().zip(left);
        let counted: Vec<String> = words
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {}{}", severity.word(), if count == 1 { "" } else { "s" }))
            .collect();
        let program = &page.options.program;
        let all = view.header().and_then(|run| run.number).map_or(String::new(), |n| format!("; {program} show {n}"));
        page.line(&format!("note: not annotated, being more than are shown: {}{all}", counted.join(", ")));
    }
}

/// The project's directory relative to the one that paths are relative to.
fn base(view: &RunView, workspace: Option<&Path>) -> PathBuf {
    let project = view.header().map(|run| Path::new(&run.project));
    let below = project.zip(workspace).and_then(|(project, workspace)| project.strip_prefix(workspace).ok());
    below.unwrap_or(Path::new("")).to_owned()
}

/// A file's path from there, without `.` and `..` in it as far as that goes.
fn path(base: &Path, spot: &Spot) -> String {
    let mut path = PathBuf::new();
    for component in base.join(&spot.path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if path.file_name().is_some() => drop(path.pop()),
            other => path.push(other),
        }
    }
    printable(&path.to_string_lossy()).into_owned()
}

/// A text as it may stand in a log, line by line, its end cut off where it is too long.
fn fit(dialect: Dialect, text: &str, most: usize) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(printable).collect();
    let text = dialect.markers().broken(&lines.join("\n")).into_owned();
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text,
    }
}

/// What stands above the message: what it is called, and whose it is.
fn title(dialect: Dialect, said: &Said<'_>) -> String {
    let stage = said.stage;
    let text = match said.title.or(said.code) {
        _ if said.is_end => format!("{stage} failed"),
        Some(title) => format!("{} ({stage})", title.lines().next().unwrap_or_default()),
        None => stage.to_string(),
    };
    fit(dialect, &text, TITLE_MAX)
}

fn on_github(said: &Said<'_>, base: &Path) -> String {
    let kind = match said.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let file = said.at.map(|at| path(base, at));
    let (lines, columns) =
        said.at.map_or_else(Default::default, |at| ((at.line, at.end_line), (at.column, at.end_column)));
    workflow::issue(&workflow::Issue {
        kind,
        file: file.as_deref(),
        lines,
        columns,
        title: &title(Dialect::GitHub, said),
        message: &fit(Dialect::GitHub, &said.message, workflow::MESSAGE_MAX),
    })
}

fn on_azure(said: &Said<'_>, base: &Path) -> String {
    let kind = if said.severity == Severity::Error { "error" } else { "warning" };
    let file = said.at.map(|at| path(base, at));
    // Its issues have no title.
    let lead = match said.title {
        _ if said.is_end => format!("{} failed: ", said.stage),
        Some(title) => format!("{}: {}: ", said.stage, title.lines().next().unwrap_or_default()),
        None => format!("{}: ", said.stage),
    };
    azure::issue(&azure::Issue {
        kind,
        file: file.as_deref(),
        line: said.at.and_then(|at| at.line),
        column: said.at.and_then(|at| at.column),
        code: said.code.and_then(|code| code.lines().next()),
        message: &fit(Dialect::Azure, &format!("{lead}{}", said.message), workflow::MESSAGE_MAX),
    })
}

/// What TeamCity calls annotations of this severity.
fn inspection(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Error => ("local-ci-error", "ERROR"),
        Severity::Warning => ("local-ci-warning", "WARNING"),
        Severity::Note => ("local-ci-note", "INFO"),
    }
}

/// A kind of inspection has to be known before one of it.
fn inspection_type(severity: Severity) -> String {
    let (id, _) = inspection(severity);
    let name = format!("{}s of stages", severity.word());
    let attributes =
        [("id", id), ("name", name.as_str()), ("description", "What stages found"), ("category", "local-ci")];
    teamcity::message("inspectionType", &attributes)
}

fn on_teamcity(said: &Said<'_>, base: &Path) -> String {
    let text = format!("{}: {}", title(Dialect::TeamCity, said), said.message);
    let text = fit(Dialect::TeamCity, &text, ATTRIBUTE_MAX);
    match said.at {
        Some(at) => {
            let (id, severity) = inspection(said.severity);
            let (file, line) = (path(base, at), at.line.map(|line| line.to_string()));
            let mut attributes = vec![("typeId", id), ("message", text.as_str()), ("file", file.as_str())];
            attributes.extend(line.as_deref().map(|line| ("line", line)));
            attributes.push(("SEVERITY", severity));
            teamcity::message("inspection", &attributes)
        }
        None if said.is_end && said.severity == Severity::Error => {
            let name: String =
                said.stage.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            // An identity has at most 60 characters.
            let identity = format!("local_ci_{}", &name[..name.len().min(50)]);
            teamcity::message("buildProblem", &[("description", &text), ("identity", &identity)])
        }
        // A message of status `ERROR` can fail a build, and the verdict is the run's.
        None => {
            let status = if said.severity == Severity::Note { "NORMAL" } else { "WARNING" };
            teamcity::message("message", &[("text", &text), ("status", status)])
        }
    }
}
