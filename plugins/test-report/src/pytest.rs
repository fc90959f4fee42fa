//! What pytest prints: the section of failures, the short summary and the last line, with or without their `=`.
//!
//! ```text
//! ____________________ test_adds ____________________
//! E       assert 3 == 4
//! tests/test_math.py:7: AssertionError
//! FAILED tests/test_math.py::test_adds - assert 3 == 4
//! =========== 1 failed, 2 passed in 0.12s ===========
//! ```

use std::collections::BTreeSet;

use local_ci_plugin::Span;

use crate::report::{Failure, Report, is_relative, place};

/// So many names of tests are kept, so as not to tell of one twice.
const NAMES_MAX: usize = 1000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pytest {
    current: Option<Failure>,
    told: BTreeSet<String>,
}

impl Pytest {
    pub(crate) fn line(&mut self, line: &str, report: &mut Report) {
        let line = line.trim_end();
        if let Some(title) = between(line, '_') {
            self.end(report);
            let title = title.strip_prefix("ERROR collecting ").unwrap_or(title);
            let title =
                [" setup of ", " teardown of "].iter().find_map(|what| title.split_once(what)).map_or(title, |t| t.1);
            self.current = Some(Failure::new(title));
        } else if let Some(title) = between(line, '=') {
            self.end(report);
            count(title, report);
        } else if let Some(current) = &mut self.current {
            if let Some(what) = line.strip_prefix("E ") {
                current.add(what.trim());
            } else if let Some(at) = place(line) {
                // The innermost place comes last.
                current.at = Some(at);
            }
        } else if let Some(rest) = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR ")) {
            self.summary(rest, report);
        } else {
            count(line, report);
        }
    }

    /// A line of the short summary, for tests that nothing was shown of (`--tb=no`).
    fn summary(&mut self, rest: &str, report: &mut Report) {
        let (id, why) = rest.split_once(" - ").unwrap_or((rest, ""));
        let (path, test) = id.split_once("::").unwrap_or((id, id));
        let path_is_fine = is_relative(path) && !path.contains(char::is_whitespace);
        if path_is_fine && !self.told.contains(&test.replace("::", ".")) {
            let failure = Failure { message: String::new(), at: Some(Span::file(path)), ..Failure::new(id) };
            let mut failure = failure;
            failure.add(why);
            report.tell(failure);
        }
    }

    pub(crate) fn end(&mut self, report: &mut Report) {
        if let Some(current) = self.current.take() {
            if self.told.len() < NAMES_MAX {
                self.told.insert(current.test.clone());
            }
            report.tell(current);
        }
    }
}

/// What stands in a line between runs of one mark, three at least on each side.
fn between(line: &str, mark: char) -> Option<&str> {
    let inner = line.trim_matches(mark);
    let marks = [mark; 3].iter().collect::<String>();
    let is_title = line.starts_with(&marks) && line.ends_with(&marks);
    (is_title && inner.starts_with(' ') && inner.ends_with(' ') && inner.len() > 2).then(|| inner.trim())
}

/// `1 failed, 2 passed, 1 skipped in 0.12s`; nothing where the text is another.
fn count(text: &str, report: &mut Report) {
    let Some((counts, time)) = text.rsplit_once(" in ") else { return };
    if !time.starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let pairs: Option<Vec<(u64, &str)>> = counts
        .split(", ")
        .map(|part| part.split_once(' ').and_then(|(count, word)| Some((count.parse().ok()?, word))))
        .collect();
    for (count, word) in pairs.unwrap_or_default() {
        match word {
            "passed" | "xpassed" => report.passed += count,
            "failed" | "error" | "errors" => report.failed += count,
            "skipped" | "xfailed" => report.skipped += count,
            _ => {}
        }
    }
}
