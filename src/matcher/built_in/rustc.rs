//! rustc, cargo and clippy: blocks that begin with what is wrong and then say where, and the same as JSON.
//!
//! ```text
//! error[E0308]: mismatched types
//!  --> src/main.rs:2:18
//!   |
//! 2 |     let x: u32 = "";
//!   |            ---   ^^ expected `u32`, found `&str`
//! ```

use regex::Regex;
use serde::Deserialize;

use crate::event::Severity;
use crate::matcher::member::{Find, Finds, Member, Whereabouts, own, severity};

/// So many lines may be between a message's first and its place.
const HEAD_MAX: usize = 12;

/// What cargo and rustc say in the end, of what was said before. `…` stands for anything.
const SUMMARIES: &[&str] = &[
    "could not compile ",
    "aborting due to ",
    "test failed, to rerun",
    "test run failed",
    "doctest failed",
    "build failed",
    "Recipe ",
    "process didn't exit successfully",
];

/// A block in the making.
struct Block {
    find: Find,
    /// Further lines of the message, which it has only if its place comes after them.
    more: Vec<String>,
    lines: usize,
}

/// See the module.
pub(super) struct Diagnostics {
    block: Option<Block>,
    head: Regex,
    place: Regex,
    lint: Regex,
    page: Regex,
    mark: Regex,
}

impl Diagnostics {
    pub(super) fn new() -> Self {
        Self {
            block: None,
            head: own(r"^(error|warning)(?:\[([A-Za-z0-9_:-]+)\])?: (.+)$"),
            place: own(r"^ *--> (.+?):(\d+):(\d+)$"),
            lint: own(r"^ *= note: `(?:#\[(?:warn|deny|forbid)\(|-[DWF] )([\w:-]+)"),
            page: own(r"rust-clippy/[^/]+/(?:index\.html)?#/?(\w+)"),
            mark: own(r"^ *\|[ -]*?(\^+)(?: |$)"),
        }
    }

    fn close(&mut self, finds: &mut Finds<'_>) {
        let Some(Block { find, .. }) = self.block.take() else { return };
        // Without a place it is about the whole, which only counts where it is wrong.
        if find.at.is_some() || find.severity == Severity::Error && !is_summary(&find.message) {
            finds.add(find);
        }
    }

    /// A line of a block.
    fn more(&mut self, line: &str) {
        let Some(block) = &mut self.block else { return };
        block.lines += 1;
        match &mut block.find.at {
            None => {
                if let Some(captures) = self.place.captures(line) {
                    let text = |group| captures.get(group).map(|found: regex::Match<'_>| found.as_str());
                    block.find.at = text(1).map(|path| Whereabouts::new(path, text(2), text(3)));
                    for more in block.more.drain(..) {
                        block.find.message.push('\n');
                        block.find.message.push_str(&more);
                    }
                } else if !line.starts_with(' ') {
                    block.more.push(line.to_owned());
                }
            }
            Some(at) => {
                if at.end_column.is_none()
                    && let Some(marks) = self.mark.captures(line).and_then(|captures| captures.get(1))
                    && let (Some(begin), Ok(width)) = (at.column, u32::try_from(marks.len()))
                {
                    (at.end_line, at.end_column) = (at.line, Some(begin.saturating_add(width)));
                }
            }
        }
        if block.find.code.is_none() {
            let page = self.page.captures(line).and_then(|captures| captures.get(1));
            let lint = self.lint.captures(line).and_then(|captures| captures.get(1));
            block.find.code = lint.map(|lint| lint.as_str().replace('-', "_"));
            if let Some(page) = page {
                block.find.code = Some(format!("clippy::{}", page.as_str()));
            }
        }
    }
}

impl Member for Diagnostics {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        match line.as_bytes().first() {
            Some(b'e' | b'w') => {
                if let Some(captures) = self.head.captures(line) {
                    self.close(finds);
                    let text = |group| captures.get(group).map(|found| found.as_str());
                    let find = Find::error(text(3).unwrap_or_default())
                        .severity(text(1).and_then(severity).unwrap_or(Severity::Error))
                        .code(text(2));
                    self.block = Some(Block { find, more: Vec::new(), lines: 0 });
                    return;
                }
            }
            Some(b'{') => {
                if let Some(find) = json(line) {
                    self.close(finds);
                    finds.add(find);
                    return;
                }
            }
            None => return self.close(finds),
            Some(_) => {}
        }
        self.more(line);
        if self.block.as_ref().is_some_and(|block| block.find.at.is_none() && block.lines >= HEAD_MAX) {
            self.close(finds);
        }
    }

    fn finish(&mut self, _exit: Option<i32>, finds: &mut Finds<'_>) {
        self.close(finds);
    }
}

/// Whether it only counts what was said before.
fn is_summary(message: &str) -> bool {
    let is_count = || {
        message.split_once(' ').is_some_and(|(count, rest)| {
            count.chars().all(|c| c.is_ascii_digit()) && (rest.contains("failed") || rest.contains("emitted"))
        })
    };
    SUMMARIES.iter().any(|start| message.starts_with(start)) || is_count()
}

/// A line of `cargo --message-format json`, or of `rustc --error-format json`.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    reason: Option<&'a str>,
    /// The diagnostic where cargo says it; else its text.
    message: serde_json::Value,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    code: Option<Code>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    line_end: u32,
    column_start: u32,
    column_end: u32,
    is_primary: bool,
}

fn json(line: &str) -> Option<Find> {
    if !line.contains("\"compiler-message\"") && !line.contains("\"$message_type\":\"diagnostic\"") {
        return None;
    }
    let outer: Line<'_> = serde_json::from_str(line).ok()?;
    let diagnostic: Diagnostic = match outer.reason {
        Some("compiler-message") => serde_json::from_value(outer.message).ok()?,
        Some(_) => return None,
        None => serde_json::from_str(line).ok()?,
    };
    let Diagnostic { message, level, code, spans } = diagnostic;
    let word = level.split(':').next().unwrap_or_default();
    let severity = severity(word)?;
    let at = spans.into_iter().find(|span| span.is_primary).map(|span| Whereabouts {
        path: span.file_name,
        from: None,
        line: Some(span.line_start),
        column: Some(span.column_start),
        end_line: Some(span.line_end),
        end_column: Some(span.column_end),
    });
    if at.is_none() && (severity < Severity::Error || is_summary(&message)) {
        return None;
    }
    Some(Find { severity, message, code: code.map(|code| code.code), title: None, at })
}
