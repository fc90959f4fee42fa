//! What `cargo test` prints: libtest's lines, and the text of panics.
//!
//! ```text
//! test tests::adds ... FAILED
//! ---- tests::adds stdout ----
//! thread 'tests::adds' panicked at src/lib.rs:10:5:
//! assertion `left == right` failed
//! test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
//! ```

use std::collections::BTreeSet;

use local_ci_plugin::Span;

use crate::report::{Failure, Report, place};

/// So many names of failed tests are kept until their text comes.
const NAMES_MAX: usize = 1000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Cargo {
    /// The test whose text is being read.
    current: Option<Failure>,
    /// Whether what comes now is the message of its panic.
    in_message: bool,
    /// Tests that failed and have not been told.
    failed: BTreeSet<String>,
}

impl Cargo {
    pub(crate) fn line(&mut self, line: &str, report: &mut Report) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.end(report);
            count(rest, report);
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.flush(report);
            self.current = Some(Failure { at: doctest(name), ..Failure::new(name) });
        } else if line == "failures:" {
            self.flush(report);
        } else if self.current.is_some() {
            self.text(line);
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
            && self.failed.len() < NAMES_MAX
        {
            self.failed.insert(name.to_owned());
        }
    }

    /// A line of what the current test has printed.
    fn text(&mut self, line: &str) {
        let Some(current) = &mut self.current else { return };
        if line.starts_with("thread '")
            && let Some((_, panicked)) = line.split_once(" panicked at ")
        {
            self.in_message = true;
            // Before Rust 1.73: 'the message', src/lib.rs:10:5
            let (message, at) = panicked.rsplit_once("', ").unwrap_or(("", panicked));
            if current.at.is_none() {
                current.at = place(at);
            }
            if !message.is_empty() {
                current.add(message.trim_start_matches('\''));
            }
        } else if line.starts_with("note: ") || line.starts_with("stack backtrace:") {
            self.in_message = false;
        } else if self.in_message && !line.is_empty() {
            current.add(line);
        } else if let Some(why) = line.strip_prefix("Error: ") {
            // A test that gives back an error.
            current.add(why);
        }
    }

    fn flush(&mut self, report: &mut Report) {
        self.in_message = false;
        if let Some(current) = self.current.take() {
            self.failed.remove(&current.test);
            report.tell(current);
        }
    }

    /// A test binary has ended.
    pub(crate) fn end(&mut self, report: &mut Report) {
        self.flush(report);
        for name in std::mem::take(&mut self.failed) {
            report.tell(Failure { at: doctest(&name), ..Failure::new(name) });
        }
    }
}

/// The place that a documentation test's name has in it: `src/lib.rs - add (line 12)`.
fn doctest(name: &str) -> Option<Span> {
    let (path, rest) = name.split_once(" - ")?;
    let (_, line) = rest.rsplit_once("(line ")?;
    place(&format!("{path}:{}", line.split(')').next()?))
}

/// `FAILED. 3 passed; 1 failed; 2 ignored; …`
fn count(text: &str, report: &mut Report) {
    let counts = text.split_once(". ").map_or(text, |(_, counts)| counts);
    for part in counts.split("; ") {
        let Some((count, word)) = part.split_once(' ') else { continue };
        let Ok(count) = count.parse::<u64>() else { continue };
        match word {
            "passed" => report.passed += count,
            "failed" => report.failed += count,
            "ignored" => report.skipped += count,
            _ => {}
        }
    }
}
