//! `ESLint`: `stylish`, which names a file and then what is in it; `compact` and `unix`, of one line each; and `json`.

use regex::Regex;
use serde::Deserialize;

use crate::event::Severity;
use crate::matcher::form::Form;
use crate::matcher::member::{Find, Finds, Member, Whereabouts, own, severity};

pub(super) fn members() -> Vec<Box<dyn Member>> {
    let row = own(r"^\s+(\d+):(\d+)\s+(error|warning)\s+(.+?)(?:\s{2,}(\S+))?\s*$");
    vec![
        Box::new(Stylish { file: None, row }),
        Box::new(Form::own(
            Severity::Error,
            r"^(?<file>\S.*): line (?<line>\d+), col (?<column>\d+), (?<severity>Error|Warning) - (?<message>.+?)(?: \((?<code>[^\s()]+)\))?$",
        )),
        Box::new(Form::own(
            Severity::Error,
            r"^(?<file>\S.*?):(?<line>\d+):(?<column>\d+): (?<message>.+?) \[(?<severity>Error|Warning)(?:/(?<code>[^\]]+))?\]$",
        )),
        Box::new(Json),
    ]
}

/// See the module.
struct Stylish {
    /// The file that was named last.
    file: Option<String>,
    row: Regex,
}

impl Member for Stylish {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        match line.as_bytes() {
            [] => self.file = None,
            // ESLint writes paths in full.
            [b'/', ..] | [b'A'..=b'Z' | b'a'..=b'z', b':', b'\\', ..] => self.file = Some(line.to_owned()),
            [b' ', ..] => {
                let Some(file) = &self.file else { return };
                let Some(captures) = self.row.captures(line) else { return };
                let text = |group| captures.get(group).map(|found| found.as_str());
                let how = text(3).and_then(severity).unwrap_or(Severity::Error);
                let find = Find::error(text(4).unwrap_or_default()).severity(how).code(text(5));
                finds.add(find.at(Whereabouts::new(file, text(1), text(2))));
            }
            [..] => {}
        }
    }
}

/// All of it in one line.
struct Json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    file_path: String,
    messages: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    rule_id: Option<String>,
    severity: u8,
    message: String,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
}

impl Member for Json {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if !line.starts_with("[{\"filePath\":") {
            return;
        }
        let Ok(files) = serde_json::from_str::<Vec<File>>(line) else { return };
        for file in files {
            for problem in file.messages {
                let severity = if problem.severity >= 2 { Severity::Error } else { Severity::Warning };
                let at = Whereabouts {
                    path: file.file_path.clone(),
                    from: None,
                    line: problem.line,
                    column: problem.column,
                    end_line: problem.end_line,
                    end_column: problem.end_column,
                };
                finds.add(Find::error(problem.message).severity(severity).code(problem.rule_id.as_deref()).at(at));
            }
        }
    }
}
