//! Ruff: `concise`, a line for each, and `full`, of which the place stands in the second line.

use regex::Regex;

use crate::event::Severity;
use crate::matcher::form::Form;
use crate::matcher::member::{Find, Finds, Member, Whereabouts, own};

pub(super) fn members() -> Vec<Box<dyn Member>> {
    let concise = r"^(?<file>[^\s:][^:]*):(?<line>\d+):(?<column>\d+): (?<code>[A-Z]{1,6}\d{3,4}|invalid-syntax|SyntaxError):? (?:\[\*\] )?(?<message>.*)$";
    vec![
        Box::new(Form::own(Severity::Error, concise)),
        Box::new(Full {
            head: None,
            said: own(r"^([A-Z]{1,6}\d{3,4}|invalid-syntax):? (?:\[\*\] )?(.+)$"),
            place: own(r"^ *--> (.+?):(\d+):(\d+)$"),
        }),
    ]
}

/// See the module.
struct Full {
    head: Option<Find>,
    said: Regex,
    place: Regex,
}

impl Member for Full {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if let Some(find) = self.head.take()
            && let Some(captures) = self.place.captures(line)
        {
            let text = |group| captures.get(group).map(|found| found.as_str());
            finds.add(find.at(Whereabouts::new(&captures[1], text(2), text(3))));
            return;
        }
        if line.starts_with(|c: char| c.is_ascii_uppercase() || c == 'i')
            && let Some(captures) = self.said.captures(line)
        {
            self.head = Some(Find::error(&captures[2]).code(Some(&captures[1])));
        }
    }
}
