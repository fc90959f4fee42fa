//! Tools of which each line says all.

use crate::event::Severity;
use crate::matcher::form::Form;
use crate::matcher::member::{Find, Finds, Member, Whereabouts};

fn forms(severity: Severity, expressions: &[&str]) -> Vec<Box<dyn Member>> {
    expressions.iter().map(|expression| Box::new(Form::own(severity, expression)) as Box<dyn Member>).collect()
}

/// `src/a.ts(3,7): error TS2322: …`, with `--pretty` `src/a.ts:3:7 - error TS2322: …`, and what is about no file.
pub(super) fn tsc() -> Vec<Box<dyn Member>> {
    forms(
        Severity::Error,
        &[
            r"^(?<file>\S.*)\((?<location>\d+,\d+(?:,\d+,\d+)?)\): (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.*)$",
            r"^(?<file>\S.*?):(?<line>\d+):(?<column>\d+) - (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.*)$",
            r"^(?<severity>error) (?<code>TS\d+): (?<message>.*)$",
        ],
    )
}

/// `a.py:3:5: error: …  [code]`, its column only where it is asked for; notes are a part of what they follow.
pub(super) fn mypy() -> Vec<Box<dyn Member>> {
    forms(
        Severity::Error,
        &[
            r"^(?<file>[^\s:][^:]*):(?<line>\d+):(?:(?<column>\d+):(?:(?<endLine>\d+):(?<endColumn>\d+):)?)? (?<severity>error|warning): (?<message>.*?)(?:  \[(?<code>[a-z][a-z0-9-]*)\])?$",
        ],
    )
}

/// `A.java:3: error: …`; Maven has `[ERROR] /path/A.java:[3,5] …`.
pub(super) fn javac() -> Vec<Box<dyn Member>> {
    forms(
        Severity::Error,
        &[
            r"^(?<file>\S.*\.java):(?<line>\d+): (?<severity>error|warning): (?:\[(?<code>[a-z-]+)\] )?(?<message>.*)$",
            r"^\[(?<severity>ERROR|WARNING)\] (?<file>\S.*\.java):\[(?<line>\d+),(?<column>\d+)\] (?:error: )?(?<message>.*)$",
        ],
    )
}

/// `[warn] src/a.js`, and `[error] src/a.js: SyntaxError: … (3:5)`.
pub(super) fn prettier() -> Vec<Box<dyn Member>> {
    let mut members = forms(
        Severity::Error,
        &[r"^\[error\] (?<file>\S.*?\.\w+): (?<message>\w*Error: .*?)(?: \((?<line>\d+):(?<column>\d+)\))?$"],
    );
    members.push(Box::new(Named {
        start: "[warn] ",
        // What follows the files is a sentence.
        rest: |rest| (!rest.contains(' ') && rest.contains('.')).then_some((rest, None)),
        message: "not formatted as Prettier has it",
        severity: Severity::Warning,
    }));
    members
}

/// `Diff in src/a.rs:3:`.
pub(super) fn rustfmt() -> Vec<Box<dyn Member>> {
    vec![Box::new(Named {
        start: "Diff in ",
        rest: |rest| {
            // An older rustfmt says `at line 3:`.
            let (path, line) = rest.trim_end_matches(':').rsplit_once(" at line ").or_else(|| {
                let rest = rest.trim_end_matches(':');
                rest.rsplit_once(':')
            })?;
            Some((path, Some(line)))
        },
        message: "not formatted as rustfmt has it",
        severity: Severity::Error,
    })]
}

/// What the rest of such a line is: a path, and perhaps the number of a line; none where it is something else.
type Rest = fn(&str) -> Option<(&str, Option<&str>)>;

/// A line that names a file, of which there is only one thing to say.
struct Named {
    start: &'static str,
    rest: Rest,
    message: &'static str,
    severity: Severity,
}

impl Member for Named {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if let Some(rest) = line.strip_prefix(self.start)
            && let Some((path, line)) = (self.rest)(rest)
        {
            let find = Find::error(self.message).severity(self.severity);
            finds.add(find.at(Whereabouts::new(path, line, None)));
        }
    }
}
