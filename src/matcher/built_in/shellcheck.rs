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
            shown: None,
            head: own(r"^In (.+) line (\d+):$"),
            mark: own(r"^( *)(\^(?:-*\^|-+)?) (SC\d+)(?: \((\w+)\))?: (.*)$"),
        }),
    ]
}

/// See the module.
struct Terminal {
    at: Option<Whereabouts>,
    /// The line that is pointed at.
    shown: Option<String>,
    head: Regex,
    mark: Regex,
}

impl Member for Terminal {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if line.starts_with("In ")
            && let Some(captures) = self.head.captures(line)
        {
            self.at = Some(Whereabouts::new(&captures[1], captures.get(2).map(|line| line.as_str()), None));
            self.shown = None;
            return;
        }
        let Some(at) = &self.at else { return };
        let Some(captures) = self.mark.captures(line) else {
            // The first is the line itself.
            self.shown.get_or_insert_with(|| line.to_owned());
            return;
        };
        let text = |group| captures.get(group).map_or("", |found| found.as_str());
        let mut at = at.clone();
        let shown = self.shown.as_deref().unwrap_or_default();
        let column = |width: usize| u32::try_from(characters(shown, width) + 1).ok();
        at.column = column(text(1).len());
        // `^--^` is as wide as what it is about, and `^--` points at a single character.
        if text(2).len() > 1 && text(2).ends_with('^') {
            (at.end_line, at.end_column) = (at.line, column(text(1).len() + text(2).len()));
        }
        let how = severity(text(4)).unwrap_or(Severity::Warning);
        finds.add(Find::error(text(5)).severity(how).code(Some(text(3))).at(at));
    }
}

/// How many characters of a line are before a place on the screen, where a tab goes to the next multiple of eight.
fn characters(line: &str, width: usize) -> usize {
    let (mut at, mut count) = (0, 0);
    for c in line.chars() {
        if at >= width {
            return count;
        }
        at = if c == '\t' { (at / 8 + 1) * 8 } else { at + 1 };
        count += 1;
    }
    count + width.saturating_sub(at)
}
