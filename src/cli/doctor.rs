//! `doctor`: what is there and what is missing.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use serde::Serialize;

use super::args::DoctorArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, faces, output};
use crate::outcome::exit;
use crate::report::Look;
use crate::session::doctor::{self, Diagnosis, Level, Patient, Section, Streams};
use crate::text::plain::printable;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    /// Whether there is no problem; warnings do not count.
    healthy: bool,
    problems: usize,
    warnings: usize,
    sections: &'a [Section],
}

/// Looks at the machine and the project. One problem is enough for exit code 1.
pub(super) fn doctor(context: &Context<'_>, args: &DoctorArgs) -> Result<Ending, CliError> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(io::stderr()));
    let patient = Patient {
        env: context.env,
        request: &context.load_request(),
        supplier: context.supplier(),
        streams: Streams {
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
            size: size.ok().filter(|size| size.ws_col > 0).map(|size| (size.ws_col, size.ws_row)),
            colour: faces::colour_when(context),
        },
        is_interactive: context.is_interactive(),
    };
    let diagnosis = doctor::diagnose(&patient);
    let problems = diagnosis.count(Level::Problem);
    let text = if args.json {
        let document = Document {
            schema_version: crate::event::SCHEMA_VERSION,
            healthy: problems == 0,
            problems,
            warnings: diagnosis.count(Level::Warning),
            sections: &diagnosis.sections,
        };
        serde_json::to_string_pretty(&document).map_err(|error| CliError::infrastructure(error.to_string()))? + "\n"
    } else {
        render(&diagnosis, faces::look(context))
    };
    let _ = output::print(&text);
    Ok(Ending::Code(if problems == 0 { exit::PASSED } else { exit::FAILED }))
}

/// Names of stages are given so many columns at most; what is said of a longer one begins below it.
const NAME_MOST: usize = 32;
/// What stands before what was found.
const LEVEL: usize = 2 + 7 + 2;

fn render(diagnosis: &Diagnosis, look: Look) -> String {
    let mut text = String::new();
    let most = look.width.map_or(NAME_MOST, |width| (width / 3).saturating_sub(LEVEL).clamp(8, NAME_MOST));
    for section in &diagnosis.sections {
        let _ = writeln!(text, "{}", section.name);
        let names = section.findings.iter().filter_map(|finding| finding.stage.as_ref()).map(String::len);
        let width = names.filter(|length| *length <= most).max().map_or(0, |longest| longest + 2);
        for finding in &section.findings {
            let name = finding.stage.as_deref().unwrap_or_default();
            let mut lead = format!("  {:7}  {name:width$}", finding.level.word());
            let indent = " ".repeat(LEVEL + width);
            if name.len() + 2 > width && !name.is_empty() {
                let _ = writeln!(text, "{lead}");
                lead.clone_from(&indent);
            }
            for line in finding.text.lines() {
                let _ = writeln!(text, "{lead}{}", printable(line));
                lead.clone_from(&indent);
            }
            if let Some(cure) = &finding.cure {
                let _ = writeln!(text, "{indent}try: {}", printable(cure));
            }
        }
        text.push('\n');
    }
    let count = |level: Level, what: &str| match diagnosis.count(level) {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    };
    let _ = match (diagnosis.count(Level::Problem), diagnosis.count(Level::Warning)) {
        (0, 0) => writeln!(text, "all is well"),
        _ => writeln!(text, "{}, {}", count(Level::Problem, "problem"), count(Level::Warning, "warning")),
    };
    text
}
