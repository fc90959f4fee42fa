//! Reports in the XML that `JUnit` brought, as most test runners can write it.
//!
//! ```xml
//! <testsuite><testcase classname="math" name="adds" file="lib/math.js" line="7">
//!   <failure message="expected 4">at lib/math.js:9:2</failure>
//! </testcase></testsuite>
//! ```

use local_ci_plugin::Span;

use crate::report::{Failure, Report, first_place, is_relative};
use crate::xml::{Reader, Token};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Junit {
    reader: Reader,
    case: Option<Case>,
    /// Suites that are open.
    depth: usize,
    /// Whether this is the text of a failure.
    in_failure: bool,
}

#[derive(Debug, Default)]
struct Case {
    failure: Failure,
    has_failed: bool,
    is_skipped: bool,
}

impl Junit {
    /// A line of output. What is no report is passed over.
    pub(crate) fn line(&mut self, line: &str, report: &mut Report) {
        let line = if self.depth > 0 || self.reader.is_in_tag() {
            line
        } else {
            // Outside of a report, a bracket is nothing but a bracket.
            self.reader = Reader::default();
            match line.find("<testsuite") {
                Some(at) => &line[at..],
                None => return,
            }
        };
        self.text(line, report);
        self.text("\n", report);
    }

    /// A piece of a report.
    pub(crate) fn text(&mut self, text: &str, report: &mut Report) {
        let mut reader = std::mem::take(&mut self.reader);
        reader.read(text, &mut |token| self.token(token, report));
        self.reader = reader;
    }

    fn token(&mut self, token: Token, report: &mut Report) {
        match token {
            Token::Open { name, attributes, is_empty } => {
                self.open(&name, &attributes);
                if is_empty {
                    self.close(&name, report);
                }
            }
            Token::Close(name) => self.close(&name, report),
            Token::Text(text) => {
                if let Some(case) = self.case.as_mut().filter(|_| self.in_failure) {
                    if case.failure.at.is_none() {
                        case.failure.at = first_place(&text);
                    }
                    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
                        case.failure.add(line);
                    }
                }
            }
        }
    }

    fn open(&mut self, name: &str, attributes: &[(String, String)]) {
        let value = |key: &str| attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        match (name, &mut self.case) {
            ("testsuites" | "testsuite", _) => self.depth += 1,
            ("testcase", _) => {
                let test = [value("classname"), value("name")].into_iter().flatten().filter(|part| !part.is_empty());
                let line = value("line").and_then(|line| line.parse().ok()).filter(|line| *line > 0);
                let at = value("file").filter(|file| is_relative(file)).map(|file| Span { line, ..Span::file(file) });
                let failure = Failure { at, ..Failure::new(test.collect::<Vec<_>>().join(" ")) };
                self.case = Some(Case { failure, ..Case::default() });
            }
            ("failure" | "error", Some(case)) => {
                case.has_failed = true;
                self.in_failure = true;
                if let Some(message) = value("message") {
                    message.lines().for_each(|line| case.failure.add(line));
                }
            }
            ("skipped", Some(case)) => case.is_skipped = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str, report: &mut Report) {
        match name {
            "testsuites" | "testsuite" => self.depth = self.depth.saturating_sub(1),
            "failure" | "error" => self.in_failure = false,
            "testcase" => {
                let Some(case) = self.case.take() else { return };
                if case.has_failed {
                    report.failed += 1;
                    report.tell(case.failure);
                } else if case.is_skipped {
                    report.skipped += 1;
                } else {
                    report.passed += 1;
                }
            }
            _ => {}
        }
    }

    /// The report should have ended here.
    pub(crate) fn end(&mut self, from: &str, report: &mut Report) {
        if self.depth > 0 {
            report.warn(format!("{from} ends in the middle of a report: what ran after it is not counted"));
        }
        *self = Self::default();
    }
}
