//! What is known of the tests of one stage, and how it is told. Every form of output ends up here.

use local_ci_plugin::{Annotation, Span};

/// So many failures are told one by one; of the rest, that there are more.
const TOLD_MAX: usize = 1000;
/// So much is kept of a failure's text, in bytes.
pub(crate) const TEXT_MAX: usize = 4096;

/// The code of all that is told.
const CODE: &str = "test-failure";

/// A test that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) test: String,
    pub(crate) message: String,
    pub(crate) at: Option<Span>,
}

impl Failure {
    pub(crate) fn new(test: impl Into<String>) -> Self {
        Self { test: test.into(), ..Self::default() }
    }

    /// Another line of its message, as far as there is room.
    pub(crate) fn add(&mut self, line: &str) {
        let room = TEXT_MAX.saturating_sub(self.message.len() + 1);
        if !self.message.is_empty() && room > 0 {
            self.message.push('\n');
        }
        self.message.push_str(shortened(line, room));
    }
}

/// As much of a text as fits into this many bytes.
pub(crate) fn shortened(text: &str, room: usize) -> &str {
    let mut end = room.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// How many tests came to what, and what is to be told and was not yet.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    told: usize,
    more: usize,
    found: Vec<Annotation>,
}

impl Report {
    /// Tells of a failure. It is not counted by this: some forms say in the end how many there are.
    pub(crate) fn tell(&mut self, failure: Failure) {
        if self.told == TOLD_MAX {
            self.more += 1;
            return;
        }
        self.told += 1;
        let message = if failure.message.trim().is_empty() { "the test failed" } else { failure.message.trim() };
        let mut annotation = Annotation::error(message).code(CODE).title(shortened(&failure.test, TEXT_MAX));
        annotation.at = failure.at;
        self.found.push(annotation);
    }

    /// Tells of something that is no test's.
    pub(crate) fn warn(&mut self, message: impl Into<String>) {
        self.found.push(Annotation::warning(message).code("test-report"));
    }

    /// What was found since the last time.
    pub(crate) fn take(&mut self) -> Vec<Annotation> {
        std::mem::take(&mut self.found)
    }

    /// What is left to be told, and the counts, where there were tests.
    pub(crate) fn close(&mut self) -> Vec<Annotation> {
        if self.more > 0 {
            let (told, more) = (self.told, self.more);
            self.warn(format!("{told} failures are told one by one, and there are {more} more"));
        }
        let counts = [(self.passed, "passed"), (self.failed, "failed"), (self.skipped, "skipped")];
        let said: Vec<_> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if !said.is_empty() {
            let total: u64 = counts.iter().map(|(count, _)| count).sum();
            let tests = if total == 1 { "1 test" } else { &format!("{total} tests") };
            self.found.push(Annotation::note(format!("{tests}: {}", said.join(", "))).code("test-counts"));
        }
        self.take()
    }
}

/// A place as tools write it, `path:line` or `path:line:column`, perhaps with more behind it. Only paths in the project:
/// a failure is told of without a place rather than with one that leads elsewhere.
pub(crate) fn place(text: &str) -> Option<Span> {
    let mut parts = text.split(':');
    let path = parts.next()?;
    let path = path.strip_prefix("./").unwrap_or(path);
    let line: u32 = parts.next()?.trim_end_matches(')').parse().ok().filter(|line| *line > 0)?;
    let column = parts.next().and_then(|column| column.trim_end_matches(')').parse().ok()).filter(|column| *column > 0);
    let is_path = is_relative(path) && path.contains('.') && !path.contains(|c: char| c.is_whitespace() || c == '(');
    let span = is_path.then(|| Span::line(path, line))?;
    Some(match column {
        Some(column) => span.column(column),
        None => span,
    })
}

/// Whether this may be a file of the project.
pub(crate) fn is_relative(path: &str) -> bool {
    !path.is_empty() && !path.starts_with(['/', '\\', '~']) && path.split(['/', '\\']).all(|part| part != "..")
}

/// The first word of a text that is a place.
pub(crate) fn first_place(text: &str) -> Option<Span> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'' | ',')).find_map(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_of_the_project_with_a_line() {
        assert_eq!(place("src/a.rs:3:5:"), Some(Span::line("src/a.rs", 3).column(5)));
        assert_eq!(place("./a.py:12: AssertionError"), Some(Span::line("a.py", 12)));
        for text in ["/abs/a.rs:3", "../a.rs:3", "a.rs", "a.rs:0", "12:30:00", "~/a.rs:1", "a b.rs:1", ""] {
            assert_eq!(place(text), None, "{text}");
        }
        assert_eq!(first_place("at check (lib/a.js:7:2) of"), Some(Span::line("lib/a.js", 7).column(2)));
    }

    #[test]
    fn a_failures_text_has_an_end_and_so_has_their_number() {
        let mut failure = Failure::new("t");
        for _ in 0..1000 {
            failure.add("ääääääääää");
        }
        assert!(failure.message.len() <= TEXT_MAX, "{}", failure.message.len());
        let mut report = Report::default();
        for _ in 0..TOLD_MAX + 3 {
            report.tell(failure.clone());
        }
        let told = report.close();
        assert_eq!(told.len(), TOLD_MAX + 1);
        assert_eq!(told[TOLD_MAX].message, "1000 failures are told one by one, and there are 3 more");
    }
}
