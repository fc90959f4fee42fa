//! The Test Anything Protocol, versions 12 to 14, with the diagnostics that its writers add: a YAML block, or comments.
//!
//! ```text
//! 1..2
//! ok 1 - adds
//! not ok 2 - subtracts
//!   ---
//!   message: 'expected 1, got 3'
//!   at: lib/math.js:7:2
//!   ...
//! ```

use local_ci_plugin::Span;

use crate::report::{Failure, Report, first_place, is_relative};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    current: Option<Failure>,
    file: Option<String>,
    planned: Option<u64>,
    ran: u64,
    /// Whether a test within the next one at the left has been told: then that one has nothing to add.
    inner_told: bool,
}

impl Tap {
    pub(crate) fn line(&mut self, line: &str, report: &mut Report) {
        let text = line.trim_start();
        let is_inner = text.len() < line.len();
        if let Some(rest) = text.strip_prefix("not ok").filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            self.flush(report);
            self.point(false, rest, is_inner, report);
        } else if let Some(rest) = text.strip_prefix("ok").filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            self.flush(report);
            self.point(true, rest, is_inner, report);
        } else if let Some(why) = text.strip_prefix("Bail out!") {
            self.flush(report);
            let mut failure = Failure::new("Bail out!");
            failure.add(if why.trim().is_empty() { "the tests were given up" } else { why.trim() });
            report.tell(failure);
            self.planned = None;
        } else if let Some(plan) = line.strip_prefix("1..") {
            self.planned = plan.split_whitespace().next().and_then(|count| count.parse().ok());
        } else if self.current.is_some() {
            self.diagnostic(text);
        }
    }

    /// A test: ` 3 - name # SKIP why`.
    fn point(&mut self, is_ok: bool, rest: &str, is_inner: bool, report: &mut Report) {
        let (name, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
        let directive = directive.to_ascii_uppercase();
        let (skips, to_do) = (directive.starts_with("SKIP"), directive.starts_with("TODO"));
        let fails = !is_ok && !to_do && !skips;
        if !is_inner {
            self.ran += 1;
            let count = match (fails, is_ok && !skips && !to_do) {
                (true, _) => &mut report.failed,
                (false, true) => &mut report.passed,
                (false, false) => &mut report.skipped,
            };
            *count += 1;
        }
        if fails && (is_inner || !self.inner_told) {
            let name = name.trim_start();
            let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let title = name[digits..].trim_start().trim_start_matches("- ").trim();
            self.current = Some(Failure::new(if title.is_empty() {
                format!("test {}", &name[..digits])
            } else {
                title.to_owned()
            }));
            self.file = None;
        }
        self.inner_told = is_inner && (self.inner_told || fails);
    }

    /// A line of what is said of the current test.
    fn diagnostic(&mut self, text: &str) {
        let Some(current) = &mut self.current else { return };
        if let Some(comment) = text.strip_prefix('#') {
            let comment = comment.trim();
            // As Perl's Test::More has it: at t/math.t line 7.
            if let Some((path, line)) = comment.strip_prefix("at ").and_then(|at| at.split_once(" line ")) {
                set(current, path, line.trim_end_matches('.'));
            } else if !comment.is_empty() {
                current.add(comment);
            }
            return;
        }
        let Some((key, value)) = text.split_once(':') else {
            return;
        };
        let value = value.trim().trim_matches(['"', '\'']);
        match key.trim() {
            "message" | "error" if !value.is_empty() && !value.starts_with(['|', '>']) => current.add(value),
            "at" | "location" if current.at.is_none() => current.at = first_place(value),
            "file" => self.file = Some(value.to_owned()),
            "line" => {
                if let Some(path) = &self.file {
                    set(current, path, value);
                }
            }
            _ => {}
        }
    }

    fn flush(&mut self, report: &mut Report) {
        if let Some(current) = self.current.take() {
            report.tell(current);
        }
    }

    pub(crate) fn end(&mut self, report: &mut Report) {
        self.flush(report);
        if let Some(planned) = self.planned.filter(|planned| *planned > self.ran) {
            report.warn(format!("{planned} tests were planned, and {} ran", self.ran));
        }
    }
}

fn set(failure: &mut Failure, path: &str, line: &str) {
    if let Ok(line) = line.trim().parse()
        && is_relative(path)
        && line > 0
    {
        failure.at = Some(Span::line(path, line));
    }
}
