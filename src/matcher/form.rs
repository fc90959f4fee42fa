//! Lines of which one comes after the other, each with a regular expression: what `[matchers]` has, and most of what is built in.

use regex::{Captures, Regex};
use regex_syntax::hir::{Hir, HirKind};

use super::member::{Find, Finds, Member, Whereabouts, number, severity};
use crate::event::Severity;
use crate::pipeline::matcher::{Definition, Groups, Pattern, compile};

/// More texts than this are not looked for.
const TEXTS_MAX: usize = 32;

/// A definition at work.
pub(super) struct Form {
    severity: Severity,
    lines: Vec<Line>,
    repeats: bool,
    /// Of the lines before, those that the next is to come after.
    gathered: Vec<Gathered>,
}

struct Line {
    regex: Regex,
    groups: Groups,
    /// Texts of which each line that matches has one; none where there are none.
    texts: Option<Regex>,
}

/// What groups of one line had.
#[derive(Clone, Debug, Default)]
struct Gathered {
    file: Option<String>,
    from_path: Option<String>,
    lines: [Option<u32>; 4],
    severity: Option<Severity>,
    code: Option<String>,
    message: Option<String>,
}

impl Form {
    /// The error is what is wrong with a regular expression.
    pub(super) fn new(definition: &Definition) -> Result<Self, String> {
        let Definition { severity, patterns, repeats } = definition;
        let lines: Result<Vec<Line>, String> = patterns.iter().map(Line::new).collect();
        Ok(Self { severity: *severity, lines: lines?, repeats: *repeats, gathered: Vec::new() })
    }

    /// One of our own, of one line: its groups by their names.
    pub(super) fn own(severity: Severity, regex: &str) -> Self {
        let regex = super::member::own(regex);
        let groups = Groups::named(&regex);
        let texts = texts(regex.as_str());
        let lines = vec![Line { regex, groups, texts }];
        Self { severity, lines, repeats: false, gathered: Vec::new() }
    }

    /// The line after those that were gathered, if it is that.
    fn next(&mut self, text: &str, finds: &mut Finds<'_>) -> bool {
        let at = self.gathered.len();
        let Some(line) = self.lines.get(at) else { return false };
        let Some(found) = line.read(text) else { return false };
        if at + 1 < self.lines.len() {
            self.gathered.push(found);
            return true;
        }
        let whole = self.gathered.iter().fold(Gathered::default(), |whole, line| whole.then(line.clone())).then(found);
        if let Some(find) = whole.find(self.severity) {
            finds.add(find);
        }
        if !self.repeats {
            self.gathered.clear();
        }
        true
    }
}

impl Member for Form {
    fn line(&mut self, text: &str, finds: &mut Finds<'_>) {
        if !self.next(text, finds) && !self.gathered.is_empty() {
            // It may be the first of another.
            self.gathered.clear();
            self.next(text, finds);
        }
    }
}

impl Line {
    fn new(pattern: &Pattern) -> Result<Self, String> {
        let regex = compile(&pattern.regex)?;
        Ok(Self { texts: texts(regex.as_str()), groups: pattern.groups.clone(), regex })
    }

    fn read(&self, text: &str) -> Option<Gathered> {
        if self.texts.as_ref().is_some_and(|texts| !texts.is_match(text)) {
            return None;
        }
        self.regex.captures(text).map(|captures| Gathered::new(&self.groups, &captures))
    }
}

impl Gathered {
    fn new(groups: &Groups, captures: &Captures<'_>) -> Self {
        let text = |group: Option<usize>| {
            group.and_then(|group| captures.get(group)).map(|found| found.as_str()).filter(|text| !text.is_empty())
        };
        let own = |group| text(group).map(|text| text.trim().to_owned());
        let mut lines = [groups.line, groups.column, groups.end_line, groups.end_column].map(|one| number(text(one)));
        if let Some(location) = text(groups.location) {
            let numbers: Vec<&str> = location.trim_matches(['(', ')']).split([',', ':']).collect();
            let at = |index: usize| number(numbers.get(index).copied());
            lines = [at(0), at(1), at(2), at(3)];
        }
        Self {
            file: own(groups.file),
            from_path: own(groups.from_path),
            lines,
            severity: text(groups.severity).and_then(|word| severity(word.trim())),
            code: own(groups.code),
            message: own(groups.message),
        }
    }

    /// With what a later line has.
    fn then(self, later: Self) -> Self {
        let has_lines = later.lines.iter().any(Option::is_some);
        Self {
            file: later.file.or(self.file),
            from_path: later.from_path.or(self.from_path),
            lines: if has_lines {
                std::array::from_fn(|index| later.lines[index].or(self.lines[index]))
            } else {
                self.lines
            },
            severity: later.severity.or(self.severity),
            code: later.code.or(self.code),
            message: later.message.or(self.message),
        }
    }

    /// What was found; none where nothing is said.
    fn find(self, usual: Severity) -> Option<Find> {
        let Self { file, from_path, lines: [line, column, end_line, end_column], severity, code, message } = self;
        let from = from_path.as_deref().and_then(|path| std::path::Path::new(path).parent().map(ToOwned::to_owned));
        let at = file.map(|path| Whereabouts { path, from, line, column, end_line, end_column });
        let severity = severity.unwrap_or(usual);
        Some(Find { severity, message: message?, code, title: None, at })
    }
}

/// Finds the lines that may match: those that have one of the texts that each match has. None where there is no such text.
fn texts(regex: &str) -> Option<Regex> {
    let texts = required(&regex_syntax::parse(regex).ok()?)?;
    let texts: Vec<String> = texts.iter().map(|text| regex_syntax::escape(text)).collect();
    Regex::new(&texts.join("|")).ok()
}

/// Texts of which each match has one, the longer the better.
fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(|text| vec![text.to_owned()]),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(required).max_by_key(|texts| shortest(texts)),
        HirKind::Alternation(ways) => {
            let ways: Option<Vec<_>> = ways.iter().map(required).collect();
            ways.map(|ways| ways.concat()).filter(|texts| texts.len() <= TEXTS_MAX)
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

fn shortest(texts: &[String]) -> usize {
    texts.iter().map(String::len).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(regex: &str) -> Option<Vec<String>> {
        required(&regex_syntax::parse(regex).unwrap())
    }

    #[test]
    fn what_every_match_has_is_found_in_an_expression() {
        let some = |texts: &[&str]| Some(texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        assert_eq!(of(r"^(.+):(\d+): error: (.*)$"), some(&[": error: "]));
        assert_eq!(of(r"^\s+(\d+):(\d+)\s+(error|warning)\s"), some(&["error", "warning"]));
        assert_eq!(of(r"(?:ab)?c{2}d*"), some(&["c"]));
        assert_eq!(of("(?i)error"), None);
        assert_eq!(of(".*"), None);
    }

    proptest! {
        /// A line that an expression matches is never passed over for want of a text.
        #[test]
        fn no_line_is_passed_over_that_matches(line in "(a|b|er|error|: |[0-9]|warning|\\(|\\)){0,12}") {
            for regex in [r"(\d+): (error|warning)", r"a+(b|er)*: ", r"^(.*)\((\d),(\d)\)", r"(?i)ERROR"] {
                let regex = Regex::new(regex).unwrap();
                let passes = texts(regex.as_str()).is_none_or(|texts| texts.is_match(&line));
                prop_assert!(passes || !regex.is_match(&line));
            }
        }
    }
}
