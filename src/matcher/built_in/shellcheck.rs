//! `ShellCheck`: `gcc`, a line for each, and `tty`, which shows the line and points at a part of it.
//!
//! ```text
//! In a.sh line 3:
//! echo $x
//!      ^-- SC2086 (info): Double quote to prevent globbing and word splitting.
//! ```

use regex::Regex;

use crate::event::Severity;
use crate::matcher::form::Form;
use crate::matcher::member::{Find, Finds, Member, Whereabouts, own, severity};

pub(super) fn members() -> Vec<Box<dyn Member>> {
    let gcc = r"^(?<file>[^\s:][^:]*):(?<line>\d+):(?<column>\d+): (?<severity>error|warning|note): (?<message>.*) \[(?<code>SC\d+)\]$";
    vec![
        Box::new(Form::own(Severity::Warning, gcc)),
        Box::new(Terminal {
            at: None,
            head: own(r"^In (.+) line (\d+):$"),
            mark: own(r"^( *)(\^(?:-*\^|-+)?) (SC\d+)(?: \((\w+)\))?: (.*)$"),
        }),
    ]
}

/// See the module.
struct Terminal {
    at: Option<Whereabouts>,
    head: Regex,
    mark: Regex,
}

impl Member for Terminal {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if line.starts_with("In ")
            && let Some(captures) = self.head.captures(line)
        {
            self.at = Some(Whereabouts::new(&captures[1], captures.get(2).map(|line| line.as_str()), None));
            return;
        }
        if line.is_empty() {
            self.at = None;
        }
        let Some(at) = &self.at else { return };
        let Some(captures) = self.mark.captures(line) else { return };
        let text = |group| captures.get(group).map_or("", |found| found.as_str());
        let mut at = at.clone();
        let column = |width: usize| u32::try_from(width + 1).ok();
        at.column = column(text(1).len());
        // `^--^` is as wide as what it is about, and `^--` points at a single character.
        if text(2).len() > 1 && text(2).ends_with('^') {
            (at.end_line, at.end_column) = (at.line, column(text(1).len() + text(2).len()));
        }
        let how = severity(text(4)).unwrap_or(Severity::Warning);
        finds.add(Find::error(text(5)).severity(how).code(Some(text(3))).at(at));
    }
}
